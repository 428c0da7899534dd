import { type Answered, headOfQuotation, namesUs, quotationAtEnd } from './quoted-text.ts'

/** What somebody said in a mail, and what is only shown folded below it. The two together are the text. */
export type FoldedText = { visible: string; quoted: string }

/** More lines below `-- ` than this are no signature. */
const longestSignature = 8
const mostHeadLines = 12

/**
 * Folds a signature for show: of a mail that answers none of ours nothing else is certain to be said by nobody. It stands
 * at the end, behind a line that is exactly `-- ` (RFC 3676, 4.3).
 */
export function foldSignature(text: string, isFromHtml = false): FoldedText {
  const lines = text.split('\n')
  // HTML loses the blank.
  const at = lines.findLastIndex((line) => line === '-- ' || (isFromHtml && line === '--'))
  const isSignature = at > 0 && lines.length - at - 1 <= longestSignature
  const { visible, quoted } = split(lines, isSignature ? at : lines.length)
  return visible === '' ? { visible: text.trim(), quoted: '' } : { visible, quoted }
}

/**
 * Folds for show what a reply to a mail of ours quotes at its end, with the head that its program wrote above that; never
 * more than is shown.
 */
export function foldReply(text: string, answered: Answered): FoldedText {
  const lines = text.split('\n')
  const quotation = quotationAtEnd(lines)
  const end = quotation < lines.length ? quotation : headInside(lines, answered)
  if (end === undefined) return foldSignature(text)
  const { at, isCertain } = headOfQuotation(lines, end, answered)
  const whole = split(lines, isCertain ? at : end)
  const { visible, quoted } = foldSignature(whole.visible)
  const both = quoted === '' ? whole : { visible, quoted: `${quoted}\n\n${whole.quoted}` }
  return both.visible === '' || both.quoted.length > both.visible.length
    ? { visible: text.trim(), quoted: '' }
    : both
}

/** The end of the head of a mail of ours that is quoted without signs: all below it is that mail. */
function headInside(lines: string[], answered: Answered): number | undefined {
  for (let end = 1; end <= lines.length; end++) {
    const isEnd = (lines[end] ?? '').trim() === '' && (lines[end - 1] ?? '').trim() !== ''
    // To look closer takes time, and a text may have very many lines.
    if (!isEnd || !namesUs(lines.slice(Math.max(0, end - mostHeadLines), end).join(' '), answered)) continue
    const { at, isCertain } = headOfQuotation(lines, end, answered)
    if (at < end && isCertain) return end
  }
  return undefined
}

function split(lines: string[], at: number): FoldedText {
  return { visible: lines.slice(0, at).join('\n').trim(), quoted: lines.slice(at).join('\n').trim() }
}
