// Prints what the desk's lists cost on a small pile and on a large one, both measured in this run, while pieces come in;
// then what they cost on the large one while each job of the background has all of it to do.
import { execFileSync } from 'node:child_process'
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { setTimeout as sleep } from 'node:timers/promises'
import autocannon from 'autocannon'
import { pino } from 'pino'
import { adoptStores } from '../src/app/open-stores.ts'
import { readConfig } from '../src/config.ts'
import { type Job, jobs } from './jobs.ts'
import { formPost } from './load.ts'
import { keptPile } from './pile.ts'
import { type Server, start } from './servers.ts'

const sizes = (process.env.BENCH_SIZES ?? '10000,100000').split(',').map(Number)
const seconds = Number(process.env.BENCH_SECONDS ?? 8)
const readers = Number(process.env.BENCH_READERS ?? 10)
/** Pieces that come in meanwhile, a second. */
const idempotency_keys = Number(process.env.BENCH_ARRIVALS ?? 10)

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
/** What is read while a job of the background is at work: one list of each sort. */
const besideJobs = ['waiting', 'kind and channel', 'tag', 'a word, filtered']

const chosen = named(lists, process.env.BENCH_LISTS)
const chosenJobs = named(jobs, process.env.BENCH_JOBS)

/** Where piles are made, or lie from an earlier run. */
const piles = process.env.BENCH_PILES ?? mkdtempSync(join(tmpdir(), 'barua-piles-'))

type Row = { p50: number; p99: number }
type Measured = Record<string, Row>
type JobRow = {
  lists: Measured
  longest: number
  p99: number
  /** The longest stretch before that, the start of the program included. */
  atStart: number
  done: number
  seconds: number
}
/** By the number of submissions; what is kept in a file to be printed beside a later run. */
type Results = { lists: Record<string, Measured>; jobs: Record<string, JobRow> }

/** The lists of a pile that has nothing else to do. */
async function measureLists(size: number): Promise<Measured> {
  return withServer(size, jobs.nothing as Job, (desk) => readAll(desk, chosen))
}

/** The same while a job is at work, and how much of it was done meanwhile. */
async function measureJob(size: number, job: Job): Promise<JobRow> {
  const paths = Object.fromEntries(besideJobs.map((name) => [name, lists[name] as string]))
  return withServer(size, job, async (desk) => {
    const begun = performance.now()
    const before = leftIn(desk.database, job)
    const { longest: atStart } = await desk.server.stretches()
    const rows = await readAll(desk, paths)
    const { longest, p99 } = await desk.server.stretches()
    const done = before - leftIn(desk.database, job)
    return { lists: rows, longest, p99, atStart, done, seconds: (performance.now() - begun) / 1000 }
  })
}

type Desk = { server: Server; database: string; cookie: string; editor: string }

async function withServer<T>(size: number, job: Job, measure: (desk: Desk) => Promise<T>): Promise<T> {
  const folder = mkdtempSync(join(tmpdir(), 'barua-desk-'))
  try {
    const env = { DATA_DIR: join(folder, 'data'), UPLOADS_DIR: join(folder, 'uploads') }
    const database = join(env.DATA_DIR, 'barua.db')
    mkdirSync(env.DATA_DIR)
    copyFileSync(await keptPile(piles, size), database)
    prepare(database, size, job)
    job.prepareFiles?.(env.UPLOADS_DIR, size)
    // A pile that is put beside a new folder of files, as after a restore.
    await adoptStores(readConfig(env), { now: Date.now, random: Math.random, log: pino({ level: 'silent' }) })
    const server = await start('src/main.ts', { ...env, SUBMIT_LIMIT: '0' })
    try {
      const who = await signIn(server, env)
      return await whileSubmissionsComeIn(server, () => measure({ server, database, ...who }))
    } finally {
      await server.stop()
    }
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

async function whileSubmissionsComeIn<T>(server: Server, measure: () => Promise<T>): Promise<T> {
  let running = true
  const coming = comeIn(server, () => running)
  try {
    return await measure()
  } finally {
    running = false
    await coming
  }
}

/** What has to be done is written at one go: nothing of it has to outlive a crash. */
function prepare(database: string, size: number, job: Job): void {
  const db = new DatabaseSync(database)
  db.exec('pragma journal_mode = off; pragma synchronous = off; pragma cache_size = -400000; begin')
  job.prepare(db, size)
  db.exec('commit; pragma journal_mode = wal')
  db.close()
}

function leftIn(database: string, job: Job): number {
  const db = new DatabaseSync(database, { readOnly: true })
  try {
    return job.left(db)
  } finally {
    db.close()
  }
}

async function readAll({ server, cookie, editor }: Desk, paths: Record<string, string>): Promise<Measured> {
  const rows: Measured = {}
  for (const [name, path] of Object.entries(paths))
    rows[name] = await read(server, path.replace('EDITOR', editor), cookie)
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
  return { p50: result.latency.p50, p99: result.latency.p99 }
}

/** Pieces come in at a steady pace until told to stop. */
async function comeIn(server: Server, goesOn: () => boolean): Promise<void> {
  while (goesOn()) {
    const { path, headers, body } = formPost
    const url = `http://127.0.0.1:${server.port}${path}`
    const response = await fetch(url, { method: 'POST', headers, body: body() })
    if (response.status !== 201) throw new Error(`a piece was refused: ${response.status}`)
    await response.arrayBuffer()
    await sleep(1000 / idempotency_keys)
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

function named<T>(all: Record<string, T>, wanted: string | undefined): Record<string, T> {
  const names = wanted?.split(',')
  return Object.fromEntries(
    Object.entries(all).filter(([name]) => names === undefined || names.includes(name)),
  )
}

function worst(rows: Measured): Row {
  const all = Object.values(rows)
  return { p50: Math.max(...all.map(({ p50 }) => p50)), p99: Math.max(...all.map(({ p99 }) => p99)) }
}

const [small, large] = [sizes[0] as number, sizes.at(-1) as number]
const [savePath, beforePath] = [process.env.BENCH_SAVE, process.env.BENCH_BEFORE]
const before: Partial<Results> = beforePath ? JSON.parse(readFileSync(beforePath, 'utf8')) : {}
const results: Results =
  savePath && existsSync(savePath) ? JSON.parse(readFileSync(savePath, 'utf8')) : { lists: {}, jobs: {} }

function printLists(): void {
  const heads = sizes.map((size) => `p50 / p99 at ${size.toLocaleString('en')}`.padStart(26))
  console.log(`\n${'list'.padEnd(20)}${heads.join('')}   ratio of p50`)
  for (const name of Object.keys(chosen)) {
    const rows = sizes.map((size) => results.lists[size]?.[name])
    const cells = rows.map((row) => `${row?.p50} / ${row?.p99} ms`.padStart(26))
    console.log(
      `${name.padEnd(20)}${cells.join('')}   ${((rows.at(-1)?.p50 ?? 0) / (rows[0]?.p50 ?? 1)).toFixed(2)}`,
    )
  }
}

/** Beside each job the worst of the lists, how they stand to those of the small pile at rest, and what it was before. */
function printJob(name: string): void {
  const told = (row: JobRow | undefined) => {
    if (!row) return '–'
    const { p50, p99 } = worst(row.lists)
    const atRest = results.lists[small] ?? {}
    const ratios = Object.entries(row.lists).flatMap(([list, one]) => {
      const there = atRest[list]
      return there ? [one.p50 / there.p50] : []
    })
    const ratio = ratios.length > 0 ? Math.max(...ratios).toFixed(2) : '–'
    const rate = Math.round(row.done / row.seconds).toLocaleString('en')
    const held = [row.p99, row.longest, row.atStart].map((ms) => Math.round(ms)).join(' / ')
    return `${`${p50} / ${p99} ms`.padStart(16)}${ratio.padStart(8)}${`${held} ms`.padStart(22)}${rate.padStart(8)}/s`
  }
  console.log(`${name.padEnd(34)}${told(results.jobs[name])}`)
  if (before.jobs?.[name]) console.log(`${'  before'.padEnd(34)}${told(before.jobs[name])}`)
}

console.log(
  `Node ${process.version}, ${readers} readers, ${idempotency_keys} pieces a second coming in, ${seconds} s each`,
)
const save = () => savePath && writeFileSync(savePath, JSON.stringify(results, undefined, 1))
if (Object.keys(chosen).length > 0) {
  for (const size of sizes) results.lists[size] = await measureLists(size)
  save()
  printLists()
}
console.log(
  `\nWith as much to do as ${large.toLocaleString('en')} submissions give, while the lists are read: the slowest p50 / p99 of them,
the largest ratio to their p50 at ${small.toLocaleString('en')}, for how long the event loop was held up (p99 / longest / until then,
the start included), how much was done a second
`,
)
for (const [name, job] of Object.entries(chosenJobs)) {
  results.jobs[name] = await measureJob(large, job)
  save()
  printJob(name)
}
if (process.env.BENCH_PILES === undefined) rmSync(piles, { recursive: true, force: true })
