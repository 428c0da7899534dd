import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import {
  type Block,
  firstLines,
  type Run,
  shortenedTo,
  withCharacters,
  writtenOut,
} from './formatted-text.ts'

const remark = '[There is more.]'

const run: fc.Arbitrary<Run> = fc.record(
  {
    text: fc.string({
      unit: fc.constantFrom('a', 'b', 'é', '漢', ' ', '\n', '*', '~'),
      minLength: 1,
      maxLength: 30,
    }),
    isStrong: fc.constant(true),
    isEmphasis: fc.constant(true),
    isStruck: fc.constant(true),
    href: fc.constantFrom('https://example.org/a', 'mailto:a@example.org'),
  },
  { requiredKeys: ['text'] },
)

const runs = fc.array(run, { minLength: 1, maxLength: 4 })
const place = fc.record(
  { quoted: fc.integer({ min: 1, max: 2 }), indent: fc.integer({ min: 1, max: 3 }) },
  { requiredKeys: [] },
)

const kinds = fc.oneof(
  fc.record({ kind: fc.constant('paragraph' as const), runs }),
  fc.record({ kind: fc.constant('paragraph' as const), runs, marker: fc.constantFrom('-', '3.', '[1]') }),
  fc.record({ kind: fc.constant('preformatted' as const), runs }),
  fc.record({ kind: fc.constant('rule' as const) }),
  fc.record({
    kind: fc.constant('table' as const),
    rows: fc.array(fc.array(fc.record({ runs }), { minLength: 1, maxLength: 3 }), {
      minLength: 1,
      maxLength: 4,
    }),
  }),
)

const blocks = fc.array(
  fc.tuple(place, kinds).map(([where, kind]): Block => ({ ...where, ...kind })),
  { maxLength: 8 },
)

test('the first lines of a text are those of what is written', () => {
  fc.assert(
    fc.property(blocks, fc.integer({ min: 1, max: 30 }), (all, count) => {
      const lines = writtenOut(all).split('\n')
      const first = writtenOut(firstLines(all, count)).split('\n')
      // A mark that goes on below the cut is closed there, so the words are what is compared; an empty end says nothing.
      const bare = (some: string[]) =>
        some
          .map((line) => line.replace(/[*~[\]()\s]|https:\/\/example\.org\/a|mailto:a@example\.org/g, ''))
          .join('\n')
          .replace(/[\n>]+$/, '')
      assert.deepEqual(bare(first), bare(lines.slice(0, count)))
    }),
    { numRuns: 500 },
  )
})

test('what is cut is no longer than it may be, begins as it did, and says that there is more', () => {
  fc.assert(
    fc.property(blocks, fc.integer({ min: 60, max: 400 }), (all, most) => {
      const whole = writtenOut(all)
      const cut = shortenedTo(most, all, remark)
      if (whole.length <= most) return assert.equal(cut, all)
      const written = writtenOut(cut)
      assert.ok(written.length <= most, `${written.length} of ${most}`)
      assert.ok(written.endsWith(remark))
    }),
    { numRuns: 500 },
  )
  const one: Block[] = [{ kind: 'paragraph', runs: [{ text: 'word '.repeat(1000) }] }]
  assert.ok(writtenOut(shortenedTo(1000, one, remark)).length > 900)
})

test('characters are changed in every run, and nothing else is', () => {
  fc.assert(
    fc.property(blocks, (all) => {
      const changed = withCharacters(all, (text) => text.replaceAll('a', 'z'))
      assert.ok(!JSON.stringify(changed).includes('"text":"a'))
      assert.equal(JSON.stringify(withCharacters(all, (text) => text)), JSON.stringify(all))
    }),
  )
})

test('marks stand around words, once for all that look alike', () => {
  const text = writtenOut([
    {
      kind: 'paragraph',
      runs: [
        { text: 'The ', isStrong: true },
        { text: 'mill ', isStrong: true, isEmphasis: true },
        { text: 'must', isStruck: true },
        { text: ' stay: ' },
        { text: 'https://example.org/', href: 'https://example.org' },
        { text: ' ' },
        { text: 'a', href: 'https://example.org/a' },
        { text: 'b', href: 'https://example.org/a', isEmphasis: true },
      ],
    },
  ])
  assert.equal(text, '**The *mill*** ~~must~~ stay: https://example.org/ [a*b*](https://example.org/a)')
})
