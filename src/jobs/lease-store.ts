import { sql } from 'kysely'
import type { Database } from '../db/open.ts'

/** A lease, and how often it has been renewed: as long as that number grows, its process lives. */
type Lease = { id: string; renewals: number }

export type LeaseStore = ReturnType<typeof leaseStore>

/** Who works on the outbox. Each process has a lease, by which it holds the jobs that it has in hand. */
export function leaseStore(db: Database) {
  return {
    async begin(id: string): Promise<void> {
      await db.insertInto('leases').values({ id, renewals: 0 }).execute()
    },

    /** False for a lease that another process has ended. */
    async renew(id: string): Promise<boolean> {
      const row = await db
        .updateTable('leases')
        .set((eb) => ({ renewals: eb('renewals', '+', 1) }))
        .where('id', '=', id)
        .returning('id')
        .executeTakeFirst()
      return row !== undefined
    },

    async all(): Promise<Lease[]> {
      return db.selectFrom('leases').selectAll().execute()
    },

    /**
     * Ends another process's lease, which has not been renewed since: what it holds is free, and counts as tried. False if
     * it has been renewed meanwhile.
     */
    async end({ id, renewals }: Lease): Promise<boolean> {
      return db.transaction().execute(async (trx) => {
        const row = await trx
          .deleteFrom('leases')
          .where('id', '=', id)
          .where('renewals', '=', renewals)
          .returning('id')
          .executeTakeFirst()
        if (!row) return false
        await free(trx).where('lease', '=', id).execute()
        return true
      })
    },

    /** Gives our own lease up, with all that it still holds, as if that had not been tried. */
    async giveUp(id: string): Promise<void> {
      await db.transaction().execute(async (trx) => {
        await trx.deleteFrom('leases').where('id', '=', id).execute()
        await untried(trx).where('lease', '=', id).execute()
      })
    },
  }
}

/** Frees what is pending and meets what is asked besides. */
function free(trx: Database) {
  return trx
    .updateTable('jobs')
    .set({ lease: null })
    .where('state', '=', sql.lit('pending' as const))
}

/** Frees it, and does not count the try that it was leased for. */
export function untried(trx: Database) {
  return free(trx).set({ attempts: sql<number>`attempts - 1`, begun: sql<number>`begun - 1` })
}
