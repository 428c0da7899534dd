import { parse } from 'cookie'
import type { Request, Response } from 'express'
import type { Editor, ListedSession, SessionLimits } from '../../accounts/editor.ts'
import type { SessionStore } from '../../accounts/session-store.ts'
import { formToken, hashToken, newToken } from '../../accounts/session-token.ts'
import { decryptSecret, derivedKey, encryptSecret } from '../../core/aead.ts'
import { Failure } from '../../core/errors.ts'
import { askedAddress, hasHttps, type SiteAddresses } from '../../core/public-urls.ts'
import type { SessionWay } from '../../db/values.ts'
import type { Identity, Keys } from '../../encryption/types.ts'
import { eventBy } from './event-by.ts'
import type { Seat } from './seat.ts'

const minute = 60_000
const hour = 60 * minute
const idleTime = 30 * minute
const longestSession = 12 * hour

/** A search may be long, and a cookie may not. Characters. */
const longestWanted = 1500
const nowhere = new URL('http://desk.invalid')

/** How long a session waits for its second factor. */
const factorTime = 10 * minute

type SessionContext = {
  sessions: SessionStore
  /** What an identity opens. */
  keysOf: (identity: Identity | undefined) => Keys
  /** Somebody has come in who can open something. */
  opened: (identity: Identity) => void
  addresses: SiteAddresses
  base: string
  now: () => number
}
/** A session that has begun: where its editor goes on, and whether that is the second factor. */
type Begun = { next: string; waitsForFactor: boolean }

export type Sessions = ReturnType<typeof createSessions>

/** Somebody who still has to prove a second factor. */
export type WaitingSession = { editor: Editor; sessionHash: string; identity: Identity | undefined }

/** The server keeps the hash of the token, which leads to this key as little as to the token. */
function sessionKey(token: string) {
  return derivedKey(token, 'barua/session')
}

/** Who is signed in, by a cookie. The database knows a session by the hash of its token. */
export function createSessions(app: SessionContext) {
  const wantedCookie = 'barua-wanted'

  return {
    /** The seat of whoever is signed in; sends others to sign in, remembers what they wanted, and gives none. */
    async seatOf(req: Request, res: Response): Promise<Seat | undefined> {
      const seat = await seatBy(req)
      if (seat) return seat
      // A browser that was at the desk has a cookie of it: others have typed nothing there that could be lost.
      if (req.get('cookie') === undefined) res.locals.leavesBody = true
      const wantsPage = req.method === 'GET' && req.accepts(['html', 'json']) === 'html'
      if (!wantsPage || req.path === '/metrics')
        throw new Failure('unauthorized', 'Please sign in at the desk.')
      const wanted = req.originalUrl.length > longestWanted ? req.path : req.originalUrl
      res.cookie(wantedCookie, wanted, { ...wantedOptions(req), maxAge: hour })
      res.redirect(303, `${app.base}/desk/sign-in`)
      return undefined
    },

    /** The seat of whoever is signed in, and nothing for anybody else. */
    async seatIfAny(req: Request): Promise<Seat | undefined> {
      return seatBy(req)
    },

    /** True while the session of this seat is good; it does not count as use. */
    async isGood({ sessionHash }: Seat): Promise<boolean> {
      return (await app.sessions.seated(sessionHash, limits(), false)) !== undefined
    },

    /** Begins a session for an editor whose passphrase was right, with the identity that it opened. */
    async begin(
      req: Request,
      res: Response,
      editorId: string,
      identity: Identity | undefined,
      way: SessionWay = 'passphrase',
    ): Promise<Begun> {
      const token = newToken()
      const name = nameOf(req, token)
      const secret = encryptedIn(identity, token, name)
      const waits = await app.sessions.begin(name, editorId, secret, app.now(), {
        way,
        isConfirmed: true,
      })
      if (!waits && identity) app.opened(identity)
      return begun(req, res, token, waits)
    },

    /** Begins a session by a link, with the identity that it bears. Undefined if the link is no good. */
    async beginByLink(
      req: Request,
      res: Response,
      link: string,
      identity: Identity | undefined,
    ): Promise<Begun | undefined> {
      const token = newToken()
      const name = nameOf(req, token)
      const secret = encryptedIn(identity, token, name)
      const used = await app.sessions.useLink(hashToken(link), name, secret, app.now(), {
        way: identity === undefined ? 'link' : 'key-link',
        isConfirmed: identity !== undefined,
      })
      if (used && !used.waitsForFactor && identity) app.opened(identity)
      return used && begun(req, res, token, used.waitsForFactor)
    },

    /** What this editor brought along opens in this session from now on. Gives the seat as it is then. */
    async open(req: Request, seat: Seat, identity: Identity): Promise<Seat> {
      const token = tokenOf(req)
      if (!token) return seat
      const event = eventBy(seat, 'unlocked')
      const secret = encryptedIn(identity, token, seat.sessionHash) as string
      await app.sessions.open(seat.sessionHash, secret, event, app.now())
      app.opened(identity)
      return { ...seat, identity, keys: app.keysOf(identity) }
    },

    /** Remembers in this session what its editor will hold once they are let in. */
    async expect(req: Request, { sessionHash }: Seat, identity: Identity): Promise<void> {
      const token = tokenOf(req)
      if (!token) return
      const secret = encryptedIn(identity, token, sessionHash) as string
      await app.sessions.open(sessionHash, secret, undefined, app.now())
    },

    /** The editor has proved in this session who they are. Gives the seat as it is then. */
    async confirm(seat: Seat): Promise<Seat> {
      await app.sessions.confirm(seat.sessionHash, app.now())
      return { ...seat, session: { ...seat.session, confirmedAt: app.now() } }
    },

    /** The editor who still has to prove a second factor, with the hash of the session that waits for it. */
    async waiting(req: Request): Promise<WaitingSession | undefined> {
      const token = tokenOf(req)
      if (!token) return undefined
      const sessionHash = nameOf(req, token)
      const seated = await app.sessions.waitingEditor(sessionHash, app.now() - factorTime)
      if (!seated) return undefined
      return { editor: seated.editor, sessionHash, identity: identityIn(seated.secret, token, sessionHash) }
    },

    /** The second factor was right. */
    async complete(
      req: Request,
      res: Response,
      { sessionHash, identity }: WaitingSession,
      more: { isPasskey: boolean },
    ): Promise<Begun> {
      const token = newToken()
      const name = nameOf(req, token)
      await app.sessions.complete(sessionHash, name, encryptedIn(identity, token, name), app.now(), more)
      if (identity) app.opened(identity)
      return begun(req, res, token, false)
    },

    /**
     * What a form that signs in has to bring with it: it goes with a cookie, which is set with the page of the form.
     * Undefined for a browser that has not seen that page.
     */
    signInToken(req: Request, res: Response): string | undefined {
      const name = isSecure(req) ? '__Secure-barua-form' : 'barua-form'
      const known = parse(req.get('cookie') ?? '')[name]
      if (known !== undefined) return formToken(known)
      if (req.method !== 'GET') return undefined
      const token = newToken()
      res.cookie(name, token, { ...wantedOptions(req), sameSite: 'strict' })
      return formToken(token)
    },

    async end(req: Request, res: Response): Promise<void> {
      const token = tokenOf(req)
      if (token && res.locals.needsToken && req.body?.token !== formToken(token)) {
        throw new Failure('forbidden', 'Please sign out from the desk’s own page.')
      }
      if (token) await app.sessions.end(nameOf(req, token))
      res.clearCookie(cookieName(req), options(req))
      res.redirect(303, `${app.base}/desk/sign-in`)
    },

    /** The sessions of this seat's editor. */
    list({ editor, sessionHash }: Seat): Promise<ListedSession[]> {
      return app.sessions.of(editor.id, sessionHash, limits())
    },
  }

  async function seatBy(req: Request): Promise<Seat | undefined> {
    const token = tokenOf(req)
    if (!token) return undefined
    const sessionHash = nameOf(req, token)
    const seated = await app.sessions.seated(sessionHash, limits())
    if (!seated) return undefined
    const identity = identityIn(seated.secret, token, sessionHash)
    return {
      editor: seated.editor,
      sessionHash,
      formToken: formToken(token),
      identity,
      keys: app.keysOf(identity),
      session: seated.session,
    }
  }

  function isSecure(req: Request): boolean {
    return hasHttps(app.addresses, req.get('host'))
  }

  /**
   * By what the database knows a session: by its token and the address that it was begun by. So a cookie that was taken
   * from one address, as by whoever else serves that host, is good at no other.
   */
  function nameOf(req: Request, token: string): string {
    return hashToken(`${askedAddress(app.addresses, req.get('host')).origin} ${token}`)
  }

  /**
   * `__Host-` keeps other hosts of the same domain from setting the cookie, and needs the path `/`. Under a path the host
   * is somebody else's too: there it is sent to the desk alone, which `__Secure-` allows.
   */
  function cookieName(req: Request): string {
    if (!isSecure(req)) return 'barua'
    return app.base === '' ? '__Host-barua' : '__Secure-barua'
  }

  function options(req: Request) {
    const path = app.base === '' ? '/' : `${app.base}/desk`
    return { path, httpOnly: true, secure: isSecure(req), sameSite: 'lax' as const }
  }

  function wantedOptions(req: Request) {
    return { ...options(req), path: `${app.base}/desk` }
  }

  function encryptedIn(identity: Identity | undefined, token: string, sessionHash: string): string | null {
    return identity === undefined ? null : encryptSecret(sessionKey(token), identity, sessionHash)
  }

  function identityIn(secret: string | null, token: string, sessionHash: string): Identity | undefined {
    return secret === null ? undefined : decryptSecret(sessionKey(token), secret, sessionHash)
  }

  function limits(): SessionLimits {
    const now = app.now()
    return { begunSince: now - longestSession, seenSince: now - idleTime, now }
  }

  function tokenOf(req: Request): string | undefined {
    return parse(req.get('cookie') ?? '')[cookieName(req)]
  }

  /** Gives the browser its cookie. */
  function begun(req: Request, res: Response, token: string, waitsForFactor: boolean): Begun {
    res.cookie(cookieName(req), token, { ...options(req), maxAge: longestSession })
    if (waitsForFactor) return { next: `${app.base}/desk/second-factor`, waitsForFactor }
    res.clearCookie(wantedCookie, wantedOptions(req))
    return { next: wanted(req) ?? `${app.base}/desk`, waitsForFactor }
  }

  /** The page of the desk that was asked for before signing in, and no other place. */
  function wanted(req: Request): string | undefined {
    const asked = parse(req.get('cookie') ?? '')[wantedCookie] ?? ''
    const { pathname, search } = URL.canParse(asked, nowhere) ? new URL(asked, nowhere) : nowhere
    if (!asked.startsWith(`${app.base}/desk`) || !pathname.startsWith(`${app.base}/desk`)) return undefined
    return /^[\w/.-]+$/.test(pathname) && !pathname.includes('//') ? pathname + search : undefined
  }
}
