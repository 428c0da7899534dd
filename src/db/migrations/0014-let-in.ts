import type { Kysely } from 'kysely'

/**
 * A holder of keys may wait to be let in, or have given way to another and keep what it had. Of sessions it is known how
 * they were begun, and when their editor last proved who they are.
 */
export async function up(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .alterTable('key_holders')
    .addColumn('standing', 'text', (c) => c.notNull().defaultTo('in'))
    .execute()
  await db.schema.alterTable('key_holders').addColumn('passphrase', 'text').execute()
  await db.schema.alterTable('key_holders').addColumn('asked_in', 'text').execute()
  await db.schema.alterTable('sessions').addColumn('begun_by', 'text').execute()
  await db.schema.alterTable('sessions').addColumn('confirmed_at', 'bigint').execute()
}
