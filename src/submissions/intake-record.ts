import type { Author, Channel, Kind } from '../db/values.ts'
import type { Recipient } from '../encryption/types.ts'
import type { NewJob } from '../jobs/job.ts'
import type { AwaitedFile, IdempotencyKey, StagedFile } from './incoming.ts'
import type { ThreadKey } from './mail-thread-key.ts'
import type { Content, Summary } from './model.ts'

/** What is written in one transaction, or not at all: a new submission with its first message, or a further message. */
export type NewRecord = {
  idempotencyKey: Omit<IdempotencyKey, 'secret'>
  submissionId: string
  /** Undefined for a further message. */
  submission?: NewSubmission
  messageId: string
  author: Author
  content: Content
  /** Content that is encrypted already stands in its place, and nobody here can read it. */
  blocks?: string[]
  attachments: NewAttachment[]
  jobs: NewJob[]
  at: number
  /** The message is there already: this adds to it. */
  adds?: true
  threads?: ThreadKey[]
  /** The mailbox, as a keyed hash, that a receipt is to be mailed to. Without it none of the jobs is one. */
  mailed?: string
}

export type NewSubmission = {
  reference: string
  receiptHash: string
  kind: Kind
  channel: Channel
  summary: Summary
  /** By what its sender would be known again, hashed; not kept, but compared with those marked as spam. */
  senders: string[]
  isConfidential: boolean
  contextId: string
  /** What its receipt opens is encrypted for this one; null where nothing is encrypted. */
  senderRecipient: Recipient | null
}

/** A file that is in the store; an encrypted one with its mark, and for which desk key it is encrypted. */
export type StoredFile = Pick<StagedFile, 'size' | 'type' | 'sha256'> & {
  mark?: string | undefined
  desk?: Recipient | undefined
}

/**
 * By what an encrypted file is known, for which desk key it is encrypted, and its own key, which is not to be written
 * down.
 */
export type EncryptedAs = { mark: string; desk: Recipient; fileKey: Uint8Array }

export type NewAttachment = { id: string } & (StoredFile | { awaited: AwaitedFile })

/**
 * What became of a record. A repeat names the submission that the first arrival made, and the digest it had.
 * A further message that was recorded gives no reference: whoever sent it knows it.
 */
export type Recorded = {
  repeat: boolean
  submissionId: string
  reference: string | undefined
  digest: string | undefined
  /** Whether the submission is confidential, as it is stored. */
  isConfidential: boolean
  /** A receipt was to be mailed, and is not. */
  isUnmailed: boolean
}

/** What a channel's own id was taken in as. */
export type ReceivedBefore = { reference: string; isConfidential: boolean }
