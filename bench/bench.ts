// Prints what Barua does beside the bare baseline, both measured in this run. Ratios count; absolute figures drift.
import { type Figures, formPost, type Load, post, telegramUpdate } from './load.ts'
import { type Server, type Sink, secret, start, startSink } from './servers.ts'

const seconds = Number(process.env.BENCH_SECONDS ?? 8)
const rounds = Number(process.env.BENCH_ROUNDS ?? 3)

const programs = {
  bare: (sink: Sink) => start('bench/bare.ts', { SMTP_URL: sink.url, SECRET: secret }),
  barua: (sink: Sink) =>
    start('src/main.ts', {
      SMTP_URL: sink.url,
      TELEGRAM_WEBHOOK_SECRET: secret,
      SUBMIT_LIMIT: '0',
      EDITORS: 'editor@localhost',
    }),
}
type Program = keyof typeof programs
type Row = Figures & { program: Program; memory: number; mails: number; pieces: number }

async function measure(program: Program, load: Load, connections: number): Promise<Row> {
  const sink = await startSink()
  const server: Server = await programs[program](sink)
  await post(server.port, load, connections, 2)
  const before = await sink.mails()
  const figures = await post(server.port, load, connections, seconds)
  const row = {
    ...figures,
    program,
    memory: server.peakMemory(),
    mails: (await sink.mails()) - before,
    pieces: Math.round(figures.perSecond * seconds),
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
    row.program.padEnd(6),
    `${row.perSecond.toFixed(0)}/s`.padStart(8),
    `p50 ${row.p50} ms`.padStart(12),
    `p99 ${row.p99} ms`.padStart(13),
    `${row.memory.toFixed(0)} MiB`.padStart(9),
    `refused ${row.refused}`.padStart(11),
    `mailed ${row.mails} of ${row.pieces}`,
  ]
  return cells.join('  ')
}

async function compare(name: string, load: Load, connections: number): Promise<void> {
  const rows: Record<Program, Row[]> = { bare: [], barua: [] }
  for (let round = 0; round < rounds; round++) {
    rows.bare.push(await measure('bare', load, connections))
    rows.barua.push(await measure('barua', load, connections))
  }
  const [bare, barua] = [median(rows.bare), median(rows.barua)]
  console.log(`\n${name}, ${connections} connections, median of ${rounds} rounds of ${seconds} s`)
  console.log(line(bare))
  console.log(line(barua))
  console.log(`ratio   ${(barua.perSecond / bare.perSecond).toFixed(2)} in pieces per second`)
}

console.log(`Node ${process.version}`)
for (const connections of (process.env.BENCH_CONNECTIONS ?? '10,100').split(',').map(Number)) {
  await compare('Form post of 6 KB', formPost, connections)
  await compare('Telegram update of 4 KB', telegramUpdate(secret), connections)
}
