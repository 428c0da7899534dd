import { type Kysely, sql } from 'kysely'

/** An answer, or a decision, has a time from which its sender is told; until then its editor can stop it. */
export async function up(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .alterTable('messages')
    .addColumn('told_at', 'bigint', (column) => column.notNull().defaultTo(0))
    .execute()
  await db.schema.alterTable('submissions').addColumn('moved_told_at', 'bigint').execute()
  await sql`update messages set told_at = created_at`.execute(db)
  await sql`update submissions set moved_told_at = moved_at`.execute(db)
}
