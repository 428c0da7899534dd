import assert from 'node:assert/strict'
import { createSecretKey, randomBytes } from 'node:crypto'
import { test } from 'node:test'
import fc from 'fast-check'
import { hashReceipt, newReference, readReceipt, receiptCandidatesIn, receiptFor } from './receipt.ts'

const key = createSecretKey(randomBytes(32))

test('a receipt is the same for the same arrival only, and only under the same key', () => {
  fc.assert(
    fc.property(fc.string(), fc.string(), (a, b) => {
      assert.equal(receiptFor(key, a), receiptFor(key, a))
      if (a !== b) assert.notEqual(receiptFor(key, a), receiptFor(key, b))
      assert.notEqual(receiptFor(key, a), receiptFor(createSecretKey(randomBytes(32)), a))
    }),
  )
})

test('a receipt is read as people type it', () => {
  fc.assert(
    fc.property(
      fc.string(),
      fc.array(fc.constantFrom(' ', '-', '–', '\t', ''), { minLength: 30, maxLength: 30 }),
      (secret, gaps) => {
        const receipt = receiptFor(key, secret)
        const typed = Array.from(receipt.replaceAll('-', ''), (letter, i) => gaps[i] + letter).join('')
        assert.equal(readReceipt(typed.toLowerCase().replaceAll('0', 'o').replaceAll('1', 'l')), receipt)
      },
    ),
  )
})

test('a receipt is found among other words, however it was copied', () => {
  const word = fc.constantFrom('code', 'my receipt is', '', 'abcd', '12', 'see:', 'Receipt:')
  fc.assert(
    fc.property(
      fc.string({ minLength: 5 }),
      fc.constantFrom('-', ' ', '', '–', '\n> ', ' - ', '\u00A0'),
      word,
      word,
      fc.boolean(),
      (secret, between, before, after, isSmall) => {
        const receipt = receiptFor(key, secret)
        const copied = receipt.replaceAll('-', between)
        const text = `${before}: ${isSmall ? copied.toLowerCase() : copied}. ${after}`
        assert.ok(receiptCandidatesIn(text).includes(receipt), text)
      },
    ),
  )
  assert.deepEqual(
    receiptCandidatesIn('the quick brown fox jumps over the lazy dog, and then some more of it'),
    [],
  )
  assert.ok(receiptCandidatesIn('9 '.repeat(10_000)).length <= 20)
})

test('what cannot be a receipt is none', () => {
  fc.assert(
    fc.property(fc.string(), (text) => {
      const read = readReceipt(text)
      assert.ok(read === undefined || /^([\dA-HJKMNP-TV-Z]{4}-){5}[\dA-HJKMNP-TV-Z]{4}$/.test(read))
    }),
  )
  assert.equal(readReceipt(newReference()), undefined)
})

test('the hash gives the receipt no away', () => {
  const receipt = receiptFor(key, 'x')
  assert.ok(!hashReceipt(receipt).includes(receipt.slice(0, 4)))
  assert.match(newReference(), /^[\dA-HJKMNP-TV-Z]{4}-[\dA-HJKMNP-TV-Z]{4}$/)
})
