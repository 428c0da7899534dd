import { hash, timingSafeEqual } from 'node:crypto'
import express, { type Request, type RequestHandler, type Router } from 'express'
import { Failure } from '../../core/errors.ts'
import type { Reply } from './bot.ts'
import { isNotOurs, reasonToKeep } from './message/updates.ts'
import { type HeardUpdate, isTooDeep, messageIn, Update } from './update-schema.ts'

type WebhookContext = {
  /** Deals with an update that is understood; says so when it is durable, and may answer in the webhook's reply. */
  handle: (heard: HeardUpdate, reply?: Reply) => Promise<void>
  /** Keeps what cannot be understood as it came. */
  keepDeadLetter: (reason: string, raw: string) => Promise<void>
  /** Keeps what could not be handled just now, to be tried again by the worker. */
  keepToRetry: (reason: string, raw: string) => Promise<void>
  secret: string
}

/** How the body of a request is read that has shown the secret. @throws Failure `too-large` and others */
type ReadBody = (req: Request, mostBytes: number) => Promise<Buffer>

const mostBytes = 1024 * 1024

/**
 * The channel for a Telegram bot's updates. 200 means durable: what was said is taken in, the update is nothing to take in,
 * or it is kept raw, so that it never holds up those behind it.
 */
export function webhookRouter(app: WebhookContext & { readBody: ReadBody }): Router {
  const router = express.Router()
  const take = updateReceiver(app)
  router.post('/webhooks/telegram', onlyWithSecret(app.secret), async (req, res) => {
    const raw = new TextDecoder().decode(await app.readBody(req, mostBytes))
    const json = parseJson(raw)
    if (json === undefined) {
      // Telegram's own contract, not the site's: a body that is no JSON is a bad request.
      res.status(400).json({ error: { code: 'invalid', message: 'The body is not JSON.' } })
      return
    }
    let answer = {}
    await take(json, raw, (call) => {
      answer = call
    })
    res.json(answer)
  })
  return router
}

/** Takes an update in from whichever side it comes, and never fails but for storage that is out of reach. */
export function updateReceiver(app: Pick<WebhookContext, 'handle' | 'keepDeadLetter' | 'keepToRetry'>) {
  /** @throws Failure `unavailable`: nothing was taken in, and the update is to come again. */
  return async (json: unknown, raw: string, reply?: Reply): Promise<void> => {
    if (isTooDeep(json)) return app.keepDeadLetter('too-deep', raw)
    const parsed = Update.safeParse(json)
    if (!parsed.success) return app.keepDeadLetter('not-an-update', raw)
    const heard: HeardUpdate = { update: parsed.data, json: json as Record<string, unknown>, raw }
    if (!messageIn(heard) && !parsed.data.callback_query) {
      return isNotOurs(heard.json) ? undefined : app.keepDeadLetter(reasonToKeep(heard.json), raw)
    }
    try {
      await app.handle(heard, reply)
    } catch (error) {
      // Unavailable: Telegram will try again. Anything else must not hold up what comes after it.
      if (error instanceof Failure && error.code === 'unavailable') throw error
      await app.keepToRetry(error instanceof Failure ? error.code : 'unexpected', raw)
    }
  }
}

/** Compares in constant time; a wrong or missing secret stores nothing. */
function onlyWithSecret(secret: string): RequestHandler {
  const expected = hash('sha256', secret, 'buffer')
  return (req, _res, next) => {
    const given = hash('sha256', req.get('x-telegram-bot-api-secret-token') ?? '', 'buffer')
    next(
      timingSafeEqual(given, expected)
        ? undefined
        : new Failure('unauthorized', 'The secret token is missing or wrong.'),
    )
  }
}

function parseJson(raw: string): unknown {
  try {
    return JSON.parse(raw)
  } catch {
    return undefined
  }
}
