import type { Tables } from '../db/schema.ts'
import type { ProcessCodec } from '../encryption/process-codec.ts'
import type { NewJob } from '../jobs/job.ts'
import { contactIn } from './contact.ts'
import type { Prepared } from './intake-encrypt.ts'
import type { NewAttachment, NewRecord } from './intake-record.ts'

export function submissionRow(
  { one, recipients, summary }: Prepared,
  spammers: Set<string>,
  processCodec: ProcessCodec,
): Tables['submissions'][] {
  if (!one.submission) return []
  const { reference, receiptHash, kind, channel, senders, isConfidential, contextId, senderRecipient } =
    one.submission
  return [
    {
      id: one.submissionId,
      reference,
      receipt_hash: receiptHash,
      kind,
      channel,
      state: 'waiting',
      created_at: one.at,
      updated_at: one.at,
      heard_at: one.at,
      heard_revision: 1,
      revision: 1,
      assignee_id: '',
      summary,
      moved_from: null,
      moved_at: null,
      moved_visible_at: null,
      spam_before: senders.some((sender) => spammers.has(sender)) ? 1 : 0,
      first_opened_at: null,
      decided_at: null,
      escalated_at: null,
      is_confidential: isConfidential ? 1 : 0,
      context_id: contextId,
      sender_recipient: senderRecipient,
      // What was encrypted before may have been for an earlier key.
      encrypted_for: one.blocks ? null : (recipients?.desk ?? null),
      contact: recipients ? processCodec.encrypt(contactIn(one.content)) : null,
      active_at: one.at,
      warned_at: null,
      legal_hold: 0,
      sender_left_at: null,
    },
  ]
}

export function messageRow({ one, content }: Prepared): Tables['messages'] {
  return {
    id: one.messageId,
    submission_id: one.submissionId,
    author: one.author,
    editor_id: null,
    content,
    created_at: one.at,
    withdrawn_at: null,
    settles: null,
    visible_at: one.at,
  }
}

/** Added files stand behind those that a message has: it never has so many. */
const added = 10_000

/** Called with what has been put beside the files of a message, or with those of a new one. */
export function attachmentRows(
  one: Pick<NewRecord, 'attachments' | 'messageId' | 'adds'>,
  encrypted: Map<string, string>,
): Tables['attachments'][] {
  return one.attachments.map((attachment, position) => ({
    id: attachment.id,
    message_id: one.messageId,
    position: one.adds ? added + position : position,
    preview_id: null,
    came_with: null,
    ...fileColumns(attachment, encrypted.get(attachment.id)),
  }))
}

function fileColumns(attachment: NewAttachment, encrypted: string | undefined) {
  if (!('awaited' in attachment)) {
    const { size, type, sha256 } = attachment
    if (encrypted !== undefined)
      return { state: 'kept' as const, size, type: encrypted, sha256: null, is_encrypted: 1 }
    return { state: 'kept' as const, size, type, sha256, is_encrypted: 0 }
  }
  const { withheld } = attachment.awaited
  const state = withheld === undefined ? ('awaited' as const) : ('failed' as const)
  return { state, size: withheld ?? null, type: null, sha256: null, is_encrypted: 0 }
}

/** Of what is encrypted no preview is made: that would lie there in the clear. */
export function jobsOf({ one, recipients, ephemeralPayload }: Prepared): NewJob[] {
  const about = { submissionId: one.submissionId, messageId: one.messageId }
  const jobs = one.jobs.filter(({ type: jobType }) => !recipients || jobType !== 'preview')
  return jobs.map((job) => ({
    ...about,
    ...(ephemeralPayload && job.type === 'tell-editors' && { ephemeralPayload }),
    ...job,
  }))
}
