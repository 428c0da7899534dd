import assert from 'node:assert/strict'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { defaultPolicy } from '../../src/accounts/notification-policy.ts'
import { newId } from '../../src/core/ids.ts'
import { createPace, sizeAfter } from '../../src/core/pace.ts'
import { defaultRetention } from '../../src/submissions/retention-rules.ts'
import { editorAddress, type Newsroom, openNewsroom } from '../support/newsroom.ts'
import { type Executed, executedBy } from '../support/statements.ts'

const [minute, hour, day] = [60_000, 3_600_000, 86_400_000]

/** Of each sort of work so much is to be done, and as much is in the way of it that is not. */
const many = 400
/** What a statement may walk over: a little, and so much for each row that it gives or changes. */
const [aLittle, forEachRow] = [1500, 300]

type Submission = {
  /** How long ago it came in, and was last active. */
  age: number
  state: string
  kind?: string
  warned?: number | null
  held?: boolean
  confidential?: boolean
}

function open(newsroom: Newsroom): DatabaseSync {
  return new DatabaseSync(join(newsroom.settings.DATA_DIR ?? '', 'barua.db'))
}

/** So many pieces, with their messages; gives their ids. */
function addSubmissions(db: DatabaseSync, now: number, submission: Submission): string[] {
  const { age, state, kind = 'story-angle', warned = null, held = false, confidential = false } = submission
  const add =
    db.prepare(`insert into submissions (id, reference, receipt_hash, kind, channel, state, created_at, updated_at,
    heard_at, active_at, warned_at, legal_hold, is_confidential, context_id) values (?, ?, ?, ?, 'form', ?, ?, ?, ?, ?, ?, ?, ?, ?)`)
  const say = db.prepare(
    "insert into messages (id, submission_id, author, content, created_at) values (?, ?, 'sender', ?, ?)",
  )
  const at = now - age
  return Array.from({ length: many }, () => {
    const id = newId(at)
    const flags = [held ? 1 : 0, confidential ? 1 : 0]
    add.run(
      id,
      `R${id}`,
      id,
      kind,
      state,
      at,
      at,
      at,
      at,
      warned === null ? null : now - warned,
      ...flags,
      id,
    )
    say.run(
      newId(at),
      id,
      JSON.stringify({ fields: { title: 'A title', body: 'Some words.' }, files: {} }),
      at,
    )
    return id
  })
}

/** Leaves as much to do in the background as there may be, beside as much that is done or not due. */
function fill(db: DatabaseSync, now: number): void {
  db.exec('begin')
  const rules = Object.fromEntries(Object.keys(defaultRetention).map((rule) => [rule, 90]))
  db.prepare("insert into settings (name, value, revision, changed_at) values ('retention', ?, 1, 0)").run(
    JSON.stringify(rules),
  )
  // To warn of, to erase, both of them confidential too, and what is warned of already.
  addSubmissions(db, now, { age: 85 * day, state: 'declined' })
  addSubmissions(db, now, { age: 85 * day, state: 'in-review', kind: 'news-tip' })
  const erased = addSubmissions(db, now, { age: 98 * day, state: 'declined', warned: 8 * day })
  addSubmissions(db, now, { age: 95 * day, state: 'spam' })
  addSubmissions(db, now, { age: 86 * day, state: 'declined', warned: 3 * day })
  // Warned of by shorter rules.
  addSubmissions(db, now, { age: 20 * day, state: 'declined', warned: 10 * day })
  // In nobody's way.
  addSubmissions(db, now, { age: 200 * day, state: 'accepted' })
  addSubmissions(db, now, { age: 200 * day, state: 'declined', held: true })
  addSubmissions(db, now, { age: 200 * day, state: 'spam', held: true })
  // To remind of, to read into the index, to seal anew.
  const unread = addSubmissions(db, now, { age: 3 * day, state: 'waiting' })
  addSubmissions(db, now, { age: hour, state: 'waiting', kind: 'expose', confidential: true })
  const queue = db.prepare('insert into unindexed values (?)')
  for (const id of unread) queue.run(id)
  const document = db.prepare('insert into search_documents (submission_id) values (?) returning number')
  const words = db.prepare('insert into search_words (rowid, words) values (?, ?)')
  for (const id of erased) words.run(document.get(id)?.number ?? 0, `some words of ${id}`)
  addJobs(db, now)
  addWhatIsOld(db, now)
  db.exec('commit')
}

/** Mails that wait, have failed and have gone, none of which is word of what will be erased or was not claimed. */
function addJobs(db: DatabaseSync, now: number): void {
  // Of all that there is, for their last digest is long ago.
  const hours = Array.from({ length: 24 }, (_, at) => at)
  const policy = JSON.stringify({ ...defaultPolicy, rhythm: 'digest', hours })
  const editor = db.prepare(`insert into editors (id, email, created_at, name, role, policy, digested_at)
    values (?, ?, 0, '', 'editor', ?, ?)`)
  const add = db.prepare(`insert into jobs (id, type, queue, editor_id, state, attempts, due_at,
    created_at, tried_since) values (?, ?, 'mail', ?, ?, 0, ?, 0, 0)`)
  for (let i = 0; i < many; i++) {
    const later = now + 10 * day
    add.run(newId(now), 'sender-receipt', null, 'pending', later)
    add.run(newId(now), 'sender-receipt', null, 'failed', later)
    add.run(newId(now), 'erasure-warning', 'somebody', 'sent', 0)
    if (i < 30) editor.run(newId(now), `editor${i}@newsroom.test`, policy, now - 300 * day)
  }
}

/** What is to be forgotten, and as much of each that is not. */
function addWhatIsOld(db: DatabaseSync, now: number): void {
  const editor = '(select min(id) from editors)'
  const at = [now - 10 * day, now + 10 * day]
  for (const [i, then] of at.entries()) {
    const numbers = `with recursive numbers(n) as (select 1 union all select n + 1 from numbers where n < ${many})`
    const from = (columns: string) => `${numbers} select ${columns} from numbers`
    for (const rows of [
      `sessions (token_hash, editor_id, created_at, seen_at) ${from(`'s${i}' || n, ${editor}, ${then}, 0`)}`,
      `sign_in_links (token_hash, editor_id, expires_at) ${from(`'l${i}' || n, ${editor}, ${then}`)}`,
      `login_attempts (account, times, latest_at) ${from(`'a${i}' || n, '', ${then}`)}`,
      `seen_updates (bot, update_id, seen_at) ${from(`'b${i}', n, ${then}`)}`,
      `mail_receipts (job_id, address, at) ${from(`'d${i}' || n, 'x', ${then}`)}`,
      `mail_canaries (id, sent_at) ${from(`'c${i}' || n, ${then}`)}`,
      `drafts (id, chat, kind, joins, state, target, heard_at, revision, item_count, characters, last_message_id,
        created_at) ${from(`'p${i}' || n, 'c' || n, 'news-tip', '', 'sent', 't', ${then}, 1, 0, 0, 1, 0`)}`,
    ])
      db.exec(`insert into ${rows}`)
  }
}

/** Statements that walked over more than they gave or changed: each with the worst of it. */
function walking(executed: Executed[]): string[] {
  const worst = new Map<string, Executed>()
  for (const one of executed) {
    if (one.steps <= aLittle + forEachRow * one.rows) continue
    if (one.steps > (worst.get(one.sql)?.steps ?? 0)) worst.set(one.sql, one)
  }
  return [...worst.values()].map(({ sql, rows, steps }) => `${steps} steps for ${rows} rows: ${sql}`)
}

const leftToDo = {
  'to warn of':
    "select count(*) from submissions where warned_at is null and legal_hold = 0 and state = 'declined' and active_at < ?1 - 84 * 86400000",
  'to erase':
    "select count(*) from submissions where legal_hold = 0 and state in ('declined', 'spam') and active_at < ?1 - 94 * 86400000",
  'warned of by other rules': 'select count(*) from submissions where warned_at < ?1 - 9 * 86400000',
  'to wipe': 'select count(*) from erasures where ?1',
  'to remind of':
    'select count(*) from submissions where escalated_at is null and created_at between ?1 - 4 * 86400000 and ?1 - 2 * 86400000',
  'to read into the index': 'select count(*) from unindexed where ?1',
  'to seal anew':
    'select count(*) from submissions where is_confidential = 1 and encrypted_for is null and ?1',
  sessions: 'select count(*) from sessions where created_at < ?1 - 9 * 86400000',
  links: 'select count(*) from sign_in_links where expires_at < ?1 - 9 * 86400000',
  attempts: 'select count(*) from login_attempts where latest_at < ?1',
  updates: 'select count(*) from seen_updates where seen_at < ?1 - 9 * 86400000',
  answers: 'select count(*) from mail_receipts where at < ?1 - 9 * 86400000',
  canaries: 'select count(*) from mail_canaries where sent_at < ?1 - 9 * 86400000',
  chats: 'select count(*) from drafts where target is not null and heard_at < ?1 - 9 * 86400000',
  digests:
    "select (select count(*) from editors where policy is not null) - (select count(*) from jobs where type = 'digest' and state = 'pending') where ?1",
}

test('however much is to be done in the background, no statement walks over more than it gives or changes', async (t) => {
  const newsroom = await openNewsroom(t)
  const { application } = newsroom
  const db = open(newsroom)
  t.after(() => db.close())
  fill(db, newsroom.now())
  const executed = await executedBy(async () => {
    await application.reEncryption.begin(newsroom.keys)
    // What is warned of is erased when the mail about it has gone.
    for (let round = 0; round < 4; round++) await newsroom.pause(6 * minute)
    await application.reEncryption.settled()
    // Digests come at the full hour.
    await newsroom.pause(hour)
  })
  assert.deepEqual(walking(executed), [])
  // Which comes first, the digest or the warning, depends on when in the hour this began.
  const subjects = newsroom.mailsTo('editor7@newsroom.test').map(({ subject }) => subject)
  assert.deepEqual(subjects.sort(), ['1000 pieces for you to look at', '500 pieces will be erased soon'])
  const left = Object.entries(leftToDo).map(([what, query]) => [
    what,
    Object.values(db.prepare(query).get({ 1: newsroom.now() }) ?? {})[0],
  ])
  assert.deepEqual(
    left,
    Object.keys(leftToDo).map((what) => [what, 0]),
  )
  const warnings = newsroom.mailsTo(editorAddress).filter(({ subject }) => /erased soon/.test(subject ?? ''))
  assert.equal(warnings.length, 1, 'one mail of all')

  // What has been done is in nobody's way: a round that finds nothing costs next to nothing.
  const idle = await executedBy(() => application.workOnce())
  const steps = idle.reduce((sum, one) => sum + one.steps, 0)
  assert.ok(idle.length < 150 && steps < 50_000, `${idle.length} statements, ${steps} steps`)
})

test('much to do in one job keeps none of the others waiting', async (t) => {
  const newsroom = await openNewsroom(t)
  const { reference } = await newsroom.submit('news-tip')
  newsroom.passTime(2 * day)
  const db = open(newsroom)
  t.after(() => db.close())
  db.exec('begin')
  const queue = db.prepare('insert into unindexed values (?)')
  for (let i = 0; i < 10; i++)
    for (const id of addSubmissions(db, newsroom.now(), { age: hour, state: 'accepted' })) queue.run(id)
  db.exec('commit')
  await newsroom.application.startWork()
  const { id } = await newsroom.submission(reference)
  const isEscalated = async () =>
    (await newsroom.application.storage.history.of(id)).some(({ action }) => action === 'escalated')
  while (!(await isEscalated())) await sleep(20)
  const { n } = db.prepare('select count(*) as n from unindexed').get() as { n: number }
  assert.ok(n > 0, 'there is still much to read into the index')
})

test('work in the background takes turns, one step at a time, and rests in proportion', async () => {
  const pace = createPace()
  const order: string[] = []
  let atWork = 0
  let most = 0
  const worker = (name: string) =>
    pace.steps(
      async () => {
        atWork += 1
        most = Math.max(most, atWork)
        await sleep(1)
        order.push(name)
        atWork -= 1
        return order.filter((one) => one === name).length < 4 ? 1 : 0
      },
      { first: 1, most: 1 },
    )
  const [a, b] = await Promise.all([worker('a'), worker('b')])
  assert.deepEqual([a, b, most], [3, 3, 1])
  assert.equal(order.join(''), 'abababab')
})

test('a step that took too long is followed by a smaller one, a quick one by a larger one', async () => {
  const sizes = { first: 20, most: 500 }
  assert.equal(sizeAfter(100, 40, sizes), 25)
  assert.equal(sizeAfter(100, 1000, sizes), 10)
  assert.equal(sizeAfter(10, 1000, sizes), 10)
  assert.equal(sizeAfter(1, 1000, { first: 1, most: 500 }), 1)
  assert.equal(sizeAfter(100, 2, sizes), 200)
  assert.equal(sizeAfter(400, 2, sizes), 500)
  assert.equal(sizeAfter(100, 7, sizes), 100)
})

test('what goes wrong in a turn is its own, and after the stop nothing is begun', async () => {
  const pace = createPace({ rest: 0 })
  await assert.rejects(
    pace.turn(async () => {
      throw new Error('on purpose')
    }),
    /on purpose/,
  )
  assert.equal(await pace.turn(async () => 'next'), 'next')
  pace.stop()
  await assert.rejects(
    pace.turn(async () => assert.fail('begun all the same')),
    { name: 'AbortError' },
  )
})
