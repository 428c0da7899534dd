import { createHmac, randomBytes } from 'node:crypto'
import type { Request, RequestHandler, Response } from 'express'
import { rateLimit } from 'express-rate-limit'
import helmet from 'helmet'
import { Failure } from '../core/errors.ts'
import { askedAddress, hasHttps, isByOnion, type SiteAddresses } from '../core/public-urls.ts'
import { clientOf } from './client.ts'

/** Headers of every answer: nothing may load but our own style sheet and pictures, and nobody may frame us. */
export function securityHeaders(addresses: SiteAddresses): RequestHandler {
  const [plain, overHttps] = [headers(false), headers(true)]
  return (req, res, next) => (hasHttps(addresses, req.get('host')) ? overHttps : plain)(req, res, next)
}

function headers(isHttps: boolean): RequestHandler {
  return helmet({
    contentSecurityPolicy: {
      useDefaults: false,
      directives: {
        defaultSrc: ["'none'"],
        styleSrc: ["'self'"],
        imgSrc: ["'self'"],
        formAction: ["'self'"],
        frameAncestors: ["'none'"],
        baseUri: ["'none'"],
      },
    },
    referrerPolicy: { policy: 'no-referrer' },
    crossOriginEmbedderPolicy: false,
    strictTransportSecurity: isHttps && { maxAge: 365 * 24 * 60 * 60, includeSubDomains: false },
    xFrameOptions: { action: 'deny' },
    // For browsers and plug-ins that are no more.
    xDownloadOptions: false,
    xPermittedCrossDomainPolicies: false,
    xXssProtection: false,
    xPoweredBy: false,
  })
}

/** On pages of the desk our own scripts may run, and ask the desk for what is new. */
export const deskHeaders: RequestHandler = helmet.contentSecurityPolicy({
  useDefaults: false,
  directives: {
    defaultSrc: ["'none'"],
    scriptSrc: ["'self'"],
    connectSrc: ["'self'"],
    styleSrc: ["'self'"],
    imgSrc: ["'self'"],
    formAction: ["'self'"],
    frameAncestors: ["'none'"],
    baseUri: ["'none'"],
  },
})

/**
 * Tells Tor Browser where the page that was asked for is at the onion address. It listens to that over https only, and
 * offers to go there: for a page that can be asked for again, and not for one that would lose a receipt or what was typed.
 */
export function onionLocation(addresses: SiteAddresses): RequestHandler {
  return (req, res, next) => {
    const host = req.get('host')
    const { onionUrl } = addresses
    if (onionUrl && hasHttps(addresses, host)) res.set('onion-location', onionUrl.origin + req.originalUrl)
    next()
  }
}

const safeMethods = new Set(['GET', 'HEAD', 'OPTIONS'])

/**
 * Refuses a state-changing request that a browser sends from another site's page. Browsers of today say so in
 * Sec-Fetch-Site; older ones in Origin, which our own Referrer-Policy makes `null` for our own forms, so there
 * the form's token has to speak: `needsToken` is set for the route to check. A request with none of these
 * headers and no cookie has nothing to forge, but a session that is to be begun: what may be a browser's then sets
 * `mayBeForeign`, for the forms that sign in.
 */
export function sameOrigin(addresses: SiteAddresses): RequestHandler {
  return (req, res, next) => {
    if (safeMethods.has(req.method)) return next()
    const site = req.get('sec-fetch-site')
    if (site !== undefined) return next(site === 'same-origin' || site === 'none' ? undefined : crossSite())
    const origin = req.get('origin')
    if (origin !== undefined && origin !== 'null')
      return next(isOurs(origin, req, addresses) ? undefined : crossSite())
    res.locals.needsToken = origin === 'null' || req.get('cookie') !== undefined
    res.locals.mayBeForeign = origin === 'null' || /^(?:Mozilla|Opera)\//.test(req.get('user-agent') ?? '')
    next()
  }
}

/** A page of the address that was asked by is ours; one of another address of the site is not: it may share its host. */
function isOurs(origin: string, req: Request, addresses: SiteAddresses): boolean {
  if (!URL.canParse(origin)) return false
  const { host } = new URL(origin)
  const asked = req.get('host')
  return host === asked || host === askedAddress(addresses, asked).host
}

function crossSite(): Failure {
  return new Failure('forbidden', 'This was sent from another site’s page. Please use the form on this site.')
}

type LimitOptions = {
  /** How many in the window; 0 for no limit. It may depend on who asks. */
  limit: number | ((res: Response) => number)
  windowMs: number
  /** Which answers count. */
  counts: 'successes' | 'failures' | 'all'
  message: string
  /** Whom to limit: a client by its address unless told otherwise. */
  whom?: (req: Request, res: Response) => string
}

/**
 * Limits how often one client may ask. A client is known by a hash of its address (in IPv6 of its /64) under a key
 * that is never kept and is another one after each window; the counts are in memory only.
 */
export function rateLimited(options: LimitOptions): RequestHandler {
  if (options.limit === 0) return (_req, _res, next) => next()
  const keyNow = changingKey(options.windowMs)
  const whom = options.whom ?? clientOf
  const { limit } = options
  const limitFor = (res: Response) => (typeof limit === 'number' ? limit : limit(res))
  return rateLimit({
    limit: (_req, res) => limitFor(res),
    skip: (_req, res) => limitFor(res) === 0,
    windowMs: options.windowMs,
    skipFailedRequests: options.counts === 'successes',
    skipSuccessfulRequests: options.counts === 'failures',
    standardHeaders: false,
    legacyHeaders: false,
    keyGenerator: (req, res) => createHmac('sha256', keyNow()).update(whom(req, res)).digest('base64url'),
    handler: (_req, _res, next) => {
      next(new Failure('too-many', options.message, { retryAfter: Math.ceil(options.windowMs / 1000) }))
    },
  })
}

/**
 * A random key that is another one after each `span` of milliseconds, by the clock `now`. Nobody has the one before: what
 * was hashed with it can be compared with nothing any more.
 */
export function changingKey(span: number, now: () => number = Date.now): () => Buffer {
  let made = Number.NEGATIVE_INFINITY
  let key = Buffer.alloc(0)
  return () => {
    if (now() - made >= span) {
      made = now()
      key = randomBytes(32)
    }
    return key
  }
}

/**
 * A limit for clients that are known by their address, and another for all who come by the onion address together:
 * nothing tells them apart, and what they say of themselves is not believed.
 */
export function limitsByAddress(
  addresses: SiteAddresses,
  options: Omit<LimitOptions, 'limit' | 'whom'>,
  limits: { eachClient: number; byOnion: number },
): RequestHandler {
  const byOnion = rateLimited({ ...options, limit: limits.byOnion, whom: () => 'onion' })
  const eachClient = rateLimited({ ...options, limit: limits.eachClient })
  return (req, res, next) => (isByOnion(addresses, req.get('host')) ? byOnion : eachClient)(req, res, next)
}
