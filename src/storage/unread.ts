import { hash } from 'node:crypto'
import { newId } from '../id.ts'
import type { Database } from './database.ts'
import { insertDeliveries } from './record.ts'
import type { Tables } from './schema.ts'

export type UnreadStore = ReturnType<typeof unreadStore>

/** Something that came in and could not be understood, kept as it came so that nobody's words are lost. */
export type UnreadArrival = { id: string; source: string; reason: string; raw: string; createdAt: number }

export function unreadStore(db: Database) {
  return {
    /** Keeps an arrival raw, once however often it comes. NULs, which no text column holds, become U+FFFD. */
    async keep(arrival: Omit<UnreadArrival, 'id'>): Promise<void> {
      await insert(db, arrival)
    },

    /** Keeps an arrival that could not be handled just now, and has it tried again. */
    async keepToRetry(arrival: Omit<UnreadArrival, 'id'>): Promise<void> {
      await db.transaction().execute(async (trx) => {
        const id = await insert(trx, arrival)
        if (id) await insertDeliveries(trx, [{ purpose: 'chat-update', target: id }], arrival.createdAt)
      })
    },

    async byId(id: string): Promise<UnreadArrival | undefined> {
      const row = await db.selectFrom('unread_arrivals').selectAll().where('id', '=', id).executeTakeFirst()
      return row && unreadOf(row)
    },

    /** It has been understood after all. */
    async forget(id: string): Promise<void> {
      await db.deleteFrom('unread_arrivals').where('id', '=', id).execute()
    },

    /** The latest, newest first. */
    async latest(count: number): Promise<UnreadArrival[]> {
      const rows = await db
        .selectFrom('unread_arrivals')
        .selectAll()
        .orderBy('id', 'desc')
        .limit(count)
        .execute()
      return rows.map(unreadOf)
    },
  }
}

/** Gives the id; undefined if the same was kept before. */
async function insert(db: Database, arrival: Omit<UnreadArrival, 'id'>): Promise<string | undefined> {
  const { source, reason, raw, createdAt } = arrival
  const row = await db
    .insertInto('unread_arrivals')
    .values({
      id: newId(createdAt),
      digest: hash('sha256', `${source}\0${raw}`, 'base64url'),
      source,
      reason,
      raw: raw.replaceAll('\0', '\uFFFD'),
      created_at: createdAt,
    })
    .onConflict((oc) => oc.column('digest').doNothing())
    .returning('id')
    .executeTakeFirst()
  return row?.id
}

function unreadOf({ created_at, digest: _, ...row }: Tables['unread_arrivals']): UnreadArrival {
  return { ...row, createdAt: created_at }
}
