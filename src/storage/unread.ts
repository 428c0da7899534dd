import { hash } from 'node:crypto'
import { newId } from '../id.ts'
import type { Database } from './database.ts'

export type UnreadStore = ReturnType<typeof unreadStore>

/** Something that came in and could not be understood, kept as it came so that nobody's words are lost. */
export type UnreadArrival = { id: string; source: string; reason: string; raw: string; createdAt: number }

export function unreadStore(db: Database) {
  return {
    /** Keeps an arrival raw, once however often it comes. NULs, which no text column holds, become U+FFFD. */
    async keep(arrival: Omit<UnreadArrival, 'id'>): Promise<void> {
      const { source, reason, raw, createdAt } = arrival
      await db
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
        .execute()
    },

    /** The latest, newest first. */
    async latest(count: number): Promise<UnreadArrival[]> {
      const rows = await db
        .selectFrom('unread_arrivals')
        .selectAll()
        .orderBy('id', 'desc')
        .limit(count)
        .execute()
      return rows.map(({ created_at, digest: _, ...row }) => ({ ...row, createdAt: created_at }))
    },
  }
}
