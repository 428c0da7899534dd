import type { KeyObject } from 'node:crypto'
import type { NewDelivery } from '../delivery.ts'
import {
  type Arrival,
  type Draft,
  type FurtherDraft,
  parseFields,
  parseFurtherFields,
  type StagedFile,
} from '../draft.ts'
import { newId } from '../id.ts'
import { settlingTime } from '../notice-policy.ts'
import { hashReceipt, newReference, receiptFor } from '../receipt.ts'
import type { NewRecord, Recorded } from '../record.ts'
import { sendersOf } from '../sender.ts'
import {
  type Content,
  type Fields,
  type FileLabel,
  hasPreview,
  isConfidential,
  type Kind,
  summaryOf,
} from '../submission.ts'
import { groupCommit, type Settled } from './group-commit.ts'

/** What a sender is told. The receipt is in no log and no URL, and is stored only as a hash. */
export type Received = { reference: string; receipt: string; repeat: boolean }

/** What the intake is handed where everything meets. */
export type IntakeParts = {
  /** Writes records durably in one transaction, each with its own outcome. */
  record(records: NewRecord[]): Promise<Settled<Recorded>[]>
  files: Record<'keep' | 'discard' | 'remove', (ids: string[]) => Promise<void>>
  /** Receipts are derived with it; whoever has it and an arrival's secret has the receipt. */
  receiptKey: KeyObject
  /** Senders are known again by it. */
  senderKey: KeyObject
  now: () => number
}

/** More would make one transaction's statements large without making it any cheaper a piece. */
const mostInOneCommit = 200

export type Intake = ReturnType<typeof createIntake>

/**
 * The one way in. Both functions resolve only when everything is durable, and a repeat of an arrival
 * is answered as the first was.
 */
export function createIntake(parts: IntakeParts) {
  const commit = groupCommit(parts.record, mostInOneCommit)

  return {
    /**
     * Takes a new piece in.
     * @throws Failure `invalid` with every faulty field, or `unavailable`.
     */
    async receive(draft: Draft): Promise<Received> {
      const fields = await orDiscarded(draft.files, () => parseFields(draft))
      const receipt = receiptFor(parts.receiptKey, `${draft.arrival.source}\0${draft.arrival.secret}`)
      const record = newSubmission(draft, fields, receipt, parts)
      const first = await keeping(draft.files, async () => {
        const recorded = await commit(record)
        const changed = recorded.repeat && recorded.digest !== draft.arrival.digest
        const { repeat } = changed ? await commit(asFurtherMessage(record, recorded.submissionId)) : recorded
        return { reference: recorded.reference as string, repeat }
      })
      return { ...first, receipt }
    },

    /**
     * Takes a further message of the sender in.
     * @throws Failure as `receive` does.
     */
    async receiveFurther(draft: FurtherDraft): Promise<{ repeat: boolean }> {
      const fields = await orDiscarded(draft.files, () => parseFurtherFields(draft))
      const record = furtherMessage(draft, fields, parts.now())
      return keeping(draft.files, () => commit(record))
    },
  }

  async function orDiscarded<T>(files: StagedFile[], parse: () => T): Promise<T> {
    try {
      return parse()
    } catch (error) {
      await parts.files.discard(files.map((file) => file.id))
      throw error
    }
  }

  // If the commit fails the files stay: a broken connection does not tell whether the commit was made, and
  // the sweep at the next start can. A repeat has its files already.
  async function keeping<T extends { repeat: boolean }>(
    files: StagedFile[],
    record: () => Promise<T>,
  ): Promise<T> {
    const ids = files.map((file) => file.id)
    await parts.files.keep(ids)
    const recorded = await record()
    if (recorded.repeat) await parts.files.remove(ids)
    return recorded
  }
}

function newSubmission(draft: Draft, fields: Fields, receipt: string, parts: IntakeParts): NewRecord {
  const at = parts.now()
  const { kind, channel, telegram } = draft
  const awaited = draft.awaited.map((file) => ({ ...file, id: newId(at) }))
  const attachments = [...draft.files, ...awaited.map((file) => ({ id: file.id, awaited: file }))]
  const content: Content = {
    fields,
    files: labels([...draft.files, ...awaited]),
    ...(telegram && { telegram }),
  }
  return {
    arrival: withoutSecret(draft.arrival),
    submissionId: newId(at),
    submission: {
      reference: newReference(),
      receiptHash: hashReceipt(receipt),
      kind,
      channel,
      summary: summaryOf(content, attachments.length),
      senders: sendersOf(content, parts.senderKey),
    },
    messageId: newId(at),
    content,
    attachments,
    deliveries: [
      tellEditors(at),
      ...receiptMails(kind, fields, receipt),
      ...awaited.map(fetchOf),
      ...previewsOf(draft.files),
    ],
    at,
  }
}

function furtherMessage(draft: FurtherDraft, fields: Fields, at: number): NewRecord {
  return {
    arrival: draft.arrival,
    submissionId: draft.submissionId,
    messageId: newId(at),
    content: { fields, files: labels(draft.files) },
    attachments: draft.files,
    deliveries: [tellEditors(at), ...previewsOf(draft.files)],
    at,
  }
}

/**
 * A piece that was changed and sent again under the same key, as after the browser's Back: the first one
 * was received and its receipt holds, and the change joins it as a message, so that no word is lost.
 */
function asFurtherMessage(record: NewRecord, submissionId: string): NewRecord {
  const { submission: _, ...message } = record
  const { source, key, digest } = record.arrival
  const arrival = { source, key: `${key}/${digest}` }
  // An id of its own again: ids order a conversation, and this message comes after the first one.
  const deliveries = message.deliveries.filter(({ purpose }) => purpose !== 'sender-receipt')
  return { ...message, arrival, submissionId, messageId: newId(record.at), deliveries }
}

function withoutSecret({ secret: _, ...arrival }: Arrival): Omit<Arrival, 'secret'> {
  return arrival
}

/** Which editors are told, and when, is decided a little later: by then it is known what else came in. */
function tellEditors(at: number): NewDelivery {
  return { purpose: 'tell-editors', dueAt: at + settlingTime }
}

function previewsOf(files: StagedFile[]): NewDelivery[] {
  return files
    .filter((file) => hasPreview(file.type))
    .map((file) => ({ purpose: 'preview', attachmentId: file.id }))
}

/** The receipt itself is mailed only for kinds that are not confidential: it opens the conversation to whoever reads the mailbox. */
function receiptMails(kind: Kind, fields: Fields, receipt: string): NewDelivery[] {
  if (!fields.email) return []
  return [{ purpose: 'sender-receipt', target: fields.email, receipt: isConfidential(kind) ? null : receipt }]
}

function fetchOf(file: { id: string; remoteId: string }): NewDelivery {
  return { purpose: 'telegram-file', attachmentId: file.id, target: file.remoteId }
}

function labels(files: (FileLabel & { id: string })[]): Record<string, FileLabel> {
  return Object.fromEntries(
    files.map(({ id, name, caption, credit }) => [id, labelOf(name, caption, credit)]),
  )
}

function labelOf(name: string, caption?: string, credit?: string): FileLabel {
  return { name, ...(caption && { caption }), ...(credit && { credit }) }
}
