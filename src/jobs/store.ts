import { sql } from 'kysely'
import { minuteOf, newId } from '../core/ids.ts'
import type { Database } from '../db/open.ts'
import type { Tables } from '../db/schema.ts'
import type { JobState, Queue } from '../db/values.ts'
import type { ProcessCodec } from '../encryption/process-codec.ts'
import { insertJobs } from './enqueue-store.ts'
import type { Attempt, EphemeralPayload, Job, JobResult, NewJob } from './job.ts'
import { untried } from './lease-store.ts'

// Literal, not bound: SQLite uses a partial index only where it can see that it fits.
const pending = sql.lit('pending' as const)
const failed = sql.lit('failed' as const)

/** The carriers whose work is outside the house. */
const outward = ['mail', 'telegram', 'file'] as const

export type JobStore = ReturnType<typeof jobStore>

/** A verdict, and the lease under which its delivery was carried. */
export type LeasedResult = JobResult & { lease: string }

/**
 * The outbox. A lease keeps two processes from carrying the same job; what a process has leased is free again when
 * its lease has ended. Where jobs go is a lane, so that those to one place can be passed over.
 */
export function jobStore(db: Database, processCodec: ProcessCodec, isPostgres: boolean) {
  return {
    /** Adds a job that tells of nothing else, such as a sign-in link. */
    async add(job: NewJob, now: number): Promise<void> {
      await db.transaction().execute((trx) => insertJobs(trx, [job], now, processCodec))
    },

    /**
     * Adds a job, or does the same work and leaves nothing: the statements and the commit are the same, so that the
     * time it takes does not tell which it was.
     */
    async addOrSeemTo(job: NewJob, isMeant: boolean, now: number): Promise<void> {
      await db.transaction().execute(async (trx) => {
        const [id = ''] = await insertJobs(trx, [job], now, processCodec)
        await trx
          .deleteFrom('jobs')
          .where('id', '=', isMeant ? newId(now) : id)
          .execute()
      })
    },

    /**
     * Leases up to `count` of a carrier's due jobs, the longest due first, but none that is known to go by one of
     * these lanes, and none of these ids. Undefined if the lease has ended.
     */
    async lease(
      queue: Queue,
      lease: string,
      { count, now, lanes = [], not = [] }: { count: number; now: number; lanes?: string[]; not?: string[] },
    ): Promise<Job[] | undefined> {
      const rows = await db.transaction().execute(async (trx) => {
        // Whoever ends the lease waits until these are written, and frees them too.
        const ours = trx.selectFrom('leases').select('id').where('id', '=', lease)
        if (!(await (isPostgres ? ours.forKeyShare() : ours).executeTakeFirst())) return undefined
        let due = waiting(trx, queue, lanes.map(processCodec.digest))
          .select('id')
          .where('due_at', '<=', now)
          .orderBy('due_at')
          .orderBy('id')
          .limit(count)
        if (not.length > 0) due = due.where('id', 'not in', not)
        if (isPostgres) due = due.forUpdate().skipLocked()
        return trx
          .updateTable('jobs')
          .set({ lease, attempts: sql`attempts + 1`, begun: sql`begun + 1` })
          .where('id', 'in', due)
          .returningAll()
          .execute()
      })
      return rows?.map(jobOf).sort((a, b) => a.dueAt - b.dueAt || (a.id < b.id ? -1 : 1))
    },

    /** When the carrier's next delivery is due that nobody has leased, and that goes by none of these lanes. */
    async nextDueAt(queue: Queue, lanes: string[] = []): Promise<number | undefined> {
      const row = await waiting(db, queue, lanes.map(processCodec.digest))
        .select('due_at')
        .orderBy('due_at')
        .limit(1)
        .executeTakeFirst()
      return row?.due_at
    },

    /** Gives jobs back untried, for there was no room in their lanes, which are remembered. */
    async putBack(lease: string, jobs: { id: string; lane: string | undefined }[]): Promise<void> {
      await db.transaction().execute(async (trx) => {
        for (const { id, lane } of jobs) {
          await untried(trx)
            .set({ lane: lane === undefined ? null : processCodec.digest(lane) })
            .where('id', '=', id)
            .where('lease', '=', lease)
            .execute()
        }
      })
    },

    /** Gives back, untried, all of a carrier's jobs that this lease holds, but for these. */
    async giveBack(lease: string, queue: Queue, not: string[]): Promise<void> {
      const current = untried(db).where('lease', '=', lease).where('queue', '=', queue)
      await (not.length > 0 ? current.where('id', 'not in', not) : current).execute()
    },

    /**
     * Records what became of tries, in one transaction; may be told the same again where it is not known whether that was
     * written. What is over forgets its address and its receipt. False for a verdict that was not written down, because
     * another process has taken that delivery over.
     */
    async settle(results: LeasedResult[]): Promise<boolean[]> {
      return db.transaction().execute(async (trx) => {
        const settled: boolean[] = []
        for (const result of results) settled.push(await settleOne(trx, result))
        return settled
      })
    },

    async byId(id: string): Promise<Job | undefined> {
      const row = await db.selectFrom('jobs').selectAll().where('id', '=', id).executeTakeFirst()
      return row && jobOf(row)
    },

    /** What had been handed over has come back: it did not reach whom it was for. `error_code` is a code. */
    async bounced(id: string, errorCode: string, at: number): Promise<void> {
      await db.transaction().execute(async (trx) => {
        const row = await trx
          .updateTable('jobs')
          .set({ state: 'failed', error_code: errorCode, done_at: at })
          .where('id', '=', id)
          .where('state', '=', 'sent')
          .returning('id')
          .executeTakeFirst()
        if (row)
          await trx.insertInto('job_attempts').values({ job_id: id, at, error_code: errorCode }).execute()
      })
    },

    /** All jobs of a submission, oldest first. */
    async ofSubmission(submissionId: string): Promise<Job[]> {
      const rows = await db
        .selectFrom('jobs')
        .selectAll()
        .where('submission_id', '=', submissionId)
        .orderBy('id')
        .execute()
      return rows.map(jobOf)
    },

    /**
     * A page of the ledger, newest first, starting after the job with id `after`. Work inside the house is in it
     * only where it failed.
     */
    async page(asked: {
      state?: JobState | undefined
      size: number
      after?: string | undefined
    }): Promise<Job[]> {
      if (asked.state === 'pending') return nextDue(asked.size)
      let query = db.selectFrom('jobs').selectAll().orderBy('id', 'desc').limit(asked.size)
      if (asked.state !== undefined) query = query.where('state', '=', sql.lit(asked.state))
      if (asked.state !== 'failed') query = query.where('queue', 'in', outward)
      if (asked.after !== undefined) query = query.where('id', '<', asked.after)
      return (await query.execute()).map(jobOf)
    },

    /** The failed tries of these jobs, oldest first. */
    async attempts(jobIds: string[]): Promise<Attempt[]> {
      if (jobIds.length === 0) return []
      const rows = await db
        .selectFrom('job_attempts')
        .selectAll()
        .where('job_id', 'in', jobIds)
        .orderBy('at')
        .execute()
      return rows.map(({ job_id, at, error_code }) => ({ jobId: job_id, at, errorCode: error_code }))
    },

    /** How many are pending, and how many have failed for good. */
    async counts(): Promise<{ pending: number; failed: number }> {
      return { pending: await countWhere(db, pending), failed: await countWhere(db, failed) }
    },

    /** Whether things go wrong just now: how many have failed for good, how many wait after a failed try. At most `most`. */
    async failures(most: number): Promise<{ failed: number; retrying: number }> {
      const { rows } = await sql<{ failed: number; retrying: number }>`select
        (select count(*) from (select 1 from jobs where state = 'failed' limit ${sql.lit(most)}) as f) as failed,
        (select count(*) from (select 1 from jobs where state = 'pending' and error_code is not null
          limit ${sql.lit(most)}) as t) as retrying`.execute(db)
      const [row] = rows
      return { failed: Number(row?.failed), retrying: Number(row?.retrying) }
    },
  }

  /** What is carried next, of each carrier so many: in the order of the index that the workers use. */
  async function nextDue(size: number): Promise<Job[]> {
    const found = await Promise.all(
      outward.map((queue) =>
        db
          .selectFrom('jobs')
          .selectAll()
          .where('state', '=', pending)
          .where('queue', '=', queue)
          .orderBy('due_at')
          .orderBy('id')
          .limit(size)
          .execute(),
      ),
    )
    const next = found.flat().map(jobOf)
    return next.sort((a, b) => a.dueAt - b.dueAt || (a.id < b.id ? -1 : 1)).slice(0, size)
  }

  function jobOf(row: Tables['jobs']): Job {
    return {
      id: row.id,
      type: row.type,
      submissionId: row.submission_id,
      messageId: row.message_id,
      editorId: row.editor_id,
      attachmentId: row.attachment_id,
      target: row.target,
      receipt: row.receipt,
      ephemeralPayload: processCodec.decrypt<EphemeralPayload>(row.ephemeral_payload),
      state: row.state,
      attempts: row.attempts,
      begun: row.begun,
      dueAt: row.due_at,
      createdAt: row.created_at,
      triedSince: row.tried_since,
      doneAt: row.done_at,
      errorCode: row.error_code,
    }
  }
}

async function countWhere(db: Database, state: typeof pending | typeof failed): Promise<number> {
  const row = await db
    .selectFrom('jobs')
    .select((eb) => eb.fn.countAll().as('n'))
    .where('state', '=', state)
    .executeTakeFirstOrThrow()
  return Number(row.n)
}

/** A carrier's jobs that nobody has in hand, and that are not known to go by one of these lanes. */
function waiting(db: Database, queue: Queue, lanes: string[]) {
  const free = db
    .selectFrom('jobs')
    .where('state', '=', pending)
    .where('queue', '=', queue)
    .where('lease', 'is', null)
  return lanes.length === 0
    ? free
    : free.where((eb) => eb.or([eb('lane', 'is', null), eb('lane', 'not in', lanes)]))
}

async function settleOne(trx: Database, result: LeasedResult): Promise<boolean> {
  const { id, lease } = result
  const row = await trx
    .updateTable('jobs')
    .set({ lease: null, begun: 0, ...changeOf(result) })
    .where('id', '=', id)
    .where((eb) => {
      // What was sent was sent, also after the lease had ended, as long as nobody else has begun to send it.
      const isFree = eb.and([eb('state', '=', 'pending'), eb('lease', 'is', null)])
      return eb.or([eb('lease', '=', lease), ...(result.state === 'sent' ? [isFree] : [])])
    })
    .returning('id')
    .executeTakeFirst()
  if (!row) return isSettledAlready(trx, result)
  if (result.state === 'sent' || result.state === 'dropped' || result.errorCode === null) return true
  const at = minuteOf(result.at)
  await trx.insertInto('job_attempts').values({ job_id: id, at, error_code: result.errorCode }).execute()
  return true
}

/**
 * True where this verdict was written before, and nobody heard of it, or where its delivery was erased with its
 * submission.
 */
async function isSettledAlready(trx: Database, result: LeasedResult): Promise<boolean> {
  const row = await trx
    .selectFrom('jobs')
    .select(['state', 'due_at', 'lease'])
    .where('id', '=', result.id)
    .executeTakeFirst()
  if (!row) return true
  if (result.state !== 'pending') return row.state === result.state
  return row.state === 'pending' && row.lease === null && row.due_at === result.dueAt
}

/** Of what is over one need not know the second: it would tell when a source wrote. */
const toTheMinute = {
  due_at: sql<number>`due_at - due_at % 60000`,
  created_at: sql<number>`created_at - created_at % 60000`,
  tried_since: sql<number>`tried_since - tried_since % 60000`,
}

/** What is over forgets its address and its receipt. What failed keeps what it is tried again by, if that is no address. */
function changeOf(result: JobResult) {
  const { state, at } = result
  if (state === 'pending') return { due_at: result.dueAt, error_code: result.errorCode }
  const over = {
    state,
    done_at: minuteOf(at),
    ...toTheMinute,
    receipt: null,
    ephemeral_payload: null,
    lane: null,
    error_code: state === 'sent' ? null : result.errorCode,
  }
  if (state === 'failed') {
    return {
      ...over,
      target: sql<
        string | null
      >`case when type in ('telegram-file', 'deed-confirmation', 'security-notice') then target end`,
    }
  }
  return { ...over, target: null }
}
