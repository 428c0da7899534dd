import { sql } from 'kysely'
import type { Carrier, Delivery, NewDelivery, Verdict } from '../delivery.ts'
import type { Database } from './database.ts'
import { insertDeliveries } from './record.ts'
import type { Tables } from './schema.ts'

// Literal, not bound: SQLite uses a partial index only where it can see that it fits.
const pending = sql.lit('pending' as const)
const failed = sql.lit('failed' as const)

export type DeliveryStore = ReturnType<typeof deliveryStore>

/** The outbox. A lease keeps two workers from carrying the same delivery; one that runs out is free again. */
export function deliveryStore(db: Database, isPostgres: boolean) {
  return {
    /** Adds a delivery that tells of nothing else, such as a sign-in link. */
    async add(delivery: NewDelivery, now: number): Promise<void> {
      await db.transaction().execute((trx) => insertDeliveries(trx, [delivery], now))
    },

    /** Leases up to `count` of a carrier's due deliveries to `lease` until the given time, the longest due first. */
    async lease(
      carrier: Carrier,
      lease: string,
      count: number,
      now: number,
      until: number,
    ): Promise<Delivery[]> {
      let due = db
        .selectFrom('deliveries')
        .select('id')
        .where('state', '=', pending)
        .where('carrier', '=', carrier)
        .where('due_at', '<=', now)
        .where('leased_until', '<=', now)
        .orderBy('due_at')
        .orderBy('id')
        .limit(count)
      if (isPostgres) due = due.forUpdate().skipLocked()
      const rows = await db
        .updateTable('deliveries')
        .set({ lease, leased_until: until, attempts: sql`attempts + 1` })
        .where('id', 'in', due)
        .returningAll()
        .execute()
      return rows.map(deliveryOf).sort((a, b) => a.dueAt - b.dueAt || (a.id < b.id ? -1 : 1))
    },

    /** When the carrier's next delivery that nobody has leased is due. */
    async nextDueAt(carrier: Carrier): Promise<number | undefined> {
      const row = await db
        .selectFrom('deliveries')
        .select('due_at')
        .where('state', '=', pending)
        .where('carrier', '=', carrier)
        .where('lease', 'is', null)
        .orderBy('due_at')
        .limit(1)
        .executeTakeFirst()
      return row?.due_at
    },

    /** Records what became of tries, in one transaction. What is over forgets its address and its receipt. */
    async settle(verdicts: Verdict[]): Promise<void> {
      await db.transaction().execute(async (trx) => {
        for (const verdict of verdicts) await settleOne(trx, verdict)
      })
    },

    /** Gives back all that this lease still holds, as if it had not been tried. */
    async release(lease: string): Promise<void> {
      await db
        .updateTable('deliveries')
        .set({ lease: null, leased_until: 0, attempts: sql`attempts - 1` })
        .where('lease', '=', lease)
        .where('state', '=', pending)
        .execute()
    },

    /** Ends every lease: only when no other worker can be alive, as at the start of a single process. */
    async releaseAll(): Promise<void> {
      await db
        .updateTable('deliveries')
        .set({ lease: null, leased_until: 0 })
        .where('state', '=', pending)
        .where('leased_until', '>', 0)
        .execute()
    },

    /** All deliveries of a submission, oldest first. */
    async ofSubmission(submissionId: string): Promise<Delivery[]> {
      const rows = await db
        .selectFrom('deliveries')
        .selectAll()
        .where('submission_id', '=', submissionId)
        .orderBy('id')
        .execute()
      return rows.map(deliveryOf)
    },

    /** How many are pending, and how many have failed for good. */
    async counts(): Promise<{ pending: number; failed: number }> {
      return { pending: await countWhere(db, pending), failed: await countWhere(db, failed) }
    },
  }
}

async function countWhere(db: Database, state: typeof pending | typeof failed): Promise<number> {
  const row = await db
    .selectFrom('deliveries')
    .select((eb) => eb.fn.countAll().as('n'))
    .where('state', '=', state)
    .executeTakeFirstOrThrow()
  return Number(row.n)
}

async function settleOne(trx: Database, verdict: Verdict): Promise<void> {
  const free = { lease: null, leased_until: 0 }
  const over = { ...free, target: null, receipt: null }
  const change =
    verdict.state === 'pending'
      ? { ...free, due_at: verdict.dueAt, fault: verdict.fault }
      : {
          ...over,
          state: verdict.state,
          done_at: verdict.at,
          fault: verdict.state === 'failed' ? verdict.fault : null,
        }
  await trx.updateTable('deliveries').set(change).where('id', '=', verdict.id).execute()
}

function deliveryOf(row: Tables['deliveries']): Delivery {
  return {
    id: row.id,
    purpose: row.purpose,
    submissionId: row.submission_id,
    messageId: row.message_id,
    editorId: row.editor_id,
    attachmentId: row.attachment_id,
    target: row.target,
    receipt: row.receipt,
    state: row.state,
    attempts: row.attempts,
    dueAt: row.due_at,
    createdAt: row.created_at,
    doneAt: row.done_at,
    fault: row.fault,
  }
}
