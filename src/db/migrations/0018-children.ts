import { type Kysely, sql } from 'kysely'

/**
 * How often a delivery was begun since its last outcome. Files from Telegram are fetched by a carrier of their own, so
 * that nothing that is said to a chat waits for them.
 */
export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`alter table deliveries add column begun integer not null default 0`.execute(db)
  await sql`update deliveries set carrier = 'file' where purpose = 'telegram-file'`.execute(db)
}
