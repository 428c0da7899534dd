import compression from 'compression'
import express, { type Express, type Request, type RequestHandler, type Response, type Router } from 'express'
import type { SiteAddresses } from '../site-addresses.ts'
import { bareForwarded } from './client.ts'
import { type BeginRefusal, errorAnswer, keepingWords, notFound } from './errors.ts'
import { deskHeaders, onionLocation, sameOrigin, securityHeaders } from './guards.ts'
import type { Asset, Assets, Render } from './pages.ts'

export type WebParts = {
  addresses: SiteAddresses
  base: string
  trustProxy: number | string[] | false
  render: Render
  beginRefusal: BeginRefusal
  assets: Assets
  /** Counts what requests hold in memory. */
  guardBodies: RequestHandler
  /** Reads a form without its files into the request's body. */
  readForm: (req: Request, res: Response) => Promise<unknown>
  routers: Router[]
}

/** For pages without secrets: the length of a compressed page can tell what is in it. */
export const compress: RequestHandler = compression()

/** The letterbox's pages that can be asked for again; that of the receipt cannot. */
const repeatable = ['/', '/submit/:kind', '/status', '/upload/:token']

/** The Express application: guards first, then every router under the base path, then the error page. */
export function createWeb(parts: WebParts): Express {
  const app = express()
  app.disable('x-powered-by')
  app.disable('etag')
  app.set('trust proxy', parts.trustProxy)
  app.set('query parser', 'simple')
  app.use(bareForwarded, securityHeaders(parts.addresses), parts.guardBodies, sameOrigin(parts.addresses))
  const site = express.Router()
  for (const asset of parts.assets.files) {
    site.get(`/assets/${parts.assets.version}/${asset.name}`, compress, assetAnswer(asset))
  }
  for (const path of repeatable) site.get(path, onionLocation(parts.addresses))
  site.use('/desk', deskHeaders)
  for (const router of parts.routers) site.use(router)
  app.use(parts.base || '/', site)
  app.use(notFound, keepingWords(parts.readForm), errorAnswer(parts.render, parts.beginRefusal))
  return app
}

function assetAnswer({ type, content }: Asset): RequestHandler {
  return (_req, res) => {
    res.set({ 'content-type': type, 'cache-control': 'public, max-age=31536000, immutable' }).send(content)
  }
}
