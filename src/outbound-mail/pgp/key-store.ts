import { z } from 'zod'
import type { Noted } from '../../audit/security-event.ts'
import { noteIf } from '../../audit/store.ts'
import type { Database } from '../../db/open.ts'
import type { Tables } from '../../db/schema.ts'
import type { StoredPgpKey } from './key.ts'

export type PgpKeyStore = ReturnType<typeof pgpKeyStore>

const Names = z.array(z.string())

/** The public keys of editors, one each. */
export function pgpKeyStore(db: Database) {
  return {
    async of(editorId: string): Promise<StoredPgpKey | undefined> {
      const row = await db
        .selectFrom('pgp_keys')
        .selectAll()
        .where('editor_id', '=', editorId)
        .executeTakeFirst()
      return row && keyOf(row)
    },

    /** By the ids of the editors whose they are. */
    async all(): Promise<Map<string, StoredPgpKey>> {
      const rows = await db.selectFrom('pgp_keys').selectAll().execute()
      return new Map(rows.map((row) => [row.editor_id, keyOf(row)]))
    },

    /** The key of the editor who has this address, in whichever case it is written; armored. */
    async ofAddress(address: string): Promise<string | undefined> {
      const row = await db
        .selectFrom('pgp_keys')
        .innerJoin('editors', 'editors.id', 'pgp_keys.editor_id')
        .select('armored')
        .where('email', '=', address.trim().toLowerCase())
        .where('removed_at', 'is', null)
        .executeTakeFirst()
      return row?.armored
    },

    /** True if there is somebody to whom encrypted mail can be sent now. */
    async isAnyGood(now: number): Promise<boolean> {
      return (await editorsWithGoodKey(db, now)).size > 0
    },

    /** In place of the one that was there. */
    async keep(editorId: string, key: StoredPgpKey, noted?: Noted): Promise<void> {
      const row = rowOf(key)
      await db.transaction().execute(async (trx) => {
        await trx
          .insertInto('pgp_keys')
          .values({ editor_id: editorId, ...row })
          .onConflict((oc) => oc.column('editor_id').doUpdateSet(row))
          .execute()
        await noteIf(trx, noted)
      })
    },

    async remove(editorId: string, noted?: Noted): Promise<void> {
      await db.transaction().execute(async (trx) => {
        await trx.deleteFrom('pgp_keys').where('editor_id', '=', editorId).execute()
        await noteIf(trx, noted)
      })
    },
  }
}

/** The editors, with an account, whose key is good at this time. */
export async function editorsWithGoodKey(db: Database, now: number): Promise<Set<string>> {
  const rows = await db
    .selectFrom('pgp_keys')
    .innerJoin('editors', 'editors.id', 'pgp_keys.editor_id')
    .select('editor_id')
    .where('removed_at', 'is', null)
    .where('is_revoked', '=', 0)
    .where((eb) => eb.or([eb('usable_until', 'is', null), eb('usable_until', '>', now)]))
    .execute()
  return new Set(rows.map((row) => row.editor_id))
}

function keyOf(row: Tables['pgp_keys']): StoredPgpKey {
  return {
    armored: row.armored,
    fingerprint: row.fingerprint,
    algorithm: row.algorithm,
    names: Names.parse(JSON.parse(row.names)),
    usableUntil: row.usable_until,
    isRevoked: row.is_revoked === 1,
    wasLookedUp: row.was_looked_up === 1,
    givenAt: row.given_at,
  }
}

function rowOf(key: StoredPgpKey): Omit<Tables['pgp_keys'], 'editor_id'> {
  return {
    armored: key.armored,
    fingerprint: key.fingerprint,
    algorithm: key.algorithm,
    names: JSON.stringify(key.names),
    usable_until: key.usableUntil,
    is_revoked: key.isRevoked ? 1 : 0,
    was_looked_up: key.wasLookedUp ? 1 : 0,
    given_at: key.givenAt,
  }
}
