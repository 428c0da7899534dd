import { type Kysely, sql } from 'kysely'

/**
 * What a chat adds to a piece has to be found when that is erased. And what strangers sent by mail was sealed for the sender
 * too: it is to be sealed anew.
 */
export async function up(db: Kysely<unknown>): Promise<void> {
  await db.schema.createIndex('open_pieces_joining').on('open_pieces').column('joins').execute()
  await sql`update submissions set sealed_for = null where is_confidential = 1
    and id in (select submission_id from messages where author = 'stranger')`.execute(db)
}
