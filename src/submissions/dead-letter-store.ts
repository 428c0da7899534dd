import { coarseId, minuteOf } from '../core/ids.ts'
import type { Database } from '../db/open.ts'
import type { Tables } from '../db/schema.ts'
import { type Keys, type Memory, noKeys, type SealState } from '../encryption/types.ts'
import { insertDeliveries } from '../jobs/enqueue-store.ts'
import type { Writing } from './write-context.ts'

export type UnreadStore = ReturnType<typeof unreadStore>

/** Something that came in and could not be understood, kept as it came so that nobody's words are lost. */
export type UnreadArrival = { source: string; reason: string; raw: string; createdAt: number }

/** What came in as it is stored, and the desk key that it is sealed for. */
type SealedRaw = Pick<Tables['unread_arrivals'], 'raw' | 'sealed_for'>

export type ShownUnread = UnreadArrival & { id: string; seal: SealState }

/** It belongs to no conversation. */
export const unreadBond = 'unread'

/** What could not be understood is sealed for the desk: nobody knows yet what it is. */
export function unreadStore(db: Database, { contents, sealings, hidden }: Writing, memory: Memory) {
  return {
    /** Keeps an arrival raw, once however often it comes to this process. */
    async keep(arrival: UnreadArrival): Promise<void> {
      await insert(db, arrival, await sealed(arrival.raw))
    },

    /** Keeps an arrival that could not be handled just now, and has it tried again while this process lives. */
    async keepToRetry(arrival: UnreadArrival): Promise<void> {
      const raw = await sealed(arrival.raw)
      await db.transaction().execute(async (trx) => {
        const id = await insert(trx, arrival, raw)
        if (!id) return
        const again = { purpose: 'chat-update' as const, target: id, passing: { text: arrival.raw } }
        await insertDeliveries(trx, [again], arrival.createdAt, hidden)
      })
    },

    /** It has been understood after all. */
    async forget(id: string): Promise<void> {
      await db.deleteFrom('unread_arrivals').where('id', '=', id).execute()
    },

    /** The latest, newest first, as far as `keys` open them. */
    async latest(count: number, keys: Keys = noKeys): Promise<ShownUnread[]> {
      const rows = await db
        .selectFrom('unread_arrivals')
        .selectAll()
        .orderBy('id', 'desc')
        .limit(count)
        .execute()
      return Promise.all(
        rows.map(async ({ id, source, reason, created_at: createdAt, raw }) => ({
          id,
          source,
          reason,
          createdAt,
          ...(await contents.readRaw(raw, unreadBond, keys)),
        })),
      )
    },
  }

  async function sealed(raw: string): Promise<SealedRaw> {
    const desk = await sealings.desk()
    return { raw: await contents.writeRaw(raw, { bond: unreadBond, desk, sender: null }), sealed_for: desk }
  }

  /** Gives the id; undefined if the same was kept before. */
  async function insert(
    trx: Database,
    arrival: UnreadArrival,
    sealedRaw: SealedRaw,
  ): Promise<string | undefined> {
    const { source, reason, raw, createdAt } = arrival
    const row = await trx
      .insertInto('unread_arrivals')
      .values({
        id: coarseId(createdAt),
        digest: memory.digest(`${source}\0${raw}`),
        source,
        reason,
        ...sealedRaw,
        created_at: minuteOf(createdAt),
      })
      .onConflict((oc) => oc.column('digest').doNothing())
      .returning('id')
      .executeTakeFirst()
    return row?.id
  }
}
