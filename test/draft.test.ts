import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { parseFields } from '../src/draft.ts'
import { Failure } from '../src/failure.ts'
import { kinds } from '../src/submission.ts'
import { guestPost } from './support/pieces.ts'

const parse = (fields: Record<string, unknown>, kind: (typeof kinds)[number] = 'news-tip') =>
  parseFields({ kind, channel: 'form', fields, files: [], awaited: [] })

const anything = fc.oneof(fc.string({ unit: 'binary', maxLength: 400 }), fc.anything())

test('whatever is sent, it is either taken within the rules or refused by name, and nothing else is thrown', () => {
  const names = Object.keys(guestPost())
  const fields = fc.dictionary(fc.constantFrom(...names, '__proto__', 'unknown'), anything)
  fc.assert(
    fc.property(fields, fc.constantFrom(...kinds), (given, kind) => {
      try {
        const taken = parse(given, kind)
        assert.ok(taken.body.length >= 20 && taken.body.length <= 100_000)
        assert.ok(!('unknown' in taken))
      } catch (error) {
        assert.ok(error instanceof Failure && error.code === 'invalid', String(error))
        assert.ok(Object.keys(error.fields ?? {}).length > 0)
      }
    }),
    { numRuns: 500 },
  )
})

test('what may reach a mail header is one line without control characters', () => {
  const body = 'A body that is long enough to be taken.'
  fc.assert(
    fc.property(fc.string({ unit: 'binary', minLength: 3, maxLength: 150 }), (text) => {
      try {
        const { title = '', name = '' } = parse({ title: text, name: text, body })
        assert.ok(!/[\r\n\0\p{Cc}]/u.test(title.replaceAll('\t', '') + name.replaceAll('\t', '')))
      } catch (error) {
        assert.ok(error instanceof Failure)
      }
    }),
    { numRuns: 1000 },
  )
})

test('words of every script pass unchanged', () => {
  for (const words of [
    'Habari za asubuhi, rafiki yangu',
    'صباح الخير يا صديقي العزيز جدا',
    '早上好，我亲爱的朋友，今天天气很好，我们去河边吧',
    '👩‍👩‍👧‍👦 emoji 🎉 and é, ü, ß',
  ]) {
    assert.equal(parse({ body: `${words}\n\n${words}` }).body, `${words}\n\n${words}`)
  }
  assert.equal(
    parse({ body: 'one\r\ntwo\rthree and some more words' }).body,
    'one\ntwo\nthree and some more words',
  )
})
