import type { Kysely } from 'kysely'

/** The mail door: which mail belongs to which submission, how often an address was answered, mails sent to ourselves. */
export async function up(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .createTable('mail_threads')
    .addColumn('message', 'text', (c) => c.notNull())
    .addColumn('address', 'text', (c) => c.notNull())
    .addColumn('submission_id', 'text', (c) => c.notNull())
    .addPrimaryKeyConstraint('mail_threads_once', ['message', 'address'])
    .execute()

  await db.schema
    .createTable('mail_answers')
    .addColumn('delivery_id', 'text', (c) => c.primaryKey())
    .addColumn('address', 'text', (c) => c.notNull())
    .addColumn('at', 'bigint', (c) => c.notNull())
    .execute()
  await db.schema.createIndex('mail_answers_of').on('mail_answers').columns(['address', 'at']).execute()
  await db.schema.createIndex('mail_answers_by_time').on('mail_answers').column('at').execute()

  await db.schema
    .createTable('mail_canaries')
    .addColumn('id', 'text', (c) => c.primaryKey())
    .addColumn('sent_at', 'bigint', (c) => c.notNull())
    .addColumn('came_at', 'bigint')
    .addColumn('came_by', 'text')
    .execute()
}
