import { coarseId, minuteOf } from '../core/ids.ts'
import type { Database } from '../db/open.ts'
import type { Tables } from '../db/schema.ts'
import { type ContentAccess, type Keys, noKeys, type ProcessKey } from '../encryption/types.ts'
import { insertJobs } from '../jobs/enqueue-store.ts'
import type { Writing } from './write-context.ts'

export type DeadLetterStore = ReturnType<typeof deadLetterStore>

/** Something that came in and could not be understood, kept as it came so that nobody's words are lost. */
type DeadLetter = { source: string; reason: string; raw: string; createdAt: number }

/** What came in as it is stored, and the desk key that it is encrypted for. */
type EncryptedRaw = Pick<Tables['dead_letters'], 'raw' | 'encrypted_for'>

type ShownDeadLetter = DeadLetter & { id: string; access: ContentAccess }

/** It belongs to no conversation. */
export const deadLetterContext = 'unread'

/** What could not be understood is encrypted for the desk: nobody knows yet what it is. */
export function deadLetterStore(
  db: Database,
  { contents, recipientsStore, processCodec }: Writing,
  processKey: ProcessKey,
) {
  return {
    /** Keeps an idempotency key raw, once however often it comes to this process. */
    async keep(deadLetter: DeadLetter): Promise<void> {
      await insert(db, deadLetter, await encrypted(deadLetter.raw))
    },

    /** Keeps an idempotency key that could not be handled just now, and has it tried again while this process lives. */
    async keepToRetry(deadLetter: DeadLetter): Promise<void> {
      const raw = await encrypted(deadLetter.raw)
      await db.transaction().execute(async (trx) => {
        const id = await insert(trx, deadLetter, raw)
        if (!id) return
        const again = {
          type: 'chat-update' as const,
          target: id,
          ephemeralPayload: { text: deadLetter.raw },
        }
        await insertJobs(trx, [again], deadLetter.createdAt, processCodec)
      })
    },

    /** It has been understood after all. */
    async forget(id: string): Promise<void> {
      await db.deleteFrom('dead_letters').where('id', '=', id).execute()
    },

    /** The latest, newest first, as far as `keys` open them. */
    async latest(count: number, keys: Keys = noKeys): Promise<ShownDeadLetter[]> {
      const rows = await db
        .selectFrom('dead_letters')
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
          ...(await contents.readRaw(raw, deadLetterContext, keys)),
        })),
      )
    },
  }

  async function encrypted(raw: string): Promise<EncryptedRaw> {
    const desk = await recipientsStore.desk()
    return {
      raw: await contents.writeRaw(raw, { contextId: deadLetterContext, desk, sender: null }),
      encrypted_for: desk,
    }
  }

  /** Gives the id; undefined if the same was kept before. */
  async function insert(
    trx: Database,
    deadLetter: DeadLetter,
    encryptedRaw: EncryptedRaw,
  ): Promise<string | undefined> {
    const { source, reason, raw, createdAt } = deadLetter
    const row = await trx
      .insertInto('dead_letters')
      .values({
        id: coarseId(createdAt),
        digest: processKey.digest(`${source}\0${raw}`),
        source,
        reason,
        ...encryptedRaw,
        created_at: minuteOf(createdAt),
      })
      .onConflict((oc) => oc.column('digest').doNothing())
      .returning('id')
      .executeTakeFirst()
    return row?.id
  }
}
