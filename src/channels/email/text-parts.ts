import { textOfHtml } from './html.ts'
import type { Part } from './mime-tree.ts'

/** What a mail says, twice: as it was typed, and with headings and emphasis where it has them. */
export type MailText = {
  plain: string
  rich: string
  /** Its plain and its formatted words differ: both are in the text. */
  isAmbiguous: boolean
  /** None of it was typed as plain text. */
  isHtmlOnly: boolean
}

type Rendered = { plain: string; rich: string; isHtml: boolean; isAmbiguous: boolean }

/** A plain part with so few of the words of its HTML says only that the mail has HTML. */
const stub = 1 / 4
/** Two wordings are different if one has so many words, and so large a share of its words, that the other has not. */
const fewestOthers = 6
const shareOfOthers = 0.3

/**
 * The words of all texts in a mail, in their order; of alternatives the best one, and every one that says something else.
 * A text with a name is a file, unless the mail has no other words.
 * @throws RangeError for HTML that nobody wrote by hand
 */
export function textIn(root: Part): MailText {
  const unnamed = rendered(root, (part) => part.name === undefined && !part.isAttachment)
  const { plain, rich, isHtml, isAmbiguous } = unnamed.plain === '' ? rendered(root, () => true) : unnamed
  return { plain, rich, isAmbiguous, isHtmlOnly: isHtml }
}

const nothing: Rendered = { plain: '', rich: '', isHtml: false, isAmbiguous: false }

function rendered(part: Part, isWanted: (part: Part) => boolean): Rendered {
  if (part.children.length === 0) return isWanted(part) ? leaf(part) : nothing
  const parts = part.children.map((child) => rendered(child, isWanted)).filter(({ plain }) => plain !== '')
  return part.type === 'multipart/alternative' ? best(parts) : inOrder(parts)
}

function leaf({ type, text }: Part): Rendered {
  if (text === undefined) return nothing
  if (type !== 'text/html') return { ...nothing, plain: text.trim(), rich: text.trim() }
  const formatted = textOfHtml(text)
  return { plain: formatted, rich: formatted, isHtml: true, isAmbiguous: false }
}

function inOrder(parts: Rendered[]): Rendered {
  return {
    plain: parts.map(({ plain }) => plain).join('\n\n'),
    rich: parts.map(({ rich }) => rich).join('\n\n'),
    isHtml: parts.length > 0 && parts.every(({ isHtml }) => isHtml),
    isAmbiguous: parts.some(({ isAmbiguous }) => isAmbiguous),
  }
}

/** The plain wording and the formatted one: what is in neither of them, others say too (RFC 2046, 5.1.4). */
function best(parts: Rendered[]): Rendered {
  const typed = parts.find(({ isHtml }) => !isHtml)
  const formatted = parts.findLast(({ isHtml }) => isHtml)
  const [first = nothing] = parts
  const chosen = typed && formatted ? ofBoth(typed, formatted) : (typed ?? formatted ?? first)
  const others = parts.filter((one) => saysMore(one.plain, `${chosen.plain}\n${chosen.rich}`))
  return others.length === 0 ? chosen : { ...inOrder([chosen, ...others]), isAmbiguous: true }
}

function ofBoth(typed: Rendered, formatted: Rendered): Rendered {
  const isAmbiguous = typed.isAmbiguous || formatted.isAmbiguous
  if (typed.plain.length < formatted.plain.length * stub) return { ...formatted, isAmbiguous }
  const isPoor = formatted.plain.length < typed.plain.length * stub
  return { plain: typed.plain, rich: isPoor ? typed.rich : formatted.rich, isHtml: false, isAmbiguous }
}

function saysMore(one: string, other: string): boolean {
  const known = new Set(wordsOf(other))
  const words = wordsOf(one)
  const missing = words.filter((word) => !known.has(word)).length
  return missing >= fewestOthers && missing >= words.length * shareOfOthers
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
