import { sql } from 'kysely'
import { minuteOf } from '../id.ts'
import type { ThreadMark } from '../mail-thread.ts'
import type { Database } from './database.ts'
import { isThere } from './submissions.ts'

const day = 86_400_000

export type MailStore = ReturnType<typeof mailStore>

/** What the mail door remembers. Addresses and Message-IDs are kept as keyed hashes only. */
export function mailStore(db: Database, isPostgres: boolean) {
  return {
    /** Remembers to which submission replies to a mail belong. */
    async mark(mark: ThreadMark, submissionId: string): Promise<void> {
      await db.transaction().execute(async (trx) => {
        if (await isThere(trx, submissionId)) await insertThreads(trx, [mark], submissionId)
      })
    },

    /** The submission that one of these mails belongs to, for whoever writes from this address. */
    async submissionOf(messages: string[], address: string): Promise<string | undefined> {
      if (messages.length === 0) return undefined
      const row = await db
        .selectFrom('mail_threads')
        .select('submission_id')
        .where('message', 'in', messages)
        .where('address', '=', address)
        .orderBy('submission_id', 'desc')
        .limit(1)
        .executeTakeFirst()
      return row?.submission_id
    },

    /** Counts an answer to this address, once for each delivery; false if it had so many within a day already. */
    async mayAnswer(address: string, deliveryId: string, most: number, now: number): Promise<boolean> {
      return db.transaction().execute(async (trx) => {
        // One after the other for each address, where several can write at the same moment.
        if (isPostgres) await sql`select pg_advisory_xact_lock(hashtextextended(${address}, 0))`.execute(trx)
        const rows = await trx
          .selectFrom('mail_answers')
          .select('delivery_id')
          .where('address', '=', address)
          .where('at', '>', now - day)
          .execute()
        if (rows.some((row) => row.delivery_id === deliveryId)) return true
        if (rows.length >= most) return false
        await trx
          .insertInto('mail_answers')
          .values({ delivery_id: deliveryId, address, at: minuteOf(now) })
          // Tried again after a day, where what is old has not been forgotten yet.
          .onConflict((oc) => oc.column('delivery_id').doUpdateSet({ address, at: minuteOf(now) }))
          .execute()
        return true
      })
    },

    async sendCanary(id: string, now: number): Promise<void> {
      await db
        .insertInto('mail_canaries')
        .values({ id, sent_at: now, came_at: null, came_by: null })
        .execute()
    },

    /** A mail to ourselves has come back. `way` says how, in a word. */
    async canaryCame(id: string, way: string, now: number): Promise<void> {
      await db
        .updateTable('mail_canaries')
        .set({ came_at: now, came_by: way })
        .where('id', '=', id)
        .where('came_at', 'is', null)
        .execute()
    },

    async canary(id: string): Promise<{ cameAt: number; way: string } | undefined> {
      const row = await db
        .selectFrom('mail_canaries')
        .select(['came_at', 'came_by'])
        .where('id', '=', id)
        .executeTakeFirst()
      return row?.came_at ? { cameAt: row.came_at, way: row.came_by ?? '' } : undefined
    },
  }
}

/** Called inside the transaction of what the mails belong to. */
export async function insertThreads(trx: Database, marks: ThreadMark[], submissionId: string): Promise<void> {
  if (marks.length === 0) return
  await trx
    .insertInto('mail_threads')
    .values(marks.map((mark) => ({ ...mark, submission_id: submissionId })))
    // The first mail of a name keeps it: whoever takes the name of another mail takes nothing over.
    .onConflict((oc) => oc.columns(['message', 'address']).doNothing())
    .execute()
}
