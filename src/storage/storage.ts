import type { NewRecord } from '../record.ts'
import { attachmentStore } from './attachments.ts'
import { openDatabase } from './database.ts'
import { deliveryStore } from './deliveries.ts'
import { editorStore } from './editors.ts'
import { orUnavailable, translated } from './faults.ts'
import { type Outcome, record } from './record.ts'
import { sessionStore } from './sessions.ts'
import { submissionStore } from './submissions.ts'
import { unreadStore } from './unread.ts'

export type Storage = Awaited<ReturnType<typeof openStorage>>

/** Opens the database with all its stores. `now` is the clock, in milliseconds. */
export async function openStorage(url: string, now: () => number) {
  const db = await openDatabase(url)
  const isPostgres = !url.startsWith('sqlite:')
  return {
    /** Other machines may be working on the same database. */
    isShared: isPostgres,
    submissions: submissionStore(db),
    attachments: attachmentStore(db),
    deliveries: deliveryStore(db, isPostgres),
    unread: unreadStore(db),
    editors: editorStore(db),
    sessions: sessionStore(db),
    /** Writes records durably, as many as fit in one transaction; each has its own outcome, and its error is a Failure where it is one. */
    async record(records: NewRecord[]): Promise<Outcome[]> {
      const outcomes = await record(db, records, now)
      return outcomes.map((one) => ('error' in one ? { error: translated(one.error) } : one))
    },
    /** Resolves if the database answers. */
    async check(): Promise<void> {
      await orUnavailable(() => db.selectFrom('submissions').select('id').limit(1).execute())
    },
    async close(): Promise<void> {
      await db.destroy()
    },
  }
}
