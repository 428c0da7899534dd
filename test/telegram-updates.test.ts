import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import fc from 'fast-check'
import { isNoPiece, Update } from '../src/channels/telegram/update.ts'
import { openNewsroom } from './support/newsroom.ts'
import { messageFrame, textUpdate } from './support/pieces.ts'

const types = dirname(fileURLToPath(import.meta.resolve('@grammyjs/types/package.json')))

/** The fields of an interface, as the Bot API's types declare them. */
function fieldsOf(file: string, name: string): string[] {
  const text = readFileSync(join(types, file), 'utf8').replace(/\/\*\*[\s\S]*?\*\//g, '')
  const body = new RegExp(`export interface ${name} [^{]*\\{([\\s\\S]*?)\\n\\}`).exec(text)?.[1] ?? ''
  return [...body.matchAll(/^ {4}(\w+)\??:/gm)].map((found) => found[1] as string)
}

const kinds = fieldsOf('update.d.ts', 'Update').filter((field) => field !== 'update_id')
const contents = fieldsOf('message.d.ts', 'Message')
const chat = { id: 7001, type: 'private', first_name: 'Juma' }
const from = { id: 7001, is_bot: false, first_name: 'Juma', language_code: 'sw' }

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

test('the types are read, and every kind of update is known by name', () => {
  assert.ok(kinds.length > 20 && contents.length > 50)
  const ours = Object.keys(Update.shape)
  for (const kind of kinds) assert.ok(ours.includes(kind) || isNoPiece({ [kind]: {} }), kind)
})

test('an update of any kind, with any fields, gets 200 and is never a fault of ours', async (t) => {
  const newsroom = await openNewsroom(t)
  let updateId = 10
  await fc.assert(
    fc.asyncProperty(fc.constantFrom(...kinds).chain(bodyOf), async (body) => {
      updateId += 1
      await newsroom.receiveUpdate({ update_id: updateId, ...body, next_year: { deep: [null] } }).expect(200)
    }),
    { numRuns: 400 },
  )
  const kept = await newsroom.application.storage.unread.latest(1000, newsroom.keys)
  assert.deepEqual(
    kept.filter(({ reason }) => !['not-an-update', 'unknown-update', 'no-words-or-files'].includes(reason)),
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
