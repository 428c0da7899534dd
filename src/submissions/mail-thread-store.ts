import { sql } from 'kysely'
import { coarseId, minuteOf } from '../core/ids.ts'
import type { Database } from '../db/open.ts'
import type { NewRecord } from './intake-record.ts'
import type { ThreadKey } from './mail-thread-key.ts'
import { isThere } from './store.ts'

const day = 86_400_000

/** Receipts that go to one mailbox within a day, whatever asked for them: anybody can give an address that is not theirs. */
const mostReceiptMails = 3

export type MailStore = ReturnType<typeof mailStore>

/** What the mail channel remembers. Addresses and Message-IDs are kept as keyed hashes only. */
export function mailStore(db: Database) {
  return {
    /** Remembers to which submission replies to a mail belong. */
    async mark(mark: ThreadKey, submissionId: string): Promise<void> {
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
export async function insertThreads(trx: Database, marks: ThreadKey[], submissionId: string): Promise<void> {
  if (marks.length === 0) return
  await trx
    .insertInto('mail_threads')
    .values(marks.map((mark) => ({ ...mark, submission_id: submissionId })))
    // The first mail of a name keeps it: whoever takes the name of another mail takes nothing over.
    .onConflict((oc) => oc.columns(['message', 'address']).doNothing())
    .execute()
}

/**
 * Those of new records whose receipt is not to be mailed, for its mailbox has had as many within a day; the others are
 * counted. Of the mailbox a keyed hash is kept for a day, and not which submission it was about. Called inside the
 * transaction that writes them.
 */
export async function pastMailLimit(
  trx: Database,
  records: NewRecord[],
  now: number,
  isPostgres: boolean,
): Promise<Set<NewRecord>> {
  const byMailbox = Map.groupBy(records, ({ mailed }) => mailed)
  byMailbox.delete(undefined)
  const past = new Set<NewRecord>()
  // In one order everywhere, so that two machines never wait for each other in a circle.
  for (const address of [...byMailbox.keys()].filter((one) => one !== undefined).sort()) {
    // One after the other for each address, where several can write at the same moment.
    if (isPostgres) await sql`select pg_advisory_xact_lock(hashtextextended(${address}, 0))`.execute(trx)
    const mailed = byMailbox.get(address) ?? []
    const room = Math.max(0, mostReceiptMails - (await mailsWithinDay(trx, address, now)))
    for (const one of mailed.slice(room)) past.add(one)
    const counted = mailed.slice(0, room).map(() => ({ job_id: coarseId(now), address, at: minuteOf(now) }))
    if (counted.length > 0) await trx.insertInto('mail_receipts').values(counted).execute()
  }
  return past
}

async function mailsWithinDay(trx: Database, address: string, now: number): Promise<number> {
  const rows = await trx
    .selectFrom('mail_receipts')
    .select('job_id')
    .where('address', '=', address)
    .where('at', '>', now - day)
    .limit(mostReceiptMails)
    .execute()
  return rows.length
}
