import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Rhythm } from '../../src/accounts/notification-policy.ts'
import { defaultPolicy, type NoticePolicy, nextDigestAt } from '../../src/accounts/notification-policy.ts'
import { editorAddress, type Newsroom, openNewsroom } from '../support/newsroom.ts'
import { storyAngle, tip } from '../support/submissions.ts'

const second = 'second@newsroom.test'
const two = { EDITORS: `${editorAddress},${second}` }
const minute = 60_000
const hour = 60 * minute

async function choose(newsroom: Newsroom, rhythm: Rhythm, more: Partial<NoticePolicy> = {}, email = second) {
  const { editors } = newsroom.application.storage
  const editor = await editors.byEmail(email)
  await editors.setPolicy(editor?.id ?? '', { ...defaultPolicy, rhythm, ...more }, newsroom.now())
}

/** Mails about pieces, by their subjects. */
function told(newsroom: Newsroom, email: string): string[] {
  return newsroom
    .mailsTo(email)
    .map((mail) => mail.subject ?? '')
    .filter((subject) => !subject.startsWith('Sign in'))
}

test('at once: one mail for a piece, then none about it until it is opened', async (t) => {
  const newsroom = await openNewsroom(t)
  const { receipt, reference } = await newsroom.submit('story-angle', storyAngle())
  await newsroom.workOff()
  assert.equal(told(newsroom, editorAddress).length, 1)
  for (let i = 0; i < 5; i++) {
    await newsroom.writeAgain(receipt, `More words, number ${i}`)
    newsroom.passTime(hour)
    await newsroom.workOff()
  }
  assert.equal(told(newsroom, editorAddress).length, 1)
  await newsroom.deskPage(`/desk/submissions/${reference}`)
  await newsroom.writeAgain(receipt, 'And now there is news.')
  newsroom.passTime(6 * minute)
  await newsroom.workOff()
  const mail = newsroom.mailsTo(editorAddress).at(-1)
  assert.equal(told(newsroom, editorAddress).length, 2)
  assert.ok(
    mail?.text?.includes('And now there is news.') && !mail.text.includes('More words'),
    'only what is new',
  )
})

test('at once: after a day without an opening there is one mail again', async (t) => {
  const newsroom = await openNewsroom(t)
  await newsroom.application.storage.settings.saveEscalationHours(0, 0, 1)
  const { receipt } = await newsroom.submit('story-angle', storyAngle())
  await newsroom.workOff()
  newsroom.passTime(25 * hour)
  await newsroom.writeAgain(receipt, 'Still there?')
  newsroom.passTime(6 * minute)
  await newsroom.workOff()
  assert.equal(told(newsroom, editorAddress).length, 2)
})

test('messages that follow within five minutes ride in one mail, and one that was read meanwhile needs none', async (t) => {
  const newsroom = await openNewsroom(t)
  const { receipt, reference } = await newsroom.submit('story-angle', storyAngle())
  await newsroom.workOff()
  const open = () => newsroom.deskPage(`/desk/submissions/${reference}`)
  await open()
  for (const words of ['First of three', 'Second of three', 'Third of three']) {
    await newsroom.writeAgain(receipt, words)
    await newsroom.workOff()
    newsroom.passTime(minute)
  }
  assert.equal(told(newsroom, editorAddress).length, 1)
  newsroom.passTime(3 * minute)
  await newsroom.workOff()
  assert.equal(told(newsroom, editorAddress).length, 2)
  const text = newsroom.mailsTo(editorAddress).at(-1)?.text ?? ''
  for (const words of ['First of three', 'Second of three', 'Third of three']) assert.ok(text.includes(words))

  await open()
  await newsroom.writeAgain(receipt, 'Read before the mail leaves')
  await newsroom.workOff()
  newsroom.passTime(minute)
  await open()
  newsroom.passTime(6 * minute)
  await newsroom.workOff()
  assert.equal(told(newsroom, editorAddress).length, 2)
  await newsroom.writeAgain(receipt, 'And the next one is told of')
  newsroom.passTime(6 * minute)
  await newsroom.workOff()
  assert.equal(told(newsroom, editorAddress).length, 3)
})

test('by kind: who wants to hear of tips only hears of tips only', async (t) => {
  const newsroom = await openNewsroom(t, two)
  await choose(newsroom, 'at-once', { kinds: ['news-tip'] })
  await newsroom.submit('story-angle', storyAngle())
  const { reference } = await newsroom.submit('news-tip', tip())
  await newsroom.workOff()
  assert.deepEqual(told(newsroom, second), [`News tip: ${reference}`])
  assert.equal(told(newsroom, editorAddress).length, 2)
})

test('only what I claimed: silence, until the sender of a piece of mine writes', async (t) => {
  const newsroom = await openNewsroom(t, two)
  await choose(newsroom, 'claimed')
  const mine = await newsroom.submit('story-angle', storyAngle())
  const other = await newsroom.submit('story-angle', storyAngle())
  await newsroom.workOff()
  assert.deepEqual(told(newsroom, second), [])
  const cookie = await newsroom.signIn(second)
  await newsroom.http().get(`/desk/submissions/${mine.reference}`).set('cookie', cookie)
  await newsroom.act(`/desk/submissions/${mine.reference}/claim`, {}, cookie)
  await newsroom.writeAgain(mine.receipt, 'For you')
  await newsroom.writeAgain(other.receipt, 'For anybody')
  newsroom.passTime(6 * minute)
  await newsroom.workOff()
  assert.equal(told(newsroom, second).length, 1)
  assert.ok(newsroom.mailsTo(second).at(-1)?.text?.includes('For you'))
})

test('a digest comes at the chosen hours with what is new and unread, and not at all where nothing is', async (t) => {
  const newsroom = await openNewsroom(t, two)
  await choose(newsroom, 'digest', { hours: [8, 16], timeZone: 'Africa/Nairobi' })
  const untilNext = () =>
    (nextDigestAt({ ...defaultPolicy, hours: [8, 16], timeZone: 'Africa/Nairobi' }, newsroom.now()) ?? 0) -
    newsroom.now()
  const read = await newsroom.submit('story-angle', { ...storyAngle(), title: 'Read already' })
  await newsroom.submit('story-angle', { ...storyAngle(), title: 'Still unread' })
  const secret = await newsroom.submit('expose', { ...tip(), title: 'Canary title' })
  await newsroom.workOff()
  const cookie = await newsroom.signIn(second)
  await newsroom.http().get(`/desk/submissions/${read.reference}`).set('cookie', cookie)
  newsroom.passTime(untilNext() - minute)
  await newsroom.workOff()
  assert.deepEqual(told(newsroom, second), [])
  newsroom.passTime(2 * minute)
  await newsroom.workOff()
  assert.deepEqual(told(newsroom, second), ['2 pieces for you to look at'])
  const { text = '', messageId } = newsroom.mailsTo(second).at(-1) ?? {}
  assert.ok(text.includes('Still unread') && text.includes(secret.reference))
  assert.ok(!text.includes('Read already') && !text.includes('Canary'))

  newsroom.passTime(untilNext() + minute)
  await newsroom.workOff()
  assert.equal(told(newsroom, second).length, 1, 'nothing new, no mail')
  await newsroom.submit('story-angle', storyAngle())
  newsroom.passTime(untilNext() + minute)
  await newsroom.workOff()
  assert.equal(told(newsroom, second).length, 2)
  assert.notEqual(newsroom.mailsTo(second).at(-1)?.messageId, messageId)
})

test('digest hours are the editor’s own, also where the clock is changed', () => {
  const policy = { ...defaultPolicy, rhythm: 'digest' as const, hours: [8], timeZone: 'Europe/Berlin' }
  const next = (at: string) => new Date(nextDigestAt(policy, Date.parse(at)) ?? 0).toISOString()
  assert.equal(next('2026-03-28T12:00:00Z'), '2026-03-29T06:00:00.000Z')
  assert.equal(next('2026-10-24T12:00:00Z'), '2026-10-25T07:00:00.000Z')
  assert.equal(next('2026-07-01T06:00:00Z'), '2026-07-02T06:00:00.000Z')
  const kathmandu = { ...policy, timeZone: 'Asia/Kathmandu' }
  assert.equal(new Date(nextDigestAt(kathmandu, 0) ?? 0).toISOString(), '1970-01-01T02:30:00.000Z')
  assert.equal(nextDigestAt({ ...policy, hours: [] }, 0), undefined)
})

test('a burst of 1,000 pieces makes at most two mails an editor, and none is left out', async (t) => {
  const newsroom = await openNewsroom(t, two)
  const { storage } = newsroom.application
  await newsroom.workOff()
  await newsroom.submit('story-angle', storyAngle())
  await newsroom.workOff()
  for (let i = 0; i < 100; i++) {
    await Promise.all(
      Array.from({ length: 10 }, () => newsroom.submit('news-tip', { body: 'One of very many pieces.' })),
    )
    if (i % 20 === 0) await newsroom.workOff()
  }
  for (let passed = 0; passed < 3 * hour; passed += 5 * minute) {
    await newsroom.workOff()
    newsroom.passTime(5 * minute)
  }
  for (const email of [editorAddress, second]) {
    assert.deepEqual(told(newsroom, email).length, 2, told(newsroom, email).join())
    const digest = newsroom.mailsTo(email).at(-1)
    assert.equal(digest?.subject, '1000 pieces for you to look at')
    assert.ok(digest.text?.includes('And 950 more.'))
  }
  assert.equal(await storage.inbox.count({ states: ['waiting'] }, 2000), 1001)

  await newsroom.submit('story-angle', storyAngle())
  await newsroom.workOff()
  assert.equal(told(newsroom, second).length, 3, 'afterwards it is as before')
})

test('five pieces within a minute are told of at once', async (t) => {
  const newsroom = await openNewsroom(t)
  for (let i = 0; i < 5; i++) await newsroom.submit('news-tip', tip())
  await newsroom.workOff()
  assert.equal(told(newsroom, editorAddress).length, 5)
})

test('twenty pieces within ten minutes are no burst, twenty-one are', async (t) => {
  const newsroom = await openNewsroom(t)
  for (let i = 0; i < 20; i++) await newsroom.submit('news-tip', tip())
  await newsroom.workOff()
  assert.equal(told(newsroom, editorAddress).length, 0, 'it may be the beginning of a burst')
  newsroom.passTime(minute)
  await newsroom.workOff()
  assert.equal(told(newsroom, editorAddress).length, 20)
  newsroom.passTime(11 * minute)
  for (let i = 0; i < 21; i++) await newsroom.submit('news-tip', tip())
  await newsroom.workOff()
  assert.equal(told(newsroom, editorAddress).length, 20)
  newsroom.passTime(11 * minute)
  await newsroom.workOff()
  assert.equal(told(newsroom, editorAddress).length, 21)
})

test('what nobody claims within a day is brought to the admins, once; claiming stops it', async (t) => {
  const newsroom = await openNewsroom(t, two)
  await choose(newsroom, 'claimed')
  const unclaimed = await newsroom.submit('news-tip', tip())
  const claimed = await newsroom.submit('news-tip', tip())
  await newsroom.workOff()
  await newsroom.act(`/desk/submissions/${claimed.reference}/claim`, {})
  newsroom.passTime(23 * hour)
  await newsroom.workOff()
  assert.equal(told(newsroom, editorAddress).length, 2)
  newsroom.passTime(2 * hour)
  await newsroom.workOff()
  const reminder = newsroom.mailsTo(editorAddress).at(-1)
  assert.equal(reminder?.subject, 'Nobody has claimed a piece yet')
  assert.ok(reminder.text?.includes(unclaimed.reference) && !reminder.text.includes(claimed.reference))
  assert.deepEqual(told(newsroom, second), [], 'no admin')
  for (let day = 0; day < 3; day++) {
    newsroom.passTime(25 * hour)
    await newsroom.workOff()
  }
  assert.equal(told(newsroom, editorAddress).length, 3)
  const { id } = await newsroom.submission(unclaimed.reference)
  const entries = await newsroom.application.storage.history.of(id)
  assert.deepEqual(
    entries.map((entry) => [entry.action, entry.editorId]),
    [['escalated', null]],
  )
})

test('planned again, as after a crash, nobody is told twice', async (t) => {
  const newsroom = await openNewsroom(t)
  const { reference } = await newsroom.submit('news-tip', tip())
  await newsroom.workOff()
  const { storage } = newsroom.application
  const { id } = await newsroom.submission(reference)
  const plan = (await storage.jobs.ofSubmission(id)).find((one) => one.type === 'tell-editors')
  assert.ok(plan)
  await storage.notices.plan([plan], await storage.editors.active(), newsroom.now())
  await newsroom.workOff()
  assert.equal(told(newsroom, editorAddress).length, 1)
})
