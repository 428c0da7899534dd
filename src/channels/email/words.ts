import { receiptsIn, withoutReceipts } from '../../receipt.ts'
import { findMark } from '../../reply-mark.ts'
import { type EditorReply, readEditorReply } from './editor-reply.ts'
import { fold } from './fold.ts'
import { textOfHtml } from './html.ts'
import { languageOf } from './language.ts'

/** What a mail says, and what stands below it. */
export type Told = { said: string; folded: string; language: string | undefined }

/** The words of a mail, for whatever it may turn out to be. */
export type Words = {
  /** As what its sender typed. */
  message: Told
  /** As an article: with headings and emphasis, where it has them. */
  article: Told
  /** As an editor's reply to a notice of ours, where it may be one. */
  reply: EditorReply | undefined
  /** The submission of a notice of ours that it holds. */
  marked: string | undefined
  /** What in it may be receipts. */
  receipts: string[]
}

/** As many characters as any piece may have; what is longer is in the raw mail. */
const longest = 100_000
const cut = '\n\n[This is longer than a piece may be. The rest is in the original mail.]'
/** Beyond this many characters no reply and no notice is looked for. */
const longestReply = 200_000
const mostReceipts = 3

/** A plain part with so few of the words of its HTML says only that the mail has HTML. */
const stub = 1 / 4

export type WordParts = {
  plain: string
  html: string
  /** The language that the mail names. */
  language: string | undefined
  /** It was sent to an address with a tag: perhaps to one that an editor answers at. */
  isToTag: boolean
}

/** @throws RangeError for HTML that nobody wrote by hand */
export function wordsIn({ plain, html, language: named, isToTag }: WordParts): Words {
  const typed = plain.replace(/\r\n?/g, '\n').trim()
  const formatted = html === '' ? '' : textOfHtml(html)
  const isStub = typed.length < formatted.length * stub
  const text = typed === '' || isStub ? formatted : typed
  const beginning = text.slice(0, longestReply)
  const told = (given: string): Told => {
    const { said, folded } = fold(given)
    return {
      said: shortened(withoutReceipts(said)),
      folded: shortened(withoutReceipts(folded)),
      language: languageOf(said, named),
    }
  }
  const message = told(text)
  const mark = findMark(beginning)
  return {
    message,
    article: formatted === '' || formatted === text ? message : told(formatted),
    reply: mark || isToTag ? readEditorReply(beginning) : undefined,
    marked: mark?.reference,
    receipts: receiptsIn(beginning).slice(0, mostReceipts),
  }
}

/** Cuts what is longer than a piece may be, and says so. */
export function shortened(text: string): string {
  return text.length <= longest ? text : text.slice(0, longest - cut.length).toWellFormed() + cut
}
