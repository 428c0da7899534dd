import { type Kysely, sql } from 'kysely'

/**
 * A lease is a process's, and lives as long as that renews it: no time stands in it that two clocks could disagree about.
 * A delivery remembers in which lane it goes.
 */
export async function up(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .createTable('leases')
    .addColumn('id', 'text', (c) => c.primaryKey())
    .addColumn('renewals', 'bigint', (c) => c.notNull())
    .execute()
  await sql`update deliveries set lease = null where state = 'pending' and lease is not null`.execute(db)
  await db.schema.alterTable('deliveries').dropColumn('leased_until').execute()
  await db.schema.alterTable('deliveries').addColumn('lane', 'text').execute()
}
