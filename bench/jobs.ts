// What the program does in the background, and how a pile is left so that there is as much of it to do as there are submissions.
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { DatabaseSync } from 'node:sqlite'
import { defaultPolicy } from '../src/accounts/notification-policy.ts'
import { newId } from '../src/core/ids.ts'
import { defaultRetention } from '../src/submissions/retention-rules.ts'

const day = 86_400_000
const keptDays = 90
/** Editors who want digests; and those among them whose digest is due now. */
const digestEditors = 100
const dueDigests = 20
/** Files that belong to nothing, for the sweep: more would measure the file system. */
const mostFiles = 100_000

export type Job = {
  /** Leaves the pile so that this is to be done. */
  prepare(db: DatabaseSync, submissions: number): void
  /** How much of it is still to be done: from where that is counted does not matter. */
  left(db: DatabaseSync): number
  /** Files that have to be there when the program starts. Says how many. */
  prepareFiles?(uploads: string, submissions: number): void
}

const count = (query: string) => (db: DatabaseSync) => Number(Object.values(db.prepare(query).get() ?? {})[0])

export const jobs: Record<string, Job> = {
  nothing: {
    prepare: (db) => updateAll(db, `active_at = ${Date.now()}`),
    left: () => 0,
  },
  'warning of what will be erased': {
    prepare(db) {
      keepEverythingFor(db, keptDays)
      const at = Date.now() - (keptDays - 5) * day
      updateAll(db, `state = 'declined', active_at = ${at}, warned_at = null`)
    },
    left: count('select count(*) from submissions where warned_at is null'),
  },
  erasing: {
    prepare(db) {
      keepEverythingFor(db, keptDays)
      const [active, warned] = [Date.now() - (keptDays + 10) * day, Date.now() - 8 * day]
      updateAll(db, `state = 'declined', active_at = ${active}, warned_at = ${warned}`)
    },
    left: count('select count(*) from submissions where warned_at is not null'),
  },
  're-encrypting': {
    prepare: (db) => updateAll(db, `is_confidential = 1, bond = id, active_at = ${Date.now()}`),
    left: count('select count(*) from submissions where encrypted_for is null'),
  },
  'reading into the search index': {
    prepare(db) {
      db.exec(`insert into search_words (search_words) values ('delete-all');
        delete from search_documents; insert into unindexed select id from submissions`)
      updateAll(db, `active_at = ${Date.now()}`)
    },
    left: count('select count(*) from unindexed'),
  },
  'reminding of what nobody claimed': {
    prepare(db) {
      updateAll(db, `state = 'waiting', assignee_id = '', active_at = ${Date.now()}`)
      db.exec(`insert into settings (name, value, revision, changed_at) values ('escalated until', '', 1, 0)`)
    },
    left: count('select -count(*) from submissions where escalated_at is not null'),
  },
  digests: {
    prepare(db) {
      updateAll(db, `active_at = ${Date.now()}`)
      const policy = JSON.stringify({ ...defaultPolicy, rhythm: 'digest' })
      const add = db.prepare(
        `insert into editors (id, email, created_at, name, role, policy, digested_at) values (?, ?, 0, '', 'editor', ?, 1)`,
      )
      const wait = db.prepare(`insert into jobs
        (id, type, queue, editor_id, state, attempts, due_at, created_at, tried_since)
        values (?, 'digest', 'mail', ?, 'pending', 0, 0, 0, 0)`)
      const see = db.prepare(
        'insert into attention (submission_id, editor_id, opened_at, opened_revision) select id, ?, 1, 1000 from submissions',
      )
      for (let i = 0; i < digestEditors; i++) {
        const id = newId(Date.now())
        add.run(id, `digest${i}@localhost`, policy)
        if (i < dueDigests) wait.run(newId(Date.now()), id)
        if (i === 0) see.run(id)
      }
    },
    left: count(`select count(*) from jobs where type = 'digest' and state = 'pending' and due_at = 0`),
  },
  'forgetting what is old': {
    prepare(db, submissions) {
      updateAll(db, `active_at = ${Date.now()}`)
      const numbers = `with recursive numbers(n) as (select 1 union all select n + 1 from numbers where n < ${submissions})`
      const editor = '(select min(id) from editors)'
      for (const into of [
        `sessions (token_hash, editor_id, created_at, seen_at) ${numbers} select 's' || n, ${editor}, n, n from numbers`,
        `sign_in_links (token_hash, editor_id, expires_at) ${numbers} select 'l' || n, ${editor}, n from numbers`,
        `login_attempts (account, times, latest_at) ${numbers} select 'a' || n, '', n from numbers`,
        `seen_updates (bot, update_id, seen_at) ${numbers} select 'b', n, n from numbers`,
        `mail_receipts (job_id, address, at) ${numbers} select 'd' || n, 'x', n from numbers`,
        `drafts (id, chat, kind, joins, state, target, heard_at, revision, item_count, characters, last_message_id, created_at)
           ${numbers} select 'p' || n, 'c' || n, 'news-tip', '', 'sent', 't', n, 1, 0, 0, 1, n from numbers`,
      ])
        db.exec(`insert into ${into}`)
    },
    left: count(`select (select count(*) from sessions where created_at < 100000000)
      + (select count(*) from sign_in_links where expires_at < 100000000)
      + (select count(*) from login_attempts) + (select count(*) from seen_updates)
      + (select count(*) from mail_receipts) + (select count(*) from drafts where target is not null)`),
  },
  'sweeping files': {
    prepare: (db) => updateAll(db, `active_at = ${Date.now()}`),
    prepareFiles(uploads, submissions) {
      for (let i = 0; i < Math.min(submissions, mostFiles); i++) {
        const id = newId(Date.now() - day)
        const folder = join(uploads, id.slice(-2))
        mkdirSync(folder, { recursive: true })
        writeFileSync(join(folder, id), '')
      }
    },
    left: () => 0,
  },
}

function updateAll(db: DatabaseSync, set: string): void {
  db.exec(`update submissions set ${set}`)
}

function keepEverythingFor(db: DatabaseSync, days: number): void {
  const rules = Object.fromEntries(Object.keys(defaultRetention).map((rule) => [rule, days]))
  db.prepare(`insert into settings (name, value, revision, changed_at) values ('retention', ?, 1, 0)`).run(
    JSON.stringify(rules),
  )
}
