import { type Kysely, sql } from 'kysely'

const day = 86_400_000

/** Deliveries that another side had asked to wait for years: they are tried again a day after they were first tried. */
export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`update deliveries set due_at = tried_since + ${sql.lit(day)}
    where state = 'pending' and due_at > tried_since + ${sql.lit(10 * day)}`.execute(db)
}
