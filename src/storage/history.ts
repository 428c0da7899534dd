import type { Entry } from '../history.ts'
import type { Database } from './database.ts'

export type HistoryStore = ReturnType<typeof historyStore>

/** What was done with submissions. Written with what it tells of, never changed. */
export function historyStore(db: Database) {
  return {
    /** All that happened to a submission, oldest first. */
    async of(submissionId: string): Promise<Entry[]> {
      const rows = await db
        .selectFrom('history')
        .selectAll()
        .where('submission_id', '=', submissionId)
        .orderBy('id')
        .execute()
      return rows.map(({ submission_id, editor_id, ...row }) => ({
        ...row,
        submissionId: submission_id,
        editorId: editor_id,
      }))
    },
  }
}
