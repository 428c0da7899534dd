import type { Attachment, Message, Submission } from '../submission.ts'
import { readContent } from './contents.ts'
import type { Database } from './database.ts'
import type { Tables } from './schema.ts'

export type SubmissionStore = ReturnType<typeof submissionStore>

/** Reads submissions and their conversations. Writing is `record.ts`'s. */
export function submissionStore(db: Database) {
  return {
    /** The submission that the desk calls by its reference. */
    async byReference(reference: string): Promise<Submission | undefined> {
      const row = await db
        .selectFrom('submissions')
        .selectAll()
        .where('reference', '=', reference)
        .executeTakeFirst()
      return row && submissionOf(row)
    },

    async byId(id: string): Promise<Submission | undefined> {
      const row = await db.selectFrom('submissions').selectAll().where('id', '=', id).executeTakeFirst()
      return row && submissionOf(row)
    },

    /** The submission that whoever holds this receipt may read. */
    async byReceiptHash(receiptHash: string): Promise<Submission | undefined> {
      const row = await db
        .selectFrom('submissions')
        .selectAll()
        .where('receipt_hash', '=', receiptHash)
        .executeTakeFirst()
      return row && submissionOf(row)
    },

    /** The whole conversation, oldest first. */
    async conversation(submissionId: string): Promise<Message[]> {
      const rows = await db
        .selectFrom('messages')
        .selectAll()
        .where('submission_id', '=', submissionId)
        .orderBy('id')
        .execute()
      return withAttachments(db, rows)
    },

    /** The message that began the conversation. */
    async opening(submissionId: string): Promise<Message | undefined> {
      return (await openingMessages(db, [submissionId])).get(submissionId)
    },

    async message(id: string): Promise<Message | undefined> {
      const rows = await db.selectFrom('messages').selectAll().where('id', '=', id).execute()
      return (await withAttachments(db, rows))[0]
    },

    /** An attachment that can be read, with the message it belongs to. */
    async keptAttachment(id: string): Promise<{ attachment: Attachment; message: Message } | undefined> {
      const row = await db
        .selectFrom('attachments')
        .select('message_id')
        .where('id', '=', id)
        .where('state', '=', 'kept')
        .executeTakeFirst()
      if (!row) return undefined
      const message = await this.message(row.message_id)
      const attachment = message?.attachments.find((one) => one.id === id)
      return message && attachment && { attachment, message }
    },

    /** Says which of these ids are those of attachments or their previews, whose file must be there. */
    async keptAmong(ids: string[]): Promise<Set<string>> {
      if (ids.length === 0) return new Set()
      const kept = db
        .selectFrom('attachments')
        .select('id')
        .where('id', 'in', ids)
        .where('state', '=', 'kept')
      const previews = db.selectFrom('attachments').select('preview_id as id').where('preview_id', 'in', ids)
      const rows = await kept.unionAll(previews.$castTo<{ id: string }>()).execute()
      return new Set(rows.map((row) => row.id))
    },

    /** True if this arrival has been taken in. */
    async hasArrived(source: string, key: string): Promise<boolean> {
      const row = await db
        .selectFrom('arrivals')
        .select('key')
        .where('source', '=', source)
        .where('key', '=', key)
        .executeTakeFirst()
      return row !== undefined
    },

    /** Those of these submissions that still are there, in the order asked for. */
    async byIds(ids: string[]): Promise<Submission[]> {
      if (ids.length === 0) return []
      const rows = await db.selectFrom('submissions').selectAll().where('id', 'in', ids).execute()
      const byId = new Map(rows.map((row) => [row.id, submissionOf(row)]))
      return ids.flatMap((id) => byId.get(id) ?? [])
    },
  }
}

export function submissionOf(row: Tables['submissions']): Submission {
  const { id, reference, kind, channel, state, revision } = row
  return {
    id,
    reference,
    kind,
    channel,
    state,
    createdAt: row.created_at,
    updatedAt: row.updated_at,
    heardAt: row.heard_at,
    revision,
    assigneeId: row.assignee_id || null,
    moved: row.moved_from && row.moved_at ? { from: row.moved_from, at: row.moved_at } : null,
    spamBefore: row.spam_before === 1,
  }
}

async function openingMessages(db: Database, submissionIds: string[]): Promise<Map<string, Message>> {
  if (submissionIds.length === 0) return new Map()
  const rows = await db
    .selectFrom('messages')
    .selectAll()
    .where('id', 'in', (eb) =>
      eb
        .selectFrom('messages as first')
        .select((e) => e.fn.min('first.id').as('id'))
        .where('first.submission_id', 'in', submissionIds)
        .groupBy('first.submission_id'),
    )
    .execute()
  const messages = await withAttachments(db, rows)
  return new Map(messages.map((message) => [message.submissionId, message]))
}

async function withAttachments(db: Database, rows: Tables['messages'][]): Promise<Message[]> {
  const attachments = await attachmentsOf(
    db,
    rows.map((row) => row.id),
  )
  return rows.map((row) => ({
    id: row.id,
    submissionId: row.submission_id,
    author: row.author,
    content: readContent(row.content),
    attachments: attachments.get(row.id) ?? [],
    createdAt: row.created_at,
    editorId: row.editor_id,
    isWithdrawn: row.withdrawn_at !== null,
  }))
}

async function attachmentsOf(db: Database, messageIds: string[]): Promise<Map<string, Attachment[]>> {
  if (messageIds.length === 0) return new Map()
  const rows = await db
    .selectFrom('attachments')
    .select(['id', 'message_id', 'state', 'size', 'type', 'preview_id'])
    .where('message_id', 'in', messageIds)
    .orderBy('message_id')
    .orderBy('position')
    .orderBy('id')
    .execute()
  return Map.groupBy(
    rows.map(({ message_id, preview_id, ...attachment }) => ({
      ...attachment,
      previewId: preview_id,
      messageId: message_id,
    })),
    (attachment) => attachment.messageId,
  )
}
