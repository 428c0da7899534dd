import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { guestPost } from '../../test/support/submissions.ts'
import { Failure } from '../core/errors.ts'
import { shortened } from '../core/visible-text.ts'
import { kinds } from '../db/values.ts'
import { type ActionContext, note, tag } from '../editorial/actions.ts'
import { tidyFileName } from '../files/name.ts'
import { parseFields } from './incoming.ts'
import { summaryOf } from './model.ts'

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

/** Each shows nothing. */
const unseen = [
  '\u200b',
  '\u2800',
  '\u3164',
  '\u00ad',
  '\u115f\u1160\uffa0',
  '\u200d\u200c',
  '\ufeff',
  '\u2060\u2064',
  '\u180e',
  '\u034f',
  '\ufe0f',
  '\u202e\u202c',
  '\u2066\u2069',
  '\ufff9\ufffb',
  '\u{e0020}\u{e007f}',
  '\u{1d159}',
  '\u{13441}',
  '\u00a0\u3000\u2003',
]
const showsNothing = fc.array(fc.constantFrom(...unseen, ' ', '\t'), { minLength: 3, maxLength: 20 })

test('what shows nothing is empty where something is required, and left out where nothing is', () => {
  const body = 'A body that is long enough to be taken.'
  fc.assert(
    fc.property(showsNothing, (parts) => {
      const nothing = parts.join('')
      for (const name of ['title', 'byline', 'body'] as const) {
        const fields = { ...guestPost(), [name]: nothing.repeat(7) }
        assert.throws(
          () => parse(fields, 'guest-post'),
          (error) => error instanceof Failure && error.fields?.[name] !== undefined,
          name,
        )
      }
      const said = parseFields({
        kind: 'guest-post',
        channel: 'email',
        fields: { title: nothing, name: nothing, byline: nothing, bio: nothing, body },
        files: [],
        awaited: [],
      })
      assert.deepEqual(said, { body })
      for (const write of [() => tag({} as ActionContext, nothing), () => note(nothing)])
        assert.throws(write, Failure)
      assert.equal(tidyFileName(nothing), 'file')
      assert.equal(summaryOf({ fields: { title: nothing, name: nothing, body }, files: {} }, 0).title, body)
    }),
  )
})

test('within words, what shows nothing stays: scripts and emoji need it', () => {
  for (const title of [
    'می\u200cخواهم بنویسم',
    'क्\u200dष और ज्ञ',
    '👩\u200d👩\u200d👧 at the mill',
    'co\u00adoperation',
  ]) {
    assert.equal(parse({ title, body: `${title} ${'x'.repeat(20)}` }).title, title)
  }
  assert.deepEqual(tag({} as ActionContext, 'می\u200cخواهم').addTags, ['می\u200cخواهم'])
})

test('a line that is too long for its place ends with a mark, and stands whole beside it', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme', minLength: 400, maxLength: 900 }), (text) => {
      const fields = { title: `T ${text}`, byline: `B ${text}`, bio: 'short', body: 'Words.' }
      const said = parseFields({ kind: 'guest-post', channel: 'telegram', fields, files: [], awaited: [] })
      for (const name of ['title', 'byline'] as const) {
        const whole = fields[name]
          .replace(/[\p{Cc}--[\n\t\v\f]]/gv, '')
          .replace(/\s+/g, ' ')
          .trim()
        const shown = said[name] ?? ''
        assert.ok(shown.length <= 150 && shown.endsWith('…') && shown.isWellFormed(), shown)
        assert.ok(whole.startsWith(shown.slice(0, -1)), JSON.stringify([whole, shown]))
        assert.ok(said.inFull?.includes(whole), 'it stands whole')
      }
      assert.equal(said.bio, 'short')
    }),
  )
  const short = { title: 'x'.repeat(150), body: 'Words.' }
  const said = parseFields({ kind: 'story-angle', channel: 'email', fields: short, files: [], awaited: [] })
  assert.deepEqual(said, short)
})

test('no letter is cut in two', () => {
  assert.equal(shortened('ab👩‍👩‍👧cd', 5), 'ab…')
  assert.equal(shortened('abcde', 5), 'abcde')
  assert.equal(shortened('ab cdef', 4), 'ab…')
  assert.equal(shortened(`${'e\u0301'.repeat(9)}`, 6), 'e\u0301e\u0301…')
})
