import { createHmac, hash, type KeyObject, randomInt } from 'node:crypto'

/**
 * Crockford's base 32: no I, L, O or U, so that it can be read aloud and typed from paper.
 * https://www.crockford.com/base32.html
 */
const alphabet = '0123456789ABCDEFGHJKMNPQRSTVWXYZ'
const receiptLength = 24
const receiptShape = new RegExp(`^[${alphabet}]{${receiptLength}}$`)

/**
 * The receipt of an idempotency key: 120 bits, in six groups of four. The same idempotency key always gives the same
 * receipt, so a repeat can be answered alike although only a hash of it is kept.
 */
export function receiptFor(key: KeyObject, secret: string): string {
  const digest = createHmac('sha256', key).update(`receipt\0${secret}`).digest()
  const letters = Array.from(digest.subarray(0, receiptLength), letterOf).join('')
  return grouped(letters)
}

/** A receipt that nothing leads to: whoever loses it has lost it. */
export function newReceipt(): string {
  return grouped(Array.from({ length: receiptLength }, () => letterOf(randomInt(32))).join(''))
}

/** A receipt as its holder typed it, or undefined if it cannot be one. Case, blanks, dashes and look-alikes are forgiven. */
export function readReceipt(typed: string): string | undefined {
  const letters = typed
    .toUpperCase()
    .replace(/[\s\p{Pd}]/gu, '')
    .replaceAll('O', '0')
    .replace(/[IL]/g, '1')
  return receiptShape.test(letters) ? grouped(letters) : undefined
}

const inText = new RegExp(`\\b(?:[${alphabet}]{4}-){5}[${alphabet}]{4}\\b`, 'g')

/** So many of a text are looked up at most: each costs a question to the database. */
const mostCandidates = 20

/**
 * What in a text may be receipts, however they were copied: in any case, with blanks, line ends, quotation marks or other
 * dashes between the groups, or none. Some are something else, such as the number of a bank account, or six words of four
 * letters: only looking them up tells. As we write receipts, each once, at most twenty.
 */
export function receiptCandidatesIn(text: string): string[] {
  const found = new Set<string>()
  const tokens = [...text.matchAll(/[\dA-Za-z]+/g)]
  for (const [from, first] of tokens.entries()) {
    let letters = first[0]
    let end = first.index + letters.length
    for (let next = from + 1; letters.length % 4 === 0 && letters.length < receiptLength; next++) {
      const token = tokens[next]
      if (!token || !/^[\s\p{Pd}>|]{1,6}$/u.test(text.slice(end, token.index))) break
      letters += token[0]
      end = token.index + token[0].length
    }
    const receipt = letters.length === receiptLength ? readReceipt(letters) : undefined
    if (receipt) found.add(receipt)
    if (found.size === mostCandidates) break
  }
  return [...found]
}

/** The text without what may be receipts: what quotes one is kept, and the receipt is not. */
export function withoutReceipts(text: string): string {
  return text.replace(inText, '(receipt)')
}

/** What is kept of a receipt. 120 random bits need no slow hash. */
export function hashReceipt(receipt: string): string {
  return hash('sha256', `receipt\0${receipt}`, 'base64url')
}

/** A new reference, such as `K7M2-9QF4`: short enough to say, unique by the index that holds it. */
export function newReference(): string {
  return grouped(Array.from({ length: 8 }, () => letterOf(randomInt(32))).join(''))
}

/** The reference that somebody typed, in any case; undefined for what is none. */
export function readReference(typed: unknown): string | undefined {
  const reference = typeof typed === 'string' ? typed.trim().toUpperCase() : ''
  return /^[\dA-Z]{4}-[\dA-Z]{4}$/.test(reference) ? reference : undefined
}

// 256 is a multiple of 32, so the low five bits of a random byte are uniform.
function letterOf(byte: number): string {
  return alphabet.charAt(byte & 31)
}

function grouped(letters: string): string {
  return letters.replace(/(.{4})(?=.)/g, '$1-')
}
