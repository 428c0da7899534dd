import { type RawBuilder, sql } from 'kysely'
import type { Database } from '../db/open.ts'
import type { Tables } from '../db/schema.ts'

const day = 24 * 3_600_000

export type ForgettingStore = ReturnType<typeof forgettingStore>

/** Forgets up to `most`, the oldest first, and says how many those were. */
type Forget = (now: number, most: number) => Promise<number>

/**
 * Everything that is forgotten when it is old: by its age along an index, so that it costs what is old and not what is
 * kept.
 */
export function forgettingStore(db: Database): Record<string, Forget> {
  return {
    /** No session is longer. */
    sessions: (now, most) => forget('sessions', 'token_hash', 'created_at', now - day, most),
    links: (now, most) => forget('sign_in_links', 'token_hash', 'expires_at', now, most),
    /** No limit looks further back. */
    attempts: (now, most) => forget('login_attempts', 'account', 'latest_at', now - day, most),
    /** No server sends an update again that is older. */
    updates: (now, most) => forget('seen_updates', 'bot, update_id', 'seen_at', now - 3 * day, most),
    /** Answers are counted by the day. */
    answers: (now, most) => forget('mail_receipts', 'job_id', 'at', now - day, most),
    canaries: (now, most) => forget('mail_canaries', 'id', 'sent_at', now - day, most),

    /** The addresses of chats to whom all has been said; from then on the minute is enough. */
    async chats(now, most) {
      const old = oldest('drafts', 'id', 'heard_at', now - 3 * day, most, isFinished)
      const { numAffectedRows } = await sql`update drafts set target = null,
        heard_at = heard_at - heard_at % 60000, created_at = created_at - created_at % 60000
        where id in (${old})`.execute(db)
      return Number(numAffectedRows)
    },
  }

  async function forget(
    table: keyof Tables,
    key: string,
    age: string,
    until: number,
    most: number,
  ): Promise<number> {
    const { numAffectedRows } = await sql`delete from ${sql.table(table)}
      where (${sql.raw(key)}) in (${oldest(table, key, age, until, most)})`.execute(db)
    return Number(numAffectedRows)
  }
}

/** Literally as the partial index has it, so that SQLite sees that it fits. */
const isFinished = sql`state = 'sent' and target is not null`

function oldest(
  table: keyof Tables,
  key: string,
  age: string,
  until: number,
  most: number,
  rule: RawBuilder<unknown> = sql`true`,
): RawBuilder<unknown> {
  return sql`select ${sql.raw(key)} from ${sql.table(table)}
    where ${sql.ref(age)} <= ${until} and ${rule} order by ${sql.ref(age)} limit ${sql.lit(most)}`
}
