import type { Database } from '../db/open.ts'
import type { Recipients } from '../encryption/types.ts'
import { insertJobs, offerUploadOnce } from '../jobs/enqueue-store.ts'
import { hasPreview } from './attachment.ts'
import { rejectionIn } from './file-refusal.ts'
import type { StoredFile } from './intake-record.ts'
import type { Writing } from './write-context.ts'

export type AttachmentStore = ReturnType<typeof attachmentStore>

/** The later life of attachments that were awaited when their message came in. */
export function attachmentStore(db: Database, { contents, recipientsStore }: Writing) {
  return {
    async state(id: string): Promise<string | undefined> {
      return (await db.selectFrom('attachments').select('state').where('id', '=', id).executeTakeFirst())
        ?.state
    },

    /** How the conversation is encrypted that an attachment belongs to, if it is; undefined for one that has gone. */
    async recipientsOf(id: string): Promise<{ recipients: Recipients | undefined } | undefined> {
      const row = await db
        .selectFrom('attachments')
        .innerJoin('messages', 'messages.id', 'message_id')
        .select('submission_id')
        .where('attachments.id', '=', id)
        .executeTakeFirst()
      return row && { recipients: await recipientsStore.ofOne(row.submission_id) }
    },

    /**
     * The awaited file is in the file store, as its conversation is encrypted. False if the submission was erased
     * meanwhile, or marked as confidential while the file is clear, or the desk has another key by now: then nothing is
     * recorded.
     */
    async arrived(
      id: string,
      file: StoredFile,
      recipients: Recipients | undefined,
      now: number,
    ): Promise<boolean> {
      const { size, type, sha256, mark } = file
      const encrypted =
        recipients && mark !== undefined ? await contents.writeFile({ ...file, id }, recipients) : undefined
      const columns =
        encrypted === undefined
          ? { type, sha256, is_encrypted: 0 }
          : { type: encrypted, sha256: null, is_encrypted: 1 }
      return db.transaction().execute(async (trx) => {
        if (encrypted === undefined && (await isConfidential(trx, id))) return false
        if (recipients && recipients.desk !== (await recipientsStore.desk(trx))) return false
        const row = await trx
          .updateTable('attachments')
          .set({ state: 'kept', size, ...columns })
          .where('id', '=', id)
          .returning('id')
          .executeTakeFirst()
        if (!row) return false
        if (encrypted === undefined && hasPreview(type))
          await insertJobs(trx, [{ type: 'preview', attachmentId: id }], now)
        return true
      })
    },

    /** The submission that an attachment belongs to; undefined for one that has gone. */
    async submissionOf(id: string): Promise<string | undefined> {
      const row = await db
        .selectFrom('attachments')
        .innerJoin('messages', 'messages.id', 'attachments.message_id')
        .select('messages.submission_id')
        .where('attachments.id', '=', id)
        .executeTakeFirst()
      return row?.submission_id
    },

    /** A kept attachment's type, and its preview where it has one already. */
    async kept(id: string): Promise<{ type: string; previewId: string | null } | undefined> {
      const row = await db
        .selectFrom('attachments')
        .select(['type', 'preview_id'])
        .where('id', '=', id)
        .where('state', '=', 'kept')
        .where('is_encrypted', '=', 0)
        .executeTakeFirst()
      return row?.type ? { type: row.type, previewId: row.preview_id } : undefined
    },

    /** The attachment has a preview in the file store. False if it has gone meanwhile, or was encrypted. */
    async previewed(id: string, previewId: string): Promise<boolean> {
      const row = await db
        .updateTable('attachments')
        .set({ preview_id: previewId })
        .where('id', '=', id)
        .where('is_encrypted', '=', 0)
        .returning('id')
        .executeTakeFirst()
      return row !== undefined
    },

    /**
     * The awaited file will not come. Where it is too large for the channel, its sender is told another way; where it is
     * not taken for what it is, what to send instead.
     */
    async lost(id: string, submissionId: string | null, errorCode: string, now: number): Promise<void> {
      const isTooLarge = errorCode === 'telegram-too-large' || errorCode === 'too-large'
      const reason = rejectionIn(errorCode)
      await db.transaction().execute(async (trx) => {
        const row = await trx
          .updateTable('attachments')
          .set({ state: 'failed' })
          .where('id', '=', id)
          .where('state', '=', 'awaited')
          .returning('id')
          .executeTakeFirst()
        if (isTooLarge && submissionId) await offerUploadOnce(trx, submissionId, now)
        // Told again, for it was not known whether it was written, it comes to nothing.
        if (row && reason && submissionId)
          await insertJobs(trx, [{ type: 'file-refused', submissionId, target: reason }], now)
      })
    },
  }
}

async function isConfidential(trx: Database, attachmentId: string): Promise<boolean> {
  const row = await trx
    .selectFrom('attachments')
    .innerJoin('messages', 'messages.id', 'message_id')
    .innerJoin('submissions', 'submissions.id', 'messages.submission_id')
    .select('is_confidential')
    .where('attachments.id', '=', attachmentId)
    .executeTakeFirst()
  return row?.is_confidential === 1
}
