import assert from 'node:assert/strict'
import { readdir, readFile } from 'node:fs/promises'
import { createServer, type IncomingMessage, request, type Server } from 'node:http'
import { type AddressInfo, connect, type Socket } from 'node:net'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { buffer, text } from 'node:stream/consumers'
import { type TestContext, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { beginLiveStream } from '../../src/desk/http/live-stream.ts'
import { createFileCipher } from '../../src/encryption/age-stream.ts'
import { previewNow } from '../../src/files/preview/preview.ts'
import { madeBy } from '../../src/files/processes/child-process.ts'
import { removeEditor, resetFactors } from '../support/accounts.ts'
import { folderUntilExit } from '../support/folder.ts'
import { editorAddress, type Newsroom, openNewsroom } from '../support/newsroom.ts'
import { freePort, type RunningProcess, startProcess } from '../support/process.ts'
import { openSmtpClient } from '../support/smtp-client.ts'
import { png, tip } from '../support/submissions.ts'

const second = 1000
const heartbeat = 20 * second
const other = 'other@newsroom.test'

async function serving(t: TestContext, server: Server): Promise<number> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  t.after(() => server.closeAllConnections())
  t.after(() => server.close())
  return (server.address() as AddressInfo).port
}

/** A newsroom that is really listened to, whose heartbeats come when the test says so. */
async function open(t: TestContext) {
  t.mock.timers.enable({ apis: ['setInterval'] })
  const newsroom = await openNewsroom(t, { EDITORS: `${editorAddress},${other}` })
  const port = await serving(t, createServer(newsroom.application.web))
  return {
    newsroom,
    port,
    async beat() {
      t.mock.timers.tick(heartbeat)
      await sleep(100)
    },
    async isAlive() {
      const answer = await fetch(`http://127.0.0.1:${port}/healthz`)
      assert.equal(await answer.text(), 'alive\n')
    },
  }
}

type Listening = { stream: IncomingMessage; heard: () => string; ended: Promise<unknown> }

/** Opens the stream of a page, and has heard that it has begun. */
async function listen(port: number, cookie: string, query = ''): Promise<Listening> {
  const asked = request({ port, host: '127.0.0.1', path: `/desk/events${query}`, headers: { cookie } }).end()
  asked.on('error', () => undefined)
  const stream = await new Promise<IncomingMessage>((resolve) => asked.on('response', resolve))
  assert.match(stream.headers['content-type'] ?? '', /^text\/event-stream/)
  let heard = ''
  const begun = Promise.withResolvers<void>()
  stream.setEncoding('utf8').on('data', (events) => {
    heard += events
    begun.resolve()
  })
  stream.on('error', () => undefined)
  const ended = new Promise((resolve) => stream.once('close', resolve))
  await begun.promise
  return { stream, heard: () => heard, ended }
}

const endings: Record<string, (newsroom: Newsroom, cookie: string) => Promise<unknown>> = {
  'signing out in another tab': (newsroom, cookie) => newsroom.act('/desk/sign-out', {}, cookie),
  'half an hour without use': async (newsroom) => newsroom.passTime(31 * 60 * second),
  'twelve hours': async (newsroom) => newsroom.passTime(13 * 60 * 60 * second),
  'the removal of the editor': ({ application }) => removeEditor(application.storage, other),
  'a reset by an admin': ({ application }) => resetFactors(application.storage, other),
}

for (const [what, end] of Object.entries(endings)) {
  test(`a session that ends by ${what} ends its open pages, and nothing else`, async (t) => {
    const { newsroom, port, beat, isAlive } = await open(t)
    const { reference } = await newsroom.submit('news-tip', tip())
    const cookie = await newsroom.signIn(other)
    const pages = await Promise.all(
      ['', `?submission=${reference}`, `?submission=${reference}`].map((query) =>
        listen(port, cookie, query),
      ),
    )
    await beat()
    await end(newsroom, cookie)
    await beat()
    await isAlive()
    for (const page of pages) {
      await page.ended
      assert.match(page.heard(), /event: signed-out/)
    }
    // Whoever is still there goes on hearing.
    const still = await listen(port, await newsroom.signIn(), `?submission=${reference}`)
    await beat()
    await newsroom.submit('news-tip', { body: 'A second tip, which the lists are told of at once.' })
    await beat()
    await sleep(600)
    assert.match(still.heard(), /event: lists/)
    assert.match(still.heard(), /event: submission\ndata: \{"revision":1/)
    await isAlive()
  })
}

test('a page that is closed at any moment, and a server that stops, end nothing else', async (t) => {
  const { newsroom, port, beat, isAlive } = await open(t)
  const { reference } = await newsroom.submit('news-tip', tip())
  const cookie = await newsroom.signIn()
  for (let round = 0; round < 5; round++) {
    const pages = await Promise.all(
      Array.from({ length: 4 }, () => listen(port, cookie, `?submission=${reference}`)),
    )
    const beating = beat()
    for (const { stream } of pages) stream.destroy()
    await beating
  }
  await beat()
  await isAlive()
  const last = await listen(port, cookie, `?submission=${reference}`)
  const beating = beat()
  newsroom.application.closeStreams()
  await last.ended
  await beating
  // While it stops, a page that asks is told at once to come again.
  const late = await listen(port, cookie)
  await late.ended
  assert.match(late.heard(), /^retry: \d+\n\n$/)
  await isAlive()
})

test('a page that reads nothing is let go before much waits for it', async (t) => {
  let most = 0
  let said = 0
  const gone = Promise.withResolvers<void>()
  const port = await serving(
    t,
    createServer((_req, res) => {
      const live = beginLiveStream(res)
      res.on('close', () => gone.resolve())
      const speaking = setInterval(() => {
        for (let i = 0; i < 100; i++) live.say(`data: ${'x'.repeat(16_000)}\n\n`)
        said += 100 * 16_000
        most = Math.max(most, res.writableLength)
      }, 1)
      t.after(() => clearInterval(speaking))
    }),
  )
  const socket = connect(port, '127.0.0.1')
  t.after(() => socket.destroy())
  socket.pause()
  socket.write('GET / HTTP/1.1\r\nHost: x\r\n\r\n')
  await gone.promise
  assert.ok(most <= 64 * 1024, `${most} bytes waited`)
  assert.ok(said > most)
})

/** The processes that this one has begun. */
async function childrenOf(pid: number): Promise<number[]> {
  const numbers = (await readdir('/proc')).filter((name) => /^\d+$/.test(name))
  const parents = await Promise.all(
    numbers.map(async (name) => {
      const stat = await readFile(`/proc/${name}/stat`, 'utf8').catch(() => '')
      return { pid: Number(name), parent: Number(stat.slice(stat.lastIndexOf(')')).split(' ')[2]) }
    }),
  )
  return parents.filter(({ parent }) => parent === pid).map((one) => one.pid)
}

/** A source that gives a little and then nothing, until it is told to break. */
function slow(): Readable {
  const source = new Readable({ read: () => undefined })
  source.push('a little')
  return source
}

test('a process that is killed, cannot begin, or is given a file that breaks ends nothing else', async () => {
  const before = new Set(await childrenOf(process.pid))
  const newOne = async () => {
    for (;;) {
      const found = (await childrenOf(process.pid)).find((pid) => !before.has(pid))
      if (found) return found
      await sleep(10)
    }
  }
  const seen = previewNow('image/png', slow())
  process.kill(await newOne(), 'SIGKILL')
  assert.equal(await seen, undefined)

  const command = { file: process.execPath, args: ['-e', 'setInterval(() => {}, 1000)'], env: {} }
  const made = madeBy(command, slow(), { patience: 20 * second })
  process.kill(await newOne(), 'SIGKILL')
  assert.equal(await made, 'unreadable')

  for (const file of ['/no/such/program', '/etc/hostname']) {
    const source = slow()
    assert.equal(await madeBy({ ...command, file }, source, { patience: second }), 'unreadable')
    assert.ok(source.destroyed)
  }

  const broken = slow()
  const reading = madeBy(command, broken, { patience: 20 * second })
  broken.destroy(new Error('broke'))
  await assert.rejects(reading, /broke/)
  const brokenBefore = slow().destroy(new Error('broke'))
  brokenBefore.on('error', () => undefined)
  assert.equal(await previewNow('image/png', brokenBefore), undefined)
})

test('threads that end in the middle break the files in hand, and nothing else', async () => {
  const cipher = createFileCipher()
  const large = Buffer.alloc(4 * 1024 * 1024, 'text ')
  const { encrypted, fileKey } = cipher.encrypt(Readable.from([large]))
  const whole = await buffer(encrypted)
  const key = await fileKey

  for (const submissions of [1, 5, 20]) {
    const { encrypted: breaking } = cipher.encrypt(Readable.from(chunksOf(large)))
    const opening = cipher.open(Readable.from(chunksOf(whole)), key)
    const reading = [breaking, opening].map((stream) => read(stream, submissions, () => cipher.close()))
    for (const what of await Promise.allSettled(reading)) assert.equal(what.status, 'rejected')
    // At any moment before it has begun, it may be either.
    await Promise.allSettled([buffer(cipher.open(Readable.from(chunksOf(whole)), key)), cipher.close()])
    // One that nobody reads to its end, and one that nobody begins.
    cipher.open(Readable.from(chunksOf(whole)), key)
    const left = cipher.open(Readable.from(chunksOf(whole)), key)
    await left[Symbol.asyncIterator]().next()
    left.destroy()
  }
  assert.deepEqual(await buffer(cipher.open(Readable.from([whole]), key)), large)
  await cipher.close()
})

function* chunksOf(bytes: Buffer) {
  for (let at = 0; at < bytes.length; at += 64 * 1024) yield bytes.subarray(at, at + 64 * 1024)
}

async function read(stream: Readable, submissions: number, then: () => Promise<void>): Promise<void> {
  let count = 0
  for await (const _ of stream) if (++count === submissions) await then()
}

// The whole program, in a process of its own.

const receiving = 'tips@example.org'

async function start(t: TestContext, env = {}, options = {}): Promise<RunningProcess> {
  const path = folderUntilExit('streams')
  const folders = { DATA_DIR: join(path, 'data'), UPLOADS_DIR: join(path, 'uploads') }
  const running = await startProcess({ ...folders, ...env }, options)
  t.after(() => running.kill())
  return running
}

async function assertAlive(running: RunningProcess): Promise<void> {
  const answer = await fetch(`${running.url}/healthz`)
  assert.equal(await answer.text(), 'alive\n')
  assert.doesNotMatch(running.output(), /caught by nobody/)
}

/** Opens the way in that is printed at the first start, and gives the session's cookie. */
async function signIn(running: RunningProcess): Promise<string> {
  const link = /(\/desk\/sign-in\/[\w-]+)/.exec(running.output())?.[1]
  const answer = await fetch(running.url + link, { method: 'POST', redirect: 'manual' })
  return answer.headers.getSetCookie()[0]?.split(';')[0] ?? ''
}

async function socketTo(running: RunningProcess): Promise<Socket> {
  const socket = connect(Number(new URL(running.url).port), '127.0.0.1')
  socket.on('error', () => undefined)
  await new Promise((resolve) => socket.once('connect', resolve))
  return socket
}

test('connections that are cut at every sort of moment end nothing else', async (t) => {
  const port = await freePort()
  const running = await start(t, {
    EMAIL_LISTEN: `smtp://127.0.0.1:${port}`,
    EMAIL_ADDRESSES: `${receiving}=news-tip`,
  })
  const cookie = await signIn(running)
  const form = new FormData()
  form.set('body', tip().body)
  form.append('files', new File([new Uint8Array(png())], 'a.png', { type: 'image/png' }))
  form.append('files', new File([Buffer.alloc(4_000_000, 'a long text ')], 'long.txt'))
  const sent = await fetch(`${running.url}/submit/news-tip`, {
    method: 'POST',
    body: form,
    headers: { accept: 'application/json' },
  })
  const { reference } = (await sent.json()) as { reference: string }
  const page = await (
    await fetch(`${running.url}/desk/submissions/${reference}`, { headers: { cookie } })
  ).text()
  const [picture, words] = [...page.matchAll(/\/desk\/attachments\/([\w-]+)\/(?:picture|words)/g)].map(
    ([, id]) => id,
  )
  assert.ok(picture && words)

  const asked = [
    `GET /desk/events?submission=${reference}`,
    'GET /desk/events',
    'GET /desk/export.csv',
    'GET /desk/export.json',
    `GET /desk/attachments/${picture}/picture`,
    `GET /desk/attachments/${picture}/clean`,
    `GET /desk/attachments/${words}/words`,
    `POST /desk/attachments/${words}`,
    `POST /desk/submissions/${reference}/export`,
    `POST /desk/submissions/${reference}/answer`,
    'POST /submit/news-tip',
    'POST /status',
    'GET /healthz',
  ]
  const head = (line: string, more = '') =>
    `${line} HTTP/1.1\r\nHost: x\r\nCookie: ${cookie}\r\nSec-Fetch-Site: same-origin\r\n${more}\r\n`
  const multipart = 'Content-Type: multipart/form-data; boundary=xx\r\nContent-Length: 100000\r\n'
  const halfFile =
    '--xx\r\nContent-Disposition: form-data; name="files"; filename="a.txt"\r\n\r\nthe beginning of a file'
  for (const line of asked) {
    const isPost = line.startsWith('POST')
    const requests = isPost
      ? [head(line, 'Content-Length: 0\r\n'), head(line, multipart), head(line, multipart) + halfFile]
      : [head(line), head(line).slice(0, 40)]
    for (const bytes of requests) {
      for (const cut of ['at once', 'after a moment', 'after an answer'] as const) {
        const socket = await socketTo(running)
        socket.write(bytes)
        if (cut === 'after a moment') await sleep(5)
        if (cut === 'after an answer')
          await Promise.race([new Promise((resolve) => socket.once('data', resolve)), sleep(50)])
        // With a reset, as from a machine that has gone, and not in good order.
        socket.resetAndDestroy()
      }
    }
  }
  for (const nonsense of [
    '\x16\x03\x01\x02\x00',
    'GET\r\n\r\n',
    head('CONNECT x:1'),
    `${'x'.repeat(70_000)}`,
  ]) {
    const socket = await socketTo(running)
    socket.write(nonsense)
    await sleep(5)
    socket.resetAndDestroy()
  }
  await assertAlive(running)

  for (const said of ['', 'Subject: half', `Subject: half\r\n\r\n${'word '.repeat(100_000)}`]) {
    const client = await openSmtpClient(port)
    assert.match(await client.begin(receiving), /^354/)
    client.send(said)
    await sleep(20)
    client.cut()
  }
  for (const line of ['STARTTLS', 'x'.repeat(100_000), 'EHLO']) {
    const client = await openSmtpClient(port)
    await client.reply()
    client.send(`${line}\r\n`)
    client.cut()
  }
  await sleep(200)
  await assertAlive(running)
})

test('more connections than there may be files end nothing', async (t) => {
  const running = await start(t, {}, { openFiles: 80 })
  const sockets = Array.from({ length: 200 }, () => {
    const socket = connect(Number(new URL(running.url).port), '127.0.0.1')
    return socket.on('error', () => undefined)
  })
  await sleep(300)
  for (const socket of sockets) socket.destroy()
  await sleep(300)
  await assertAlive(running)
})

test('nobody who reads what is printed is needed', async (t) => {
  const running = await start(t, { LOG_LEVEL: 'debug' })
  running.deafen()
  for (let i = 0; i < 3; i++) {
    await fetch(`${running.url}/submit/news-tip`, {
      method: 'POST',
      body: new URLSearchParams({ body: `${tip().body} ${i}` }),
    })
    await assertAlive(running)
  }
})

const breaking = `process.on('SIGUSR2', () => {
  setImmediate(() => { throw Object.assign(new Error('secret words'), { code: 'ECONNRESET' }) })
  setImmediate(() => { Promise.reject(Object.assign(new Error('secret words'), { code: 'SQLITE_FULL' })) })
})`

test('what nothing caught, and came from outside, ends nothing and is logged without its words', async (t) => {
  const running = await start(t, {}, { before: breaking })
  process.kill(running.pid, 'SIGUSR2')
  while ((running.output().match(/caught by nobody/g) ?? []).length < 2) await sleep(20)
  assert.equal(await text((await fetch(`${running.url}/healthz`)).body as never), 'alive\n')
  assert.doesNotMatch(running.output(), /secret words/)
  assert.equal(await running.stop(), 0)
})

const mistaken = `process.on('SIGUSR2', () => { setImmediate(() => { throw new TypeError('secret words') }) })`

test('after a mistake of the program it finishes what is in hand and ends, to be started anew', async (t) => {
  const running = await start(t, {}, { before: mistaken })
  const socket = await socketTo(running)
  let answer = ''
  socket.on('data', (submission) => (answer += submission))
  const body = `body=${encodeURIComponent(tip().body)}`
  socket.write(
    `POST /submit/news-tip HTTP/1.1\r\nHost: x\r\nAccept: application/json\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: ${body.length}\r\n\r\n${body.slice(0, 9)}`,
  )
  await sleep(100)
  process.kill(running.pid, 'SIGUSR2')
  await sleep(100)
  socket.write(body.slice(9))
  assert.equal(await running.ended, 1)
  assert.match(answer, /^HTTP\/1\.1 201 /)
  assert.match(running.output(), /"name":"TypeError".*caught by nobody: stopping/)
  assert.doesNotMatch(running.output(), /secret words/)
})
