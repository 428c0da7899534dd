import type { Kysely } from 'kysely'

/**
 * An editor may hold keys by several links, as every start makes them until one was used. Setting a passphrase, or adding
 * a passkey, leaves one.
 */
export async function up(db: Kysely<unknown>): Promise<void> {
  await db.schema.dropIndex('key_holders_of_editor').execute()
  await db.schema.createIndex('key_holders_of_editor').on('key_holders').column('editor_id').execute()
}
