import type { Database } from '../db/open.ts'

type Limit = { most: number; span: number }

export type LoginAttemptStore = ReturnType<typeof loginAttemptStore>

/** Tries to sign in, by account: in the database, so that a restart does not clear them. */
export function loginAttemptStore(db: Database) {
  return {
    /**
     * Counts a try. False if by one of these limits there were `most` within the last `span` milliseconds, a day at the
     * longest; then it is not to be made.
     */
    async allow(account: string, now: number, ...limits: Limit[]): Promise<boolean> {
      const longest = Math.max(...limits.map(({ span }) => span))
      return db.transaction().execute(async (trx) => {
        const times = (await lockedTimes(trx, account, now)).filter((at) => at > now - longest)
        const isFull = ({ most, span }: Limit) => times.filter((at) => at > now - span).length >= most
        if (limits.some(isFull)) return false
        await trx
          .updateTable('login_attempts')
          .set({ times: [...times, now].join(' '), latest_at: now })
          .where('account', '=', account)
          .execute()
        return true
      })
    },

    /** What was mistyped before does not count any more. */
    async forget(account: string): Promise<void> {
      await db.deleteFrom('login_attempts').where('account', '=', account).execute()
    },
  }
}

/** The times of an account's tries. Its row is locked by writing it, so that tries at the same moment are all counted. */
async function lockedTimes(trx: Database, account: string, now: number): Promise<number[]> {
  const row = await trx
    .insertInto('login_attempts')
    .values({ account, times: '', latest_at: now })
    .onConflict((oc) => oc.column('account').doUpdateSet({ latest_at: now }))
    .returning('times')
    .executeTakeFirstOrThrow()
  return row.times.split(' ').filter(Boolean).map(Number)
}
