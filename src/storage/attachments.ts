import { hasPreview } from '../submission.ts'
import type { Database } from './database.ts'
import { offerUploadOnce } from './open-piece-changes.ts'
import { insertDeliveries } from './record.ts'

export type AttachmentStore = ReturnType<typeof attachmentStore>

/** The later life of attachments that were awaited when their message came in. */
export function attachmentStore(db: Database) {
  return {
    async state(id: string): Promise<string | undefined> {
      return (await db.selectFrom('attachments').select('state').where('id', '=', id).executeTakeFirst())
        ?.state
    },

    /** The awaited file is in the file store. */
    async arrived(
      id: string,
      file: { size: number; type: string; sha256: string },
      now: number,
    ): Promise<void> {
      const { size, type, sha256 } = file
      await db.transaction().execute(async (trx) => {
        await trx
          .updateTable('attachments')
          .set({ state: 'kept', size, type, sha256 })
          .where('id', '=', id)
          .execute()
        if (hasPreview(type)) await insertDeliveries(trx, [{ purpose: 'preview', attachmentId: id }], now)
      })
    },

    /** A kept attachment's type, and its preview where it has one already. */
    async kept(id: string): Promise<{ type: string; previewId: string | null } | undefined> {
      const row = await db
        .selectFrom('attachments')
        .select(['type', 'preview_id'])
        .where('id', '=', id)
        .where('state', '=', 'kept')
        .executeTakeFirst()
      return row?.type ? { type: row.type, previewId: row.preview_id } : undefined
    },

    /** The attachment has a preview in the file store. */
    async previewed(id: string, previewId: string): Promise<void> {
      await db.updateTable('attachments').set({ preview_id: previewId }).where('id', '=', id).execute()
    },

    /** The awaited file will not come. Where it is too large for the door, its sender is told another way. */
    async lost(id: string, submissionId: string | null, isTooLarge: boolean, now: number): Promise<void> {
      await db.transaction().execute(async (trx) => {
        await trx
          .updateTable('attachments')
          .set({ state: 'failed' })
          .where('id', '=', id)
          .where('state', '=', 'awaited')
          .execute()
        if (isTooLarge && submissionId) await offerUploadOnce(trx, submissionId, now)
      })
    },
  }
}
