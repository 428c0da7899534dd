import { sql } from 'kysely'
import type { Carrier, Delivery, DeliveryState, NewDelivery, Passing, Try, Verdict } from '../delivery.ts'
import { Failure } from '../failure.ts'
import { minuteOf } from '../id.ts'
import type { Database } from './database.ts'
import { isDuplicate, orUnavailable } from './faults.ts'
import type { Hidden } from './hidden.ts'
import { insertHistory } from './history.ts'
import { insertDeliveries } from './new-deliveries.ts'
import type { Tables } from './schema.ts'

// Literal, not bound: SQLite uses a partial index only where it can see that it fits.
const pending = sql.lit('pending' as const)
const failed = sql.lit('failed' as const)

/** The carriers that carry something out of the house. */
const outward = ['mail', 'telegram'] as const

export type DeliveryStore = ReturnType<typeof deliveryStore>

/** The outbox. A lease keeps two workers from carrying the same delivery; one that runs out is free again. */
export function deliveryStore(db: Database, hidden: Hidden, isPostgres: boolean) {
  return {
    /** Adds a delivery that tells of nothing else, such as a sign-in link. */
    async add(delivery: NewDelivery, now: number): Promise<void> {
      await db.transaction().execute((trx) => insertDeliveries(trx, [delivery], now, hidden))
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

    async byId(id: string): Promise<Delivery | undefined> {
      const row = await db.selectFrom('deliveries').selectAll().where('id', '=', id).executeTakeFirst()
      return row && deliveryOf(row)
    },

    /** What had been handed over has come back: it did not reach whom it was for. `fault` is a code. */
    async bounced(id: string, fault: string, at: number): Promise<void> {
      await db.transaction().execute(async (trx) => {
        const row = await trx
          .updateTable('deliveries')
          .set({ state: 'failed', fault, done_at: at })
          .where('id', '=', id)
          .where('state', '=', 'sent')
          .returning('id')
          .executeTakeFirst()
        if (row) await trx.insertInto('delivery_tries').values({ delivery_id: id, at, fault }).execute()
      })
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

    /**
     * A page of the ledger, newest first, starting after the delivery with id `after`. Work inside the house is in it
     * only where it failed.
     */
    async page(asked: {
      state?: DeliveryState | undefined
      size: number
      after?: string | undefined
    }): Promise<Delivery[]> {
      if (asked.state === 'pending') return nextDue(asked.size)
      let query = db.selectFrom('deliveries').selectAll().orderBy('id', 'desc').limit(asked.size)
      if (asked.state !== undefined) query = query.where('state', '=', sql.lit(asked.state))
      if (asked.state !== 'failed') query = query.where('carrier', 'in', outward)
      if (asked.after !== undefined) query = query.where('id', '<', asked.after)
      return (await query.execute()).map(deliveryOf)
    },

    /** The failed tries of these deliveries, oldest first. */
    async tries(deliveryIds: string[]): Promise<Try[]> {
      if (deliveryIds.length === 0) return []
      const rows = await db
        .selectFrom('delivery_tries')
        .selectAll()
        .where('delivery_id', 'in', deliveryIds)
        .orderBy('at')
        .execute()
      return rows.map(({ delivery_id, ...row }) => ({ deliveryId: delivery_id, ...row }))
    },

    /**
     * Has a failed delivery tried again, as if it were new, with what it needs to know where that was lost.
     * @throws Failure `conflict` if it has not failed.
     */
    async retry(id: string, editorId: string, now: number, passing?: Passing): Promise<void> {
      await reopen(id, editorId, now, 'retried', {
        ...(passing && { passing: hidden.hide(passing) }),
        state: 'pending',
        due_at: now,
        tried_since: now,
        attempts: 0,
        done_at: null,
      })
    },

    /** Lets a failed delivery be. @throws Failure `conflict` if it has not failed. */
    async drop(id: string, editorId: string, now: number): Promise<void> {
      await reopen(id, editorId, now, 'dropped', { state: 'dropped' })
    },

    /** How many are pending, and how many have failed for good. */
    async counts(): Promise<{ pending: number; failed: number }> {
      return { pending: await countWhere(db, pending), failed: await countWhere(db, failed) }
    },

    /** Whether things go wrong just now: how many have failed for good, how many wait after a failed try. At most `most`. */
    async trouble(most: number): Promise<{ failed: number; troubled: number }> {
      const { rows } = await sql<{ failed: number; troubled: number }>`select
        (select count(*) from (select 1 from deliveries where state = 'failed' limit ${sql.lit(most)}) as f) as failed,
        (select count(*) from (select 1 from deliveries where state = 'pending' and fault is not null
          limit ${sql.lit(most)}) as t) as troubled`.execute(db)
      const [row] = rows
      return { failed: Number(row?.failed), troubled: Number(row?.troubled) }
    },
  }

  /** What is carried next, of each carrier so many: in the order of the index that the workers use. */
  async function nextDue(size: number): Promise<Delivery[]> {
    const found = await Promise.all(
      outward.map((carrier) =>
        db
          .selectFrom('deliveries')
          .selectAll()
          .where('state', '=', pending)
          .where('carrier', '=', carrier)
          .orderBy('due_at')
          .orderBy('id')
          .limit(size)
          .execute(),
      ),
    )
    const next = found.flat().map(deliveryOf)
    return next.sort((a, b) => a.dueAt - b.dueAt || (a.id < b.id ? -1 : 1)).slice(0, size)
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
      passing: hidden.reveal<Passing>(row.passing),
      state: row.state,
      attempts: row.attempts,
      dueAt: row.due_at,
      createdAt: row.created_at,
      triedSince: row.tried_since,
      doneAt: row.done_at,
      fault: row.fault,
    }
  }

  async function reopen(
    id: string,
    editorId: string,
    now: number,
    action: 'retried' | 'dropped',
    change: Partial<Tables['deliveries']>,
  ): Promise<void> {
    const reopening = () =>
      db.transaction().execute(async (trx) => {
        const row = await trx
          .updateTable('deliveries')
          .set(change)
          .where('id', '=', id)
          .where('state', '=', failed)
          .returning(['submission_id', 'purpose'])
          .executeTakeFirst()
          .catch((error: unknown) => {
            throw isDuplicate(error)
              ? new Failure('conflict', 'The next digest waits already: let this one be.')
              : error
          })
        if (!row) throw new Failure('conflict', 'This delivery is no longer a failed one.')
        const entries = [{ action, detail: row.purpose }]
        if (row.submission_id) await insertHistory(trx, row.submission_id, editorId, entries, now)
      })
    await orUnavailable(reopening)
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
  const row = await trx
    .updateTable('deliveries')
    .set({ lease: null, leased_until: 0, ...changeOf(verdict) })
    .where('id', '=', verdict.id)
    .returning('id')
    .executeTakeFirst()
  // Erased with its piece while it was carried.
  if (!row) return
  const { id } = verdict
  const at = minuteOf(verdict.at)
  if (verdict.state === 'sent' || verdict.state === 'dropped' || verdict.fault === null) return
  await trx.insertInto('delivery_tries').values({ delivery_id: id, at, fault: verdict.fault }).execute()
}

/** Of what is over one need not know the second: it would tell when a source wrote. */
const toTheMinute = {
  due_at: sql<number>`due_at - due_at % 60000`,
  created_at: sql<number>`created_at - created_at % 60000`,
  tried_since: sql<number>`tried_since - tried_since % 60000`,
}

/** What is over forgets its address and its receipt. What failed keeps what it is tried again by, if that is no address. */
function changeOf(verdict: Verdict) {
  const { state, at } = verdict
  if (state === 'pending') return { due_at: verdict.dueAt, fault: verdict.fault }
  const over = {
    state,
    done_at: minuteOf(at),
    ...toTheMinute,
    receipt: null,
    passing: null,
    fault: state === 'sent' ? null : verdict.fault,
  }
  if (state === 'failed') {
    return {
      ...over,
      target: sql<string | null>`case when purpose in ('telegram-file', 'deed-confirmation') then target end`,
    }
  }
  return { ...over, target: null }
}
