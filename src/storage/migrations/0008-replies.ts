import type { Kysely } from 'kysely'

/** What a chat adds to a piece has to be found when that is erased. */
export async function up(db: Kysely<unknown>): Promise<void> {
  await db.schema.createIndex('open_pieces_joining').on('open_pieces').column('joins').execute()
}
