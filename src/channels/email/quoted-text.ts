import { isDeviceLine } from './device-lines.ts'

/** By what mails of ours are known where somebody quotes them. */
export type OurNames = {
  /** The addresses that they come from. */
  addresses: string[]
  /** The names that stand before those. */
  names: string[]
}

/** What is known besides of the mail that is answered. */
export type Answered = OurNames & {
  /** Its subject, without “Re:”. */
  subject: string | undefined
  /** When it was made; in milliseconds. */
  at: number | undefined
}

/** So many paragraphs above a quotation its head is looked for: gateways write their warnings between the two. */
const mostParagraphs = 8
const mostHeaderLines = 12
const mostAttributionLines = 5
const day = 86_400_000

const blank = /^[\s\p{Cf}]*$/u
const quoted = /^[\s\p{Cf}]*>/u

/** Marks of emphasis and invisible characters hide what a line says; digits of every script are digits. */
function plainly(line: string): string {
  return line
    .replace(/\p{Cf}/gu, '')
    .replace(/[*_]{1,3}([^*_\n]+[:：])[*_]{1,3}/g, '$1')
    .replace(/^[\s>]+/, '')
    .replace(/\p{Nd}/gu, (digit) => String(digitOf(digit)))
    .trimEnd()
}

/** Digits of a script stand in a row of ten in Unicode, from zero on. */
function digitOf(digit: string): number {
  const code = digit.codePointAt(0) ?? 0
  let zero = code
  while (zero > code - 9 && /\p{Nd}/u.test(String.fromCodePoint(zero - 1))) zero -= 1
  return code < 0x80 ? Number(digit) : code - zero
}

/** Where the lines begin that quote another mail, up to the end; their number where none does. */
export function quotationAtEnd(lines: string[]): number {
  let from = lines.length
  while (from > 0 && (quoted.test(lines[from - 1] ?? '') || blank.test(lines[from - 1] ?? ''))) from -= 1
  while (from < lines.length && blank.test(lines[from] ?? '')) from += 1
  return from
}

/** Where what a program wrote above a quotation begins, and whether that is certain. */
type Head = { at: number; isCertain: boolean }

/**
 * Where the head of a quotation begins: the line that says who wrote it when, or the lines of its header, as mail programs
 * write them in whatever language. They are known by what they hold of the mail of ours that is quoted, and by their form.
 * `end` is the first line of the quotation.
 */
export function headOfQuotation(lines: string[], end: number, answered: Answered): Head {
  const bottom = withoutBlanks(lines, end)
  const attribution = attributionAbove(lines, bottom, answered)
  if (attribution !== undefined) return { at: withoutSeparator(lines, attribution), isCertain: true }
  const header = headerAbove(lines, bottom, answered)
  if (header) return { ...header, at: withoutSeparator(lines, header.at) }
  return { at: withoutSeparator(lines, bottom), isCertain: true }
}

function withoutBlanks(lines: string[], end: number): number {
  let at = end
  while (at > 0 && blank.test(lines[at - 1] ?? '')) at -= 1
  return at
}

/** “-----Original Message-----” in whatever language, and rules longer than anybody types. */
const separator = /^\s*(?:[-_=–—*]{20,}|-{3,}[^-\n]{2,60}-{3,}|_{3,}\s?\p{L}[^_\n]{2,60}_{3,})\s*$/u

function withoutSeparator(lines: string[], at: number): number {
  const above = withoutBlanks(lines, at)
  return above > 0 && separator.test(plainly(lines[above - 1] ?? '')) ? above - 1 : at
}

/** The fewest lines directly above that name us and a time: an attribution may be broken anywhere. */
function attributionAbove(lines: string[], bottom: number, answered: Answered): number | undefined {
  for (let count = 1; count <= mostAttributionLines; count++) {
    const from = bottom - count
    if (from < 0 || blank.test(lines[from] ?? '')) return undefined
    const text = plainly(lines.slice(from, bottom).map(plainly).join(' '))
    if (!isAttribution(text, answered)) continue
    return isBroken(lines, from, text) ? from - 1 : from
  }
  return undefined
}

const longestAttribution = 400

function isAttribution(text: string, answered: Answered): boolean {
  if (text.length > longestAttribution || !isDated(text)) return false
  if (namesOurAddress(text, answered)) return true
  const isEnded = /(?:[:：]|---)$/.test(text.trimEnd())
  const isExact = isDatedOn(text, answered.at) || (hasTime(text) && hasDate(text))
  return isEnded && namesUs(text, answered) && isExact
}

/** The date has begun in the line above: without that line it would have a time and no year, or the reverse. */
function isBroken(lines: string[], from: number, text: string): boolean {
  const above = plainly(lines[from - 1] ?? '')
  if (blank.test(above) || above.length < 30 || /[.!?…。！？:]$/.test(above)) return false
  return (hasTime(above) && !hasTime(text)) || (hasYear(above) && !hasYear(text))
}

function hasTime(text: string): boolean {
  return /(?:^|\D)\d{1,2}\s?[:.h時时시]\s?\d{2}(?:\D|$)/.test(text)
}

function hasYear(text: string): boolean {
  return /(?:^|\D)(?:19|20|25)\d{2}(?:\D|$)|令和\s?\d{1,2}年|(?:^|\D)1[34]\d{2}(?:\D|$)/.test(text)
}

function hasDate(text: string): boolean {
  return hasYear(text) || /(?:^|\D)\d{1,2}([./-]) ?\d{1,2}\1 ?\d{2,4}(?:\D|$)/.test(text)
}

function isDated(text: string): boolean {
  return hasTime(text) || hasDate(text)
}

/** Names the day on which the mail that is answered was made, by any clock. */
function isDatedOn(text: string, at: number | undefined): boolean {
  if (at === undefined) return false
  const numbers: string[] = text.match(/\d+/g) ?? []
  return [-day, 0, day].some((off) => {
    const date = new Date(at + off)
    const [dayOfMonth, year] = [String(date.getUTCDate()), String(date.getUTCFullYear())]
    const isDay = numbers.some((one) => one.replace(/^0/, '') === dayOfMonth)
    return isDay && numbers.some((one) => one === year || one === year.slice(2))
  })
}

function namesOurAddress(text: string, { addresses }: OurNames): boolean {
  const plain = text.toLowerCase().replace(/\s+/g, '')
  return addresses.some((address) => {
    const [local = '', domain = ''] = address.toLowerCase().split('@')
    const at = plain.indexOf(local)
    return (
      at !== -1 && new RegExp(`${RegExp.escape(local)}(?:\\+[\\da-z]+)?@${RegExp.escape(domain)}`).test(plain)
    )
  })
}

/** True for a text that holds an address or a name that our mails come from. */
export function namesUs(text: string, ours: OurNames): boolean {
  const plain = text.toLowerCase()
  return (
    namesOurAddress(text, ours) ||
    ours.names.some((name) => name !== '' && plain.includes(name.toLowerCase()))
  )
}

/** A word or two, a colon, and something behind it. */
const headerLine = /^\s*[\p{L}\p{M}][\p{L}\p{M}\p{Zs} .'’/()-]{0,30}\s?[:：]\s*\S/u

/** The lowest block of header lines that is the head of a mail of ours; uncertain where nothing but its form says so. */
function headerAbove(lines: string[], bottom: number, answered: Answered): Head | undefined {
  let to = bottom
  for (let count = 0; count < mostParagraphs && to > 0; count++) {
    const from = paragraphStart(lines, to)
    const at = headerIn(lines, from, to)
    const isOurs = at !== undefined && isHeadOfOurs(lines.slice(at, to).map(plainly), answered)
    if (at !== undefined && isOurs) return { at, isCertain: true }
    const isDirectlyAbove = to === bottom
    if (isDirectlyAbove && at !== undefined && to - at >= 3)
      return { at, isCertain: withoutSeparator(lines, at) < at }
    to = withoutBlanks(lines, from)
  }
  return undefined
}

function paragraphStart(lines: string[], to: number): number {
  let from = to
  while (from > 0 && !blank.test(lines[from - 1] ?? '')) from -= 1
  return from
}

/** The first line of the run of header lines that ends a paragraph; lines that go on with a value may stand in it. */
function headerIn(lines: string[], from: number, to: number): number | undefined {
  let first: number | undefined
  let others = 0
  for (let at = to - 1; at >= Math.max(from, to - mostHeaderLines); at--) {
    const line = plainly(lines[at] ?? '')
    if (separator.test(line) || isDeviceLine(line)) break
    if (headerLine.test(line)) first = at
    else others += 1
    if (others > 3) break
  }
  return first
}

/** A head names who wrote first of all, and gives its date, its recipient or its subject below. */
function isHeadOfOurs(header: string[], answered: Answered): boolean {
  const [first = '', ...below] = header
  const values = below.map((line) => line.replace(/^[^:：]*[:：]\s*/, '').trim())
  const isAbout = answered.subject !== undefined && values.some((value) => isSubject(value, answered.subject))
  if (header.length < 2) return false
  if (namesOurAddress(first, answered)) return true
  return isAbout
    ? header.length >= 3 || namesUs(first, answered)
    : namesUs(first, answered) && below.some(isDated)
}

function isSubject(value: string, subject = ''): boolean {
  const [one, other] = [value, subject].map((text) =>
    withoutPrefixes(text).toLowerCase().replace(/\s+/g, ' '),
  )
  return one !== undefined && other !== undefined && other.length >= 5 && one === other
}

/** A subject without what programs write before it in an answer: “Re:”, “AW:”, “回复：”. */
export function withoutPrefixes(subject: string): string {
  return subject.replace(/^(?:\s*[\p{L}\p{M}]{1,6}(?:\[\d+\]|\(\d+\))?\s?[:：])+\s*/u, '').trim()
}
