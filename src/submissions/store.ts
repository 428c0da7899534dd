import type { Database } from '../db/open.ts'
import type { Tables } from '../db/schema.ts'
import { type Keys, noKeys } from '../encryption/types.ts'
import type { Contact } from '../jobs/contact.ts'
import type { Attachment } from './attachment.ts'
import type { Message, Submission } from './model.ts'
import type { Writing } from './write-context.ts'

export type SubmissionStore = ReturnType<typeof submissionStore>

/** Reads submissions and their conversations. Writing is `record.ts`'s. */
export function submissionStore(
  db: Database,
  { contents, processCodec }: Pick<Writing, 'contents' | 'processCodec'>,
) {
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

    /** The whole conversation, oldest first, as far as `keys` open it. */
    async conversation(submissionId: string, keys: Keys = noKeys): Promise<Message[]> {
      const rows = await db
        .selectFrom('messages')
        .selectAll()
        .where('submission_id', '=', submissionId)
        .orderBy('id')
        .execute()
      return opened(rows, keys)
    },

    /**
     * How the sender of an encrypted submission is reached, as far as this process knows; `lost` where it did not see
     * it.
     */
    async contact(submissionId: string): Promise<Contact | 'lost'> {
      const row = await db
        .selectFrom('submissions')
        .select('contact')
        .where('id', '=', submissionId)
        .executeTakeFirst()
      return processCodec.decrypt<Contact>(row?.contact ?? null) ?? 'lost'
    },

    /** Lets this process know again how the sender is reached: an editor has opened the submission. */
    async knowContact(submissionId: string, contact: Contact): Promise<void> {
      await db
        .updateTable('submissions')
        .set({ contact: processCodec.encrypt(contact) })
        .where('id', '=', submissionId)
        .execute()
    },

    /** What was said last in a conversation, and whether its sender deleted their side; undefined for one that has gone. */
    async standingOf(submissionId: string): Promise<{ last: string; hasLeft: boolean } | undefined> {
      const row = await db
        .selectFrom('submissions')
        .select('sender_left_at')
        .where('id', '=', submissionId)
        .executeTakeFirst()
      const last = await lastTurnOf(db, submissionId)
      return row && last !== undefined ? { last, hasLeft: row.sender_left_at !== null } : undefined
    },

    /** The message that began the conversation. */
    async opening(submissionId: string, keys: Keys = noKeys): Promise<Message | undefined> {
      const row = await db
        .selectFrom('messages')
        .selectAll()
        .where('submission_id', '=', submissionId)
        .orderBy('id')
        .limit(1)
        .executeTakeFirst()
      return row && (await opened([row], keys))[0]
    },

    /** An attachment that can be read, with the message it belongs to, as far as `keys` open them. */
    async keptAttachment(
      id: string,
      keys: Keys = noKeys,
    ): Promise<{ attachment: Attachment; message: Message } | undefined> {
      const row = await db
        .selectFrom('attachments')
        .innerJoin('messages', 'messages.id', 'message_id')
        .selectAll('messages')
        .where('attachments.id', '=', id)
        .where('state', '=', 'kept')
        .executeTakeFirst()
      const [message] = row ? await opened([row], keys) : []
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

    /** Some of the files that attachments speak of, the newest first. */
    async keptFiles(most: number): Promise<string[]> {
      const rows = await db
        .selectFrom('attachments')
        .select('id')
        .where('state', '=', 'kept')
        .orderBy('id', 'desc')
        .limit(most)
        .execute()
      return rows.map((row) => row.id)
    },

    /** All of them, some at a time. */
    async *allKeptFiles(atOnce = 500): AsyncGenerator<string[]> {
      for (let after = ''; ; ) {
        const rows = await db
          .selectFrom('attachments')
          .select('id')
          .where('state', '=', 'kept')
          .where('id', '>', after)
          .orderBy('id')
          .limit(atOnce)
          .execute()
        if (rows.length === 0) return
        after = rows.at(-1)?.id ?? after
        yield rows.map((row) => row.id)
      }
    },

    /** True if this idempotency key has been taken in. */
    async wasReceived(source: string, key: string): Promise<boolean> {
      const row = await db
        .selectFrom('idempotency_keys')
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

  async function opened(rows: Tables['messages'][], keys: Keys): Promise<Message[]> {
    const contextIds = await contextIdsOf(db, [...new Set(rows.map((row) => row.submission_id))])
    const attachments = await attachmentsOf(rows.map((row) => row.id))
    return Promise.all(rows.map((row) => messageOf(row, attachments.get(row.id) ?? [], contextIds, keys)))
  }

  async function messageOf(
    row: Tables['messages'],
    attachments: AttachmentRow[],
    contextIds: Map<string, string>,
    keys: Keys,
  ): Promise<Message> {
    const contextId = contextIds.get(row.submission_id) ?? ''
    return {
      id: row.id,
      submissionId: row.submission_id,
      author: row.author,
      ...(await contents.readContent(row.content, contextId, keys, `message ${row.id}`)),
      attachments: await Promise.all(attachments.map((one) => attachmentOf(one, contextId, keys))),
      createdAt: row.created_at,
      editorId: row.editor_id,
      isWithdrawn: row.withdrawn_at !== null,
      visibleAt: row.visible_at,
      settles: row.settles,
    }
  }

  async function attachmentOf(row: AttachmentRow, contextId: string, keys: Keys): Promise<Attachment> {
    const { id, state, size, type, preview_id: previewId } = row
    if (!row.is_encrypted) return { id, state, size, type, previewId }
    const file = await contents.readFile(type ?? '', contextId, keys)
    // What was encrypted for another file of this conversation is not what this one is.
    const isThis = file.id === id
    return {
      id,
      state,
      size,
      type: (isThis && file.type) || null,
      previewId,
      encrypted: { mark: isThis ? file.mark : undefined },
    }
  }

  async function attachmentsOf(messageIds: string[]): Promise<Map<string, AttachmentRow[]>> {
    if (messageIds.length === 0) return new Map()
    const rows = await db
      .selectFrom('attachments')
      .select(['id', 'message_id', 'state', 'size', 'type', 'preview_id', 'is_encrypted'])
      .where('message_id', 'in', messageIds)
      .orderBy('message_id')
      .orderBy('position')
      .orderBy('id')
      .execute()
    return Map.groupBy(rows, (row) => row.message_id)
  }
}

type AttachmentRow = Pick<
  Tables['attachments'],
  'id' | 'message_id' | 'state' | 'size' | 'type' | 'preview_id' | 'is_encrypted'
>

/**
 * The id of what was said last in a conversation: a message, or a note of an editor, for the desk shows both in one
 * line.
 */
export async function lastTurnOf(db: Database, submissionId: string): Promise<string | undefined> {
  const lastIn = (table: 'messages' | 'notes') =>
    db
      .selectFrom(table)
      .select((eb) => eb.fn.max('id').as('id'))
      .where('submission_id', '=', submissionId)
      .executeTakeFirst()
  const [message, note] = [await lastIn('messages'), await lastIn('notes')]
  return [message?.id, note?.id]
    .filter((id) => typeof id === 'string')
    .toSorted()
    .at(-1)
}

/** True for a submission that has not been erased, nor its sender’s side deleted. */
export async function isThere(db: Database, submissionId: string): Promise<boolean> {
  const row = await db
    .selectFrom('submissions')
    .select('id')
    .where('id', '=', submissionId)
    .where('sender_left_at', 'is', null)
    .executeTakeFirst()
  return row !== undefined
}

/** The bonds of these submissions, by id. */
export async function contextIdsOf(db: Database, ids: string[]): Promise<Map<string, string>> {
  if (ids.length === 0) return new Map()
  const rows = await db
    .selectFrom('submissions')
    .select(['id', 'context_id'])
    .where('id', 'in', ids)
    .execute()
  return new Map(rows.map((row) => [row.id, row.context_id]))
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
    moved:
      row.moved_from && row.moved_at
        ? { from: row.moved_from, at: row.moved_at, visibleAt: row.moved_visible_at ?? row.moved_at }
        : null,
    spamBefore: row.spam_before === 1,
    isConfidential: row.is_confidential === 1,
    activeAt: row.active_at,
    warnedAt: row.warned_at,
    legalHold: row.legal_hold === 1,
    senderLeftAt: row.sender_left_at,
  }
}
