import assert from 'node:assert/strict'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

export const botToken = '4242:test-token_AAAA'
export const botName = 'newsroom_test_bot'

/** The most that the public Bot API gives out of a file. */
const maxFileBytes = 20 * 1024 * 1024

export type Button = { text: string; callback_data: string }
export type BotMessage = {
  message_id: number
  chat_id: number
  /** In the direct messages of a channel, whose they are. */
  topic_id: number | undefined
  text: string
  buttons: Button[]
  /** How often it was edited. */
  edits: number
}

/** What a person does, as far as an update tells of it. */
export type Said = Record<string, unknown>

export type Posted = { status: number; retryAfter?: number; body: Record<string, unknown> }
export type Post = (update: object) => Promise<Posted>

export type TelegramServer = Awaited<ReturnType<typeof openTelegramServer>>

type Waiting = { update: { update_id: number }; attempts: number; dueAt: number; since: number }

const second = 1000
const hour = 3_600_000

/**
 * Telegram's servers as they behave towards one bot: the HTTP API that it calls, with its faults, and the delivery of
 * updates to its webhook: so many at once, those of a chat one after the other, refused ones at once again and then after
 * 2, 4, 8 … 120 seconds or what Retry-After says, dropped after a day. Messages of both sides share one row of numbers.
 */
export async function openTelegramServer() {
  const files = new Map<string, Buffer>()
  const requests: string[] = []
  const calls: { method: string; payload: Record<string, unknown> }[] = []
  const messages: BotMessage[] = []
  const documents: { chat_id: number; name: string; content: string }[] = []
  const errors: { status: number; retryAfter?: number; method?: string }[] = []
  const blocked = new Set<number>()
  const hanging = new Set<number>()
  /** Chats that are the direct messages of a channel. */
  const directChats = new Set<number>()
  const webhook = { url: '', secret: '', allowed: [] as string[], lastError: '' }
  /** What waits for delivery, of each chat in order. */
  const waiting = new Map<number, Waiting[]>()
  const allWaiting = () => [...waiting.values()].flat()
  let nextMessage = 100
  let nextUpdate = 1

  const state = {
    files,
    requests,
    /** Every call of the bot, those in webhook replies too. */
    calls,
    /** What the bot has written, as it stands after edits. */
    messages,
    /** Files that the bot has sent. */
    documents,
    /** Answers requests with these, one each. */
    errors,
    blocked,
    /** Whoever writes to these chats gets no answer. */
    hanging,
    webhook,
    directChats,
    /** Where a file is, as `getFile` tells it: it ends as the name does that its sender gave it. */
    filePath: (fileId: string): string => `documents/${fileId}.bin`,
    dropped: [] as object[],
    /** A download waits for this. */
    givesOut: async (): Promise<void> => undefined,
    /** Answers every download with a redirect. */
    redirects: false,

    /** What the bot wrote to a chat. */
    to: (chat: number) => messages.filter((message) => message.chat_id === chat),

    /** The next message of a person in a chat with the bot, as an update. */
    message(chat: number, said: Said): { update_id: number; message: Record<string, unknown> } {
      return { update_id: nextUpdate++, message: { ...frame(chat, nextMessage++), ...said } }
    },

    edit(original: { message: Record<string, unknown> }, said: Said) {
      const message = { ...original.message, ...said, edit_date: now() + nextUpdate }
      return { update_id: nextUpdate++, edited_message: message }
    },

    /** The press of the button with this text, under the newest message of the chat that has it. */
    press(chat: number, text: string | RegExp) {
      const has = (button: Button) =>
        typeof text === 'string' ? button.text === text : text.test(button.text)
      const under = state.to(chat).findLast(({ buttons }) => buttons.some(has))
      const button = under?.buttons.find(has) ?? assert.fail(`no button ${text}`)
      return {
        update_id: nextUpdate++,
        callback_query: {
          id: String(nextUpdate),
          from: person(chat),
          chat_instance: 'c',
          message: { ...frame(chat, under?.message_id ?? 0), text: under?.text },
          data: button.callback_data,
        },
      }
    },

    /** Has updates wait for delivery, in this order within each chat. */
    queue(updates: { update_id: number }[], at = 0): void {
      for (const update of updates) {
        const chat = chatOf(update)
        const queue = waiting.get(chat) ?? []
        waiting.set(chat, queue)
        queue.push({ update, attempts: 0, dueAt: at, since: at })
      }
    },

    waiting: () => allWaiting().length,

    /**
     * Posts what waits until nothing does, over so many connections. Between tries `sleep` passes the time, milliseconds.
     */
    async deliver(
      post: Post,
      connections: number,
      clock: { now(): number; sleep(ms: number): Promise<void> },
    ) {
      const inFlight = new Map<number, Promise<void>>()
      while (waiting.size > 0) {
        for (const [chat, [first]] of waiting) {
          if (inFlight.size >= connections) break
          if (!first || inFlight.has(chat) || first.dueAt > clock.now()) continue
          const posted = postFirst(post, chat, first, clock.now()).finally(() => inFlight.delete(chat))
          inFlight.set(chat, posted)
        }
        if (inFlight.size > 0) await Promise.race(inFlight.values())
        else {
          const dueAt = Math.min(...[...waiting.values()].map(([first]) => first?.dueAt ?? 0))
          await clock.sleep(Math.max(1, dueAt - clock.now()))
        }
      }
      await Promise.all(inFlight.values())
    },

    /** Does what the bot asks for in the reply to its webhook. */
    obey(call: Record<string, unknown>): void {
      const { method, ...payload } = call
      if (typeof method === 'string') perform(method, payload)
    },
  }

  async function postFirst(post: Post, chat: number, first: Waiting, at: number): Promise<void> {
    const { status, retryAfter, body } = await post(first.update).catch(
      (): Posted => ({ status: 0, body: {} }),
    )
    if (status === 200) {
      removeFirst(chat)
      state.obey(body)
      return
    }
    first.attempts += 1
    const pause = first.attempts === 1 ? 0 : Math.min(120 * second, 2 ** (first.attempts - 1) * second)
    first.dueAt = at + Math.max(pause, (retryAfter ?? 0) * second)
    if (at - first.since < 24 * hour) return
    state.dropped.push(first.update)
    removeFirst(chat)
  }

  /** A chat that waits again later goes to the end of the line. */
  function removeFirst(chat: number): void {
    const rest = waiting.get(chat)?.slice(1) ?? []
    waiting.delete(chat)
    if (rest.length > 0) waiting.set(chat, rest)
  }

  /** Does what a method says, and gives its result, or the refusal. */
  function perform(method: string, payload: Record<string, unknown>): Answered {
    calls.push({ method, payload })
    const chat = Number(payload.chat_id)
    const text = String(payload.text ?? '')
    switch (method) {
      case 'getMe':
        return given({ id: 4242, is_bot: true, first_name: 'Newsroom', username: botName })
      case 'sendMessage': {
        if (blocked.has(chat)) return rejection(403, 'Forbidden: bot was blocked by the user')
        if (lacksTopic(payload)) return rejection(400, topicNeeded)
        if (text.length === 0 || text.length > 4096) return rejection(400, 'Bad Request: message is too long')
        const message_id = nextMessage++
        const topic_id = topicOf(payload)
        messages.push({ message_id, chat_id: chat, topic_id, text, buttons: buttonsOf(payload), edits: 0 })
        return given({ message_id, date: now(), chat: { id: chat, type: 'private' }, text })
      }
      case 'sendDocument': {
        if (blocked.has(chat)) return rejection(403, 'Forbidden: bot was blocked by the user')
        if (lacksTopic(payload)) return rejection(400, topicNeeded)
        const message_id = nextMessage++
        documents.push({ chat_id: chat, ...(payload.document as { name: string; content: string }) })
        return given({ message_id, date: now(), chat: { id: chat, type: 'private' } })
      }
      case 'editMessageText': {
        if (blocked.has(chat)) return rejection(403, 'Forbidden: bot was blocked by the user')
        const message = messages.find((one) => one.chat_id === chat && one.message_id === payload.message_id)
        if (!message) return rejection(400, 'Bad Request: message to edit not found')
        const buttons = buttonsOf(payload)
        if (message.text === text && JSON.stringify(message.buttons) === JSON.stringify(buttons))
          return rejection(400, 'Bad Request: message is not modified')
        Object.assign(message, { text, buttons, edits: message.edits + 1 })
        return given({
          message_id: message.message_id,
          date: now(),
          chat: { id: chat, type: 'private' },
          text,
        })
      }
      case 'setWebhook':
        Object.assign(webhook, {
          url: payload.url,
          secret: payload.secret_token,
          allowed: payload.allowed_updates,
        })
        if (payload.drop_pending_updates) waiting.clear()
        return given(true)
      case 'deleteWebhook':
        webhook.url = ''
        if (payload.drop_pending_updates) waiting.clear()
        return given(true)
      case 'getWebhookInfo':
        return given({
          url: webhook.url,
          has_custom_certificate: false,
          pending_update_count: allWaiting().length,
          allowed_updates: webhook.allowed,
          ...(webhook.lastError && { last_error_date: now(), last_error_message: webhook.lastError }),
        })
      case 'getUpdates': {
        const offset = Number(payload.offset ?? 0)
        const left = allWaiting()
          .map(({ update }) => update)
          .filter(({ update_id }) => update_id >= offset)
        waiting.clear()
        state.queue(left)
        return given(left.toSorted((a, b) => a.update_id - b.update_id).slice(0, 100))
      }
      case 'getFile': {
        const fileId = String(payload.file_id)
        const file = files.get(fileId)
        if (!file) return rejection(400, 'Bad Request: invalid file_id')
        if (file.length > maxFileBytes) return rejection(400, 'Bad Request: file is too big')
        const path = state.filePath(fileId)
        return given({ file_id: fileId, file_unique_id: fileId, file_size: file.length, file_path: path })
      }
      case 'answerCallbackQuery':
      case 'setMyCommands':
        return given(true)
      default:
        return rejection(404, 'Not Found')
    }
  }

  const server = createServer((req, res) => {
    void answerRequest(req, res)
  })

  async function answerRequest(req: IncomingMessage, res: ServerResponse): Promise<void> {
    const url = req.url ?? ''
    requests.push(url)
    const body = await textOf(req)
    const method = new RegExp(`^/bot${botToken}/(\\w+)$`).exec(url)?.[1]
    const errorCode = errors[0]
    if (errorCode && (errorCode.method === undefined || errorCode.method === method)) {
      errors.shift()
      return answer(res, rejection(errorCode.status, 'refused by the test', errorCode.retryAfter))
    }
    if (method !== undefined) {
      const payload = await payloadOf(req, body)
      if (hanging.has(Number(payload.chat_id))) return
      const answered = perform(method, payload)
      if (method === 'getUpdates' && Array.isArray(answered.body.result) && answered.body.result.length === 0)
        await new Promise((resolve) => setTimeout(resolve, 50))
      return answer(res, answered)
    }
    const file = fileAt(url)
    if (!file) return answer(res, rejection(404, 'Not Found'))
    if (state.redirects) {
      res.writeHead(302, { location: '/elsewhere' }).end()
      return
    }
    await state.givesOut()
    res.writeHead(200, { 'content-type': 'application/octet-stream', 'content-length': file.length })
    res.end(file)
  }

  /** The file that an address names: each part of its path as it is written in addresses, and nothing behind the path. */
  function fileAt(url: string): Buffer | undefined {
    const [, written] = new RegExp(`^/file/bot${botToken}/([^?#]+)$`).exec(url) ?? []
    const path = written === undefined ? undefined : decoded(written)
    const id = [...files.keys()].find((one) => pathsOf(one).includes(path ?? ''))
    return id === undefined ? undefined : files.get(id)
  }

  /** A server in local mode tells places on its disk; what it gives out below its address is what comes after the token. */
  function pathsOf(fileId: string): string[] {
    const path = state.filePath(fileId)
    return [path, path.slice(path.indexOf(`/${botToken}/`) + botToken.length + 2)]
  }

  function lacksTopic(payload: Record<string, unknown>): boolean {
    return directChats.has(Number(payload.chat_id)) && topicOf(payload) === undefined
  }

  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', () => resolve()))
  const { port } = server.address() as AddressInfo
  return Object.assign(state, {
    root: `http://127.0.0.1:${port}`,
    close: () =>
      new Promise<void>((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  })
}

const topicNeeded = 'Bad Request: channel direct messages topic must be specified'

function topicOf({ direct_messages_topic_id: topic }: Record<string, unknown>): number | undefined {
  return topic === undefined ? undefined : Number(topic)
}

function decoded(written: string): string | undefined {
  try {
    return decodeURIComponent(written)
  } catch {
    return undefined
  }
}

type Answered = { status: number; body: Record<string, unknown> }

function given(result: unknown): Answered {
  return { status: 200, body: { ok: true, result } }
}

function rejection(status: number, description: string, retryAfter?: number): Answered {
  const parameters = retryAfter === undefined ? {} : { parameters: { retry_after: retryAfter } }
  return { status, body: { ok: false, error_code: status, description, ...parameters } }
}

function answer(res: ServerResponse, { status, body }: Answered): void {
  res.writeHead(status, { 'content-type': 'application/json' })
  res.end(JSON.stringify(body))
}

async function textOf(req: IncomingMessage): Promise<string> {
  let text = ''
  for await (const chunk of req) text += chunk
  return text
}

/** What a call says, as JSON or, where a file goes along, as multipart/form-data. */
async function payloadOf(req: IncomingMessage, body: string): Promise<Record<string, unknown>> {
  const type = req.headers['content-type'] ?? ''
  if (!type.startsWith('multipart/form-data')) return body === '' ? {} : JSON.parse(body)
  const form = await new Response(body, { headers: { 'content-type': type } }).formData()
  const payload: Record<string, unknown> = Object.fromEntries(form)
  const file = [...form.values()].find((value) => value instanceof File)
  return file ? { ...payload, document: { name: file.name, content: await file.text() } } : payload
}

function buttonsOf(payload: Record<string, unknown>): Button[] {
  const markup = payload.reply_markup as { inline_keyboard?: Button[][] } | undefined
  return (markup?.inline_keyboard ?? []).flat()
}

function now(): number {
  return Math.floor(Date.now() / 1000)
}

function person(chat: number) {
  return {
    id: chat,
    is_bot: false,
    first_name: 'Juma',
    last_name: 'Otieno',
    username: 'jumao',
    language_code: 'en',
  }
}

function frame(chat: number, messageId: number): Record<string, unknown> {
  return {
    message_id: messageId,
    date: now(),
    chat: { id: chat, type: 'private', first_name: 'Juma' },
    from: person(chat),
  }
}

function chatOf(update: object): number {
  const { message, edited_message, callback_query } = update as Record<string, { chat?: { id: number } }>
  const said =
    message ?? edited_message ?? (callback_query as { message?: { chat: { id: number } } })?.message
  return said?.chat?.id ?? 0
}
