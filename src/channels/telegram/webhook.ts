import { hash, timingSafeEqual } from 'node:crypto'
import express, { type RequestHandler, type Response, type Router } from 'express'
import type { Draft } from '../../draft.ts'
import { Failure } from '../../failure.ts'
import { filesOf, isNoPiece, type Message, senderName, Update, wordsOf } from './update.ts'

export type WebhookParts = {
  receive: (draft: Draft) => Promise<{ reference: string; receipt: string }>
  /** Keeps what cannot be understood as it came. */
  keepUnread: (reason: string, raw: string) => Promise<void>
  tidyFileName: (name: string) => string
  secret: string
  /** Which bot: update ids count per bot. */
  botId: string
  statusUrl: string
  formUrl: string
  newsroom: string
}

/** What a bot can fetch of a file, by Telegram's rules. https://core.telegram.org/bots/api#getfile */
export const maxTelegramFileBytes = 20 * 1024 * 1024

const readBody = express.text({ type: () => true, limit: '1mb' })

/**
 * The door for a Telegram bot's updates. 200 means durable: a piece received, an update that is no piece, or one
 * kept raw because it could not be understood, so that it never holds up those behind it.
 */
export function webhookRouter(parts: WebhookParts): Router {
  const router = express.Router()
  router.post('/webhooks/telegram', onlyWithSecret(parts.secret), readBody, async (req, res) => {
    const raw = typeof req.body === 'string' ? req.body : ''
    const json = parseJson(raw)
    if (json === undefined) {
      // Telegram's own contract, not the site's: a body that is no JSON is a bad request.
      res.status(400).json({ error: { code: 'invalid', message: 'The body is not JSON.' } })
      return
    }
    await takeIn(json, raw, res)
  })
  return router

  async function takeIn(json: unknown, raw: string, res: Response): Promise<void> {
    const parsed = Update.safeParse(json)
    if (!parsed.success) return acknowledgeKept('not-an-update', raw, res)
    const { update_id: updateId, message } = parsed.data
    if (!message)
      return isNoPiece(json as object) ? acknowledge(res) : acknowledgeKept('unknown-update', raw, res)
    if (message.chat.type !== 'private') return acknowledge(res)
    if (isGreeting(message)) return reply(res, message, greeting(parts.newsroom))
    const draft = draftOf(updateId, message)
    if (wordsOf(message).trim() === '' && draft.awaited.length === 0) return answerUnread(message, raw, res)
    await receivePiece(draft, message, raw, res)
  }

  async function receivePiece(draft: Draft, message: Message, raw: string, res: Response): Promise<void> {
    try {
      const received = await parts.receive(draft)
      const tooLarge = filesOf(message).some(({ size = 0 }) => size > maxTelegramFileBytes)
      reply(res, message, answer(received, parts.statusUrl) + (tooLarge ? largeFileNote(parts.formUrl) : ''))
    } catch (error) {
      // Unavailable: Telegram will try again. Anything else would fail again, and hold up what comes after it.
      if (error instanceof Failure && error.code === 'unavailable') throw error
      await parts.keepUnread(error instanceof Failure ? error.code : 'unexpected', raw)
      reply(res, message, notTaken)
    }
  }

  async function answerUnread(message: Message, raw: string, res: Response): Promise<void> {
    await parts.keepUnread('no-words-or-files', raw)
    reply(res, message, notTaken)
  }

  async function acknowledgeKept(reason: string, raw: string, res: Response): Promise<void> {
    await parts.keepUnread(reason, raw)
    acknowledge(res)
  }

  function draftOf(updateId: number, message: Message): Draft {
    const { chat, message_id: messageId, from } = message
    const awaited = filesOf(message).map(({ remoteId, name }) => ({
      remoteId,
      name: parts.tidyFileName(name),
    }))
    const name = senderName(message)
    const fields = { body: wordsOf(message), ...(name && { name }), ...languageOf(from?.language_code) }
    return {
      kind: 'news-tip',
      channel: 'telegram',
      arrival: {
        source: `telegram:${parts.botId}`,
        // With chat and message, for two bots that share this door may share an update id.
        key: `${updateId}:${chat.id}:${messageId}`,
        secret: `${updateId}:${chat.id}:${messageId}`,
        digest: hash('sha256', JSON.stringify([fields.body, awaited]), 'base64url'),
      },
      fields,
      files: [],
      awaited,
      telegram: { chatId: chat.id, messageId },
    }
  }
}

/** Compares in constant time; a wrong or missing secret stores nothing. */
function onlyWithSecret(secret: string): RequestHandler {
  const expected = digestOf(secret)
  return (req, _res, next) => {
    const given = digestOf(req.get('x-telegram-bot-api-secret-token') ?? '')
    if (timingSafeEqual(given, expected)) return next()
    next(new Failure('unauthorized', 'The secret token is missing or wrong.'))
  }
}

function digestOf(text: string): Buffer {
  return hash('sha256', text, 'buffer')
}

/** A command alone, perhaps with the payload of a deep link. Whoever goes on writing is telling us something. */
function isGreeting(message: Message): boolean {
  return (
    /^\/(start|help)(@\w+)?(\s[\w-]{1,64})?$/.test((message.text ?? '').trim()) &&
    filesOf(message).length === 0
  )
}

function parseJson(raw: string): unknown {
  try {
    return JSON.parse(raw)
  } catch {
    return undefined
  }
}

function languageOf(code: string | undefined): { language?: string } {
  return code ? { language: code.slice(0, 50) } : {}
}

function acknowledge(res: Response): void {
  res.json({})
}

/** Answers in the webhook's own reply. https://core.telegram.org/bots/api#making-requests-when-getting-updates */
function reply(res: Response, message: Message, text: string): void {
  res.json({
    method: 'sendMessage',
    chat_id: message.chat.id,
    text,
    link_preview_options: { is_disabled: true },
  })
}

function greeting(newsroom: string): string {
  return [
    `This is the letterbox of ${newsroom}.`,
    'Write what you want to tell us, and add photos, documents, video or voice. You get a receipt for each message, and an editor reads it.',
    'Telegram knows who you are. If that is a danger to you, do not use it for this.',
  ].join('\n\n')
}

function answer(received: { reference: string; receipt: string }, statusUrl: string): string {
  return [
    'Received. Thank you.',
    `Reference: ${received.reference}\nReceipt: ${received.receipt}`,
    `Keep the receipt to yourself. With it you can read our answer and write again: ${statusUrl}`,
  ].join('\n\n')
}

function largeFileNote(formUrl: string): string {
  return `\n\nA file of more than 20 MB cannot be fetched from Telegram. Your words are safe; please send that file here: ${formUrl}`
}

const notTaken =
  'This kind of message cannot be read here yet, but it has been kept. Please write it in words, or send a photo, document, video or voice message.'
