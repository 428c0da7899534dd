// Makes a large pile of submissions, fast: for measuring the desk on it.
import { existsSync, mkdirSync, renameSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { openStorage } from '../src/app/stores.ts'
import { newId } from '../src/core/ids.ts'
import { channels, kinds, states } from '../src/db/values.ts'
import { isConfidentialKind } from '../src/submissions/model.ts'
import { storageParts } from '../test/support/storage.ts'

export type Pile = { submissions: number; rows: number; seconds: number }

const span = 3 * 365 * 86_400_000
const wordsInBody = 60
const vocabulary = 20_000
const editors = 10

/** The path of a pile that is to be copied, not changed: made the first time, and brought up to date where it was kept. */
export async function keptPile(folder: string, submissions: number): Promise<string> {
  const path = join(folder, `${submissions}.db`)
  if (existsSync(path)) {
    const begun = performance.now()
    await (await openStorage(`sqlite:${path}`, storageParts())).close()
    const took = performance.now() - begun
    if (took > 1000) console.log(`brought the kept pile up to date in ${(took / 1000).toFixed(1)} s`)
    return path
  }
  mkdirSync(folder, { recursive: true })
  const pile = await makePile(`${path}.new`, submissions)
  console.log(
    `${submissions.toLocaleString('en')} submissions: ${pile.rows.toLocaleString('en')} rows made in ${pile.seconds.toFixed(0)} s, ${Math.round(pile.rows / pile.seconds).toLocaleString('en')} a second`,
  )
  renameSync(`${path}.new`, path)
  return path
}

/** Fills a database that does not exist yet. Everything but the text is as the desk would have left it. */
export async function makePile(path: string, submissions: number): Promise<Pile> {
  const storage = await openStorage(`sqlite:${path}`, storageParts())
  const team: string[] = []
  for (let i = 0; i < editors; i++) {
    team.push(
      (await storage.editors.add(`editor${i}@localhost`, i === 0 ? 'admin' : 'editor', Date.now())).id,
    )
  }
  await storage.close()
  const db = new DatabaseSync(path)
  db.exec('pragma journal_mode = off; pragma synchronous = off; pragma cache_size = -400000; begin')
  const begun = performance.now()
  const rows = fill(db, submissions, team)
  db.exec('commit; pragma journal_mode = wal; pragma optimize')
  db.close()
  return { submissions, rows, seconds: (performance.now() - begun) / 1000 }
}

function fill(db: DatabaseSync, submissions: number, team: string[]): number {
  const submission = db.prepare(
    `insert into submissions (id, reference, receipt_hash, kind, channel, state, created_at, updated_at, heard_at, assignee_id, summary, decided_at, first_opened_at)
     values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
  )
  const message = db.prepare(
    "insert into messages (id, submission_id, author, content, created_at) values (?, ?, 'sender', ?, ?)",
  )
  const job = db.prepare(
    `insert into jobs (id, type, queue, submission_id, message_id, state, attempts, due_at, created_at, tried_since, done_at)
     values (?, 'sender-receipt', 'mail', ?, ?, ?, 1, ?, ?, ?, ?)`,
  )
  const attention = db.prepare('insert into attention (submission_id, editor_id, opened_at) values (?, ?, ?)')
  const tag = db.prepare('insert into tags (name, submission_id) values (?, ?)')
  const numbered = db.prepare('insert into search_documents (number, submission_id) values (?, ?)')
  const words = db.prepare('insert into search_words (rowid, words) values (?, ?)')
  const now = Date.now()
  let rows = 0
  for (let i = 0; i < submissions; i++) {
    const at = Math.floor(now - span + (span * i) / submissions)
    const [id, messageId] = [newId(at), newId(at)]
    const kind = pick(kinds)
    // Most of a pile has been decided long ago; what is waiting or in review is recent, and some of it is not.
    const state =
      i > submissions * 0.98 || Math.random() < 0.02
        ? pick(['waiting', 'in-review'] as const)
        : pick(states.slice(2))
    const assignee = state === 'waiting' ? '' : pick(team)
    const body = text()
    const title = body.slice(0, 40)
    const decided = state === 'accepted' || state === 'declined' ? at + 3_600_000 : null
    submission.run(
      id,
      `R${i}`,
      id,
      kind,
      pick(channels),
      state,
      at,
      at,
      at,
      assignee,
      JSON.stringify({ title, sender: 'A sender', attachments: i % 3 }),
      decided,
      decided,
    )
    message.run(messageId, id, JSON.stringify({ fields: { title, body, name: 'A sender' }, files: {} }), at)
    job.run(newId(at), id, messageId, Math.random() < 0.001 ? 'failed' : 'sent', at, at, at, at)
    attention.run(id, team[0] as string, at + 1)
    rows += 4
    if (i % 10 === 0) {
      tag.run(`tag ${i % 7}`, id)
      rows += 1
    }
    if (!isConfidentialKind(kind)) {
      numbered.run(i + 1, id)
      words.run(i + 1, body)
      rows += 2
    }
  }
  return rows
}

/** A few words are in most texts, and most words in few: as in any language. */
function text(): string {
  const chosen = Array.from({ length: wordsInBody }, () => `word${Math.floor(vocabulary ** Math.random())}`)
  return chosen.join(' ')
}

function pick<T>(from: readonly T[]): T {
  return from[Math.floor(Math.random() * from.length)] as T
}
