import autocannon from 'autocannon'

export type Load = { path: string; headers: Record<string, string>; body: () => string }

export type Figures = { perSecond: number; p50: number; p99: number; refused: number }

/** Posts from so many connections for so many seconds, each request with a body of its own. */
export async function post(port: number, load: Load, connections: number, seconds: number): Promise<Figures> {
  const result = await autocannon({
    url: `http://127.0.0.1:${port}${load.path}`,
    connections,
    duration: seconds,
    requests: [
      {
        method: 'POST',
        headers: load.headers,
        setupRequest: (request) => ({ ...request, body: load.body() }),
      },
    ],
  })
  return {
    perSecond: result['2xx'] / result.duration,
    p50: result.latency.p50,
    p99: result.latency.p99,
    refused: result.non2xx + result.errors,
  }
}

const paragraph =
  'The road past the market was promised for the dry season, and the dry season has come and gone twice. '

/** About 6 KB of text, as an opinion piece has. */
export const sixKilobytes = paragraph.repeat(Math.ceil(6000 / paragraph.length)).slice(0, 6000)

const boundary = 'bench-boundary'

export const formPost: Load = {
  path: '/submit/story-angle',
  headers: { 'content-type': `multipart/form-data; boundary=${boundary}`, accept: 'application/json' },
  body: () => multipart({ title: 'The road past the market', body: sixKilobytes, name: 'A reader' }),
}

/** The same in confidence: sealed as it comes in. */
export const encryptedPost: Load = { ...formPost, path: '/submit/news-tip' }

function multipart(fields: Record<string, string>): string {
  const parts = Object.entries(fields).map(
    ([name, value]) => `--${boundary}\r\nContent-Disposition: form-data; name="${name}"\r\n\r\n${value}\r\n`,
  )
  return `${parts.join('')}--${boundary}--\r\n`
}

let updateId = 1

/** Updates of one chat. */
export function telegramUpdate(secret: string): Load {
  return updatesOf(secret, () => 7001)
}

/** Updates of a thousand chats that all write at once. */
export function chatUpdate(secret: string): Load {
  return updatesOf(secret, (id) => 7000 + (id % 1000))
}

function updatesOf(secret: string, chatOf: (updateId: number) => number): Load {
  return {
    path: '/webhooks/telegram',
    headers: { 'content-type': 'application/json', 'x-telegram-bot-api-secret-token': secret },
    body() {
      updateId += 1
      const id = chatOf(updateId)
      return JSON.stringify({
        update_id: updateId,
        message: {
          message_id: updateId,
          date: 1_790_000_000,
          chat: { id, type: 'private', first_name: 'Juma' },
          from: { id, is_bot: false, first_name: 'Juma', language_code: 'sw' },
          text: sixKilobytes.slice(0, 4000),
        },
      })
    },
  }
}
