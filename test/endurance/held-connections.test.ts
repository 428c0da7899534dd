import assert from 'node:assert/strict'
import { connect, type Socket } from 'node:net'
import { join } from 'node:path'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { folderUntilExit } from '../support/folder.ts'
import { openNewsroom } from '../support/newsroom.ts'
import { freePort, type RunningProcess, startProcess } from '../support/process.ts'
import { type Brought, everyTakingRoute, webhookSecret } from '../support/routes.ts'
import { tip } from '../support/submissions.ts'

const linux = process.platform === 'linux' ? {} : { skip: 'any 127.x.y.z is this machine on Linux only' }
const onion = '2gzyxa5ihm7nsggfxnu52rck2vv4rvmdlkiu3zzui5du4xyclen53wid.onion'
const KiB = 1024

/** What is pushed into a connection before it is held open: a little, nearly what the fields of a form may have, and far more. */
const pushed = [8 * KiB, 900 * KiB, 19_000 * KiB]

type Sort = { type: string; begin: string; submission: (n: number) => string }

const text = 'x'.repeat(128 * KiB)

const sorts: Record<string, Sort> = {
  multipart: {
    type: 'multipart/form-data; boundary=b',
    begin: '',
    submission: (n) => `--b\r\nContent-Disposition: form-data; name="f${n}"\r\n\r\n${text}${text}${text}\r\n`,
  },
  'one field of a multipart': {
    type: 'multipart/form-data; boundary=b',
    begin: '--b\r\nContent-Disposition: form-data; name="body"\r\n\r\n',
    submission: () => text,
  },
  urlencoded: {
    type: 'application/x-www-form-urlencoded',
    begin: 'body=',
    submission: () => text,
  },
  JSON: {
    type: 'application/json',
    begin: '{"kind":"news-tip","body":"',
    submission: () => text,
  },
}

const sources = {
  'one address': { host: 'x', from: () => '127.0.0.1' },
  'many addresses': { host: 'x', from: (n: number) => `127.0.${n % 250}.${2 + Math.floor(n / 250)}` },
  'the onion name': { host: onion, from: () => '127.0.0.1' },
}

/** Holds a connection on which a request has been begun that never ends. */
async function hold(
  running: RunningProcess,
  { path, headers }: Brought,
  { type, begin, submission }: Sort,
  most: number,
  isChunked: boolean,
  { host, from }: { host: string; from: string },
): Promise<Socket> {
  const socket = connect({ port: Number(new URL(running.url).port), host: '127.0.0.1', localAddress: from })
  let isOver = false
  for (const event of ['data', 'end', 'error', 'close']) socket.on(event, () => (isOver = true))
  const lines = Object.entries(headers)
    .map(([name, value]) => `${name}: ${value}\r\n`)
    .join('')
  const length = isChunked ? 'Transfer-Encoding: chunked' : 'Content-Length: 20000000'
  const head = `POST ${path} HTTP/1.1\r\nHost: ${host}\r\nContent-Type: ${type}\r\n${lines}${length}\r\n\r\n`
  const write = async (text: string) => {
    if (isOver || socket.write(text)) return
    const drained = new Promise((resolve) => socket.once('drain', () => resolve('drained')))
    // What the server does not read is held as it is.
    if ((await Promise.race([drained, sleep(1000)])) !== 'drained') isOver = true
  }
  await write(head)
  let sent = 0
  for (let n = 0; sent < most && !isOver; n++) {
    const some = ((n === 0 ? begin : '') + submission(n)).slice(0, most)
    await write(isChunked ? `${some.length.toString(16)}\r\n${some}\r\n` : some)
    sent += some.length
  }
  return socket
}

async function honest(running: RunningProcess, host = 'x'): Promise<Response> {
  const form = new FormData()
  for (const [name, value] of Object.entries(tip())) form.set(name, value)
  const headers = { accept: 'application/json', host }
  return fetch(`${running.url}/submit/news-tip`, { method: 'POST', body: form, headers })
}

test(
  'connections that are held on every route that takes a body do not end a process of 256 MB',
  linux,
  async (t) => {
    const folder = folderUntilExit('held')
    const env = {
      DATA_DIR: join(folder, 'data'),
      UPLOADS_DIR: join(folder, 'uploads'),
      PORT: String(await freePort()),
      TELEGRAM_WEBHOOK_SECRET: webhookSecret,
      ONION_URL: `http://${onion}`,
      LOG_LEVEL: 'warn',
    }
    const running = await startProcess({ ...env, NODE_OPTIONS: '--max-old-space-size=256' })
    t.after(() => running.kill())
    const routes = await everyTakingRoute(await openNewsroom(t), env)
    assert.ok(routes.length > 50, `${routes.length} routes`)
    let busy = 0
    for (const [sort, how] of Object.entries(sorts)) {
      for (const isChunked of [true, false]) {
        for (const [where, { host, from }] of Object.entries(sources)) {
          const what = `${sort}, ${isChunked ? 'chunked' : 'with a length'}, from ${where}`
          const all = pushed.flatMap((most) => routes.map((route) => ({ route, most })))
          const held = await Promise.all(
            all.map(({ route, most }, n) =>
              hold(running, route, how, most, isChunked, { host, from: from(n) }),
            ),
          )
          assert.equal((await fetch(`${running.url}/healthz`)).status, 200, what)
          const during = await honest(running)
          if (during.status === 503) {
            assert.ok(Number(during.headers.get('retry-after')) > 0, what)
            busy += 1
          } else assert.equal(during.status, 201, `${what}: ${await during.text()}`)
          for (const socket of held) socket.destroy()
          await sleep(100)
          assert.equal((await honest(running)).status, 201, `after ${what}`)
        }
      }
    }
    t.diagnostic(`${busy} honest forms were told to come again`)
  },
)
