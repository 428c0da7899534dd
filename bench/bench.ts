// Prints what Barua does beside the bare baseline, both measured in this run. Ratios count; absolute figures drift.
import { chatUpdate, encryptedPost, type Figures, formPost, type Load, post, telegramUpdate } from './load.ts'
import { type Server, type Sink, secret, start, startSink } from './servers.ts'

const seconds = Number(process.env.BENCH_SECONDS ?? 8)
const rounds = Number(process.env.BENCH_ROUNDS ?? 3)

const baruaWith = (sink: Sink, env: Record<string, string> = {}) =>
  start('src/main.ts', {
    SMTP_URL: sink.url,
    TELEGRAM_WEBHOOK_SECRET: secret,
    SUBMIT_LIMIT: '0',
    EDITORS: 'editor@localhost',
    ...env,
  })
const programs = {
  bare: (sink: Sink) => start('bench/bare.ts', { SMTP_URL: sink.url, SECRET: secret }),
  barua: (sink: Sink) => baruaWith(sink),
  /** With a bot, whose updates join pieces that chats have open. */
  talking: (sink: Sink) => baruaWith(sink, { TELEGRAM_BOT_TOKEN: '1:bench', TELEGRAM_API_ROOT: sink.botApi }),
}
type Program = keyof typeof programs
type Row = Figures & { program: Program; processKey: number; mails: number; submissions: number }

async function measure(program: Program, load: Load, connections: number): Promise<Row> {
  const sink = await startSink()
  const server: Server = await programs[program](sink)
  await post(server.port, load, connections, Math.min(2, seconds))
  const before = await sink.mails()
  const figures = await post(server.port, load, connections, seconds)
  const row = {
    ...figures,
    program,
    processKey: server.peakMemory(),
    mails: (await sink.mails()) - before,
    submissions: Math.round(figures.perSecond * seconds),
  }
  await server.stop()
  await sink.stop()
  return row
}

function median(rows: Row[]): Row {
  return rows.toSorted((a, b) => a.perSecond - b.perSecond)[Math.floor(rows.length / 2)] as Row
}

function line(row: Row): string {
  const cells = [
    row.program.padEnd(7),
    `${row.perSecond.toFixed(0)}/s`.padStart(8),
    `p50 ${row.p50} ms`.padStart(12),
    `p99 ${row.p99} ms`.padStart(13),
    `${row.processKey.toFixed(0)} MiB`.padStart(9),
    `refused ${row.refused}`.padStart(11),
    `mailed ${row.mails} of ${row.submissions}`,
  ]
  return cells.join('  ')
}

async function compare(
  name: string,
  load: Load,
  connections: number,
  program: Program = 'barua',
): Promise<void> {
  const bares: Row[] = []
  const baruas: Row[] = []
  for (let round = 0; round < rounds; round++) {
    bares.push(await measure('bare', load, connections))
    baruas.push(await measure(program, load, connections))
  }
  const [bare, barua] = [median(bares), median(baruas)]
  console.log(`\n${name}, ${connections} connections, median of ${rounds} rounds of ${seconds} s`)
  console.log(line(bare))
  console.log(line(barua))
  console.log(`ratio   ${(barua.perSecond / bare.perSecond).toFixed(2)} in pieces per second`)
}

const loads: Record<string, (connections: number) => Promise<void>> = {
  form: (connections) => compare('Form post of 6 KB', formPost, connections),
  encrypted: (connections) => compare('the same, sealed', encryptedPost, connections),
  update: (connections) => compare('Telegram update of 4 KB', telegramUpdate(secret), connections),
  conversation: (connections) =>
    compare('the same in a conversation', chatUpdate(secret), connections, 'talking'),
}
const chosen = process.env.BENCH_LOADS?.split(',') ?? Object.keys(loads)

console.log(`Node ${process.version}`)
for (const connections of (process.env.BENCH_CONNECTIONS ?? '10,100').split(',').map(Number)) {
  for (const one of chosen) await loads[one]?.(connections)
}
