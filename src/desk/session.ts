import { parse } from 'cookie'
import type { Request, Response } from 'express'
import type { Editor, ListedSession, SessionLimits } from '../editor.ts'
import { Failure } from '../failure.ts'
import type { Identity, Keys } from '../seal.ts'
import { derivedKey, openSecret, sealSecret } from '../secret-box.ts'
import { hasHttps, type SiteAddresses } from '../site-addresses.ts'
import type { Seat } from './routes.ts'
import { formToken, hashToken, newToken } from './tokens.ts'

const minute = 60_000
const hour = 60 * minute
const idleTime = 30 * minute
const longestSession = 12 * hour
/** A search may be long, and a cookie may not. Characters. */
const longestWanted = 1500
const nowhere = new URL('http://desk.invalid')
/** How long a session waits for its second factor. */
const factorTime = 10 * minute

export type SessionParts = {
  sessions: {
    begin(sessionHash: string, editorId: string, secret: string | null, now: number): Promise<boolean>
    useLink(
      tokenHash: string,
      sessionHash: string,
      secret: string | null,
      now: number,
    ): Promise<{ editorId: string; waitsForFactor: boolean } | undefined>
    waitingEditor(sessionHash: string, begunSince: number): Promise<Seated | undefined>
    complete(waitingHash: string, sessionHash: string, secret: string | null, now: number): Promise<void>
    seated(sessionHash: string, limits: SessionLimits, isSeen?: boolean): Promise<Seated | undefined>
    open(sessionHash: string, secret: string): Promise<void>
    of(editorId: string, sessionHash: string, limits: SessionLimits): Promise<ListedSession[]>
    end(sessionHash: string): Promise<void>
  }
  /** What an identity opens. */
  keysOf: (identity: Identity | undefined) => Keys
  /** Somebody has come in who can open something. */
  opened: (identity: Identity) => void
  addresses: SiteAddresses
  base: string
  now: () => number
}

/** An editor by a session, with their identity as it is kept: under a key that only their cookie gives. */
type Seated = { editor: Editor; secret: string | null }

export type Sessions = ReturnType<typeof createSessions>

/** Somebody who still has to prove a second factor. */
export type Waiting = { editor: Editor; sessionHash: string; identity: Identity | undefined }

/** The server keeps the hash of the token, which leads to this key as little as to the token. */
function sessionKey(token: string) {
  return derivedKey(token, 'barua/session')
}

/** Who is signed in, by a cookie. The database knows a session by the hash of its token. */
export function createSessions(parts: SessionParts) {
  const wantedCookie = 'barua-wanted'

  return {
    /** The seat of whoever is signed in; sends others to sign in, remembers what they wanted, and gives none. */
    async seatOf(req: Request, res: Response): Promise<Seat | undefined> {
      const seat = await seatBy(tokenOf(req))
      if (seat) return seat
      // A browser that was at the desk has a cookie of it: others have typed nothing there that could be lost.
      if (req.get('cookie') === undefined) res.locals.leavesBody = true
      const wantsPage = req.method === 'GET' && req.accepts(['html', 'json']) === 'html'
      if (!wantsPage || req.path === '/metrics')
        throw new Failure('unauthorized', 'Please sign in at the desk.')
      const wanted = req.originalUrl.length > longestWanted ? req.path : req.originalUrl
      res.cookie(wantedCookie, wanted, { ...wantedOptions(req), maxAge: hour })
      res.redirect(303, `${parts.base}/desk/sign-in`)
      return undefined
    },

    /** The seat of whoever is signed in, and nothing for anybody else. */
    async seatIfAny(req: Request): Promise<Seat | undefined> {
      return seatBy(tokenOf(req))
    },

    /** True while the session of this seat is good; it does not count as use. */
    async isGood({ sessionHash }: Seat): Promise<boolean> {
      return (await parts.sessions.seated(sessionHash, limits(), false)) !== undefined
    },

    /** Begins a session for an editor whose passphrase was right, with the identity that it opened. */
    async begin(
      req: Request,
      res: Response,
      editorId: string,
      identity: Identity | undefined,
    ): Promise<void> {
      const token = newToken()
      const waits = await parts.sessions.begin(
        hashToken(token),
        editorId,
        sealedIn(identity, token),
        parts.now(),
      )
      if (!waits && identity) parts.opened(identity)
      goOn(req, res, token, waits)
    },

    /** Begins a session by a link, with the identity that it bears. False if the link is no good. */
    async beginByLink(
      req: Request,
      res: Response,
      link: string,
      identity: Identity | undefined,
    ): Promise<boolean> {
      const token = newToken()
      const secret = sealedIn(identity, token)
      const used = await parts.sessions.useLink(hashToken(link), hashToken(token), secret, parts.now())
      if (used && !used.waitsForFactor && identity) parts.opened(identity)
      if (used) goOn(req, res, token, used.waitsForFactor)
      return used !== undefined
    },

    /** What this editor brought along opens in this session from now on. */
    async open(req: Request, { sessionHash }: Seat, identity: Identity): Promise<void> {
      const token = tokenOf(req)
      if (!token) return
      await parts.sessions.open(sessionHash, sealedIn(identity, token) as string)
      parts.opened(identity)
    },

    /** The editor who still has to prove a second factor, with the hash of the session that waits for it. */
    async waiting(req: Request): Promise<Waiting | undefined> {
      const token = tokenOf(req)
      if (!token) return undefined
      const sessionHash = hashToken(token)
      const seated = await parts.sessions.waitingEditor(sessionHash, parts.now() - factorTime)
      return seated && { editor: seated.editor, sessionHash, identity: identityIn(seated.secret, token) }
    },

    /** The second factor was right. */
    async complete(req: Request, res: Response, { sessionHash, identity }: Waiting): Promise<void> {
      const token = newToken()
      await parts.sessions.complete(sessionHash, hashToken(token), sealedIn(identity, token), parts.now())
      if (identity) parts.opened(identity)
      goOn(req, res, token, false)
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
      if (token) await parts.sessions.end(hashToken(token))
      res.clearCookie(cookieName(req), options(req))
      res.redirect(303, `${parts.base}/desk/sign-in`)
    },

    /** The sessions of this seat's editor. */
    list({ editor, sessionHash }: Seat): Promise<ListedSession[]> {
      return parts.sessions.of(editor.id, sessionHash, limits())
    },
  }

  async function seatBy(token: string | undefined): Promise<Seat | undefined> {
    const seated = token && (await parts.sessions.seated(hashToken(token), limits()))
    if (!seated) return undefined
    const identity = identityIn(seated.secret, token)
    return {
      editor: seated.editor,
      sessionHash: hashToken(token),
      formToken: formToken(token),
      identity,
      keys: parts.keysOf(identity),
    }
  }

  function isSecure(req: Request): boolean {
    return hasHttps(parts.addresses, req.get('host'))
  }

  /** __Host- binds the cookie to this host and needs https and the path /. */
  function cookieName(req: Request): string {
    return isSecure(req) ? '__Host-barua' : 'barua'
  }

  function options(req: Request) {
    return { path: '/', httpOnly: true, secure: isSecure(req), sameSite: 'lax' as const }
  }

  function wantedOptions(req: Request) {
    return { ...options(req), path: `${parts.base}/desk` }
  }

  function sealedIn(identity: Identity | undefined, token: string): string | null {
    return identity === undefined ? null : sealSecret(sessionKey(token), identity, hashToken(token))
  }

  function identityIn(secret: string | null, token: string): Identity | undefined {
    return secret === null ? undefined : openSecret(sessionKey(token), secret, hashToken(token))
  }

  function limits(): SessionLimits {
    const now = parts.now()
    return { begunSince: now - longestSession, seenSince: now - idleTime, now }
  }

  function tokenOf(req: Request): string | undefined {
    return parse(req.get('cookie') ?? '')[cookieName(req)]
  }

  function goOn(req: Request, res: Response, token: string, waitsForFactor: boolean): void {
    res.cookie(cookieName(req), token, { ...options(req), maxAge: longestSession })
    if (waitsForFactor) {
      res.redirect(303, `${parts.base}/desk/second-factor`)
      return
    }
    res.clearCookie(wantedCookie, wantedOptions(req))
    res.redirect(303, wanted(req) ?? `${parts.base}/desk`)
  }

  /** The page of the desk that was asked for before signing in, and no other place. */
  function wanted(req: Request): string | undefined {
    const asked = parse(req.get('cookie') ?? '')[wantedCookie] ?? ''
    const { pathname, search } = URL.canParse(asked, nowhere) ? new URL(asked, nowhere) : nowhere
    if (!asked.startsWith(`${parts.base}/desk`) || !pathname.startsWith(`${parts.base}/desk`))
      return undefined
    return /^[\w/.-]+$/.test(pathname) && !pathname.includes('//') ? pathname + search : undefined
  }
}
