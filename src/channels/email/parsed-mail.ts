import type { MessagePort } from 'node:worker_threads'
import type { Article } from '../../documents/article.ts'
import type { Encryption } from '../../submissions/model.ts'
import type { UnreadableReason } from '../../submissions/unreadable.ts'
import type { MailAuthor } from './authors.ts'
import type { Report } from './delivery-report.ts'
import type { SearchResult } from './file-search.ts'
import type { PictureUse } from './inline-pictures.ts'
import type { MailWords } from './mail-body.ts'
import type { OurNames } from './quoted-text.ts'

/** A mail as it was read. Nothing in it is to be believed: every header is its sender's own. */
export type ParsedMail = {
  messageId: string | undefined
  /** The Message-IDs that it answers, the nearest last. */
  references: string[]
  /** The author who is answered. */
  from: MailAuthor | undefined
  /** All whom it says it is by. */
  authors: MailAuthor[]
  /** It names one sender, once: only then it may be an editor's. */
  isFromOne: boolean
  /** Everybody it was sent to, as far as its headers say: the nearest to the mailbox first. */
  recipients: string[]
  /** The return path, where a server wrote it into the mail: empty for mail that must not be answered. */
  returnPath: string | undefined
  subject: string | undefined
  /** Milliseconds; undefined where the mail does not say, or says what cannot be. */
  sentAt: number | undefined
  /** Undefined where its words cannot be read, although the rest of it can. */
  words: MailWords | undefined
  /** How its HTML uses the pictures that it names. */
  pictures: Record<string, PictureUse>
  /** A program sent it, or a list: nobody waits for an answer to it (RFC 3834, 2). */
  isAutomatic: boolean
  /** A program answered by itself, as an out-of-office reply does. */
  isAutoReply: boolean
  /** What it tells of the fate of another mail. */
  report: Report
  /** How what it says is encrypted, or wrapped in a signature: nobody here can tell its words from the rest. */
  encryption: Encryption | undefined
  /** How many servers it came through. */
  hops: number
  /** Where its sender wants to be answered, if not at the address it comes from. */
  replyTo: string | undefined
  /** Undefined where it says so little that another mail could say the same. */
  identity: MailIdentity | undefined
}

/** The same for the same mail, whichever way it came. */
export type MailIdentity = { digest: string }

/** A file in a mail, as the mail names it. */
export type MailedFile = {
  name: string
  /** The media type that the mail claims. */
  type: string
  /** By what the HTML of the mail names it. */
  contentId?: string
  /** It belongs to the text, as a picture does that is shown in it. */
  isInline?: true
}

/** What the thread that reads is asked for. The mail, the document or the file comes through the port. */
export type ParserTask =
  | { what: 'mail'; ours: OurNames }
  | { what: 'search'; words: string[] }
  | { what: 'article'; name: string }

/** What that thread says. A file comes through a port of its own. */
export type ParserAnswer =
  | { file: MailedFile; port: MessagePort }
  | { mail: ParsedMail }
  | { article: Article | undefined }
  | { found: SearchResult }
  | { unreadable: UnreadableReason }
