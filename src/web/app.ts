import compression from 'compression'
import express, {
  type ErrorRequestHandler,
  type Express,
  type Request,
  type RequestHandler,
  type Response,
  type Router,
} from 'express'
import { isAtDeskHost, type SiteAddresses } from '../core/public-urls.ts'
import { bareForwarded } from './client.ts'
import { type BeginRefusal, errorAnswer, keepingWords, notFound } from './errors.ts'
import { deskHeaders, onionLocation, sameOrigin, securityHeaders } from './guards.ts'
import type { Asset, Assets, Render } from './pages.ts'

/** What is served under a path, and how its pages are made. */
export type Served = { base: string; render: Render; routers: Router[] }

export type WebParts = {
  addresses: SiteAddresses
  letterbox: Served
  desk: Served
  /** What answers at every host, for whoever watches the process. */
  health: Router
  trustProxy: number | string[] | false
  beginRefusal: BeginRefusal
  assets: Assets
  /** Counts what requests hold in memory. */
  guardBodies: RequestHandler
  /** Reads a form without its files into the request's body. */
  readForm: (req: Request, res: Response) => Promise<unknown>
}

/** For pages without secrets: the length of a compressed page can tell what is in it. */
export const compress: RequestHandler = compression()

/** The letterbox's pages that can be asked for again; that of the receipt cannot. */
const repeatable = ['/', '/submit/:kind', '/status', '/upload/:token']

/**
 * The Express application: guards first, then what is served at the host that was named, then the error page. The desk is
 * served beside the letterbox, or, where it has a host of its own, there alone and nothing else with it.
 */
export function createWeb(parts: WebParts): Express {
  const app = express()
  app.disable('x-powered-by')
  app.disable('etag')
  app.set('trust proxy', parts.trustProxy)
  app.set('query parser', 'simple')
  app.use(bareForwarded, securityHeaders(parts.addresses), parts.guardBodies, sameOrigin(parts.addresses))
  const { letterbox, desk } = parts
  if (parts.addresses.deskUrl === undefined) {
    const routers = [atOnionToo(parts), ...letterbox.routers, ...desk.routers, parts.health]
    app.use(hosted(parts, { ...letterbox, routers }))
  } else {
    const atDesk = hosted(parts, {
      ...desk,
      routers: [frontOfDesk(desk.base), ...desk.routers, parts.health],
    })
    const routers = [atOnionToo(parts), ...letterbox.routers, parts.health]
    const elsewhere = hosted(parts, { ...letterbox, routers })
    app.use((req, res, next) => (isAtDesk(req) ? atDesk : elsewhere)(req, res, next))
  }
  const deskError = errorAnswer(desk.render, parts.beginRefusal)
  const elsewhereError = errorAnswer(letterbox.render, parts.beginRefusal)
  const answer: ErrorRequestHandler = (error, req, res, next) =>
    (isAtDesk(req) ? deskError : elsewhereError)(error, req, res, next)
  app.use(notFound, keepingWords(parts.readForm), answer)
  return app

  function isAtDesk(req: Request): boolean {
    return isAtDeskHost(parts.addresses, req.get('host'))
  }
}

function hosted({ assets }: WebParts, { base, routers }: Served): Router {
  const site = express.Router()
  for (const asset of assets.files) {
    site.get(`/assets/${assets.version}/${asset.name}`, compress, assetAnswer(asset))
  }
  site.use('/desk', deskHeaders)
  for (const router of routers) site.use(router)
  return express.Router().use(base || '/', site)
}

/** Names the pages that can be asked for again at the onion address. */
function atOnionToo({ addresses }: WebParts): Router {
  const router = express.Router()
  for (const path of repeatable) router.get(path, onionLocation(addresses))
  return router
}

/** Whoever types the name of the desk's host comes to the desk. */
function frontOfDesk(base: string): Router {
  return express.Router().get('/', (_req, res) => res.redirect(303, `${base}/desk`))
}

function assetAnswer({ type, content }: Asset): RequestHandler {
  return (_req, res) => {
    res.set({ 'content-type': type, 'cache-control': 'public, max-age=31536000, immutable' }).send(content)
  }
}
