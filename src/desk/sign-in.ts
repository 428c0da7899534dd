import { parse } from 'cookie'
import express, { type Request, type RequestHandler, type Response, type Router } from 'express'
import { Failure } from '../failure.ts'
import { formToken, hashToken, newToken } from './tokens.ts'

const minute = 60_000
const hour = 60 * minute
const idleTime = 30 * minute
const longestSession = 12 * hour
const linkTime = 24 * hour

export type Editor = { id: string; email: string }

export type SignInParts = {
  sessions: {
    addLink(tokenHash: string, editorId: string, expiresAt: number): Promise<void>
    linkIsGood(tokenHash: string, now: number): Promise<boolean>
    useLink(tokenHash: string, sessionHash: string, now: number): Promise<string | undefined>
    editorOf(
      sessionHash: string,
      limits: { begunSince: number; seenSince: number; now: number },
    ): Promise<Editor | undefined>
    end(sessionHash: string): Promise<void>
  }
  editors: { byEmail(email: string): Promise<Editor | undefined> }
  /** Puts a mail with a fresh link into the outbox. */
  mailLink: (editorId: string) => Promise<void>
  /** Per client, and per account. */
  limits: RequestHandler[]
  render: (view: string, data?: Record<string, unknown>) => string
  publicUrl: URL
  base: string
  now: () => number
}

export type SignIn = ReturnType<typeof signIn>

/** Signing in by a one-time link, and the sessions that follow. */
export function signIn(parts: SignInParts) {
  const secure = parts.publicUrl.protocol === 'https:'
  // __Host- binds the cookie to this host and needs https and the path /.
  const sessionCookie = secure ? '__Host-barua' : 'barua'
  const sessionOptions = { path: '/', httpOnly: true, secure, sameSite: 'lax' as const }
  const wantedCookie = 'barua-wanted'
  const wantedOptions = { path: `${parts.base}/desk`, httpOnly: true, secure, sameSite: 'lax' as const }

  return { router: router(), onlyEditors, makeLink }

  /** A link by which this editor signs in, once, within a day. */
  async function makeLink(editorId: string): Promise<string> {
    const token = newToken()
    await parts.sessions.addLink(hashToken(token), editorId, parts.now() + linkTime)
    return `${parts.publicUrl.origin}${parts.base}/desk/sign-in/${token}`
  }

  /** Lets editors through; sends others to sign in, and remembers what they wanted. */
  async function onlyEditors(req: Request, res: Response): Promise<boolean> {
    res.set('cache-control', 'no-store')
    const token = sessionToken(req)
    const editor = token && (await editorOf(token))
    if (editor) {
      Object.assign(res.locals, { editor, formToken: formToken(token) })
      return true
    }
    const wantsPage =
      req.method === 'GET' && req.path !== '/metrics' && req.accepts(['html', 'json']) !== 'json'
    if (!wantsPage) throw new Failure('unauthorized', 'Please sign in at the desk.')
    res.cookie(wantedCookie, req.originalUrl, { ...wantedOptions, maxAge: hour })
    res.redirect(303, `${parts.base}/desk/sign-in`)
    return false
  }

  function editorOf(token: string): Promise<Editor | undefined> {
    const now = parts.now()
    const limits = { begunSince: now - longestSession, seenSince: now - idleTime, now }
    return parts.sessions.editorOf(hashToken(token), limits)
  }

  function sessionToken(req: Request): string | undefined {
    return parse(req.get('cookie') ?? '')[sessionCookie]
  }

  function router(): Router {
    const routes = express.Router()
    const readBody = express.urlencoded({ extended: false, limit: '10kb' })
    routes.use('/desk/sign-in', (_req, res, next) => {
      res.set('cache-control', 'no-store')
      next()
    })

    routes.get('/desk/sign-in', (_req, res) => {
      res.type('html').send(parts.render('desk/sign-in'))
    })

    // The answer is the same for an address that is no editor's, and the mail leaves later: nothing tells who is one.
    routes.post('/desk/sign-in', readBody, ...parts.limits, async (req, res) => {
      const email: unknown = req.body?.email
      const editor = typeof email === 'string' ? await parts.editors.byEmail(email) : undefined
      if (editor) await parts.mailLink(editor.id)
      res.type('html').send(parts.render('desk/sign-in-sent'))
    })

    // Mail scanners follow links; only the button uses the link up.
    routes.get('/desk/sign-in/:token', async (req, res) => {
      if (!(await parts.sessions.linkIsGood(hashToken(req.params.token), parts.now()))) throw usedUp()
      res.type('html').send(parts.render('desk/sign-in-link', { token: req.params.token }))
    })

    routes.post('/desk/sign-in/:token', async (req, res) => {
      const token = newToken()
      const editorId = await parts.sessions.useLink(
        hashToken(req.params.token),
        hashToken(token),
        parts.now(),
      )
      if (!editorId) throw usedUp()
      res.cookie(sessionCookie, token, { ...sessionOptions, maxAge: longestSession })
      res.clearCookie(wantedCookie, wantedOptions)
      res.redirect(303, wanted(req) ?? `${parts.base}/desk`)
    })

    routes.post('/desk/sign-out', readBody, async (req, res) => {
      const token = sessionToken(req)
      if (token && res.locals.needsToken && req.body?.token !== formToken(token)) {
        throw new Failure('forbidden', 'Please sign out from the desk’s own page.')
      }
      if (token) await parts.sessions.end(hashToken(token))
      res.clearCookie(sessionCookie, sessionOptions)
      res.redirect(303, `${parts.base}/desk/sign-in`)
    })
    return routes
  }

  /** The page of the desk that was asked for before signing in, and no other place. */
  function wanted(req: Request): string | undefined {
    const path = parse(req.get('cookie') ?? '')[wantedCookie]
    if (!path?.startsWith(`${parts.base}/desk`)) return undefined
    return /^[\w/-]+$/.test(path) && !path.includes('//') ? path : undefined
  }
}

function usedUp(): Failure {
  return new Failure(
    'not-found',
    'This sign-in link has been used or is too old. Ask for a new one at the desk’s sign-in page.',
  )
}
