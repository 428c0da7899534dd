// Prints what erasing costs on a small pile and on a large one: the rows, and wiping the words out of the search index.
import { mkdtempSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openStorage, type Storage } from '../src/app/stores.ts'
import { createPace } from '../src/core/pace.ts'
import { wipeDatabase } from '../src/retention/eraser.ts'
import { storageParts } from '../test/support/storage.ts'
import { makePile } from './pile.ts'

const sizes = (process.env.BENCH_SIZES ?? '10000,1000000').split(',').map(Number)
const submissions = 20

async function measure(size: number): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'barua-erase-'))
  const path = join(folder, 'barua.db')
  await makePile(path, size)
  const storage = await openStorage(`sqlite:${path}`, storageParts())
  console.log(`\n${size.toLocaleString('en')} submissions, ${(statSync(path).size / 1e6).toFixed(0)} MB`)
  console.log(`rows of a piece      ${told(await eraseRows(storage))}`)
  // The first time the pile itself is merged, which was made at one go.
  await wipe(storage)
  await eraseRows(storage)
  const { words, log } = await wipe(storage)
  console.log(`their words          ${told(words)}`)
  console.log(`the log              ${told(log)}`)
  await storage.close()
  rmSync(folder, { recursive: true, force: true })
}

async function eraseRows(storage: Storage): Promise<number[]> {
  const { rows } = await storage.inbox.page({
    filter: { kind: 'guest-post' },
    size: submissions,
    editorId: '',
    keys: async () => [],
  })
  const times: number[] = []
  for (const row of rows) {
    const submission = await storage.submissions.byId(row.id)
    if (!submission) throw new Error('a row of the list is not there')
    await noting(times, () => storage.erasures.erase(submission, null, 'retention', Date.now()))
  }
  return times
}

/** The steps in which what was deleted is wiped: between two of them whatever comes in has its turn. */
async function wipe({ erasures }: Storage): Promise<{ words: number[]; log: number[] }> {
  const words: number[] = []
  const log: number[] = []
  await wipeDatabase({
    erasures: {
      ...erasures,
      wipeWords: (...asked) => noting(words, () => erasures.wipeWords(...asked)),
      wipeLog: () => noting(log, () => erasures.wipeLog()),
    },
    pace: createPace({ rest: 0 }),
  })
  return { words, log }
}

async function noting<T>(times: number[], work: () => Promise<T>): Promise<T> {
  const begun = performance.now()
  const done = await work()
  times.push(performance.now() - begun)
  return done
}

function told(times: number[]): string {
  const sorted = times.toSorted((a, b) => a - b)
  const sum = times.reduce((total, time) => total + time, 0)
  const at = (share: number) => (sorted[Math.floor((sorted.length - 1) * share)] ?? 0).toFixed(1)
  return `${times.length} steps, ${(sum / 1000).toFixed(2)} s in all, median ${at(0.5)} ms, longest ${at(1)} ms`
}

for (const size of sizes) await measure(size)
