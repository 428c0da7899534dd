import express, { type Router } from 'express'
import { Failure } from '../core/errors.ts'

/** For whoever watches the process: alive, and able to take submissions. */
export function healthRouter(errors: () => Promise<string[]>): Router {
  const router = express.Router()
  router.get('/healthz', (_req, res) => {
    res.type('text').send('alive\n')
  })
  router.get('/readyz', async (_req, res) => {
    const found = await errors()
    if (found.length > 0)
      throw new Failure('unavailable', `Nothing can be taken in now: ${found.join('; ')}.`, {
        retryAfter: 30,
      })
    res.type('text').set('cache-control', 'no-store').send('ready\n')
  })
  return router
}
