import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer } from 'node:http'
import { type AddressInfo, connect, type Socket } from 'node:net'
import { type TestContext, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import express, { type ErrorRequestHandler } from 'express'
import { pino } from 'pino'
import { asFailure, errorBody, rejections } from './errors.ts'
import { type BodyPace, createBodies } from './request-bodies.ts'

const KiB = 1024

/** A server that reads bodies of up to 1 MB, and all of them together of up to 400 KB. */
async function reader(t: TestContext, pace?: BodyPace) {
  let told = 0
  const bodies = createBodies({
    clientOf: (req) => ({ name: req.get('client') ?? '', isOnion: req.get('client') === 'onion' }),
    onBusy: () => (told += 1),
    most: 400 * KiB,
    staged: { client: 100 * KiB, all: 200 * KiB },
    ...(pace && { pace }),
  })
  const begin = rejections(pino({ level: 'silent' }))
  const refuse: ErrorRequestHandler = (error, _req, res, _next) => {
    begin(res, asFailure(error))
    res.json(errorBody(asFailure(error)))
  }
  const app = express()
  app.use(bodies.guard)
  app.post('/', async (req, res) => {
    if (req.get('known')) bodies.of(req).know()
    res.send(String((await bodies.read(req, 1024 * KiB)).length))
  })
  app.use(refuse)
  const server = createServer(app).listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.after(() => {
    server.closeAllConnections()
    server.close()
  })
  const { port } = server.address() as AddressInfo
  const url = `http://127.0.0.1:${port}/`
  return {
    bodies,
    told: () => told,
    async ask(client: string, size: number, headers = {}): Promise<Response> {
      return fetch(url, { method: 'POST', headers: { client, ...headers }, body: 'x'.repeat(size) })
    },
    async use(client: string, size: number): Promise<Socket> {
      const before = bodies.used()
      const socket = connect(port, '127.0.0.1').on('error', () => undefined)
      const head = `POST / HTTP/1.1\r\nHost: x\r\nClient: ${client}\r\nContent-Length: 1000000\r\n\r\n`
      socket.write(head + 'x'.repeat(size))
      while (bodies.used() < before + size) await sleep(5)
      return socket
    },
  }
}

test('what all requests hold together has a limit, one client has a part of it, and it is free again at once', async (t) => {
  const { bodies, ask, use, told } = await reader(t)
  assert.equal((await ask('a', 50 * KiB)).status, 200)
  const first = await use('a', 60 * KiB)
  const refused = await ask('a', 50 * KiB)
  assert.equal(refused.status, 503)
  assert.ok(Number(refused.headers.get('retry-after')) > 0)
  assert.equal(((await refused.json()) as { error: { code: string } }).error.code, 'unavailable')
  assert.equal((await ask('b', 50 * KiB)).status, 200, 'another client has room')
  const onion = await use('onion', 150 * KiB)
  assert.equal((await ask('c', 60 * KiB)).status, 503, 'strangers together have three quarters')
  assert.equal(
    (await ask('d', 100 * KiB, { known: 'yes' })).status,
    200,
    'the rest is for those who are known',
  )
  first.destroy()
  onion.destroy()
  while (bodies.used() > 0) await sleep(5)
  assert.equal((await ask('a', 50 * KiB)).status, 200)
  assert.equal(told(), 1)
})

test('a body in countless small pieces is counted with what each piece costs', async (t) => {
  const { bodies, use } = await reader(t)
  const socket = await use('a', 0)
  socket.setNoDelay(true)
  let answer = ''
  socket.on('data', (chunk) => (answer += chunk))
  for (let n = 0; n < 1000 && answer === ''; n++) {
    socket.write('x')
    await sleep(1)
  }
  assert.match(answer, /^HTTP\/1.1 503/)
  socket.destroy()
  while (bodies.used() > 0) await sleep(5)
})

test('a body that hardly comes is broken off, and one that comes steadily is not', async (t) => {
  const { bodies, use, ask } = await reader(t, { patience: 300, slowest: 10_000, look: 20 })
  const slow = await use('a', 100)
  const began = performance.now()
  const steady = await use('b', 20 * KiB)
  await once(slow, 'close')
  assert.ok(performance.now() - began < 1500)
  await sleep(300)
  assert.equal(steady.destroyed, false)
  steady.destroy()
  while (bodies.used() > 0) await sleep(5)
  assert.equal((await ask('a', 10)).status, 200)
})

test('a packed body is refused: what it holds is not known before', async (t) => {
  const { ask } = await reader(t)
  assert.equal((await ask('a', 10, { 'content-encoding': 'gzip' })).status, 415)
})
