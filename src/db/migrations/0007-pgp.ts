import type { Kysely } from 'kysely'

/** The public keys that mail to editors is encrypted for. */
export async function up(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .createTable('pgp_keys')
    .addColumn('editor_id', 'text', (c) => c.primaryKey())
    .addColumn('armored', 'text', (c) => c.notNull())
    .addColumn('fingerprint', 'text', (c) => c.notNull())
    .addColumn('algorithm', 'text', (c) => c.notNull())
    .addColumn('names', 'text', (c) => c.notNull())
    .addColumn('usable_until', 'bigint')
    .addColumn('is_revoked', 'integer', (c) => c.notNull())
    .addColumn('was_looked_up', 'integer', (c) => c.notNull())
    .addColumn('given_at', 'bigint', (c) => c.notNull())
    .execute()
}
