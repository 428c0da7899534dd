import express, { type Router } from 'express'
import { unavailable } from '../failure.ts'

/** For whoever watches the process: alive, and able to take submissions. */
export function healthRouter(isReady: () => Promise<void>): Router {
  const router = express.Router()
  router.get('/healthz', (_req, res) => {
    res.type('text').send('alive\n')
  })
  router.get('/readyz', async (_req, res) => {
    await isReady().catch((error: unknown) => {
      throw unavailable(error)
    })
    res.type('text').send('ready\n')
  })
  return router
}
