import type { Content } from './model.ts'

/** One thing that is searched for: a word, the beginning of one, or a phrase. Folded, in letters, digits and blanks. */
export type Term = { words: string; isPrefix: boolean }

/** Shorter beginnings fit so many words that looking for them would cost too much. */
const prefix = /^[\p{L}\p{N}]{3,}$/u
const mostTerms = 10

const asked = /"([^"]*)"|([^\s"]+)/g
const word = /[\p{L}\p{N}\p{M}]+/gu

/** A text as it is searched: small letters without marks. “Café” and “CAFE” are one. */
function fold(text: string): string {
  return text
    .normalize('NFKD')
    .replace(/\p{M}+/gu, '')
    .toLowerCase()
}

/** The words of a text, folded. */
function wordsOf(text: string): string[] {
  return (text.match(word) ?? []).map(fold)
}

/** What somebody typed to search for: words, "phrases in quotes", and beginnings such as rive*. */
export function readTerms(typed: string): Term[] {
  const terms: Term[] = []
  for (const [, phrase, single] of typed.matchAll(asked)) {
    const words = wordsOf(phrase ?? single ?? '')
    if (words.length === 0) continue
    const isPrefix = single?.endsWith('*') === true && words.length === 1 && prefix.test(words[0] as string)
    terms.push({ words: words.join(' '), isPrefix })
  }
  return terms.slice(0, mostTerms)
}

/**
 * PostgreSQL takes no more than a megabyte of a document's words; what a sender writes beyond this is not searched. In
 * bytes.
 */
const longestDocument = 500_000

/** All that can be found of a conversation, folded. */
export function documentOf(contents: Content[]): string {
  const texts = contents.flatMap(({ fields, files, email }) => [
    ...Object.values(fields).flat(),
    // What is only shown folded is found too.
    email?.cover,
    email?.quoted,
    ...Object.values(files).flatMap(({ name, caption, credit }) => [name, caption, credit]),
  ])
  const words = wordsOf(texts.filter((text) => text !== undefined).join('\n')).join(' ')
  return Buffer.from(words).subarray(0, longestDocument).toString()
}

export type HighlightedText = { text: string; isHit: boolean }[]

/** Finds the words of these terms in a text as it is, whatever marks and capitals it has. */
export function finder(terms: Term[]): RegExp | undefined {
  if (terms.length === 0) return undefined
  const words = terms.flatMap(({ words, isPrefix }) =>
    words.split(' ').map((one) => spelled(one) + (isPrefix ? '[\\p{L}\\p{N}\\p{M}]*' : '')),
  )
  return new RegExp(`(?<![\\p{L}\\p{N}\\p{M}])(?:${words.join('|')})(?![\\p{L}\\p{N}\\p{M}])`, 'giu')
}

/** Each letter with any marks on it. Terms hold letters and digits, and few other signs that came of folding. */
function spelled(folded: string): string {
  return [...folded].map((letter) => `${letter.replace(/[\^$\\.*+?()[\]{}|/]/, '\\$&')}\\p{M}*`).join('')
}

/**
 * The part of a text around the first hit, at most about `length` characters, cut into what is a hit and what is not.
 * Without a hit, its beginning.
 */
export function marked(text: string, find: RegExp | undefined, length = 200): HighlightedText {
  if (!find) return [{ text: text.length > length ? `${text.slice(0, length)} …` : text, isHit: false }]
  // With letters and their marks apart, a letter is found whatever marks it has.
  const apart = text.normalize('NFD')
  const first = apart.search(find)
  const from = first < length / 2 ? 0 : startOfWord(apart, first - length / 3)
  const until = Math.min(apart.length, from + length)
  const parts: HighlightedText = from > 0 ? [{ text: '… ', isHit: false }] : []
  let at = from
  for (const { 0: hit, index } of apart.slice(0, until).matchAll(find)) {
    if (index < at) continue
    parts.push({ text: apart.slice(at, index), isHit: false }, { text: hit, isHit: true })
    at = index + hit.length
  }
  parts.push({ text: apart.slice(at, until), isHit: false })
  if (until < apart.length) parts.push({ text: ' …', isHit: false })
  return parts
    .filter((part) => part.text !== '')
    .map((part) => ({ ...part, text: part.text.normalize('NFC') }))
}

function startOfWord(text: string, near: number): number {
  const blank = text.indexOf(' ', Math.floor(near))
  return blank === -1 ? Math.floor(near) : blank + 1
}
