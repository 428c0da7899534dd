import type { Kysely } from 'kysely'

/** What belongs to this database: which folder of files, and which secrets. */
export async function up(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .createTable('installation')
    .addColumn('one', 'integer', (c) => c.primaryKey())
    .addColumn('files_id', 'text', (c) => c.notNull())
    .addColumn('joined_at', 'bigint')
    .addColumn('secrets_mark', 'text')
    .addColumn('probed_at', 'bigint')
    .execute()
}
