import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { isNotOurs, updateKinds } from '../../src/channels/telegram/message/updates.ts'
import { openNewsroom } from '../support/newsroom.ts'
import { messageFrame, textUpdate } from '../support/submissions.ts'
import { telegramTypes } from '../support/telegram-types.ts'

const types = telegramTypes()
const kinds = types.fieldsOf('Update').flatMap(({ name }) => (name === 'update_id' ? [] : [name]))
const contents = types.fieldsOf('Message').map(({ name }) => name)
const chat = { id: 7001, type: 'private', first_name: 'Juma' }
const from = { id: 7001, is_bot: false, first_name: 'Juma', language_code: 'sw' }

/** Why something is kept raw that is no fault of ours. */
const reasons = ['not-an-update', 'unknown-update', 'not-said-to-the-bot', 'no-words-or-files']

/** What every kind of update has in common, with anything beside it: fields of next year, and of the wrong shape. */
function bodyOf(kind: string): fc.Arbitrary<object> {
  const frame = { ...messageFrame(1, 7001), id: '1', chat, from, user: from, data: 'send:x', date: 1 }
  return fc
    .tuple(
      fc.dictionary(fc.constantFrom(...contents, 'next_year', 'data', 'message'), fc.jsonValue()),
      fc.boolean(),
    )
    .map(([more, isWhole]) => ({ [kind]: isWhole ? { ...frame, ...more } : { ...more, message_id: 3 } }))
}

test('no kind of update in which somebody says something is acknowledged with nothing kept', async (t) => {
  const newsroom = await openNewsroom(t)
  for (const [index, kind] of kinds.entries()) {
    const said = {
      ...messageFrame(index + 1, 7001),
      chat,
      from,
      id: '1',
      data: 'send:x',
      text: `WORDS-${kind}.`,
    }
    const { body } = await newsroom.receiveUpdate({ update_id: index + 1, [kind]: said }).expect(200)
    if (updateKinds[kind as keyof typeof updateKinds] !== 'conversation') assert.deepEqual(body, {}, kind)
  }
  await newsroom.pause(3_600_000)
  const kept = (await newsroom.application.storage.deadLetters.latest(1000, newsroom.keys))
    .map(({ raw }) => raw)
    .join()
  const [submission] = await newsroom.all()
  const { submissions } = newsroom.application.storage
  const told = JSON.stringify(await submissions.conversation(submission?.id ?? '', newsroom.keys))
  const lost = kinds.filter((kind) => !kept.includes(`WORDS-${kind}.`) && !told.includes(`WORDS-${kind}.`))
  assert.deepEqual(
    lost.toSorted(),
    kinds
      .filter((kind) => isNotOurs({ update_id: 1, [kind]: {} }))
      .concat('callback_query')
      .toSorted(),
  )
})

test('what is not known is kept, also beside what is not ours', async (t) => {
  const newsroom = await openNewsroom(t)
  const update = { my_chat_member: { chat, from, date: 1 } }
  await newsroom.receiveUpdate({ update_id: 1, ...update }).expect(200)
  const { deadLetters } = newsroom.application.storage
  assert.deepEqual(await deadLetters.latest(9), [])
  await newsroom.receiveUpdate({ update_id: 2, ...update, memo: { text: 'HIDDEN' } }).expect(200)
  assert.ok((await newsroom.deskPage('/desk/unread')).includes('HIDDEN'))
})

test('an update of any kind, with any fields, gets 200 and is never a error_code of ours', async (t) => {
  const newsroom = await openNewsroom(t)
  let updateId = 10
  await fc.assert(
    fc.asyncProperty(fc.constantFrom(...kinds).chain(bodyOf), async (body) => {
      updateId += 1
      await newsroom.receiveUpdate({ update_id: updateId, ...body, next_year: { deep: [null] } }).expect(200)
    }),
    { numRuns: 400 },
  )
  const kept = await newsroom.application.storage.deadLetters.latest(1000, newsroom.keys)
  assert.deepEqual(
    kept.filter(({ reason }) => !reasons.includes(reason)),
    [],
  )
})

test('each content that a message can have is taken in, acknowledged, or kept and said to be kept', async (t) => {
  const newsroom = await openNewsroom(t)
  for (const [index, content] of contents.entries()) {
    const message = { ...messageFrame(index + 1, 7001), [content]: { id: 1, something: true } }
    await newsroom.receiveUpdate({ update_id: index + 1, message }).expect(200)
  }
  assert.ok(!newsroom.logged.some((line) => line.includes('unexpected')))
})

test('a wrong or missing secret gets 401 and stores nothing', async (t) => {
  const newsroom = await openNewsroom(t)
  const update = textUpdate(6, 'Somebody pretends to be Telegram.')
  await newsroom.receiveUpdate(update, 'wrong').expect(401)
  await newsroom.http().post('/webhooks/telegram').send(update).expect(401)
  await newsroom.pause(3_600_000)
  assert.equal(await newsroom.submissionCount(), 0)
})
