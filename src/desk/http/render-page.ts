import type { Response } from 'express'
import type { Editor } from '../../accounts/editor.ts'
import type { FactorStore } from '../../accounts/factor-store.ts'
import type { KeyRing } from '../../accounts/keyring/keyring.ts'
import { isTooShort } from '../../accounts/passphrase.ts'
import type { JobStore } from '../../jobs/store.ts'
import { standingOf } from '../../outbound-mail/pgp/key.ts'
import type { PgpKeyStore } from '../../outbound-mail/pgp/key-store.ts'
import type { Seat } from './seat.ts'

type PageContext = {
  render: (view: string, data?: Record<string, unknown>) => string
  jobs: Pick<JobStore, 'failures'>
  /** What is wrong with the bot, in plain words. */
  telegramWarnings: () => string[]
  /** What is wrong with the channel for mail, in plain words. */
  mailWarnings: () => string[]
  /** What admins have to see to where things are kept, in plain words. */
  storageWarnings: () => Promise<string[]>
  pgpKeys: Pick<PgpKeyStore, 'of'>
  factors: Pick<FactorStore, 'passphrase'>
  keyRing: Pick<KeyRing, 'waysOf' | 'isIn'>
  /** The desk's key is kept elsewhere, and nothing can be opened here. */
  isOffline: boolean
  now: () => number
}

/** Counted no further: beyond this it is many. */
const mostCounted = 100

/**
 * Shows a page of the desk, with what every one of them tells: who is signed in, whether mail has been failing, how their
 * PGP key stands.
 */
export type ShowPage = (
  res: Response,
  seat: Seat,
  view: string,
  data?: Record<string, unknown>,
) => Promise<void>

export function pageShower(app: PageContext): ShowPage {
  return async (res, { editor, formToken, identity }, view, data = {}) => {
    const failures = await app.jobs.failures(mostCounted)
    const now = app.now()
    const warnings = {
      telegramWarnings: app.telegramWarnings(),
      mailWarnings: app.mailWarnings(),
      storageWarnings: editor.role === 'admin' ? await app.storageWarnings() : [],
    }
    const { isOffline } = app
    const isLocked = !isOffline && identity === undefined
    const hasOwnWay = await opensAgain(editor)
    const isIn = identity !== undefined && (await app.keyRing.isIn(identity))
    const isWaiting = identity !== undefined && !isIn
    const needsPassphrase = isIn && !hasOwnWay
    const hash = await app.factors.passphrase(editor.id)
    const hasShortPassphrase = hash !== undefined && isTooShort(hash)
    const isNew = isLocked && !hasOwnWay
    const key = await app.pgpKeys.of(editor.id)
    const pgp = key && { standing: standingOf(key, now), usableUntil: key.usableUntil }
    const common = {
      editor,
      formToken,
      failures,
      ...warnings,
      isOffline,
      isLocked,
      isNew,
      isWaiting,
      needsPassphrase,
      hasShortPassphrase,
      pgp,
      now,
    }
    res.type('html').send(app.render(view, { ...common, ...data }))
  }

  /** True if the editor has something that opens their next session too. */
  async function opensAgain({ id }: Editor): Promise<boolean> {
    return (await app.keyRing.waysOf(id)).some((way) => way !== 'link')
  }
}
