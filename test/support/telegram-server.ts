import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'

export const botToken = '4242:test-token_AAAA'

export type TelegramServer = {
  root: string
  /** Files by file id. */
  files: Map<string, Buffer>
  requests: string[]
  /** What the bot has written to whom. */
  sent: { chat_id: number; text: string }[]
  /** Answers every request with this, once for each entry. */
  faults: { status: number; retryAfter?: number }[]
  filePath: (fileId: string) => string
  close(): Promise<void>
}

/** Telegram's HTTP API as far as it is used: getFile, the download and sendMessage, with its faults. */
export async function openTelegramServer(): Promise<TelegramServer> {
  const state: Omit<TelegramServer, 'root' | 'close'> = {
    files: new Map(),
    requests: [],
    sent: [],
    faults: [],
    filePath: (fileId) => `documents/${fileId}.bin`,
  }
  const server = createServer((req, res) => {
    const url = req.url ?? ''
    state.requests.push(url)
    let body = ''
    req.on('data', (chunk) => {
      body += chunk
    })
    req.on('end', () => {
      const fault = state.faults.shift()
      if (fault) return answer(res, fault.status, refusal(fault.status, fault.retryAfter))
      if (url === `/bot${botToken}/getFile`) {
        const fileId = String(JSON.parse(body).file_id)
        const file = state.files.get(fileId)
        if (!file) return answer(res, 400, refusal(400))
        if (file.length > 20 * 1024 * 1024) return answer(res, 400, refusal(400))
        const result = {
          file_id: fileId,
          file_unique_id: fileId,
          file_size: file.length,
          file_path: state.filePath(fileId),
        }
        return answer(res, 200, { ok: true, result })
      }
      if (url === `/bot${botToken}/sendMessage`) {
        const message = JSON.parse(body)
        if (message.text.length > 4096) return answer(res, 400, refusal(400))
        state.sent.push(message)
        const result = {
          message_id: state.sent.length,
          date: 1,
          chat: { id: message.chat_id, type: 'private' },
        }
        return answer(res, 200, { ok: true, result })
      }
      const name = new RegExp(`^/file/bot${botToken}/documents/(.+)\\.bin$`).exec(url)?.[1]
      const file = name === undefined ? undefined : state.files.get(name)
      if (!file) return answer(res, 404, refusal(404))
      res.writeHead(200, { 'content-type': 'application/octet-stream', 'content-length': file.length })
      res.end(file)
    })
  })
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

function refusal(status: number, retryAfter?: number) {
  return {
    ok: false,
    error_code: status,
    description: 'refused by the test',
    ...(retryAfter && { parameters: { retry_after: retryAfter } }),
  }
}

function answer(res: import('node:http').ServerResponse, status: number, body: object): void {
  res.writeHead(status, { 'content-type': 'application/json' })
  res.end(JSON.stringify(body))
}
