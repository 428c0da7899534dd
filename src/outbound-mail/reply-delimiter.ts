import { createHmac, type KeyObject, timingSafeEqual } from 'node:crypto'

const words = 'Write above this line to answer the sender'
const signatureLength = 13

/**
 * Stands at the head of a notice: above it an editor answers, and below it stays what they answer to. It is signed, for a
 * reference alone anybody may know.
 */
export function replyDelimiter(key: KeyObject, reference: string): string {
  return `--- ${words} --- ${reference}-${signature(key, reference)}`
}

/** The submission that a mark speaks of, and what it says to prove that it is ours; empty where it says nothing. */
export type Mark = { reference: string; signed: string }

/** Found again however a mail program quotes it: behind bars, blanks and signs of quotation. */
const found = new RegExp(
  `^[>|\\t -]*${words}\\b(?:[^\\n]*?([\\dA-Z]{4}-[\\dA-Z]{4})(?:-([\\da-f]{${signatureLength}})\\b)?)?`,
  'im',
)

/** Where the mark stands in a text, and what it says. Whether it is ours is told by `isOurMark`. */
export function findMark(text: string): { at: number; mark: Mark | undefined } | undefined {
  const match = found.exec(text)
  if (!match) return undefined
  const [, reference, signed = ''] = match
  const mark = reference ? { reference: reference.toUpperCase(), signed: signed.toLowerCase() } : undefined
  return { at: match.index, mark }
}

export function isOurDelimiter(key: KeyObject, { reference, signed }: Mark): boolean {
  const expected = Buffer.from(signature(key, reference))
  const given = Buffer.from(signed)
  return given.length === expected.length && timingSafeEqual(given, expected)
}

function signature(key: KeyObject, reference: string): string {
  return createHmac('sha256', key).update(`mark\0${reference}`).digest('hex').slice(0, signatureLength)
}
