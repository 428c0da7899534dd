import { sql } from 'kysely'
import type { SecurityEvent } from '../../audit/security-event.ts'
import { noteSecurityEvent } from '../../audit/store.ts'
import type { Database } from '../../db/open.ts'
import type { Role, Standing } from '../../db/values.ts'
import type { ProcessCodec } from '../../encryption/process-codec.ts'
import type { Recipient } from '../../encryption/types.ts'
import { insertJobs } from '../../jobs/enqueue-store.ts'
import type { NewJob } from '../../jobs/job.ts'
import type { Passkey } from '../editor.ts'
import { addEditor, lockAccounts, removeEditor } from '../editor-store.ts'
import {
  deletePasskey,
  insertPasskey,
  readPassphrase,
  resetFactors,
  writePassphrase,
} from '../factor-store.ts'
import { endSessions } from '../session-store.ts'
import type { KeyGrant, KeyHolder, KeyMoves, KeyWrap, OwnHolder, StandingHolder } from './key-holders.ts'

export type KeyRingStore = ReturnType<typeof keyRingStore>

/** The desk's keys and their holders. Nothing in here opens anything without what its holders bring. */
export function keyRingStore(db: Database, processCodec: ProcessCodec) {
  return {
    ...rowsOf(db),

    /**
     * Does all that one step moves in one transaction. Steps exclude each other, on every machine; the accounts of editors
     * are locked meanwhile.
     */
    async together<T>(work: (moves: KeyMoves) => Promise<T>): Promise<T> {
      return db.transaction().execute(async (trx) => {
        await lockAccounts(trx)
        return work({ ...rowsOf(trx), ...movesOf(trx), ...accountsOf(trx, processCodec) })
      })
    },
  }
}

/** What is read of the ring, also within a step. */
function rowsOf(db: Database) {
  return {
    /** The key that everything new is encrypted for; undefined until the first start has made it. */
    current: () => currentDeskKey(db),

    isNeeded: () => isNeeded(db),

    /** How many keys there have been: who holds fewer cannot open everything. */
    async count(): Promise<number> {
      const row = await db
        .selectFrom('desk_keys')
        .select((eb) => eb.fn.countAll().as('n'))
        .executeTakeFirstOrThrow()
      return Number(row.n)
    },

    /** How much needs one of these keys: what is encrypted partly for one and partly for another counts for each. */
    async countEncryptedFor(keys: Recipient[]): Promise<number> {
      if (keys.length === 0) return 0
      let count = 0
      for (const table of ['submissions', 'dead_letters'] as const) {
        const { rows } = await sql<{ n: number | string }>`select count(*) as n from ${sql.table(table)}
          where ${table === 'submissions' ? sql<boolean>`is_confidential = 1` : sql<boolean>`true`}
          and (encrypted_for is null or encrypted_for in (${sql.join(keys)}))`.execute(db)
        count += Number(rows[0]?.n)
      }
      const gathered = await db
        .selectFrom('drafts')
        .select((eb) => eb.fn.countAll().as('n'))
        .where('context_id', '!=', '')
        .where('submission_id', 'is', null)
        .executeTakeFirstOrThrow()
      return count + Number(gathered.n)
    },

    /** Everybody who holds keys: which they were granted, and by which ways they come to them. */
    async holders(): Promise<StandingHolder[]> {
      const rows = await db.selectFrom('key_holders').selectAll().orderBy('id').execute()
      const grants = await db.selectFrom('key_grants').select(['holder_id', 'desk_key']).execute()
      const wraps = await db.selectFrom('key_wraps').select(['holder_id', 'way']).execute()
      const keysOf = Map.groupBy(grants, ({ holder_id }) => holder_id)
      const waysOf = Map.groupBy(wraps, ({ holder_id }) => holder_id)
      return rows.map((row) => ({
        ...holderOf(row),
        createdAt: row.created_at,
        keys: (keysOf.get(row.id) ?? []).map(({ desk_key }) => desk_key),
        ways: (waysOf.get(row.id) ?? []).map(({ way }) => way),
      }))
    },

    /** Those who have an account. */
    async editorIds(): Promise<string[]> {
      const rows = await db.selectFrom('editors').select('id').where('removed_at', 'is', null).execute()
      return rows.map(({ id }) => id)
    },

    /** By what an editor holds keys, the newest first. */
    async holdersOf(editorId: string): Promise<OwnHolder[]> {
      const rows = await db
        .selectFrom('key_holders')
        .selectAll()
        .where('editor_id', '=', editorId)
        .orderBy('id', 'desc')
        .execute()
      return rows.map((row) => ({
        ...holderOf(row),
        createdAt: row.created_at,
        passphrase: row.passphrase,
        askedIn: row.asked_in,
      }))
    },

    async holderFor(recipient: string): Promise<KeyHolder | undefined> {
      const row = await db
        .selectFrom('key_holders')
        .selectAll()
        .where('recipient', '=', recipient)
        .executeTakeFirst()
      return row && holderOf(row)
    },

    async grantsOf(holderId: string): Promise<KeyGrant[]> {
      const rows = await db.selectFrom('key_grants').selectAll().where('holder_id', '=', holderId).execute()
      return rows.map((row) => ({ deskKey: row.desk_key, holderId, encrypted: row.encrypted }))
    },

    /** A wrap, and whose it is. */
    async wrapped(id: string): Promise<(KeyWrap & { holder: KeyHolder }) | undefined> {
      const row = await db
        .selectFrom('key_wraps')
        .innerJoin('key_holders', 'key_holders.id', 'holder_id')
        .select(['key_wraps.id', 'way', 'wrapped', 'holder_id', 'editor_id', 'recipient', 'standing'])
        .where('key_wraps.id', '=', id)
        .executeTakeFirst()
      if (!row) return undefined
      const holder = holderOf({ ...row, id: row.holder_id })
      return { id: row.id, way: row.way, wrapped: row.wrapped, holder }
    },

    /** What the identity of a holder is kept under. */
    async wrapsOf(holderId: string): Promise<Pick<KeyWrap, 'id' | 'way'>[]> {
      return db.selectFrom('key_wraps').select(['id', 'way']).where('holder_id', '=', holderId).execute()
    },
  }
}

/** What a step changes in the ring. */
function movesOf(trx: Database) {
  return {
    /**
     * Puts a new key in the place of the current one, with its grants. A key that nothing was encrypted for is
     * forgotten.
     */
    async replaceKey(key: Recipient, grants: KeyGrant[], at: number): Promise<void> {
      const before = await currentDeskKey(trx)
      await trx.updateTable('desk_keys').set({ retired_at: at }).where('retired_at', 'is', null).execute()
      await trx.insertInto('desk_keys').values({ recipient: key, created_at: at, retired_at: null }).execute()
      await insertGrants(trx, grants)
      if (before && !(await isNeeded(trx))) await forget(trx, before)
    },

    async addHolder(holder: KeyHolder, at: number): Promise<void> {
      await trx
        .insertInto('key_holders')
        .values({
          id: holder.id,
          editor_id: holder.editorId,
          recipient: holder.recipient,
          created_at: at,
          standing: holder.standing,
        })
        .execute()
    },

    /**
     * Forgets holders, with what they were granted, what their identities were kept under, and the links that bore
     * those.
     */
    async dropHolders(ids: string[]): Promise<void> {
      if (ids.length === 0) return
      const links = trx
        .selectFrom('key_wraps')
        .select('id')
        .where('holder_id', 'in', ids)
        .where('way', '=', 'link')
      await trx.deleteFrom('sign_in_links').where('token_hash', 'in', links).execute()
      await trx.deleteFrom('key_wraps').where('holder_id', 'in', ids).execute()
      await trx.deleteFrom('key_grants').where('holder_id', 'in', ids).execute()
      await trx.deleteFrom('key_holders').where('id', 'in', ids).execute()
    },

    async changeStanding(ids: string[], standing: Standing): Promise<void> {
      if (ids.length === 0) return
      await trx.updateTable('key_holders').set({ standing }).where('id', 'in', ids).execute()
    },

    async keepPassphrase(holderId: string, hash: string | null, askedIn?: string): Promise<void> {
      await trx
        .updateTable('key_holders')
        .set({ passphrase: hash, asked_in: askedIn ?? null })
        .where('id', '=', holderId)
        .execute()
    },

    async grant(grants: KeyGrant[]): Promise<void> {
      await insertGrants(trx, grants)
    },

    /** Keeps the identity of a holder under something that they bring; what was kept under the same name is replaced. */
    async wrap(holderId: string, wrap: KeyWrap): Promise<void> {
      await trx
        .insertInto('key_wraps')
        .values({ ...wrap, holder_id: holderId })
        .onConflict((oc) => oc.column('id').doUpdateSet({ holder_id: holderId, wrapped: wrap.wrapped }))
        .execute()
    },

    async renameWrap(from: string, to: string): Promise<void> {
      await trx.updateTable('key_wraps').set({ id: to }).where('id', '=', from).execute()
    },

    async dropWraps(ids: string[]): Promise<void> {
      if (ids.length === 0) return
      await trx.deleteFrom('key_wraps').where('id', 'in', ids).execute()
    },

    /** Ends sign-in links, by the hashes of their tokens. */
    async dropLinks(hashes: string[]): Promise<void> {
      if (hashes.length === 0) return
      await trx.deleteFrom('sign_in_links').where('token_hash', 'in', hashes).execute()
    },
  }
}

/** What a step changes in the accounts of editors along with it. */
function accountsOf(trx: Database, processCodec: ProcessCodec) {
  return {
    addEditor: (email: string, role: Role, now: number) => addEditor(trx, email, role, now),

    removeEditor: (id: string, now: number, options?: { lastAdminToo?: boolean }) =>
      removeEditor(trx, id, now, options),

    resetFactors: (editorId: string) => resetFactors(trx, editorId),

    passphrase: (editorId: string) => readPassphrase(trx, editorId),

    setPassphrase: (editorId: string, hash: string) => writePassphrase(trx, editorId, hash),

    endSessions: (editorId: string, except: string | undefined) => endSessions(trx, editorId, except),

    addPasskey: (passkey: Omit<Passkey, 'usedAt'>) => insertPasskey(trx, passkey),

    removePasskey: (editorId: string, id: string) => deletePasskey(trx, editorId, id),

    async addLink(tokenHash: string, editorId: string, expiresAt: number): Promise<void> {
      await trx
        .insertInto('sign_in_links')
        .values({ token_hash: tokenHash, editor_id: editorId, expires_at: expiresAt })
        .execute()
    },

    /** Puts a mail into the outbox. */
    post: async (job: NewJob, now: number) => {
      await insertJobs(trx, [job], now, processCodec)
    },

    /** Writes into the audit log, and has told whom it concerns. */
    note: (event: SecurityEvent, now: number) => noteSecurityEvent(trx, event, now),
  }
}

/** The key that everything new is encrypted for. */
async function currentDeskKey(db: Database): Promise<Recipient | undefined> {
  const row = await db
    .selectFrom('desk_keys')
    .select('recipient')
    .where('retired_at', 'is', null)
    .executeTakeFirst()
  return row?.recipient
}

/** True if anything is encrypted for the desk. */
async function isNeeded(trx: Database): Promise<boolean> {
  const encrypted = await trx
    .selectFrom('submissions')
    .select('id')
    .where('is_confidential', '=', sql.lit(1))
    .limit(1)
    .executeTakeFirst()
  const kept = await trx.selectFrom('dead_letters').select('id').limit(1).executeTakeFirst()
  const gathered = await trx
    .selectFrom('drafts')
    .select('id')
    .where('context_id', '!=', '')
    .limit(1)
    .executeTakeFirst()
  return (encrypted ?? kept ?? gathered) !== undefined
}

/** A key that nothing was ever encrypted for. */
async function forget(trx: Database, key: Recipient): Promise<void> {
  await trx.deleteFrom('key_grants').where('desk_key', '=', key).execute()
  await trx.deleteFrom('desk_keys').where('recipient', '=', key).execute()
}

async function insertGrants(trx: Database, grants: KeyGrant[]): Promise<void> {
  if (grants.length === 0) return
  await trx
    .insertInto('key_grants')
    .values(
      grants.map((one) => ({ desk_key: one.deskKey, holder_id: one.holderId, encrypted: one.encrypted })),
    )
    .onConflict((oc) => oc.doNothing())
    .execute()
}

function holderOf(row: {
  id: string
  editor_id: string | null
  recipient: string
  standing: Standing
}): KeyHolder {
  return { id: row.id, editorId: row.editor_id, recipient: row.recipient, standing: row.standing }
}
