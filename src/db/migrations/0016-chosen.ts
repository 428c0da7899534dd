import type { Kysely } from 'kysely'

/** Whether somebody chose the kind of what their chat gathers, or it is the usual one. */
export async function up(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .alterTable('open_pieces')
    .addColumn('is_chosen', 'integer', (c) => c.notNull().defaultTo(0))
    .execute()
}
