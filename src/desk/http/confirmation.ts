import type { Request, Response } from 'express'
import type { FactorStore } from '../../accounts/factor-store.ts'
import { passphraseWrap } from '../../accounts/keyring/key-holders.ts'
import type { KeyRing } from '../../accounts/keyring/keyring.ts'
import type { LoginAttemptStore } from '../../accounts/login-attempt-store.ts'
import { openPassphrase } from '../../accounts/passphrase.ts'
import { passkeySalt } from '../../accounts/webauthn.ts'
import { Failure } from '../../core/errors.ts'
import type { Identity } from '../../encryption/types.ts'
import { typedIn } from '../../web/typed-input.ts'
import type { AskedPasskeys } from './passkey-challenge.ts'
import type { ShowPage } from './render-page.ts'
import { type Confirm, type DeskRoute, formText, type Guard } from './routes.ts'
import type { Seat } from './seat.ts'
import type { Sessions } from './session.ts'
import { isTrusted } from './trusted.ts'

type ConfirmationContext = {
  showPage: ShowPage
  sessions: Pick<Sessions, 'open' | 'confirm'>
  factors: Pick<FactorStore, 'passphrase' | 'hasSetUp'>
  askedPasskeys: Pick<AskedPasskeys, 'ask' | 'signed' | 'open'>
  attempts: Pick<LoginAttemptStore, 'allow'>
  keyRing: Pick<KeyRing, 'unwrap' | 'isIn'>
  /** The desk's key is kept elsewhere: then no identity tells who was let in. */
  isOffline: boolean
  base: string
  now: () => number
}

/** So long after somebody has proved who they are nothing more is asked. Milliseconds. */
const confirmedFor = 5 * 60_000
const attempts = { most: 5, span: 60_000 }

/**
 * Asks again for the passphrase or a passkey before what outlives the session, and lets nobody change what opens whose
 * session opens nothing: whoever came in by a mailed link has shown no more than that they read the mailbox.
 */
export function confirmations(app: ConfirmationContext): { guard: Guard; routes: DeskRoute[] } {
  const { sessions, factors, askedPasskeys, keyRing, base } = app
  return {
    guard,
    routes: [{ method: 'post', path: '/desk/confirm', access: 'editor', handle: confirm }],
  }

  /** The seat that the route goes on with; undefined where the page that asks was shown instead. */
  async function guard(req: Request, res: Response, seat: Seat, needs: Confirm): Promise<Seat | undefined> {
    const proven = (await isConfirmed(seat)) ? seat : await prove(req, seat)
    if (!proven) {
      await ask(req, res, seat)
      return undefined
    }
    if (needs === 'keys' && !(await isTrusted(proven, app))) throw opensNothing()
    return proven
  }

  /** Goes back to the page that asked. */
  async function confirm(req: Request, res: Response, seat: Seat): Promise<void> {
    const back = formText(req, 'back')
    const isOurs = back.startsWith(`${base}/desk/account/`) && /^[\w/-]+$/.test(back)
    if ((await isConfirmed(seat)) || (await prove(req, seat)))
      return res.redirect(303, isOurs ? back : `${base}/desk/account`)
    await ask(req, res, seat, isOurs ? back : undefined)
  }

  /** True shortly after they have proved who they are; and for whoever has nothing yet to prove it with. */
  async function isConfirmed({ editor, session }: Seat): Promise<boolean> {
    const isFresh = session.confirmedAt !== null && app.now() - session.confirmedAt < confirmedFor
    return isFresh || !(await factors.hasSetUp(editor.id))
  }

  /**
   * The seat as it is after the passphrase, or a passkey, that came with the form was right. It unlocks the session as
   * well.
   */
  async function prove(req: Request, seat: Seat): Promise<Seat | undefined> {
    const isByPasskey = formText(req, 'confirm') === 'passkey'
    if (!isByPasskey && formText(req, 'confirmation') === '') return undefined
    if (!(await app.attempts.allow(`unlock ${seat.editor.id}`, app.now(), attempts))) throw tooMany()
    const proven = isByPasskey ? await byPasskey(req, seat) : await byPassphrase(req, seat)
    if (!proven) return undefined
    const confirmed = await sessions.confirm(seat)
    const isLocked = seat.identity === undefined && proven.identity !== undefined
    return isLocked ? sessions.open(req, confirmed, proven.identity as Identity) : confirmed
  }

  async function byPassphrase(
    req: Request,
    { editor }: Seat,
  ): Promise<{ identity: Identity | undefined } | undefined> {
    const secret = await openPassphrase(formText(req, 'confirmation'), await factors.passphrase(editor.id))
    return secret && { identity: await keyRing.unwrap(passphraseWrap(editor.id), secret) }
  }

  async function byPasskey(
    req: Request,
    { editor, sessionHash }: Seat,
  ): Promise<{ identity: Identity | undefined } | undefined> {
    const signed = await askedPasskeys.signed(req, editor, sessionHash)
    return signed && { identity: await askedPasskeys.open(signed) }
  }

  async function ask(req: Request, res: Response, seat: Seat, back?: string): Promise<void> {
    const isAgain = formText(req, 'confirm') !== '' || formText(req, 'confirmation') !== ''
    const isForm = req.method === 'POST' && back === undefined && req.path !== '/desk/confirm'
    res.status(403)
    await app.showPage(res, seat, 'desk/confirm', {
      action: isForm ? req.originalUrl : `${base}/desk/confirm`,
      fields: isForm ? fieldsOf(req) : [['back', back ?? req.originalUrl]],
      hasPassphrase: (await factors.passphrase(seat.editor.id)) !== undefined,
      options: await askedPasskeys.ask(req, seat.editor, seat.sessionHash),
      salt: passkeySalt,
      failure: isAgain ? new Failure('invalid', 'That was not right. Please try again.') : undefined,
    })
  }
}

/** What a form says, by name, for sending it again: nothing secret. */
function fieldsOf(req: Request): [string, string][] {
  const { texts, others } = typedIn(req.body)
  const fields = [
    ...texts.map(({ name, text }) => [name, text]),
    ...others.map(({ name, value }) => [name, value]),
  ]
  return (fields as [string, string][]).filter(([name]) => name !== 'token' && name !== 'confirm')
}

function opensNothing(): Failure {
  return new Failure(
    'forbidden',
    'This session is locked, so it can’t change who can open confidential submissions. Unlock it under Keys first.',
  )
}

function tooMany(): Failure {
  return new Failure('too-many', 'Too many attempts. Wait a minute.', { retryAfter: 60 })
}
