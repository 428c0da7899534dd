import { sql } from 'kysely'
import { minuteOf, newId } from '../core/ids.ts'
import type { Database } from '../db/open.ts'
import type { Tables } from '../db/schema.ts'
import type { Carrier, DeliveryState } from '../db/values.ts'
import type { Hidden } from '../encryption/hidden.ts'
import { insertDeliveries } from './enqueue-store.ts'
import type { Delivery, NewDelivery, Passing, Try, Verdict } from './job.ts'
import { untried } from './lease-store.ts'

// Literal, not bound: SQLite uses a partial index only where it can see that it fits.
const pending = sql.lit('pending' as const)
const failed = sql.lit('failed' as const)

/** The carriers whose work is outside the house. */
const outward = ['mail', 'telegram', 'file'] as const

export type DeliveryStore = ReturnType<typeof deliveryStore>

/** A verdict, and the lease under which its delivery was carried. */
export type LeasedVerdict = Verdict & { lease: string }

/**
 * The outbox. A lease keeps two processes from carrying the same delivery; what a process has leased is free again when
 * its lease has ended. Where deliveries go is a lane, so that those to one place can be passed over.
 */
export function deliveryStore(db: Database, hidden: Hidden, isPostgres: boolean) {
  return {
    /** Adds a delivery that tells of nothing else, such as a sign-in link. */
    async add(delivery: NewDelivery, now: number): Promise<void> {
      await db.transaction().execute((trx) => insertDeliveries(trx, [delivery], now, hidden))
    },

    /**
     * Adds a delivery, or does the same work and leaves nothing: the statements and the commit are the same, so that the
     * time it takes does not tell which it was.
     */
    async addOrSeemTo(delivery: NewDelivery, isMeant: boolean, now: number): Promise<void> {
      await db.transaction().execute(async (trx) => {
        const [id = ''] = await insertDeliveries(trx, [delivery], now, hidden)
        await trx
          .deleteFrom('deliveries')
          .where('id', '=', isMeant ? newId(now) : id)
          .execute()
      })
    },

    /**
     * Leases up to `count` of a carrier's due deliveries, the longest due first, but none that is known to go by one of
     * these lanes, and none of these ids. Undefined if the lease has ended.
     */
    async lease(
      carrier: Carrier,
      lease: string,
      { count, now, lanes = [], not = [] }: { count: number; now: number; lanes?: string[]; not?: string[] },
    ): Promise<Delivery[] | undefined> {
      const rows = await db.transaction().execute(async (trx) => {
        // Whoever ends the lease waits until these are written, and frees them too.
        const ours = trx.selectFrom('leases').select('id').where('id', '=', lease)
        if (!(await (isPostgres ? ours.forKeyShare() : ours).executeTakeFirst())) return undefined
        let due = waiting(trx, carrier, lanes.map(hidden.digest))
          .select('id')
          .where('due_at', '<=', now)
          .orderBy('due_at')
          .orderBy('id')
          .limit(count)
        if (not.length > 0) due = due.where('id', 'not in', not)
        if (isPostgres) due = due.forUpdate().skipLocked()
        return trx
          .updateTable('deliveries')
          .set({ lease, attempts: sql`attempts + 1`, begun: sql`begun + 1` })
          .where('id', 'in', due)
          .returningAll()
          .execute()
      })
      return rows?.map(deliveryOf).sort((a, b) => a.dueAt - b.dueAt || (a.id < b.id ? -1 : 1))
    },

    /** When the carrier's next delivery is due that nobody has leased, and that goes by none of these lanes. */
    async nextDueAt(carrier: Carrier, lanes: string[] = []): Promise<number | undefined> {
      const row = await waiting(db, carrier, lanes.map(hidden.digest))
        .select('due_at')
        .orderBy('due_at')
        .limit(1)
        .executeTakeFirst()
      return row?.due_at
    },

    /** Gives deliveries back untried, for there was no room in their lanes, which are remembered. */
    async putBack(lease: string, deliveries: { id: string; lane: string | undefined }[]): Promise<void> {
      await db.transaction().execute(async (trx) => {
        for (const { id, lane } of deliveries) {
          await untried(trx)
            .set({ lane: lane === undefined ? null : hidden.digest(lane) })
            .where('id', '=', id)
            .where('lease', '=', lease)
            .execute()
        }
      })
    },

    /** Gives back, untried, all of a carrier's deliveries that this lease holds, but for these. */
    async giveBack(lease: string, carrier: Carrier, not: string[]): Promise<void> {
      const held = untried(db).where('lease', '=', lease).where('carrier', '=', carrier)
      await (not.length > 0 ? held.where('id', 'not in', not) : held).execute()
    },

    /**
     * Records what became of tries, in one transaction; may be told the same again where it is not known whether that was
     * written. What is over forgets its address and its receipt. False for a verdict that was not written down, because
     * another process has taken that delivery over.
     */
    async settle(verdicts: LeasedVerdict[]): Promise<boolean[]> {
      return db.transaction().execute(async (trx) => {
        const settled: boolean[] = []
        for (const verdict of verdicts) settled.push(await settleOne(trx, verdict))
        return settled
      })
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
      begun: row.begun,
      dueAt: row.due_at,
      createdAt: row.created_at,
      triedSince: row.tried_since,
      doneAt: row.done_at,
      fault: row.fault,
    }
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

/** A carrier's deliveries that nobody has in hand, and that are not known to go by one of these lanes. */
function waiting(db: Database, carrier: Carrier, lanes: string[]) {
  const free = db
    .selectFrom('deliveries')
    .where('state', '=', pending)
    .where('carrier', '=', carrier)
    .where('lease', 'is', null)
  return lanes.length === 0
    ? free
    : free.where((eb) => eb.or([eb('lane', 'is', null), eb('lane', 'not in', lanes)]))
}

async function settleOne(trx: Database, verdict: LeasedVerdict): Promise<boolean> {
  const { id, lease } = verdict
  const row = await trx
    .updateTable('deliveries')
    .set({ lease: null, begun: 0, ...changeOf(verdict) })
    .where('id', '=', id)
    .where((eb) => {
      // What was sent was sent, also after the lease had ended, as long as nobody else has begun to send it.
      const isFree = eb.and([eb('state', '=', 'pending'), eb('lease', 'is', null)])
      return eb.or([eb('lease', '=', lease), ...(verdict.state === 'sent' ? [isFree] : [])])
    })
    .returning('id')
    .executeTakeFirst()
  if (!row) return isSettledAlready(trx, verdict)
  if (verdict.state === 'sent' || verdict.state === 'dropped' || verdict.fault === null) return true
  const at = minuteOf(verdict.at)
  await trx.insertInto('delivery_tries').values({ delivery_id: id, at, fault: verdict.fault }).execute()
  return true
}

/** True where this verdict was written before, and nobody heard of it, or where its delivery was erased with its piece. */
async function isSettledAlready(trx: Database, verdict: LeasedVerdict): Promise<boolean> {
  const row = await trx
    .selectFrom('deliveries')
    .select(['state', 'due_at', 'lease'])
    .where('id', '=', verdict.id)
    .executeTakeFirst()
  if (!row) return true
  if (verdict.state !== 'pending') return row.state === verdict.state
  return row.state === 'pending' && row.lease === null && row.due_at === verdict.dueAt
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
    lane: null,
    fault: state === 'sent' ? null : verdict.fault,
  }
  if (state === 'failed') {
    return {
      ...over,
      target: sql<
        string | null
      >`case when purpose in ('telegram-file', 'deed-confirmation', 'security-notice') then target end`,
    }
  }
  return { ...over, target: null }
}
