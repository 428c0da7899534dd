import assert from 'node:assert/strict'
import { stat } from 'node:fs/promises'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { test } from 'node:test'
import { firstIdAt } from '../../src/core/ids.ts'
import { inboundMail } from '../support/mail.ts'
import { editorAddress, type Newsroom, openNewsroom } from '../support/newsroom.ts'
import { png, storyAngle, tip } from '../support/submissions.ts'

const minute = 60_000

/** Every time that the database tells, of itself or in an id, with where it stands. */
function timesIn(newsroom: Newsroom, tables: string[]): { where: string; at: number }[] {
  const db = new DatabaseSync(join(newsroom.settings.DATA_DIR, 'barua.db'), { readOnly: true })
  try {
    return tables.flatMap((table) =>
      db
        .prepare(`select * from ${table}`)
        .all()
        .flatMap((row) => Object.entries(row))
        // When an editor was made is no secret.
        .filter(([column]) => column !== 'editor_id')
        .flatMap(([column, value]) =>
          timesOf(value as number | string | null).map((at) => ({ where: `${table}.${column}`, at })),
        ),
    )
  } finally {
    db.close()
  }
}

const since = Date.now() - 86_400_000
const uuid = /[\da-f]{8}-[\da-f]{4}-7[\da-f]{3}-[\da-f]{4}-[\da-f]{12}/g

function timesOf(value: number | string | null): number[] {
  if (typeof value === 'number') return value > since ? [value] : []
  return (value?.match(uuid) ?? []).map((id) => Number.parseInt(id.slice(0, 13).replace('-', ''), 16))
}

/** Where something tells of a time within a minute. */
function finer(times: { where: string; at: number }[]): string[] {
  return [...new Set(times.filter(({ at }) => at % minute !== 0).map(({ where }) => where))]
}

test('when a source wrote is kept to the minute, whichever door they came by', async (t) => {
  const newsroom = await openNewsroom(t, inboundMail)
  const { receipt } = await newsroom.submit('expose', { ...tip(), email: 'source@contributor.test' }, [
    { name: 'a.png', content: png() },
  ])
  await newsroom.writeAgain(receipt, 'And this, too.')
  await newsroom.receiveMail({
    to: 'tips@newsroom.test',
    subject: 'A tip',
    text: 'The works leak, and have for weeks.',
  })
  await newsroom.workOff()
  await newsroom.pause(10 * minute)
  const ofSources = [
    'submissions',
    'messages',
    'attachments',
    'idempotency_keys',
    'mail_threads',
    'jobs',
    'job_attempts',
    'attention',
  ]
  assert.deepEqual(finer(timesIn(newsroom, ofSources)), [])
  for (const path of await newsroom.storedFiles()) {
    const { mtimeMs, atimeMs } = await stat(path)
    assert.equal(mtimeMs % minute, 0)
    assert.equal(atimeMs % minute, 0)
  }
  const references = (await newsroom.all()).map(({ reference }) => reference)
  assert.ok(references.every((reference) => !newsroom.logged.join('').includes(reference)))
  assert.deepEqual(
    newsroom.logged.filter((line) => /"level":30/.test(line)),
    [],
  )
})

test('what an editor wrote in between stands where it belongs, and what came after it rings', async (t) => {
  const newsroom = await openNewsroom(t)
  const { reference, receipt } = await newsroom.submit('news-tip')
  await newsroom.workOff()
  const at = `/desk/submissions/${reference}`
  const cookie = await newsroom.signIn()
  const inbox = async () => (await newsroom.http().get('/desk').set('cookie', cookie)).text
  for (let i = 1; i <= 4; i++) {
    await newsroom.http().get(at).set('cookie', cookie)
    assert.ok(!/class="unread/.test(await inbox()), 'it has been read')
    await newsroom.act(`${at}/answer`, { ...(await newsroom.seen(reference)), body: `Question ${i}` }, cookie)
    await newsroom.writeAgain(receipt, `Answer ${i}, of which there is more.`)
    await newsroom.act(`${at}/note`, { ...(await newsroom.seen(reference)), note: `Note ${i}` }, cookie)
  }
  const before = newsroom.mailsTo(editorAddress).length
  await newsroom.pause(10 * minute)
  assert.equal(newsroom.mailsTo(editorAddress).length, before + 1, 'what came after the last look is told of')
  const page = await newsroom.deskPage(at)
  const places = [1, 2, 3, 4].flatMap((i) =>
    [`Question ${i}`, `Answer ${i}`, `Note ${i}`].map((words) => page.indexOf(words)),
  )
  assert.ok(places.every((place) => place > 0))
  assert.deepEqual(
    places,
    places.toSorted((a, b) => a - b),
  )
})

test('clear pieces keep their times', async (t) => {
  const newsroom = await openNewsroom(t)
  const sent = await Promise.all(
    Array.from({ length: 5 }, () => newsroom.submit('story-angle', storyAngle())),
  )
  const submissions = await Promise.all(sent.map(({ reference }) => newsroom.submission(reference)))
  assert.ok(submissions.some(({ createdAt }) => createdAt % minute !== 0))
  assert.ok(submissions.every(({ id, createdAt }) => id >= firstIdAt(createdAt)))
})
