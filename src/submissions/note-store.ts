import type { Database } from '../db/open.ts'
import type { Keys } from '../encryption/types.ts'
import type { Contents } from './content-codec.ts'
import type { Note } from './note.ts'
import { contextIdsOf } from './store.ts'

export type NoteStore = ReturnType<typeof noteStore>

/** What editors write down for each other. In a table of its own: no way to the sender leads past it. */
export function noteStore(db: Database, contents: Contents) {
  return {
    /** The notes on a submission, oldest first, as far as `keys` open them. */
    async of(submissionId: string, keys: Keys): Promise<Note[]> {
      const rows = await db
        .selectFrom('notes')
        .selectAll()
        .where('submission_id', '=', submissionId)
        .orderBy('id')
        .execute()
      const contextId = (await contextIdsOf(db, [submissionId])).get(submissionId) ?? ''
      return Promise.all(
        rows.map(async (row) => {
          const { content, access } = await contents.readContent(row.content, contextId, keys, 'note')
          return {
            id: row.id,
            editorId: row.editor_id,
            body: content.fields.body,
            access,
            createdAt: row.created_at,
          }
        }),
      )
    },
  }
}
