// Prints what the desk's lists cost on a small pile and on a large one, both measured in this run, while pieces come in.
import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import autocannon from 'autocannon'
import { formPost } from './load.ts'
import { makePile } from './pile.ts'
import { type Server, start } from './servers.ts'

const sizes = (process.env.BENCH_SIZES ?? '10000,1000000').split(',').map(Number)
const seconds = Number(process.env.BENCH_SECONDS ?? 8)
const readers = Number(process.env.BENCH_READERS ?? 10)
/** Pieces that come in meanwhile, a second. */
const arrivals = Number(process.env.BENCH_ARRIVALS ?? 10)

const lists: Record<string, string> = {
  waiting: '/desk',
  mine: '/desk?view=mine',
  all: '/desk?view=all',
  accepted: '/desk?view=accepted',
  'kind and channel': '/desk?view=all&kind=expose&channel=api',
  'state, kind, dates': '/desk?view=declined&kind=guest-post&from=2025-02-01&until=2025-06-30',
  editor: '/desk?view=all&editor=EDITOR&kind=news-tip',
  nobody: '/desk?view=all&editor=nobody&channel=email',
  tag: '/desk?view=all&tag=tag+3',
  'tag and state': '/desk?view=in-review&tag=tag+3',
  'a common word': '/desk?view=all&q=word2',
  'a rare word': '/desk?view=all&q=word19876',
  'two words': '/desk?view=all&q=word40+word90',
  'a word, filtered': '/desk?view=waiting&kind=story-angle&q=word5',
}

const wanted = process.env.BENCH_LISTS?.split(',')
const chosen = Object.entries(lists).filter(([name]) => wanted === undefined || wanted.includes(name))

type Row = { p50: number; p99: number; perSecond: number }

async function measure(size: number): Promise<Map<string, Row>> {
  const folder = mkdtempSync(join(tmpdir(), 'barua-desk-'))
  const env = { DATA_DIR: join(folder, 'data'), UPLOADS_DIR: join(folder, 'uploads') }
  mkdirSync(env.DATA_DIR)
  const pile = await makePile(join(env.DATA_DIR, 'barua.db'), size)
  console.log(
    `\n${size.toLocaleString('en')} submissions: ${pile.rows.toLocaleString('en')} rows made in ${pile.seconds.toFixed(0)} s, ${Math.round(pile.rows / pile.seconds).toLocaleString('en')} a second`,
  )
  const server = await start('src/main.ts', { ...env, SUBMIT_LIMIT: '0' })
  const { cookie, editor } = await signIn(server, env)
  const rows = new Map<string, Row>()
  let running = true
  const coming = comeIn(server, () => running)
  for (const [name, path] of chosen)
    rows.set(name, await read(server, path.replace('EDITOR', editor), cookie))
  running = false
  await coming
  await server.stop()
  rmSync(folder, { recursive: true, force: true })
  return rows
}

async function read(server: Server, path: string, cookie: string): Promise<Row> {
  const url = `http://127.0.0.1:${server.port}${path}`
  const first = await fetch(url, { headers: { cookie, accept: 'text/html' }, redirect: 'manual' })
  if (first.status !== 200) throw new Error(`${path} gave ${first.status}`)
  const options = { url, connections: readers, headers: { cookie, accept: 'text/html' } }
  await autocannon({ ...options, duration: Math.min(1, seconds) })
  const result = await autocannon({ ...options, duration: seconds })
  if (result.non2xx + result.errors > 0) throw new Error(`${path} failed under load`)
  return { p50: result.latency.p50, p99: result.latency.p99, perSecond: result.requests.average }
}

/** Pieces come in at a steady pace until told to stop. */
async function comeIn(server: Server, goesOn: () => boolean): Promise<void> {
  while (goesOn()) {
    const { path, headers, body } = formPost
    const url = `http://127.0.0.1:${server.port}${path}`
    const response = await fetch(url, { method: 'POST', headers, body: body() })
    if (response.status !== 201) throw new Error(`a piece was refused: ${response.status}`)
    await response.arrayBuffer()
    await sleep(1000 / arrivals)
  }
}

/** A session of the editor who has the most, and the id of another one. */
async function signIn(server: Server, env: Record<string, string>) {
  const settings = { ...process.env, ...env, PORT: String(server.port) }
  const args = ['src/main.ts', 'editor', 'reset', 'editor0@localhost']
  const said = execFileSync(process.execPath, args, { env: settings, encoding: 'utf8' })
  const link = new URL(said.trim().split('\n').at(-1) ?? '')
  const url = `http://127.0.0.1:${server.port}${link.pathname}`
  const answer = await fetch(url, { method: 'POST', redirect: 'manual' })
  const cookie =
    answer.headers
      .getSetCookie()
      .map((one) => one.split(';')[0])
      .find((one) => one?.startsWith('barua=')) ?? ''
  const page = await (await fetch(`http://127.0.0.1:${server.port}/desk`, { headers: { cookie } })).text()
  const editor = /<option value="([\da-f-]{36})">editor1</.exec(page)?.[1] ?? ''
  return { cookie, editor }
}

console.log(
  `Node ${process.version}, ${readers} readers, ${arrivals} pieces a second coming in, ${seconds} s each`,
)
const measured = new Map<number, Map<string, Row>>()
for (const size of sizes) measured.set(size, await measure(size))
const [small, large] = [sizes[0] as number, sizes.at(-1) as number]
console.log(
  `\n${'list'.padEnd(20)}${sizes.map((size) => `p50 / p99 at ${size.toLocaleString('en')}`.padStart(28)).join('')}   ratio of p50`,
)
for (const [name] of chosen) {
  const cells = sizes.map((size) => {
    const row = measured.get(size)?.get(name)
    return `${row?.p50} / ${row?.p99} ms`.padStart(28)
  })
  const ratio = (measured.get(large)?.get(name)?.p50 ?? 0) / (measured.get(small)?.get(name)?.p50 ?? 1)
  console.log(`${name.padEnd(20)}${cells.join('')}   ${ratio.toFixed(2)}`)
}
