import type { Database } from './database.ts'

export type AttachmentStore = ReturnType<typeof attachmentStore>

/** The later life of attachments that were awaited when their message came in. */
export function attachmentStore(db: Database) {
  return {
    async state(id: string): Promise<string | undefined> {
      return (await db.selectFrom('attachments').select('state').where('id', '=', id).executeTakeFirst())
        ?.state
    },

    /** The awaited file is in the file store. */
    async arrived(id: string, file: { size: number; type: string; sha256: string }): Promise<void> {
      const { size, type, sha256 } = file
      await db
        .updateTable('attachments')
        .set({ state: 'kept', size, type, sha256 })
        .where('id', '=', id)
        .execute()
    },

    /** The awaited file will not come. */
    async lost(id: string): Promise<void> {
      await db
        .updateTable('attachments')
        .set({ state: 'failed' })
        .where('id', '=', id)
        .where('state', '=', 'awaited')
        .execute()
    },
  }
}
