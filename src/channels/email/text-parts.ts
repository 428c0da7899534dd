import { formattedOfHtml } from '../../documents/html.ts'
import { type Formatted, writtenOut } from '../../submissions/formatted-text.ts'
import type { Part } from './mime-tree.ts'

/** What a mail says, twice: as it was typed, and as it is formatted. */
export type MailText = {
  plain: string
  rich: string
  /** What `rich` writes out, with its formatting; undefined where some of it has none. */
  formatted: Formatted | undefined
  /** Its plain and its formatted words differ: both are in the text. */
  isAmbiguous: boolean
  /** None of it was typed as plain text. */
  isHtmlOnly: boolean
}

/** Words from a file that is a mail by itself; empty where there are none. */
export type PackedText = { plain: string; html: string }

type Rendered = Omit<MailText, 'isHtmlOnly'> & { isHtml: boolean }

/** Two wordings are different if one has so many words, and so large a share of its words, that the other has not. */
const fewestOthers = 3
const shareOfOthers = 0.3

/**
 * The words of all texts in a mail, in their order; of alternatives the best one, and every one that says something else.
 * A text with a name is a file, unless the mail has no other words.
 */
export function textIn(root: Part, packed: PackedText[] = []): MailText {
  const { isHtml, ...text } = packed.map(unpacked).reduce(withMore, wordsOfParts(root))
  return { ...text, isHtmlOnly: isHtml }
}

/** What Outlook packed into a file of its own says all the words once more, mostly. */
function withMore(all: Rendered, one: Rendered): Rendered {
  if (one.plain === '' || !saysMore(one.plain, all.plain)) return all
  return all.plain === '' ? one : inOrder([all, one], true)
}

function unpacked({ plain, html }: PackedText): Rendered {
  const parts = [leaf({ type: 'text/plain', text: plain }), leaf({ type: 'text/html', text: html })]
  return best(parts.filter((one) => one.plain !== ''))
}

function wordsOfParts(root: Part): Rendered {
  const unnamed = rendered(root, (part) => part.name === undefined && !part.isAttachment)
  return unnamed.plain === '' ? rendered(root, () => true) : unnamed
}

const nothing: Rendered = { plain: '', rich: '', formatted: undefined, isHtml: false, isAmbiguous: false }

function rendered(part: Part, isWanted: (part: Part) => boolean): Rendered {
  if (part.children.length === 0) return isWanted(part) ? leaf(part) : nothing
  const parts = part.children.map((child) => rendered(child, isWanted)).filter(({ plain }) => plain !== '')
  return part.type === 'multipart/alternative' ? best(parts) : inOrder(parts)
}

function leaf({ type, text }: Pick<Part, 'type' | 'text'>): Rendered {
  if (text === undefined) return nothing
  if (type !== 'text/html') return { ...nothing, plain: text.trim(), rich: text.trim() }
  const formatted = formattedOfHtml(text)
  const written = writtenOut(formatted).trim()
  return { plain: written, rich: written, formatted, isHtml: true, isAmbiguous: false }
}

function inOrder(parts: Rendered[], isAmbiguous = false): Rendered {
  const blocks = parts.flatMap(({ formatted }) => formatted ?? [])
  const isFormatted = parts.length > 0 && parts.every(({ formatted }) => formatted !== undefined)
  return {
    plain: parts.map(({ plain }) => plain).join('\n\n'),
    rich: isFormatted ? writtenOut(blocks).trim() : parts.map(({ rich }) => rich).join('\n\n'),
    formatted: isFormatted ? blocks : undefined,
    isHtml: parts.length > 0 && parts.every(({ isHtml }) => isHtml),
    isAmbiguous: isAmbiguous || parts.some((part) => part.isAmbiguous),
  }
}

/**
 * The plain wording and the formatted one, each with what only the other one says, and what only further alternatives say
 * (RFC 2046, 5.1.4).
 */
function best(parts: Rendered[]): Rendered {
  const typed = parts.find(({ isHtml }) => !isHtml)
  const formatted = parts.findLast(({ isHtml }) => isHtml)
  const others = parts.filter((one) => one !== typed && one !== formatted)
  const first = typed && formatted ? ofBoth(typed, formatted) : (typed ?? formatted ?? nothing)
  return others.reduce(
    (all, one) => (saysMore(one.plain, all.plain) ? inOrder([all, one], true) : all),
    first,
  )
}

function ofBoth(typed: Rendered, formatted: Rendered): Rendered {
  const isTypedMore = saysMore(typed.plain, formatted.plain)
  const isFormattedMore = saysMore(formatted.plain, typed.plain)
  const isAmbiguous = typed.isAmbiguous || formatted.isAmbiguous || isTypedMore || isFormattedMore
  if (isTypedMore && isFormattedMore)
    return inOrder(isStub(typed.plain) ? [formatted, typed] : [typed, formatted], true)
  if (isFormattedMore) return { ...formatted, isAmbiguous }
  const best = isTypedMore ? typed : formatted
  return { ...best, plain: typed.plain, isHtml: false, isAmbiguous }
}

/** Only the order in which two wordings stand depends on it. */
function isStub(text: string): boolean {
  return text.length < 400 && /\bhtml\b/i.test(text)
}

function saysMore(one: string, other: string): boolean {
  const words = wordsOf(one)
  if (words.length === 0) return !other.includes(one)
  const known = new Set(wordsOf(other))
  const missing = words.filter((word) => !known.has(word)).length
  return missing === words.length || (missing >= fewestOthers && missing >= words.length * shareOfOthers)
}

/** Addresses of pages are left out: HTML hides them, and programs spell them out. */
function wordsOf(text: string): string[] {
  return (
    text
      .toLowerCase()
      .replace(/https?:\S+/g, ' ')
      .match(/[\p{L}\p{M}\p{N}]+/gu) ?? []
  )
}
