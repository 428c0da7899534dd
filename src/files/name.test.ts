import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { tidyFileName } from './name.ts'

test('a tidy name is a label: never a path, never hidden, one line, short', () => {
  fc.assert(
    fc.property(fc.oneof(fc.string({ unit: 'binary', maxLength: 600 }), fc.string()), (given) => {
      const name = tidyFileName(given)
      assert.ok(name.length > 0 && name.length <= 120)
      assert.ok(!/[/\\\p{Cc}\p{Cf}]/u.test(name), JSON.stringify(name))
      assert.ok(!name.startsWith('.'))
      assert.ok(name.isWellFormed())
      assert.equal(tidyFileName(name), name)
    }),
    { numRuns: 1000 },
  )
})

test('a blank behind the dots of a hidden name goes with them', () => {
  assert.equal(tidyFileName('. 0'), '0')
  assert.equal(tidyFileName(' . . notes.txt'), 'notes.txt')
})

test('names that people give stay as they are; a long one keeps its ending', () => {
  for (const name of ['Picha ya mto.jpg', 'صورة.png', '报告 2026.pdf', 'café (1).docx'])
    assert.equal(tidyFileName(name), name)
  assert.match(tidyFileName(`${'x'.repeat(300)}.jpeg`), /^x+\.jpeg$/)
})
