import type { KeyObject } from 'node:crypto'
import type { Request, Response } from 'express'
import { z } from 'zod'
import type { Editor, Passkey } from '../editor.ts'
import { Failure } from '../failure.ts'
import type { NewHolder, WrapWay } from '../key-ring.ts'
import { NoticePolicy } from '../notice-policy.ts'
import type { Identity } from '../seal.ts'
import { sealSecret } from '../secret-box.ts'
import { isVisible } from '../visible.ts'
import type { AskedPasskeys } from './asked-passkeys.ts'
import type { ShowPage } from './page.ts'
import { passkeySalt, passkeySecret, type passkeysOf, passkeyWrap } from './passkeys.ts'
import { checkPassphrase, hashPassphrase, needsSecondFactor } from './passphrase.ts'
import { type DeskRoute, formText, formTexts, type Seat } from './routes.ts'
import type { Sessions } from './session.ts'
import { passphraseWrap, type WrapStep } from './sign-in.ts'
import { enrolment, newRecoveryCodes, newTotpSecret, recoveryHash, totpStep } from './totp.ts'

export type AccountParts = {
  showPage: ShowPage
  sessions: Sessions
  sessionStore: {
    endOthers(editorId: string, sessionHash: string): Promise<void>
    challenge(sessionHash: string, challenge: string): Promise<void>
    takeChallenge(sessionHash: string): Promise<string | undefined>
  }
  editors: {
    rename(id: string, name: string): Promise<void>
    setPolicy(id: string, policy: NoticePolicy, now: number): Promise<void>
  }
  factors: {
    passphrase(editorId: string): Promise<string | undefined>
    totp(editorId: string): Promise<string | undefined>
    setTotp(editorId: string, sealed: string, usedStep: number, codeHashes: string[]): Promise<void>
    removeTotp(editorId: string): Promise<void>
    setRecoveryCodes(editorId: string, codeHashes: string[]): Promise<void>
    recoveryCodesLeft(editorId: string): Promise<number>
    passkeys(editorId: string): Promise<Passkey[]>
    hasSecond(editorId: string): Promise<boolean>
  }
  passkeys: ReturnType<typeof passkeysOf>
  askedPasskeys: Pick<AskedPasskeys, 'canAsk' | 'opening'>
  keyRing: {
    together<T>(work: (step: AccountStep) => Promise<T>): Promise<T>
    waysOf(editorId: string): Promise<WrapWay[]>
    wrapsOf(editorId: string): Promise<{ id: string }[]>
    /** True if anything is sealed. */
    isNeeded(): Promise<boolean>
  }
  totpKey: KeyObject
  newsroom: string
  base: string
  now: () => number
}

type AccountStep = WrapStep & {
  admit(editorId: string, opened: Identity[]): Promise<NewHolder>
  accounts: {
    removePasskey(editorId: string, id: string): Promise<void>
    dropWraps(ids: string[]): Promise<void>
  }
}

/** What could not be saved, and why. */
type Failed = { what: string; failure: Failure }

const Name = z
  .string()
  .transform((text) =>
    text
      .toWellFormed()
      .replace(/[\p{Cc}\s]+/gu, ' ')
      .trim(),
  )
  .transform((name) => (isVisible(name) ? name : ''))
  .pipe(z.string().max(80, 'Please keep this to 80 characters.'))

/** An editor's own account: name, passphrase, second factors, sessions, and how they want to hear of pieces. */
export function accountRoutes(parts: AccountParts): DeskRoute[] {
  const { factors, sessions, base } = parts
  const own = (
    path: string,
    method: 'get' | 'post',
    handle: (req: Request, res: Response, seat: Seat) => Promise<void>,
  ) => ({ method, path: `/desk/account${path}`, access: 'editor', handle }) as const

  return [
    own('', 'get', (req, res, seat) => show(req, res, seat)),
    own(
      '/name',
      'post',
      saving('name', async (req, { editor }) => {
        const parsed = Name.safeParse(formText(req, 'name'))
        if (!parsed.success) throw faulty('name', parsed.error.issues[0]?.message ?? '')
        await parts.editors.rename(editor.id, parsed.data)
      }),
    ),
    own(
      '/notices',
      'post',
      saving('notices', async (req, { editor }) => {
        await parts.editors.setPolicy(editor.id, policyOf(req), parts.now())
      }),
    ),
    own(
      '/passphrase',
      'post',
      saving('passphrase', async (req, seat) => {
        const passphrase = formText(req, 'passphrase')
        checkPassphrase(passphrase, await factors.hasSecond(seat.editor.id))
        if (passphrase !== formText(req, 'again')) throw faulty('again', 'This is not the same.')
        if (seat.identity === undefined) await mayBeginAnew(req, seat)
        const { hash, secret } = await hashPassphrase(passphrase)
        const { id } = seat.editor
        const identity = await parts.keyRing.together(async ({ admit, wrapUnder, accounts }) => {
          const theirs = seat.identity ?? (await admit(id, [])).identity
          await wrapUnder('passphrase', secret, passphraseWrap(id), theirs)
          await accounts.setPassphrase(id, hash)
          return theirs
        })
        if (seat.identity === undefined) await sessions.open(req, seat, identity)
        await endOthers(seat)
      }),
    ),
    own(
      '/sessions',
      'post',
      saving('sessions', (_req, seat) => endOthers(seat)),
    ),
    own('/totp', 'get', (_req, res, seat) => showEnrolment(res, seat, newTotpSecret())),
    own('/totp', 'post', enrol),
    own(
      '/totp/remove',
      'post',
      saving('totp', async (_req, seat) => {
        const others = await factors.passkeys(seat.editor.id)
        if (others.length === 0) await mustStandAlone(seat.editor)
        await factors.removeTotp(seat.editor.id)
      }),
    ),
    own('/recovery-codes', 'post', async (_req, res, seat) => {
      if (!(await factors.hasSecond(seat.editor.id)))
        throw new Failure('conflict', 'There is no second factor yet.')
      await showNewCodes(res, seat)
    }),
    own('/passkeys', 'get', async (req, res, seat) => {
      if (!parts.askedPasskeys.canAsk(req)) throw notByOnion()
      const options = await parts.passkeys.register(seat.editor, await factors.passkeys(seat.editor.id))
      await parts.sessionStore.challenge(seat.sessionHash, options.challenge)
      await parts.showPage(res, seat, 'desk/passkey', { options, salt: passkeySalt })
    }),
    own('/passkeys', 'post', addPasskey),
    own(
      '/passkeys/remove',
      'post',
      saving('passkeys', async (req, seat) => {
        await removePasskey(seat.editor, formText(req, 'id'))
      }),
    ),
  ]

  async function show(req: Request, res: Response, seat: Seat, failed?: Failed): Promise<void> {
    const { id } = seat.editor
    const hash = await factors.passphrase(id)
    await parts.showPage(res, seat, 'desk/account', {
      saved: typeof req.query.saved === 'string' ? req.query.saved : undefined,
      failure: failed?.failure,
      failedIn: failed?.what,
      typedName: failed?.what === 'name' ? formText(req, 'name') : undefined,
      policy: failed?.what === 'notices' ? typedPolicy(req) : seat.editor.policy,
      hasPassphrase: hash !== undefined,
      isLocked: seat.identity === undefined,
      mustSayForgotten: seat.identity === undefined && (await wouldClose(id)),
      hasTotp: (await factors.totp(id)) !== undefined,
      passkeys: (await factors.passkeys(id)).map((one) => ({
        ...one,
        isOfHere: parts.passkeys.isOfHere(one),
      })),
      opening: (await parts.askedPasskeys.opening(id)).map((one) => one.id),
      recoveryCodes: await factors.recoveryCodesLeft(id),
      sessions: await sessions.list(seat),
      timeZones: Intl.supportedValuesOf('timeZone'),
    })
  }

  /**
   * Whoever has forgotten what opened for them begins anew: a colleague has to let them in to what was sealed before.
   * @throws Failure `invalid` unless they say so
   */
  async function mayBeginAnew(req: Request, seat: Seat): Promise<void> {
    if (!(await wouldClose(seat.editor.id)) || formText(req, 'forgotten') === 'yes') return
    throw faulty('forgotten', 'Unlock this session first, or say that nothing is left that opens it for you.')
  }

  /** True if beginning anew would close what something of theirs still opens: not even a link that they were given, where nothing is sealed. */
  async function wouldClose(editorId: string): Promise<boolean> {
    const ways = await parts.keyRing.waysOf(editorId)
    return ways.some((way) => way !== 'link') || (ways.length > 0 && (await parts.keyRing.isNeeded()))
  }

  /** Does it and goes back to the page; a fault is shown there beside its field. */
  function saving(what: string, save: (req: Request, seat: Seat) => Promise<void>) {
    return async (req: Request, res: Response, seat: Seat) => {
      try {
        await save(req, seat)
      } catch (error) {
        if (!(error instanceof Failure) || error.code !== 'invalid') throw error
        res.status(422)
        return show(req, res, seat, { what, failure: error })
      }
      res.redirect(303, `${base}/desk/account?saved=${what}#${what}`)
    }
  }

  async function enrol(req: Request, res: Response, seat: Seat): Promise<void> {
    const { editor } = seat
    const secret = formText(req, 'secret')
    if (!/^[A-Z2-7]{32}$/.test(secret)) throw new Failure('invalid', 'Please begin again.')
    const step = totpStep(secret, formText(req, 'code'), parts.now())
    if (step === undefined) {
      res.status(422)
      const message = 'This code is not right. Is the clock of your phone?'
      return showEnrolment(res, seat, secret, faulty('code', message))
    }
    const codes = newRecoveryCodes()
    await factors.setTotp(
      editor.id,
      sealSecret(parts.totpKey, secret, editor.id),
      step,
      hashes(editor, codes),
    )
    await endOthers(seat)
    await parts.showPage(res, seat, 'desk/recovery-codes', { codes })
  }

  async function addPasskey(req: Request, res: Response, seat: Seat): Promise<void> {
    const { editor, sessionHash } = seat
    const challenge = await parts.sessionStore.takeChallenge(sessionHash)
    if (!challenge) throw new Failure('conflict', 'Please begin again.')
    const made = await parts.passkeys.registered(formText(req, 'passkey'), challenge)
    const name = Name.catch('').parse(formText(req, 'name')) || 'Passkey'
    const secret = passkeySecret(formText(req, 'prf'))
    await parts.keyRing.together(async ({ accounts, wrapUnder }) => {
      await accounts.addPasskey({
        ...made,
        name,
        host: parts.passkeys.host,
        editorId: editor.id,
        createdAt: parts.now(),
      })
      if (secret && seat.identity !== undefined)
        await wrapUnder('passkey', secret, passkeyWrap(made.id), seat.identity)
    })
    await endOthers(seat)
    if ((await factors.recoveryCodesLeft(editor.id)) === 0) return showNewCodes(res, seat)
    res.redirect(303, `${base}/desk/account?saved=passkeys#passkeys`)
  }

  async function showEnrolment(res: Response, seat: Seat, secret: string, failure?: Failure): Promise<void> {
    const { picture } = enrolment(secret, seat.editor.email, parts.newsroom)
    await parts.showPage(res, seat, 'desk/totp', { secret, picture, failure })
  }

  async function showNewCodes(res: Response, seat: Seat): Promise<void> {
    const codes = newRecoveryCodes()
    await factors.setRecoveryCodes(seat.editor.id, hashes(seat.editor, codes))
    await parts.showPage(res, seat, 'desk/recovery-codes', { codes })
  }

  function endOthers({ editor, sessionHash }: Seat): Promise<void> {
    return parts.sessionStore.endOthers(editor.id, sessionHash)
  }

  async function removePasskey(editor: Editor, id: string): Promise<void> {
    const have = await factors.passkeys(editor.id)
    const others = have.filter((one) => one.id !== id)
    // Another editor's stays theirs, and so does what is kept under it.
    if (others.length === have.length) return
    const hasTotp = (await factors.totp(editor.id)) !== undefined
    if (others.length === 0 && !hasTotp) await mustStandAlone(editor)
    const wraps = (await parts.keyRing.wrapsOf(editor.id)).map((one) => one.id)
    if (wraps.length === 1 && wraps[0] === passkeyWrap(id))
      throw new Failure(
        'invalid',
        'Nothing else opens for you what is sealed. Set a passphrase first, then remove the passkey.',
      )
    await parts.keyRing.together(async ({ accounts }) => {
      await accounts.dropWraps([passkeyWrap(id)])
      await accounts.removePasskey(editor.id, id)
    })
  }

  /**
   * What is kept under a passphrase is not given up with the last second factor.
   * @throws Failure `invalid` if the passphrase is only good beside one
   */
  async function mustStandAlone({ id }: Editor): Promise<void> {
    const hash = await factors.passphrase(id)
    if (!hash || !needsSecondFactor(hash)) return
    throw new Failure(
      'invalid',
      'Your passphrase is only long enough beside a second factor. Set one of at least 15 characters first.',
    )
  }
}

function hashes(editor: Editor, codes: string[]): string[] {
  return codes.map((code) => recoveryHash(editor.id, code) as string)
}

function typedPolicy(req: Request) {
  return {
    rhythm: formText(req, 'rhythm'),
    hours: formTexts(req, 'hours').map(Number),
    timeZone: formText(req, 'timeZone'),
    kinds: formTexts(req, 'kinds'),
  }
}

function policyOf(req: Request): NoticePolicy {
  const parsed = NoticePolicy.safeParse(typedPolicy(req))
  if (!parsed.success) throw faulty('notices', 'Please choose one of what is offered.')
  if (parsed.data.rhythm === 'digest' && parsed.data.hours.length === 0) {
    throw faulty('hours', 'Please choose at least one hour for the digest.')
  }
  return parsed.data
}

function notByOnion(): Failure {
  return new Failure(
    'forbidden',
    'A passkey cannot be added by Tor. Please add it at the desk’s public address, where it has one.',
  )
}

function faulty(field: string, message: string): Failure {
  return new Failure('invalid', message, { fields: { [field]: [message] } })
}
