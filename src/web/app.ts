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
import { type BeginErrorAnswer, errorAnswer, keepingWords, notFound } from './errors.ts'
import { deskHeaders, onionLocation, sameOrigin, securityHeaders } from './guards.ts'
import type { Asset, Assets, Render } from './pages.ts'

/** What is served under a path, and how its pages are made. */
type Served = { base: string; render: Render; routers: Router[] }

type WebContext = {
  addresses: SiteAddresses
  letterbox: Served
  desk: Served
  /** What answers at every host, for whoever watches the process. */
  health: Router
  trustProxy: number | string[] | false
  beginErrorAnswer: BeginErrorAnswer
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
export function createWeb(app: WebContext): Express {
  const server = express()
  server.disable('x-powered-by')
  server.disable('etag')
  server.set('trust proxy', app.trustProxy)
  server.set('query parser', 'simple')
  server.use(bareForwarded, securityHeaders(app.addresses), app.guardBodies, sameOrigin(app.addresses))
  const { letterbox, desk } = app
  if (app.addresses.deskUrl === undefined) {
    const routers = [atOnionToo(app), ...letterbox.routers, ...desk.routers, app.health]
    server.use(hosted(app, { ...letterbox, routers }))
  } else {
    const atDesk = hosted(app, {
      ...desk,
      routers: [frontOfDesk(desk.base), ...desk.routers, app.health],
    })
    const routers = [atOnionToo(app), ...letterbox.routers, app.health]
    const elsewhere = hosted(app, { ...letterbox, routers })
    server.use((req, res, next) => (isAtDesk(req) ? atDesk : elsewhere)(req, res, next))
  }
  const deskError = errorAnswer(desk.render, app.beginErrorAnswer)
  const elsewhereError = errorAnswer(letterbox.render, app.beginErrorAnswer)
  const answer: ErrorRequestHandler = (error, req, res, next) =>
    (isAtDesk(req) ? deskError : elsewhereError)(error, req, res, next)
  server.use(notFound, keepingWords(app.readForm), answer)
  return server

  function isAtDesk(req: Request): boolean {
    return isAtDeskHost(app.addresses, req.get('host'))
  }
}

function hosted({ assets }: WebContext, { base, routers }: Served): Router {
  const site = express.Router()
  for (const asset of assets.files) {
    site.get(`/assets/${assets.version}/${asset.name}`, compress, assetAnswer(asset))
  }
  site.use('/desk', deskHeaders)
  for (const router of routers) site.use(router)
  return express.Router().use(base || '/', site)
}

/** Names the pages that can be asked for again at the onion address. */
function atOnionToo({ addresses }: WebContext): Router {
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
