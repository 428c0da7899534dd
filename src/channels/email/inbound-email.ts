import { hash } from 'node:crypto'
import type { AwaitedFile, IdempotencyKey, IncomingMessage, StagedFile } from '../../submissions/incoming.ts'
import type { ThreadKey } from '../../submissions/mail-thread-key.ts'
import type { MailOrigin } from '../../submissions/model.ts'
import type { UnreadableReason } from '../../submissions/unreadable.ts'
import { authorLine } from './authors.ts'
import type { MailIdentity, ParsedMail } from './parsed-mail.ts'
import type { MailFile } from './parser-pool.ts'
import type { ForSubmission } from './routing.ts'

/** How a mail came. */
export type Envelope = {
  /** The return path; empty for mail that must not be answered, undefined where it is not known. */
  from: string | undefined
  /** Whom it was delivered to; undefined where only its headers say. */
  to: string[] | undefined
  /** It is brought in from elsewhere, long after it was sent: nobody waits for an answer. */
  isImported?: boolean
}

/** A mail with all that is known of it. */
export class MailInHand {
  readonly raw: StagedFile
  readonly files: MailFile[]
  readonly mail: ParsedMail
  readonly identity: MailIdentity
  readonly unreadable: UnreadableReason | undefined
  readonly envelope: Envelope
  /** The confidential address that it was sent to, beside whatever else. */
  inConfidence: Omit<ForSubmission, 'for'> | undefined

  constructor(
    raw: StagedFile,
    files: MailFile[],
    mail: ParsedMail,
    unreadable: UnreadableReason | undefined,
    envelope: Envelope,
  ) {
    this.raw = raw
    this.files = files
    this.mail = mail
    this.identity = mail.identity ?? identityOfBytes(raw)
    this.unreadable = unreadable
    this.envelope = envelope
  }

  /** The same mail is known again by what it says, whichever way it comes: names of mails can be used twice. */
  get idempotencyKey(): Omit<IdempotencyKey, 'secret'> {
    return { source: 'email', key: this.identity.digest }
  }

  origin(): MailOrigin {
    const { from, authors, messageId, sentAt, isAutomatic, encryption } = this.mail
    return {
      ...(from && { from: from.address }),
      ...(authors.length > 1 && { authors: authors.map(authorLine) }),
      ...(messageId && { messageId }),
      ...(sentAt !== undefined && { sentAt }),
      ...(isAutomatic && { isAutomatic }),
      ...(this.unreadable && { unreadable: this.unreadable }),
      ...(encryption && { encryption }),
    }
  }

  further(submissionId: string, body: string): IncomingMessage {
    return {
      submissionId,
      idempotencyKey: this.idempotencyKey,
      fields: { body },
      files: [this.raw, ...staged(this.files)],
      awaited: left(this.files),
    }
  }

  /** By this mail its sender is known again. */
  threads(markOf: (messageId: string, address: string) => ThreadKey, address: string | undefined) {
    const { messageId } = this.mail
    return messageId && address ? [markOf(messageId, address)] : []
  }

  /** Its return path; undefined where nobody tells it. */
  get returnPath(): string | undefined {
    return this.envelope.from ?? this.mail.returnPath
  }

  /** It has an empty return path: nobody is to be answered about it. */
  get isNobodys(): boolean {
    return this.returnPath === ''
  }

  /** A program sent it, or a list: nobody waits for an answer to it. */
  get isAutomatic(): boolean {
    return this.mail.isAutomatic || this.isNobodys
  }

  /** A mail system sent it, to tell of another mail; what, is in its report. */
  get isBounce(): boolean {
    const { isReport, isFromDaemon, fate } = this.mail.report
    const tellsFate = fate !== 'unclear' && (this.isNobodys || isFromDaemon)
    return isReport || tellsFate || (this.isNobodys && (isFromDaemon || !this.mail.from))
  }
}

/** The files that were kept. */
export function staged(files: MailFile[]): StagedFile[] {
  return files.filter((file) => 'id' in file)
}

/** Files that are only in the raw mail: too large, or of a type that is not taken. */
export function left(files: MailFile[]): AwaitedFile[] {
  return files.flatMap((file) =>
    'id' in file
      ? []
      : [
          {
            name: file.name,
            remoteId: '',
            withheld: file.size,
            ...(file.refused && { refused: file.refused }),
          },
        ],
  )
}

/** All that is known of a mail that cannot be read. */
export const nothingKnown: ParsedMail = {
  messageId: undefined,
  references: [],
  from: undefined,
  authors: [],
  isFromOne: false,
  replyTo: undefined,
  recipients: [],
  returnPath: undefined,
  subject: undefined,
  sentAt: undefined,
  words: undefined,
  pictures: {},
  isAutomatic: false,
  isAutoReply: false,
  report: { isReport: false, isFromDaemon: false, fate: 'unclear', status: undefined, about: [], tagged: [] },
  encryption: undefined,
  hops: 0,
  identity: undefined,
}

/** Where a mail bears no name and no date by which it could be told from another, it is told by its bytes. */
function identityOfBytes({ sha256 }: StagedFile): MailIdentity {
  return { digest: hash('sha256', `bytes\0${sha256}`, 'base64url') }
}
