import assert from 'node:assert/strict'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { test } from 'node:test'
import { hashToken, newToken } from '../../src/accounts/api-token.ts'
import { readConfig } from '../../src/config.ts'
import { JobError, nextTry, waitIn } from '../../src/jobs/job.ts'
import { inboundMail } from '../support/mail.ts'
import { type Newsroom, openNewsroom } from '../support/newsroom.ts'
import { messageFrame, storyAngle } from '../support/submissions.ts'

// Numbers and times from outside are bounded before they are stored: no page fails for one.

const day = 86_400_000
const endless = [
  '9007199254740',
  '99999999999999999999999999',
  `1${'0'.repeat(400)}`,
  '1e400',
  '-1',
  'Infinity',
  'NaN',
  'Fri, 31 Dec 275759 23:59:59 GMT',
  'soon',
  '',
]

test('whatever a server asks us to wait, it is a number of at most a day', () => {
  const now = Date.parse('2026-11-20T10:00:00Z')
  assert.equal(waitIn('30', now), 30_000)
  assert.equal(waitIn('Fri, 20 Nov 2026 10:01:00 GMT', now), 60_000)
  assert.equal(waitIn(null, now), 0)
  for (const header of endless) {
    const wait = waitIn(header, now)
    assert.ok(wait >= 0 && wait <= day, header)
    for (const asked of [wait, Number(header), Number(header) * 1000, Number.NaN]) {
      const { retryAfter } = new JobError('code', { retryAfter: asked })
      const at = nextTry({ attempts: 1, triedSince: now }, now, () => 0.5, retryAfter) ?? 0
      assert.ok(Number.isSafeInteger(at) && at > now && at <= now + day, `${header} ${asked}`)
    }
  }
})

async function pagesStand(newsroom: Newsroom, reference?: string): Promise<void> {
  const pages = ['/desk', '/desk/deliveries', '/desk/deliveries?state=pending', '/desk/unread']
  for (const page of [...pages, ...(reference ? [`/desk/submissions/${reference}`] : [])])
    await newsroom.deskPage(page)
}

/** No delivery waits for longer than a day. */
function nothingWaitsForLong(newsroom: Newsroom): void {
  const db = new DatabaseSync(join(newsroom.settings.DATA_DIR, 'barua.db'), { readOnly: true })
  const rows = db.prepare("select due_at, created_at, type from jobs where state = 'pending'").all()
  db.close()
  for (const { due_at: due, type } of rows)
    assert.ok(Number(due) <= newsroom.now() + day + 60_000, `${type} is due at ${due}`)
}

test('a webhook that asks to wait for ever fails no page', async (t) => {
  const asked = [...endless]
  const hook = createServer((_req, res) => {
    const header = asked.shift() ?? '9007199254740'
    res.writeHead(503, header === '' ? {} : { 'retry-after': header }).end()
  })
  await new Promise<void>((resolve) => hook.listen(0, '127.0.0.1', () => resolve()))
  t.after(() => hook.close())
  const host = `127.0.0.1:${(hook.address() as AddressInfo).port}`
  const newsroom = await openNewsroom(t, { WEBHOOK_HOSTS: host })
  const token = newToken()
  const given = {
    name: 'bridge',
    hourlyLimit: 0,
    hookUrl: `http://${host}/hook`,
    tokenHash: hashToken(token),
  }
  await newsroom.application.storage.apiTokens.add(given, newsroom.now())
  const { body } = await newsroom
    .http()
    .post('/api/v1/submissions')
    .set('authorization', `Bearer ${token}`)
    .send({ kind: 'story-angle', ...storyAngle() })
    .expect(201)
  const { reference } = body
  const seen = await newsroom.seen(reference)
  await newsroom.act(`/desk/submissions/${reference}/answer`, { ...seen, body: 'Which corner?' })
  newsroom.passTime(11_000)
  for (let attempts = 0; attempts < 3; attempts++) {
    await newsroom.workOff()
    await pagesStand(newsroom, reference)
    nothingWaitsForLong(newsroom)
    newsroom.passTime(day)
  }
  assert.ok(asked.length <= endless.length - 2, 'the webhook was asked again')
})

test('a page with a time that no date can have stands, as an older version may have stored one', async (t) => {
  const newsroom = await openNewsroom(t)
  const { reference } = await newsroom.submit('story-angle')
  const db = new DatabaseSync(join(newsroom.settings.DATA_DIR, 'barua.db'))
  db.exec("update jobs set due_at = 9007199254740000, error_code = 'webhook-503'")
  db.close()
  await pagesStand(newsroom, reference)
})

test('Telegram may ask to wait for ever, too', async (t) => {
  const newsroom = await openNewsroom(t)
  const chat = newsroom.chat()
  for (const retryAfter of [9_007_199_254_740, 1e300, -5])
    newsroom.telegram.errors.push({ status: 429, retryAfter, method: 'sendMessage' })
  await chat.say('The depot is empty.')
  await newsroom.workOff()
  nothingWaitsForLong(newsroom)
  await pagesStand(newsroom)
})

const numbers = [1e300, -1e300, 2 ** 53, 2 ** 63, -1, 0.5, 253_402_300_800, 1e15]

for (const env of [{}, { TELEGRAM_BOT_TOKEN: '' }]) {
  const how = 'TELEGRAM_BOT_TOKEN' in env ? 'without a bot token' : 'with a bot token'
  test(`dates, sizes and ids of an update that no number can be: kept or left out, ${how}`, async (t) => {
    const newsroom = await openNewsroom(t, env)
    for (const [i, number] of numbers.entries()) {
      const document = { file_id: `f${i}`, file_unique_id: `u${i}`, file_name: 'a.txt', file_size: number }
      const frame = messageFrame(10 + i, 7001)
      const said = { ...frame, date: number, caption: `Number ${i}`, document }
      const { language_code: _, ...from } = frame.from
      const hostile = { ...said, from: { ...from, language_code: '\0'.repeat(5000) }, media_group_id: '\0' }
      await newsroom.receiveUpdate({ update_id: 10 + i, message: hostile }).expect(200)
      const edited = { ...said, caption: `Number ${i}, edited`, edit_date: number }
      await newsroom.receiveUpdate({ update_id: 100 + i, edited_message: edited }).expect(200)
      await newsroom.receiveUpdate({ update_id: number, message: said }).expect(200)
      const elsewhere = { ...said, message_id: number, chat: { id: number, type: 'private' } }
      await newsroom.receiveUpdate({ update_id: 200 + i, message: elsewhere }).expect(200)
    }
    await newsroom.pause(11 * 60_000)
    await newsroom.workOff()
    const all = await newsroom.all()
    assert.ok(all.length > 0)
    for (const { reference } of all) await newsroom.deskPage(`/desk/submissions/${reference}`)
    await pagesStand(newsroom)
    nothingWaitsForLong(newsroom)
  })
}

test('a mail of whatever day becomes a submission whose page stands', async (t) => {
  const newsroom = await openNewsroom(t, inboundMail)
  const dates = [
    'Fri, 31 Dec 275759 23:59:59 +0000',
    'Thu, 01 Jan 0001 00:00:00 +0000',
    'Mon, 99 Foo 99999999999999999999 99:99:99 +9999',
    '1e400',
    '-1',
  ]
  for (const [i, date] of dates.entries()) {
    const raw = `From: jane@example.org\r\nTo: stories@newsroom.test\r\nMessage-ID: <${i}@example.org>\r\nDate: ${date}\r\nSubject: Day ${i}\r\n\r\nHe has rowed for fifty years.\r\n`
    assert.equal(await newsroom.receiveMail(raw, { to: ['stories@newsroom.test'] }), 'received')
  }
  for (const { reference } of await newsroom.all()) await newsroom.deskPage(`/desk/submissions/${reference}`)
})

test('what a page is asked with fails none', async (t) => {
  const newsroom = await openNewsroom(t)
  const { reference } = await newsroom.submit('story-angle')
  const cookie = await newsroom.signIn()
  const values = [
    '1e400',
    '-1',
    '9'.repeat(400),
    'NaN',
    '275760-09-14',
    '999999-12-31',
    '0',
    '',
    'ffffffff',
    '%F0',
  ]
  const asked = {
    '/desk': ['from', 'until', 'after', 'done', 'left', 'undo', 'q', 'tag', 'editor', 'view'],
    '/desk/trail': ['below', 'reference'],
    '/desk/deliveries': ['after', 'state'],
    [`/desk/submissions/${reference}`]: ['again', 'list', 'revision', 'seen'],
    [`/desk/submissions/${reference}/letter/accepted`]: ['revision', 'seen', 'list'],
    '/desk/export': ['from', 'until', 'after'],
    '/desk/glance': ['from', 'until', 'days'],
  }
  for (const [path, names] of Object.entries(asked)) {
    for (const name of names) {
      for (const value of values) {
        const query = `${name}=${value}${name === 'q' ? '' : '&q=corner'}`
        const { status } = await newsroom.http().get(`${path}?${query}`).set('cookie', cookie)
        assert.ok(status < 500, `${path}?${query}: ${status}`)
      }
    }
  }
  for (const value of values) {
    const fields = { revision: value, seen: value, body: 'x', days: value, hours: value, seconds: value }
    for (const path of [`/desk/submissions/${reference}/answer`, '/desk/settings']) {
      const { status } = await newsroom.act(path, fields, cookie)
      assert.ok(status < 500, `${path} ${value}: ${status}`)
    }
  }
})

test('a setting of the environment that no number can be stops the start', () => {
  const names = [
    'PORT',
    'MAX_FILE_BYTES',
    'MAX_SUBMISSION_BYTES',
    'EMAIL_LIMIT',
    'SUBMIT_LIMIT',
    'STATUS_LIMIT',
  ]
  for (const name of [...names, 'ONION_SUBMIT_LIMIT', 'TELEGRAM_QUIET_SECONDS'])
    for (const value of ['1e400', '-1', 'NaN', 'Infinity', '9'.repeat(400)])
      assert.throws(() => readConfig({ [name]: value }), new RegExp(name), `${name}=${value}`)
})
