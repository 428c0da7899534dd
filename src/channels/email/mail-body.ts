import { languageOf } from '../../documents/language.ts'
import { findMark, type Mark } from '../../outbound-mail/reply-delimiter.ts'
import { type Formatted, firstLines, shortenedTo, withCharacters } from '../../submissions/formatted-text.ts'
import { receiptCandidatesIn, withoutReceipts } from '../../submissions/receipt.ts'
import { type EditorReply, readEditorReply } from './editor-reply.ts'
import { type FoldedText, foldReply, foldSignature } from './folded-text.ts'
import type { Answered } from './quoted-text.ts'
import type { MailText } from './text-parts.ts'

/** What a mail says, and what is folded below it for show. */
export type BodyText = {
  visible: string
  quoted: string
  language: string | undefined
  /** What is said with its formatting, where it has any. */
  formatted?: Formatted
}

/** The words of a mail, for whatever it may turn out to be. */
export type MailWords = {
  /** As what its sender typed, in a mail that answers none of ours. */
  message: BodyText
  /** As a reply to one of ours. */
  further: BodyText
  /** As an article: with headings and emphasis, where it has them. */
  article: BodyText
  /** As an editor's reply to a notice of ours, where it may be one. */
  reply: EditorReply | undefined
  /** What the mark says of a notice of ours that it seems to hold. */
  marked: Mark | undefined
  /** What in it may be receipts. */
  receipts: string[]
}

/** As many characters as any submission may have; what is longer is in the raw mail. */
const longest = 100_000
const cut = '\n\n[This is longer than a submission may be. The rest is in the original mail.]'

/** Beyond this many characters no reply and no notice is looked for. */
const longestReply = 200_000

type BodyOptions = {
  text: MailText
  /** The mail holds more text than was read. */
  isCut: boolean
  /** The language that the mail names. */
  language: string | undefined
  /** It was sent to an address with a tag: perhaps to one that an editor answers at. */
  isToTag: boolean
  /** What it answers, if it answers a mail of ours. */
  answered: Answered
}

export function wordsIn({ text, isCut, language: named, isToTag, answered }: BodyOptions): MailWords {
  const { plain, rich, formatted, isHtmlOnly } = text
  const beginning = plain.slice(0, longestReply)
  const bodyText = ({ visible, quoted }: FoldedText): BodyText => ({
    visible: shortened(withoutReceipts(visible), isCut),
    quoted: shortened(withoutReceipts(quoted)),
    language: languageOf(visible, named),
  })
  const message = bodyText(foldSignature(plain, isHtmlOnly))
  const mark = findMark(beginning)
  const reply = mark || isToTag ? readEditorReply(beginning, answered, isHtmlOnly) : undefined
  return {
    message,
    further: bodyText(foldReply(plain, answered)),
    article: formatted ? articleOf(formatted, rich, bodyText) : message,
    // Which of two different wordings the editor means, nobody here knows.
    reply: reply && text.isAmbiguous ? { ...reply, doubt: 'unsure' } : reply,
    marked: mark?.mark,
    receipts: receiptCandidatesIn(beginning),
  }
}

/** An article, and what of its formatting is said. */
function articleOf(blocks: Formatted, rich: string, bodyText: (quoted: FoldedText) => BodyText): BodyText {
  const quoted = foldSignature(rich, true)
  const visible = firstLines(blocks, quoted.visible.split('\n').length)
  const formatted = shortenedTo(longest, withCharacters(visible, withoutReceipts), cut.trim())
  return { ...bodyText(quoted), formatted }
}

/** Cuts what is longer than a submission may be, and says so. */
export function shortened(text: string, isCut = false): string {
  if (text.length <= longest && !isCut) return text
  return text.slice(0, longest - cut.length).toWellFormed() + cut
}
