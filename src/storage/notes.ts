import type { Note } from '../work.ts'
import { readContent } from './contents.ts'
import type { Database } from './database.ts'

export type NoteStore = ReturnType<typeof noteStore>

/** What editors write down for each other. In a table of its own: no way to the sender leads past it. */
export function noteStore(db: Database) {
  return {
    /** The notes on a submission, oldest first. */
    async of(submissionId: string): Promise<Note[]> {
      const rows = await db
        .selectFrom('notes')
        .selectAll()
        .where('submission_id', '=', submissionId)
        .orderBy('id')
        .execute()
      return rows.map((row) => ({
        id: row.id,
        editorId: row.editor_id,
        body: readContent(row.content).fields.body,
        createdAt: row.created_at,
      }))
    },
  }
}
