import assert from 'node:assert/strict'
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { type RunningProcess, startProcess } from '../support/process.ts'

const MiB = 1024 * 1024
const linux = process.platform === 'linux' ? {} : { skip: 'reads /proc, so it runs on Linux only' }
const head = (length: number) =>
  `POST /submit/news-tip HTTP/1.1\r\nHost: x\r\nAccept: application/json\r\nConnection: close\r\n` +
  `Content-Type: multipart/form-data; boundary=b\r\nContent-Length: ${length}\r\n\r\n`
const start =
  '--b\r\nContent-Disposition: form-data; name="body"\r\n\r\nA very long recording is attached.\r\n' +
  '--b\r\nContent-Disposition: form-data; name="files"; filename="recording.wav"\r\n\r\n'
const end = '\r\n--b--\r\n'

async function open(t: TestContext): Promise<{ running: RunningProcess; files: () => Promise<string[]> }> {
  const folder = await mkdtemp(join(tmpdir(), 'barua-uploads-'))
  const uploads = join(folder, 'uploads')
  const running = await startProcess({
    DATA_DIR: join(folder, 'data'),
    UPLOADS_DIR: uploads,
    MAX_FILE_BYTES: String(1100 * MiB),
    MAX_SUBMISSION_BYTES: String(1100 * MiB),
    LOG_LEVEL: 'warn',
  })
  t.after(async () => {
    await running.kill()
    await rm(folder, { recursive: true, force: true })
  })
  const files = async () =>
    (await readdir(uploads, { recursive: true, withFileTypes: true }))
      .filter((one) => one.isFile() && one.name !== 'store-id')
      .map((one) => one.name)
  return { running, files }
}

async function processKey(pid: number, what: 'VmRSS' | 'VmHWM'): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8')
  return Number(new RegExp(`${what}:\\s+(\\d+)`).exec(status)?.[1]) / 1024
}

/** A WAV's beginning, and silence. */
function wavChunk(): Buffer {
  const chunk = Buffer.alloc(MiB)
  chunk.write('RIFF\xff\xff\xff\x3fWAVEfmt ', 'latin1')
  return chunk
}

test('an upload of one gibibyte does not grow the process by more than 150 MiB', linux, async (t) => {
  const { running, files } = await open(t)
  // The first file starts the thread that seals.
  await upload(running, MiB)
  const before = await processKey(running.pid, 'VmRSS')
  await upload(running, 1024 * MiB)
  const grown = (await processKey(running.pid, 'VmHWM')) - before
  t.diagnostic(`grew by ${grown.toFixed(0)} MiB`)
  assert.ok(grown < 150, `grew by ${grown.toFixed(0)} MiB`)
  assert.equal((await files()).length, 2)
})

async function upload(running: RunningProcess, size: number): Promise<void> {
  const socket = connect(Number(new URL(running.url).port), '127.0.0.1')
  const answer = new Promise<string>((resolve, reject) => {
    let text = ''
    socket.on('data', (chunk) => (text += chunk))
    socket.on('end', () => resolve(text))
    socket.on('error', reject)
  })
  const write = (data: string | Buffer) =>
    new Promise<void>((resolve) => (socket.write(data) ? resolve() : socket.once('drain', () => resolve())))
  await write(head(start.length + size + end.length) + start)
  await write(wavChunk())
  const silence = Buffer.alloc(MiB)
  for (let sent = MiB; sent < size; sent += MiB) await write(silence)
  await write(end)
  assert.match(await answer, /^HTTP\/1\.1 201 /)
}

const checkpointDescriptors = 8

test('a thousand uploads that break off leave no file and no open descriptor behind', linux, async (t) => {
  const { running, files } = await open(t)
  const port = Number(new URL(running.url).port)
  const descriptors = async () => (await readdir(`/proc/${running.pid}/fd`)).length
  // The threads that seal files are there from the first large ones on.
  for (let round = 0; round < 5; round++) await Promise.all(Array.from({ length: 20 }, () => breakOff(port)))
  await settled(files)
  const before = await descriptors()
  for (let round = 0; round < 50; round++) await Promise.all(Array.from({ length: 20 }, () => breakOff(port)))
  await settled(files)
  assert.deepEqual(await files(), [])
  // The thread that writes SQLite's log back, with its connection, may begin meanwhile; a thousand uploads would leave more.
  const most = before + checkpointDescriptors
  for (let attempts = 0; attempts < 50 && (await descriptors()) > most; attempts++) await sleep(100)
  assert.ok((await descriptors()) <= most, `${before} descriptors before, ${await descriptors()} after`)
  const { status } = await fetch(`${running.url}/readyz`)
  assert.equal(status, 200)
})

function breakOff(port: number): Promise<void> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1', () => {
      socket.write(head(50 * MiB) + start)
      socket.write(wavChunk().subarray(0, 100_000), () => {
        setTimeout(() => socket.destroy(), Math.random() * 15)
      })
    })
    socket.on('close', () => resolve())
    socket.on('error', () => undefined)
  })
}

/** Waits until the server has noticed that nobody is there any more. */
async function settled(files: () => Promise<string[]>): Promise<void> {
  for (let attempts = 0; attempts < 100; attempts++) {
    if ((await files()).length === 0) return
    await sleep(50)
  }
}
