import { execFile } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import type { AddressInfo, Server } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { DatabaseSync } from 'node:sqlite'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { simpleParser } from 'mailparser'
import { pino } from 'pino'
import { SMTPServer } from 'smtp-server'
import { createApplication } from '../src/app/app.ts'
import { readConfig } from '../src/config.ts'

// Mail by SMTP: Barua beside the bare lines that one would write without it, and a thousand hostile mails. Each side is
// run in this process, and sent to by another one.
const seconds = process.env.BENCH_SECONDS ?? '5'
const connections = (process.env.BENCH_CONNECTIONS ?? '10,100').split(',')
const hostile = process.env.BENCH_HOSTILE ?? '1000'

type Side = { port: number; stop: () => Promise<void> }
type Load = { taken: number; sent: number; took: number; p50: number; p99: number }

async function barua(folder: string): Promise<Side> {
  const config = readConfig({
    DATA_DIR: join(folder, 'data'),
    UPLOADS_DIR: join(folder, 'uploads'),
    EMAIL_LISTEN: 'smtp://127.0.0.1:0',
    EMAIL_ADDRESSES: 'stories@newsroom.test=story-angle',
  })
  const log = pino({ level: 'silent' })
  const application = await createApplication(config, { now: Date.now, random: Math.random, log })
  const { port } = await application.mail.open()
  await application.openDesk()
  return { port: port ?? 0, stop: application.stop }
}

/** smtp-server, mailparser's simple way, and one durable commit a mail, which holds the raw mail and its text. */
async function bare(folder: string): Promise<Side> {
  const db = new DatabaseSync(join(folder, 'bare.db'))
  db.exec('pragma journal_mode = wal; pragma synchronous = full')
  db.exec('create table mails (id integer primary key, name text unique, subject text, body text, raw blob)')
  const insert = db.prepare('insert or ignore into mails (name, subject, body, raw) values (?, ?, ?, ?)')
  const server = new SMTPServer({
    authOptional: true,
    disabledCommands: ['AUTH', 'STARTTLS'],
    disableReverseLookup: true,
    logger: false,
    onData(stream, _session, done) {
      const chunks: Buffer[] = []
      stream.on('data', (chunk: Buffer) => chunks.push(chunk))
      stream.on('end', () => {
        const raw = Buffer.concat(chunks)
        simpleParser(raw).then(
          (mail) => {
            insert.run(mail.messageId ?? null, mail.subject ?? null, mail.text ?? null, raw)
            done(null)
          },
          () => done(new Error('broken')),
        )
      })
    },
  })
  const listening: Server = await new Promise((resolve) => {
    const made = server.listen(0, '127.0.0.1', () => resolve(made))
  })
  const { port } = listening.address() as AddressInfo
  return { port, stop: () => new Promise((resolve) => server.close(() => resolve())) }
}

async function load(port: number, what: string, at: string): Promise<Load> {
  const program = fileURLToPath(new URL('./mail-load.ts', import.meta.url))
  const args = [program, String(port), what, seconds, at, hostile]
  const { stdout } = await promisify(execFile)(process.execPath, args)
  return JSON.parse(stdout)
}

async function measured(make: (folder: string) => Promise<Side>, what: string, at: string) {
  const folder = await mkdtemp(join(tmpdir(), 'barua-bench-mail-'))
  const side = await make(folder)
  // The first mail starts the threads that read: that is not what is measured.
  await load(side.port, 'ordinary', '1')
  const delays = monitorEventLoopDelay({ resolution: 5 })
  let most = 0
  const watching = setInterval(() => {
    most = Math.max(most, process.memoryUsage().rss)
  }, 50)
  // Two cores are shared by four threads here: how long this one worked without a pause is another thing than how
  // long it was kept waiting.
  let longest = 0
  let worked = process.threadCpuUsage()
  const counting = setInterval(() => {
    const now = process.threadCpuUsage()
    longest = Math.max(longest, now.user - worked.user + now.system - worked.system)
    worked = now
  }, 1)
  delays.enable()
  const result = await load(side.port, what, at)
  delays.disable()
  clearInterval(watching)
  clearInterval(counting)
  await side.stop()
  await rm(folder, { recursive: true, force: true })
  const loop = [delays.percentile(99), delays.max].map((ns) => Math.round(ns / 1e6))
  return { ...result, loop, work: Math.round(longest / 1000), processKey: Math.round(most / 2 ** 20) }
}

function told(name: string, one: Awaited<ReturnType<typeof measured>>): string {
  const rate = Math.round(one.taken / one.took)
  return `${name.padEnd(7)} ${rate}/s, ${one.taken} of ${one.sent} taken in ${one.took.toFixed(1)} s, p50 ${one.p50} ms, p99 ${one.p99} ms, event loop held up p99 ${one.loop[0]} ms, at most ${one.loop[1]} ms, its own work at a stretch at most ${one.work} ms, memory ${one.processKey} MiB`
}

const say = (line: string) => process.stdout.write(`${line}\n`)
for (const at of connections) {
  say(`Mails of 6 KB, ${at} connections, ${seconds} s`)
  const [ours, theirs] = [await measured(barua, 'ordinary', at), await measured(bare, 'ordinary', at)]
  say(told('bare', theirs))
  say(told('Barua', ours))
  say(`ratio   ${(ours.taken / ours.took / (theirs.taken / theirs.took)).toFixed(2)}`)
}
say(`${hostile} hostile mails, 6 connections`)
say(told('Barua', await measured(barua, 'hostile', '6')))
say(told('bare', await measured(bare, 'hostile', '6')))
