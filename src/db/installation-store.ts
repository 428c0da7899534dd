import { sql } from 'kysely'
import type { Database } from './open.ts'

/** What a submission is written to. */
const takenIn = [
  'idempotency_keys',
  'submissions',
  'messages',
  'attachments',
  'jobs',
  'unindexed',
  'mail_threads',
] as const

export type InstallationStore = ReturnType<typeof installationStore>

/** What belongs to this database. */
export type Installation = {
  /** The id that the folder of files bears. */
  filesId: string
  /** True once the folder bears it. */
  isJoined: boolean
  /** By what `secrets.json` is known again; null until there is one. */
  secretsFingerprint: string | null
}

/** The database's own side of what belongs together: the database, the folder of files and the secrets. */
export function installationStore(db: Database) {
  return {
    read,

    /** True if nobody has used this database yet. */
    async isNew(): Promise<boolean> {
      const editor = await db.selectFrom('editors').select('id').limit(1).executeTakeFirst()
      const submission = await db.selectFrom('submissions').select('id').limit(1).executeTakeFirst()
      return editor === undefined && submission === undefined
    },

    /** Says which folder of files will belong to this database, unless another machine has said so already. */
    async begin(filesId: string): Promise<Installation> {
      await db
        .insertInto('installation')
        .values({ one: 1, files_id: filesId, joined_at: null, secrets_fingerprint: null, probed_at: null })
        .onConflict((oc) => oc.doNothing())
        .execute()
      return (await read()) as Installation
    },

    /** The folder of files bears the id. */
    async join(now: number): Promise<void> {
      await db.updateTable('installation').set({ joined_at: now }).where('joined_at', 'is', null).execute()
    },

    /** Keeps by what the secrets are known again, where that is not kept yet; gives what is kept. */
    async keepSecretsFingerprint(mark: string): Promise<string | null> {
      await db
        .updateTable('installation')
        .set({ secrets_fingerprint: mark })
        .where('secrets_fingerprint', 'is', null)
        .execute()
      return (await read())?.secretsFingerprint ?? null
    },

    /** Writes, to see whether anything can be written. @throws where it cannot */
    async probe(now: number): Promise<void> {
      await db.transaction().execute(async (trx) => {
        // Nothing is inserted, but each table has to be there, and to be one that we may write.
        for (const table of takenIn)
          await sql`insert into ${sql.table(table)} select * from ${sql.table(table)} where 1 = 0`.execute(
            trx,
          )
        const row = await trx
          .updateTable('installation')
          .set({ probed_at: now })
          .returning('one')
          .executeTakeFirst()
        if (!row) throw new Error('the database is another one')
      })
    },

    /** From now on this belongs to the database, whatever did before. */
    async adopt(filesId: string, secretsFingerprint: string, now: number): Promise<void> {
      const columns = { files_id: filesId, joined_at: now, secrets_fingerprint: secretsFingerprint }
      await db
        .insertInto('installation')
        .values({ one: 1, ...columns, probed_at: null })
        .onConflict((oc) => oc.column('one').doUpdateSet(columns))
        .execute()
    },
  }

  async function read(): Promise<Installation | undefined> {
    const row = await db.selectFrom('installation').selectAll().executeTakeFirst()
    return (
      row && {
        filesId: row.files_id,
        isJoined: row.joined_at !== null,
        secretsFingerprint: row.secrets_fingerprint,
      }
    )
  }
}
