import { sql } from 'kysely'
import type { KeyGrant, KeyHolder, KeyWrap, WrapWay } from '../key-ring.ts'
import type { Recipient } from '../seal.ts'
import type { Database } from './database.ts'
import type { Tables } from './schema.ts'

export type KeyRingStore = ReturnType<typeof keyRingStore>

/** The desk's keys and their holders. Nothing in here opens anything without what its holders bring. */
export function keyRingStore(db: Database) {
  return {
    /** The key that everything new is sealed for; undefined until the first start has made it. */
    current: () => currentDeskKey(db),

    /** Puts a new key in the place of the current one, with its grants. False if another machine was faster. */
    async rotate(
      key: Recipient,
      before: Recipient | undefined,
      grants: KeyGrant[],
      at: number,
    ): Promise<boolean> {
      return db.transaction().execute(async (trx) => {
        if (before) {
          const retired = await trx
            .updateTable('desk_keys')
            .set({ retired_at: at })
            .where('recipient', '=', before)
            .where('retired_at', 'is', null)
            .returning('recipient')
            .executeTakeFirst()
          if (!retired) return false
        }
        const made = await trx
          .insertInto('desk_keys')
          .values({ recipient: key, created_at: at, retired_at: null })
          .onConflict((oc) => oc.doNothing())
          .returning('recipient')
          .executeTakeFirst()
        if (!made) return false
        await insertGrants(trx, grants)
        if (before && !(await isNeeded(trx))) await forget(trx, before)
        return true
      })
    },

    isNeeded: () => isNeeded(db),

    /** How many keys there have been: who holds fewer cannot open everything. */
    async count(): Promise<number> {
      const row = await db
        .selectFrom('desk_keys')
        .select((eb) => eb.fn.countAll().as('n'))
        .executeTakeFirstOrThrow()
      return Number(row.n)
    },

    async holders(): Promise<(KeyHolder & { grants: number })[]> {
      const rows = await db
        .selectFrom('key_holders')
        .leftJoin('key_grants', 'holder_id', 'key_holders.id')
        .select((eb) => ['id', 'editor_id', 'recipient', eb.fn.count('desk_key').as('grants')])
        .groupBy(['id', 'editor_id', 'recipient'])
        .orderBy('id')
        .execute()
      return rows.map((row) => ({ ...holderOf(row), grants: Number(row.grants) }))
    },

    async holderOf(editorId: string): Promise<KeyHolder | undefined> {
      const row = await db
        .selectFrom('key_holders')
        .selectAll()
        .where('editor_id', '=', editorId)
        .executeTakeFirst()
      return row && holderOf(row)
    },

    async holderFor(recipient: string): Promise<KeyHolder | undefined> {
      const row = await db
        .selectFrom('key_holders')
        .selectAll()
        .where('recipient', '=', recipient)
        .executeTakeFirst()
      return row && holderOf(row)
    },

    /** Puts a holder in the place of whoever held keys for the same editor, or by the same recovery sheet. */
    async put(holder: KeyHolder, at: number): Promise<void> {
      await db.transaction().execute(async (trx) => {
        await drop(trx, holder.editorId)
        await trx
          .insertInto('key_holders')
          .values({ id: holder.id, editor_id: holder.editorId, recipient: holder.recipient, created_at: at })
          .execute()
      })
    },

    /** Forgets whoever held keys for an editor. */
    async drop(editorId: string | null): Promise<void> {
      await db.transaction().execute((trx) => drop(trx, editorId))
    },

    async grant(grants: KeyGrant[]): Promise<void> {
      await insertGrants(db, grants)
    },

    async grantsOf(holderId: string): Promise<KeyGrant[]> {
      const rows = await db.selectFrom('key_grants').selectAll().where('holder_id', '=', holderId).execute()
      return rows.map((row) => ({ deskKey: row.desk_key, holderId, sealed: row.sealed }))
    },

    /** Keeps the identity of a holder under something that they bring; it takes the place of what `replaces` names. */
    async wrap(holderId: string, wrap: KeyWrap, replaces: WrapWay[] = []): Promise<void> {
      await db.transaction().execute(async (trx) => {
        if (replaces.length > 0) {
          await trx
            .deleteFrom('key_wraps')
            .where('holder_id', '=', holderId)
            .where('way', 'in', replaces)
            .execute()
        }
        await trx
          .insertInto('key_wraps')
          .values({ ...wrap, holder_id: holderId })
          .onConflict((oc) => oc.column('id').doUpdateSet({ holder_id: holderId, wrapped: wrap.wrapped }))
          .execute()
      })
    },

    async dropWrap(id: string): Promise<void> {
      await db.deleteFrom('key_wraps').where('id', '=', id).execute()
    },

    /** A wrap, and whose it is. */
    async wrapped(id: string): Promise<(KeyWrap & { holder: KeyHolder }) | undefined> {
      const row = await db
        .selectFrom('key_wraps')
        .innerJoin('key_holders', 'key_holders.id', 'holder_id')
        .select(['key_wraps.id', 'way', 'wrapped', 'holder_id', 'editor_id', 'recipient'])
        .where('key_wraps.id', '=', id)
        .executeTakeFirst()
      if (!row) return undefined
      const holder = holderOf({ ...row, id: row.holder_id })
      return { id: row.id, way: row.way, wrapped: row.wrapped, holder }
    },

    async wrapsOf(holderId: string): Promise<Pick<KeyWrap, 'id' | 'way'>[]> {
      return db.selectFrom('key_wraps').select(['id', 'way']).where('holder_id', '=', holderId).execute()
    },
  }
}

/** The key that everything new is sealed for. */
export async function currentDeskKey(db: Database): Promise<Recipient | undefined> {
  const row = await db
    .selectFrom('desk_keys')
    .select('recipient')
    .where('retired_at', 'is', null)
    .executeTakeFirst()
  return row?.recipient
}

async function drop(trx: Database, editorId: string | null): Promise<void> {
  const rows = await trx
    .selectFrom('key_holders')
    .select('id')
    .where('editor_id', editorId === null ? 'is' : '=', editorId)
    .execute()
  for (const { id } of rows) {
    await trx.deleteFrom('key_wraps').where('holder_id', '=', id).execute()
    await trx.deleteFrom('key_grants').where('holder_id', '=', id).execute()
    await trx.deleteFrom('key_holders').where('id', '=', id).execute()
  }
}

/** True if anything is sealed for the desk. */
async function isNeeded(trx: Database): Promise<boolean> {
  const sealed = await trx
    .selectFrom('submissions')
    .select('id')
    .where('is_confidential', '=', sql.lit(1))
    .limit(1)
    .executeTakeFirst()
  const kept = await trx.selectFrom('unread_arrivals').select('id').limit(1).executeTakeFirst()
  const gathered = await trx
    .selectFrom('open_pieces')
    .select('id')
    .where('bond', '!=', '')
    .limit(1)
    .executeTakeFirst()
  return (sealed ?? kept ?? gathered) !== undefined
}

/** A key that nothing was ever sealed for. */
async function forget(trx: Database, key: Recipient): Promise<void> {
  await trx.deleteFrom('key_grants').where('desk_key', '=', key).execute()
  await trx.deleteFrom('desk_keys').where('recipient', '=', key).execute()
}

async function insertGrants(trx: Database, grants: KeyGrant[]): Promise<void> {
  if (grants.length === 0) return
  await trx
    .insertInto('key_grants')
    .values(grants.map((one) => ({ desk_key: one.deskKey, holder_id: one.holderId, sealed: one.sealed })))
    .onConflict((oc) => oc.doNothing())
    .execute()
}

function holderOf(row: Pick<Tables['key_holders'], 'id' | 'editor_id' | 'recipient'>): KeyHolder {
  return { id: row.id, editorId: row.editor_id, recipient: row.recipient }
}
