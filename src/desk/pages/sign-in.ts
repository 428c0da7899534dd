import { createHmac, type KeyObject, timingSafeEqual } from 'node:crypto'
import { parse } from 'cookie'
import type { Request, RequestHandler, Response } from 'express'
import { type Editor, mostWrongCodes, suspiciousCodes } from '../../accounts/editor.ts'
import type { EditorStore } from '../../accounts/editor-store.ts'
import type { FactorStore } from '../../accounts/factor-store.ts'
import { passphraseWrap } from '../../accounts/keyring/key-holders.ts'
import type { LoginAttemptStore } from '../../accounts/login-attempt-store.ts'
import { checkPassphrase, hashPassphrase, openPassphrase } from '../../accounts/passphrase.ts'
import type { SessionStore } from '../../accounts/session-store.ts'
import { hashToken, newToken } from '../../accounts/session-token.ts'
import type { Wraps } from '../../accounts/sign-in-link.ts'
import { isTotpShaped, recoveryHash, totpStep } from '../../accounts/totp.ts'
import { passkeySalt } from '../../accounts/webauthn.ts'
import { decryptSecret } from '../../core/aead.ts'
import { Failure } from '../../core/errors.ts'
import { hasHttps, type SiteAddresses } from '../../core/public-urls.ts'
import type { Identity, Keys } from '../../encryption/types.ts'
import type { AskedPasskeys } from '../http/passkey-challenge.ts'
import { type DeskRoute, formText } from '../http/routes.ts'
import type { Seat } from '../http/seat.ts'
import type { Sessions, WaitingSession } from '../http/session.ts'

const hour = 3_600_000
const day = 24 * hour
const knownTime = 365 * day
const attempts = { most: 5, span: 60_000 }

/** Whoever asks for links again and again fills no mailbox, and keeps no editor out: each is good for a day. */
const links = [
  { most: 1, span: 2 * 60_000 },
  { most: 10, span: hour },
  { most: 30, span: day },
]

type SignInContext = {
  sessions: Sessions
  sessionStore: Pick<SessionStore, 'linkFor'>
  editors: Pick<EditorStore, 'byEmail' | 'byId'>
  factors: FactorStore
  attempts: Pick<LoginAttemptStore, 'allow' | 'forget'>
  askedPasskeys: AskedPasskeys
  keyRing: Wraps & {
    allWrapsOf(editorId: string): Promise<{ id: string }[]>
    isIn(identity: Identity): Promise<boolean>
    keysOf(identity: Identity): Keys
  }
  /** Puts a mail with a fresh link into the outbox; for nobody it does the same work, and leaves nothing. */
  mailLink: (editorId: string | undefined) => Promise<void>
  /**
   * Notes in the audit log how many codes of an editor's app were wrong, and has the editor told; also if they are
   * closed.
   */
  noteGuesses: (editorId: string, count: number) => Promise<void>
  /** For one client, of browsers that have not signed in before. */
  signInLimit: RequestHandler
  /** Accounts are counted under it, and browsers known again. */
  accountKey: KeyObject
  totpKey: KeyObject
  renderDesk: (view: string, data?: Record<string, unknown>) => string
  newsroom: string
  addresses: SiteAddresses
  base: string
  now: () => number
}

/** Signing in: by passphrase or mailed link, and by the second factor where there is one. */
export function signInRoutes(app: SignInContext): DeskRoute[] {
  const { sessions, factors, askedPasskeys, base } = app

  return [
    {
      method: 'get',
      path: '/desk/sign-in',
      access: 'anyone',
      signsIn: true,
      handle: (_req, res) => show(res, 'desk/sign-in', { email: '' }),
    },
    { method: 'post', path: '/desk/sign-in', access: 'anyone', signsIn: true, handle: signIn },
    {
      method: 'get',
      path: '/desk/sign-in/:link',
      access: 'anyone',
      signsIn: true,
      // Mail scanners follow links; only the button uses the link up.
      async handle(req, res) {
        const link = String(req.params.link)
        if ((await editorOf(req, link)) === undefined) throw usedUp()
        show(res, 'desk/sign-in-link', { link, bearsKey: await settles(await identityOf(link)) })
      },
    },
    {
      method: 'post',
      path: '/desk/sign-in/:link',
      access: 'anyone',
      signsIn: true,
      handle: followLink,
    },
    { method: 'get', path: '/desk/second-factor', access: 'anyone', signsIn: true, handle: askFactor },
    { method: 'post', path: '/desk/second-factor', access: 'anyone', signsIn: true, handle: takeFactor },
    {
      method: 'post',
      path: '/desk/sign-out',
      access: 'anyone',
      handle: (req, res) => sessions.end(req, res),
    },
  ]

  /**
   * With a link that bears a key one sets the passphrase that it is kept under from then on. That can wait, and the
   * answer to it can be lost: the link signs in once, but as long as it is the only way to its key it still unlocks a
   * session of its editor.
   */
  async function followLink(req: Request, res: Response): Promise<void> {
    const link = String(req.params.link)
    const found = await editorOf(req, link)
    if (found === undefined) throw usedUp()
    const { editorId, seat } = found
    const identity = await identityOf(link)
    const passphrase = formText(req, 'passphrase')
    const isWanted = passphrase !== '' && formText(req, 'way') !== 'later'
    const isSetting = isWanted && (await settles(identity))
    if (identity !== undefined && isSetting) {
      const email = (await app.editors.byId(editorId))?.email ?? ''
      const failure = errorIn(email, passphrase, formText(req, 'again'))
      if (failure) {
        res.status(422)
        return show(res, 'desk/sign-in-link', { link, bearsKey: true, failure })
      }
      await settle(link, editorId, identity, passphrase, seat)
    }
    if (seat && identity !== undefined) return unlock(req, res, seat, identity)
    const begun = isSetting
      ? await sessions.begin(req, res, editorId, identity, 'key-link')
      : await sessions.beginByLink(req, res, link, identity)
    if (!begun) throw usedUp()
    if (!begun.waitsForFactor) await rememberBrowser(req, res, editorId)
    res.redirect(303, begun.next)
  }

  /** True of what can be settled on. What gave way to another opens what it did, and no more. */
  async function settles(identity: Identity | undefined): Promise<boolean> {
    return identity !== undefined && (await app.keyRing.isIn(identity))
  }

  /** In a session that is unlocked, what gave way is opened for what one holds now. */
  async function unlock(req: Request, res: Response, seat: Seat, identity: Identity): Promise<void> {
    if ((await settles(seat.identity)) && !(await settles(identity))) {
      const opened = await app.keyRing.keysOf(identity)()
      await app.keyRing.together((step) => step.share(seat.editor.id, opened))
      return res.redirect(303, `${base}/desk/keys?saved=former`)
    }
    await sessions.open(req, seat, identity)
    res.redirect(303, `${base}/desk`)
  }

  /** Whose link this is, while it signs in; or whose session it unlocks, which is that of the same editor. */
  async function editorOf(
    req: Request,
    link: string,
  ): Promise<{ editorId: string; seat?: Seat } | undefined> {
    const editorId = await app.sessionStore.linkFor(hashToken(link), app.now())
    if (editorId !== undefined) return { editorId }
    const seat = await sessions.seatIfAny(req)
    if (!seat || !(await app.keyRing.allWrapsOf(seat.editor.id)).some(({ id }) => id === hashToken(link)))
      return undefined
    return { editorId: seat.editor.id, seat }
  }

  async function settle(
    link: string,
    editorId: string,
    identity: Identity,
    passphrase: string,
    seat: Seat | undefined,
  ): Promise<void> {
    const { hash, secret } = await hashPassphrase(passphrase)
    await app.keyRing.together(async ({ wrapUnder, accounts }) => {
      // Somebody else may have followed it meanwhile.
      if ((await identityOf(link)) === undefined) throw usedUp()
      await wrapUnder('passphrase', secret, passphraseWrap(editorId), identity)
      await accounts.setPassphrase(editorId, hash)
      await accounts.endSessions(editorId, seat?.sessionHash)
      await accounts.note({ action: 'passphrase', editorId }, app.now())
    })
  }

  function errorIn(email: string, passphrase: string, again: string): Failure | undefined {
    try {
      checkPassphrase(passphrase, again, { email, newsroom: app.newsroom })
      return undefined
    } catch (error) {
      if (error instanceof Failure) return error
      throw error
    }
  }

  /** What a link bears, where it bears a key. */
  function identityOf(link: string): Promise<Identity | undefined> {
    return app.keyRing.unwrap(hashToken(link), link)
  }

  /** The form has two buttons: sign in with the passphrase, or have a link mailed. */
  async function signIn(req: Request, res: Response): Promise<void> {
    const email = formText(req, 'email').trim().toLowerCase()
    if (knownBrowser(req, email) === undefined) await limited(req, res)
    const passphrase = formText(req, 'passphrase')
    if (passphrase === '' || formText(req, 'way') === 'link') return mailLink(res, email)
    const account = `passphrase ${accountOf(req, email)}`
    await allow(account)
    const editor = await app.editors.byEmail(email)
    const hash = await factors.passphrase(editor?.id ?? '')
    const secret = await openPassphrase(passphrase, hash)
    if (!editor || !secret) {
      const failure = new Failure('unauthorized', 'The address or the passphrase is wrong.')
      res.status(401)
      return show(res, 'desk/sign-in', { email, failure })
    }
    const identity = await app.keyRing.unwrap(passphraseWrap(editor.id), secret)
    const { next, waitsForFactor } = await sessions.begin(req, res, editor.id, identity)
    if (!waitsForFactor) await recognise(req, res, email, account)
    res.redirect(303, next)
  }

  /**
   * The answer is the same for an address that is no editor's, or that had enough links, and so is all that is done before
   * it: neither its words nor its time tell who is an editor, nor does that of the next request.
   */
  async function mailLink(res: Response, email: string): Promise<void> {
    const editor = await app.editors.byEmail(email)
    const mayHave = await app.attempts.allow(`link ${digest(email)}`, app.now(), ...links)
    await app.mailLink(mayHave ? editor?.id : undefined)
    show(res, 'desk/sign-in-sent')
  }

  /** They count no more; but whoever stopped before the last one is told of too. */
  async function forgetGuesses({ id }: Editor): Promise<void> {
    const count = await factors.wrongCodes(id)
    if (count >= suspiciousCodes && count < mostWrongCodes) await app.noteGuesses(id, count)
    await factors.forgetWrongCodes(id)
  }

  async function askFactor(req: Request, res: Response): Promise<void> {
    const waiting = await sessions.waiting(req)
    if (!waiting) return res.redirect(303, `${base}/desk/sign-in`)
    await showFactor(req, res, waiting)
  }

  async function takeFactor(req: Request, res: Response): Promise<void> {
    const waiting = await sessions.waiting(req)
    if (!waiting) return res.redirect(303, `${base}/desk/sign-in`)
    const { editor } = waiting
    // Counted apart, and by nothing else: only who has the passphrase or the mailbox comes this far, so no stranger uses
    // these tries up, nor those of a client that many share.
    const account = `factor ${accountOf(req, editor.email)}`
    await allow(account)
    const proven = await provenBy(req, waiting)
    if (!proven) {
      res.status(401)
      return showFactor(
        req,
        res,
        waiting,
        new Failure('unauthorized', 'That was not right. Please try again.'),
      )
    }
    await forgetGuesses(editor)
    const isPasskey = formText(req, 'passkey') !== ''
    const { next } = await sessions.complete(
      req,
      res,
      { ...waiting, identity: proven.identity },
      { isPasskey },
    )
    await recognise(req, res, editor.email, account)
    res.redirect(303, next)
  }

  /** With what opens in the session from now on, if the second factor was right. */
  async function provenBy(
    req: Request,
    waiting: WaitingSession,
  ): Promise<Pick<WaitingSession, 'identity'> | undefined> {
    if (formText(req, 'passkey') !== '') return provenByPasskey(req, waiting)
    return (await isCode(waiting.editor, formText(req, 'code'))) ? waiting : undefined
  }

  /** A passkey opens what a mailed link did not; and what a passphrase has opened, it opens from now on. */
  async function provenByPasskey(
    req: Request,
    { editor, sessionHash, identity }: WaitingSession,
  ): Promise<Pick<WaitingSession, 'identity'> | undefined> {
    const signed = await askedPasskeys.signed(req, editor, sessionHash)
    if (!signed) return undefined
    const opened = await askedPasskeys.open(signed)
    if (identity !== undefined && opened === undefined) await askedPasskeys.keepUnder(signed, identity)
    return { identity: identity ?? opened }
  }

  async function isCode(editor: Editor, code: string): Promise<boolean> {
    const hash = recoveryHash(editor.id, code)
    return hash === undefined ? isAppCode(editor, code) : factors.useRecoveryCode(editor.id, hash)
  }

  /**
   * Six digits can be guessed, if slowly. So after so many wrong ones none is looked at any more, whoever gives it, until
   * the editor has come in by what cannot be guessed: a recovery code or a passkey, or a reset by an admin. Whoever has
   * come this far knows the passphrase or reads the mailbox, which the editor is told.
   */
  async function isAppCode(editor: Editor, code: string): Promise<boolean> {
    const encrypted = await factors.totp(editor.id)
    if (!encrypted || !isTotpShaped(code)) return false
    const count = await factors.countCode(editor.id, mostWrongCodes)
    if (count === undefined) return false
    const step = totpStep(decryptSecret(app.totpKey, encrypted, editor.id), code, app.now())
    const isRight = step !== undefined && (await factors.useTotp(editor.id, step))
    if (isRight) await factors.uncountCode(editor.id)
    else if (count === mostWrongCodes) await app.noteGuesses(editor.id, count)
    return isRight
  }

  async function showFactor(
    req: Request,
    res: Response,
    { editor, sessionHash }: WaitingSession,
    failure?: Failure,
  ): Promise<void> {
    const hasTotp = (await factors.totp(editor.id)) !== undefined
    const options = await askedPasskeys.ask(req, editor, sessionHash)
    const isElsewhere = await askedPasskeys.areElsewhere(editor)
    const isClosed = hasTotp && (await factors.wrongCodes(editor.id)) >= mostWrongCodes
    show(res, 'desk/second-factor', { hasTotp, options, isElsewhere, isClosed, salt: passkeySalt, failure })
  }

  /**
   * Whose tries are counted together: those for an account from browsers that have signed in to it before, each on its
   * own, and those from all others. So a stranger who tries all day holds up no editor on their own phone.
   */
  function accountOf(req: Request, email: string): string {
    const browser = knownBrowser(req, email)
    return digest(`${email} ${browser ?? ''}`)
  }

  function knownBrowser(req: Request, email: string): string | undefined {
    const [id = '', proof = ''] = (parse(req.get('cookie') ?? '')[knownCookie(req)] ?? '').split('.')
    const expected = Buffer.from(digest(`browser ${email} ${id}`))
    const given = Buffer.from(proof)
    const isKnown = id !== '' && given.length === expected.length && timingSafeEqual(given, expected)
    return isKnown ? id : undefined
  }

  function isSecure(req: Request): boolean {
    return hasHttps(app.addresses, req.get('host'))
  }

  function knownCookie(req: Request): string {
    return isSecure(req) ? '__Secure-barua-known' : 'barua-known'
  }

  function knownOptions(req: Request) {
    const secure = isSecure(req)
    return { path: `${base}/desk`, httpOnly: true, secure, sameSite: 'lax' as const, maxAge: knownTime }
  }

  /** The browser is known for this account from now on, and what was mistyped before is forgotten. */
  async function recognise(req: Request, res: Response, email: string, account: string): Promise<void> {
    await app.attempts.forget(account)
    remember(req, res, email)
  }

  async function rememberBrowser(req: Request, res: Response, editorId: string): Promise<void> {
    const editor = await app.editors.byId(editorId)
    if (editor) remember(req, res, editor.email)
  }

  /**
   * Signs a cookie by which the browser is known for this account. It signs nobody in: it only takes the browser out of
   * what strangers use up, who are one client with it by the onion address, or behind a proxy.
   */
  function remember(req: Request, res: Response, email: string): void {
    if (knownBrowser(req, email)) return
    const id = newToken()
    res.cookie(knownCookie(req), `${id}.${digest(`browser ${email} ${id}`)}`, knownOptions(req))
  }

  function digest(text: string): string {
    return createHmac('sha256', app.accountKey).update(text).digest('base64url')
  }

  async function allow(account: string): Promise<void> {
    if (await app.attempts.allow(account, app.now(), attempts)) return
    throw new Failure(
      'too-many',
      'Five tries a minute are enough. Please wait a minute, or have a link mailed.',
      {
        retryAfter: 60,
      },
    )
  }

  function limited(req: Request, res: Response): Promise<void> {
    return new Promise((resolve, reject) => {
      app.signInLimit(req, res, (error?: unknown) => (error ? reject(error as Error) : resolve()))
    })
  }

  function show(res: Response, view: string, data: Record<string, unknown> = {}): void {
    res.type('html').send(app.renderDesk(view, { ...data, signInToken: res.locals.signInToken }))
  }
}

function usedUp(): Failure {
  return new Failure(
    'not-found',
    'This sign-in link has been used or is too old. Ask for a new one at the desk’s sign-in page.',
  )
}
