import type { KeyObject } from 'node:crypto'
import type { Request, Response } from 'express'
import { z } from 'zod'
import type { Editor } from '../../accounts/editor.ts'
import type { EditorStore } from '../../accounts/editor-store.ts'
import type { FactorStore } from '../../accounts/factor-store.ts'
import { passphraseWrap } from '../../accounts/keyring/key-holders.ts'
import type { KeyRing } from '../../accounts/keyring/keyring.ts'
import type { LoginAttemptStore } from '../../accounts/login-attempt-store.ts'
import { NoticePolicy } from '../../accounts/notification-policy.ts'
import { checkPassphrase, hashPassphrase, isTooShort } from '../../accounts/passphrase.ts'
import type { SessionStore } from '../../accounts/session-store.ts'
import { enrolment, newRecoveryCodes, newTotpSecret, recoveryHash, totpStep } from '../../accounts/totp.ts'
import { passkeySalt, passkeySecret, type passkeysOf, passkeyWrap } from '../../accounts/webauthn.ts'
import { type Noted, sessionWays } from '../../audit/security-event.ts'
import { encryptSecret } from '../../core/aead.ts'
import { Failure } from '../../core/errors.ts'
import { isVisible } from '../../core/visible-text.ts'
import type { SecurityAction } from '../../db/values.ts'
import { eventBy } from '../http/event-by.ts'
import { acknowledgedIn, sayingWhatIsLost } from '../http/losing.ts'
import type { AskedPasskeys } from '../http/passkey-challenge.ts'
import type { ShowPage } from '../http/render-page.ts'
import { type Confirm, type DeskRoute, formText, formTexts } from '../http/routes.ts'
import type { Seat } from '../http/seat.ts'
import type { Sessions } from '../http/session.ts'

type AccountContext = {
  showPage: ShowPage
  sessions: Sessions
  sessionStore: SessionStore
  editors: Pick<EditorStore, 'rename' | 'setPolicy'>
  factors: FactorStore
  passkeys: ReturnType<typeof passkeysOf>
  askedPasskeys: Pick<AskedPasskeys, 'canAsk' | 'opening'>
  keyRing: KeyRing
  attempts: Pick<LoginAttemptStore, 'allow'>
  isOffline: boolean
  totpKey: KeyObject
  newsroom: string
  base: string
  now: () => number
}
/** What is kept of a passphrase, and what it opens. */
type Chosen = { hash: string; secret: Uint8Array }

/** What could not be saved, and why. */
type Failed = { what: string; failure: Failure }

/** Each is mailed to everybody. */
const asking = { most: 5, span: 3_600_000 }

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

/** An editor's own account: name, passphrase, second factors, sessions, and how they want to hear of submissions. */
export function accountRoutes(app: AccountContext): DeskRoute[] {
  const { factors, sessions, base } = app
  const own = (
    path: string,
    method: 'get' | 'post',
    handle: (req: Request, res: Response, seat: Seat) => Promise<void>,
    confirm?: Confirm | ((req: Request) => Confirm | undefined),
  ) =>
    ({ method, path: `/desk/account${path}`, access: 'editor', handle, ...(confirm && { confirm }) }) as const

  return [
    own('', 'get', (req, res, seat) => show(req, res, seat)),
    own(
      '/name',
      'post',
      saving('name', async (req, { editor }) => {
        const parsed = Name.safeParse(formText(req, 'name'))
        if (!parsed.success) throw failing('name', parsed.error.issues[0]?.message ?? '')
        await app.editors.rename(editor.id, parsed.data)
      }),
    ),
    own(
      '/notices',
      'post',
      saving('notices', async (req, { editor }) => {
        await app.editors.setPolicy(editor.id, policyOf(req), app.now())
      }),
    ),
    own(
      '/passphrase',
      'post',
      saving('passphrase', async (req, seat) => {
        const passphrase = formText(req, 'passphrase')
        const known = { email: seat.editor.email, newsroom: app.newsroom }
        checkPassphrase(passphrase, formText(req, 'again'), known)
        // Whoever says that they have forgotten theirs was not asked for it.
        const isProven = seat.identity === undefined || formText(req, 'forgotten') !== 'yes'
        if (isProven && (await mayJustSet(seat)))
          return setPassphrase(req, seat, await hashPassphrase(passphrase))
        await allowAsking(seat)
        await askToStartOver(req, seat, await hashPassphrase(passphrase))
      }),
      // Whoever has forgotten it cannot give it: what they set then waits, and changes nothing that opens.
      (req) => (formText(req, 'forgotten') === 'yes' ? undefined : 'person'),
    ),
    own(
      '/sessions',
      'post',
      saving('sessions', (_req, seat) => endOthers(seat)),
    ),
    own('/totp', 'get', (_req, res, seat) => showEnrolment(res, seat, newTotpSecret()), 'person'),
    own('/totp', 'post', enrol, 'person'),
    own(
      '/totp/remove',
      'post',
      saving('totp', async (_req, seat) => {
        const others = await factors.passkeys(seat.editor.id)
        if (others.length === 0) await mustStandAlone(seat.editor)
        await factors.removeTotp(seat.editor.id, notedOf(seat, 'totp-off'))
      }),
      'person',
    ),
    own('/recovery-codes', 'post', makeCodes, 'person'),
    own('/passkeys', 'get', showPasskey, 'person'),
    own('/passkeys', 'post', addPasskey, 'person'),
    own(
      '/passkeys/remove',
      'post',
      sayingWhatIsLost(
        app.showPage,
        saving('passkeys', (req, seat) => removePasskey(seat, formText(req, 'id'), acknowledgedIn(req))),
      ),
      'person',
    ),
  ]

  async function show(req: Request, res: Response, seat: Seat, failed?: Failed): Promise<void> {
    const { id } = seat.editor
    const hash = await factors.passphrase(id)
    await app.showPage(res, seat, 'desk/account', {
      saved: typeof req.query.saved === 'string' ? req.query.saved : undefined,
      failure: failed?.failure,
      failedIn: failed?.what,
      typedName: failed?.what === 'name' ? formText(req, 'name') : undefined,
      policy: failed?.what === 'notices' ? typedPolicy(req) : seat.editor.policy,
      hasPassphrase: hash !== undefined,
      isLocked: seat.identity === undefined,
      mustSayForgotten: !(await mayJustSet(seat)),
      request: await app.keyRing.requestOf(id),
      isShort: hash !== undefined && isTooShort(hash),
      sessionWays,
      hasTotp: (await factors.totp(id)) !== undefined,
      passkeys: (await factors.passkeys(id)).map((one) => ({
        ...one,
        isOfHere: app.passkeys.isOfHere(one),
      })),
      opening: (await app.askedPasskeys.opening(id)).map((one) => one.id),
      recoveryCodes: await factors.recoveryCodesLeft(id),
      sessions: await sessions.list(seat),
      timeZones: Intl.supportedValuesOf('timeZone'),
    })
  }

  /**
   * True of a session that opens what its editor has been let in to; and where there is nothing yet that anybody could be
   * let in to.
   */
  async function mayJustSet({ identity, editor }: Seat): Promise<boolean> {
    if (identity !== undefined) return app.keyRing.isIn(identity)
    if (app.isOffline) return (await app.keyRing.waysOf(editor.id)).length === 0
    return app.keyRing.isUntouched()
  }

  async function allowAsking({ editor }: Seat): Promise<void> {
    if (await app.attempts.allow(`ask ${editor.id}`, app.now(), asking)) return
    throw new Failure('too-many', 'Too many requests. Wait an hour.', { retryAfter: 3600 })
  }

  async function setPassphrase(req: Request, seat: Seat, { hash, secret }: Chosen): Promise<void> {
    const { id } = seat.editor
    const identity = await app.keyRing.together(async ({ admit, wrapUnder, accounts }) => {
      const theirs = seat.identity ?? (await admit(id, [])).identity
      await wrapUnder('passphrase', secret, passphraseWrap(id), theirs)
      await accounts.setPassphrase(id, hash)
      await accounts.endSessions(id, seat.sessionHash)
      await accounts.note(eventBy(seat, 'passphrase'), app.now())
      return theirs
    })
    const confirmed = await sessions.confirm(seat)
    if (seat.identity === undefined) await sessions.open(req, confirmed, identity)
  }

  /**
   * Whoever has forgotten what opened for them, and has only a mailed link to show, asks to be let in anew. Until that is
   * done nothing is changed of what opens.
   * @throws Failure `invalid` unless they say that they have forgotten it
   */
  async function askToStartOver(req: Request, seat: Seat, chosen: Chosen): Promise<void> {
    if (formText(req, 'forgotten') !== 'yes')
      throw failing('forgotten', 'Unlock this session first, or say that you have forgotten your passphrase.')
    const { identity } = await app.keyRing.together(async ({ askToStartOver: ask, accounts }) => {
      const holder = await ask(seat.editor.id, chosen, seat.sessionHash)
      await accounts.note(eventBy(seat, 'asked', { detail: holder.id }), app.now())
      return holder
    })
    if (seat.identity === undefined) await sessions.expect(req, seat, identity)
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
      const isAsked = what === 'passphrase' && (await app.keyRing.requestOf(seat.editor.id)) !== undefined
      res.redirect(
        303,
        isAsked ? `${base}/desk/keys?saved=asked` : `${base}/desk/account?saved=${what}#${what}`,
      )
    }
  }

  function notedOf(seat: Seat, action: SecurityAction): Noted {
    return { event: eventBy(seat, action), at: app.now() }
  }

  async function makeCodes(_req: Request, res: Response, seat: Seat): Promise<void> {
    if (!(await factors.hasSecond(seat.editor.id)))
      throw new Failure('conflict', 'There is no second factor yet.')
    await showNewCodes(res, seat)
  }

  async function showPasskey(req: Request, res: Response, seat: Seat): Promise<void> {
    if (!app.askedPasskeys.canAsk(req)) throw notByOnion()
    const options = await app.passkeys.register(seat.editor, await factors.passkeys(seat.editor.id))
    await app.sessionStore.challenge(seat.sessionHash, options.challenge)
    await app.showPage(res, seat, 'desk/passkey', { options, salt: passkeySalt })
  }

  async function enrol(req: Request, res: Response, seat: Seat): Promise<void> {
    const { editor } = seat
    const secret = formText(req, 'secret')
    if (!/^[A-Z2-7]{32}$/.test(secret)) throw new Failure('invalid', 'Please begin again.')
    const step = totpStep(secret, formText(req, 'code'), app.now())
    if (step === undefined) {
      res.status(422)
      const message = 'This code is not right. Is the clock of your phone?'
      return showEnrolment(res, seat, secret, failing('code', message))
    }
    const codes = newRecoveryCodes()
    await factors.setTotp(
      editor.id,
      encryptSecret(app.totpKey, secret, editor.id),
      step,
      hashes(editor, codes),
      notedOf(seat, 'totp-on'),
    )
    await endOthers(seat)
    await app.showPage(res, seat, 'desk/recovery-codes', { codes })
  }

  async function addPasskey(req: Request, res: Response, seat: Seat): Promise<void> {
    const { editor, sessionHash } = seat
    const challenge = await app.sessionStore.takeChallenge(sessionHash)
    if (!challenge) throw new Failure('conflict', 'Please begin again.')
    const made = await app.passkeys.registered(formText(req, 'passkey'), challenge)
    const name = Name.catch('').parse(formText(req, 'name')) || 'Passkey'
    const secret = passkeySecret(formText(req, 'prf'))
    const { identity } = seat
    const opens = identity !== undefined && (await app.keyRing.isIn(identity))
    await app.keyRing.together(async ({ accounts, wrapUnder }) => {
      await accounts.addPasskey({
        ...made,
        name,
        host: app.passkeys.host,
        editorId: editor.id,
        createdAt: app.now(),
      })
      if (secret && opens) await wrapUnder('passkey', secret, passkeyWrap(made.id), identity)
      await accounts.note(eventBy(seat, 'passkey-added'), app.now())
    })
    await sessions.confirm(seat)
    await endOthers(seat)
    if ((await factors.recoveryCodesLeft(editor.id)) === 0) return showNewCodes(res, seat)
    res.redirect(303, `${base}/desk/account?saved=passkeys#passkeys`)
  }

  async function showEnrolment(res: Response, seat: Seat, secret: string, failure?: Failure): Promise<void> {
    const { picture } = enrolment(secret, seat.editor.email, app.newsroom)
    await app.showPage(res, seat, 'desk/totp', { secret, picture, failure })
  }

  async function showNewCodes(res: Response, seat: Seat): Promise<void> {
    const codes = newRecoveryCodes()
    await factors.setRecoveryCodes(
      seat.editor.id,
      hashes(seat.editor, codes),
      notedOf(seat, 'recovery-codes'),
    )
    await app.showPage(res, seat, 'desk/recovery-codes', { codes })
  }

  function endOthers({ editor, sessionHash }: Seat): Promise<void> {
    return app.sessionStore.endOthers(editor.id, sessionHash)
  }

  async function removePasskey(seat: Seat, id: string, acknowledged: string): Promise<void> {
    const { editor } = seat
    const have = await factors.passkeys(editor.id)
    const others = have.filter((one) => one.id !== id)
    // Another editor's stays theirs, and so does what is kept under it.
    if (others.length === have.length) return
    const hasTotp = (await factors.totp(editor.id)) !== undefined
    if (others.length === 0 && !hasTotp) await mustStandAlone(editor)
    const wraps = (await app.keyRing.wrapsOf(editor.id)).map((one) => one.id)
    if (wraps.length === 1 && wraps[0] === passkeyWrap(id))
      throw new Failure(
        'invalid',
        'Nothing else unlocks confidential submissions for you. Set a passphrase first, then remove the passkey.',
      )
    await app.keyRing.together(async ({ accounts }) => {
      await accounts.dropWraps([passkeyWrap(id)])
      await accounts.removePasskey(editor.id, id)
      await accounts.note(eventBy(seat, 'passkey-removed'), app.now())
    }, acknowledged)
  }

  /**
   * What is kept under a passphrase is not given up with the last second factor.
   * @throws Failure `invalid` if the passphrase is only good beside one
   */
  async function mustStandAlone({ id }: Editor): Promise<void> {
    const hash = await factors.passphrase(id)
    if (!hash || !isTooShort(hash)) return
    throw new Failure(
      'invalid',
      'Your passphrase is too short to stand alone. Set one of at least 15 characters first.',
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
  if (!parsed.success) throw failing('notices', 'Please choose one of what is offered.')
  if (parsed.data.rhythm === 'digest' && parsed.data.hours.length === 0) {
    throw failing('hours', 'Please choose at least one hour for the digest.')
  }
  return parsed.data
}

function notByOnion(): Failure {
  return new Failure(
    'forbidden',
    'A passkey cannot be added by Tor. Please add it at the desk’s public address, where it has one.',
  )
}

function failing(field: string, message: string): Failure {
  return new Failure('invalid', message, { fields: { [field]: [message] } })
}
