import type { NewDelivery } from './delivery.ts'
import type { Arrival, AwaitedFile, StagedFile } from './draft.ts'
import type { Channel, Content, Kind } from './submission.ts'

/** What is written in one transaction, or not at all: a new submission with its first message, or a further message. */
export type NewRecord = {
  arrival: Omit<Arrival, 'secret'>
  submissionId: string
  /** Undefined for a further message. */
  submission?: { reference: string; receiptHash: string; kind: Kind; channel: Channel }
  messageId: string
  content: Content
  attachments: NewAttachment[]
  deliveries: NewDelivery[]
  at: number
}

export type NewAttachment = { id: string } & (
  | Pick<StagedFile, 'size' | 'type' | 'sha256'>
  | { awaited: AwaitedFile }
)

/**
 * What became of a record. A repeat names the submission that the first arrival made, and the digest it had.
 * A further message that was recorded gives no reference: whoever sent it knows it.
 */
export type Recorded = {
  repeat: boolean
  submissionId: string
  reference: string | undefined
  digest: string | undefined
}
