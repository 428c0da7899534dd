import type { Kysely } from 'kysely'

/**
 * For which host a passkey was made, for a browser gives it to no other; those that are there were made for the host of
 * the public address. And how many codes of an authenticator app were guessed wrong since the last good one.
 */
export async function up(db: Kysely<unknown>): Promise<void> {
  await db.schema.alterTable('passkeys').addColumn('host', 'text').execute()
  await db.schema
    .alterTable('editors')
    .addColumn('wrong_codes', 'integer', (c) => c.notNull().defaultTo(0))
    .execute()
}
