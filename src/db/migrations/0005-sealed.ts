import { type Kysely, sql } from 'kysely'

/** Sealing: the desk's keys and who holds them, and what tells how the content of a conversation is sealed. */
export async function up(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .createTable('desk_keys')
    .addColumn('recipient', 'text', (c) => c.primaryKey())
    .addColumn('created_at', 'bigint', (c) => c.notNull())
    .addColumn('retired_at', 'bigint')
    .execute()

  // One is current, whoever makes them.
  await sql`create unique index one_current_desk_key on desk_keys ((1)) where retired_at is null`.execute(db)

  await db.schema
    .createTable('key_holders')
    .addColumn('id', 'text', (c) => c.primaryKey())
    .addColumn('editor_id', 'text')
    .addColumn('recipient', 'text', (c) => c.notNull())
    .addColumn('created_at', 'bigint', (c) => c.notNull())
    .execute()
  await db.schema
    .createIndex('key_holders_of_editor')
    .on('key_holders')
    .column('editor_id')
    .unique()
    .execute()

  await db.schema
    .createTable('key_wraps')
    .addColumn('id', 'text', (c) => c.primaryKey())
    .addColumn('holder_id', 'text', (c) => c.notNull())
    .addColumn('way', 'text', (c) => c.notNull())
    .addColumn('wrapped', 'text', (c) => c.notNull())
    .execute()
  await db.schema.createIndex('key_wraps_of_holder').on('key_wraps').column('holder_id').execute()

  await db.schema
    .createTable('key_grants')
    .addColumn('desk_key', 'text', (c) => c.notNull())
    .addColumn('holder_id', 'text', (c) => c.notNull())
    .addColumn('sealed', 'text', (c) => c.notNull())
    .addPrimaryKeyConstraint('key_grants_once', ['desk_key', 'holder_id'])
    .execute()

  await addColumn(db, 'sessions', 'secret', 'text')
  await addColumn(db, 'submissions', 'is_confidential', 'integer not null default 0')
  await addColumn(db, 'submissions', 'bond', `text not null default ''`)
  await addColumn(db, 'submissions', 'sender_recipient', 'text')
  await addColumn(db, 'submissions', 'sealed_for', 'text')
  await addColumn(db, 'submissions', 'contact', 'text')
  await addColumn(db, 'attachments', 'is_sealed', 'integer not null default 0')
  await addColumn(db, 'attachments', 'came_with', 'text')
  await addColumn(db, 'messages', 'settles', 'text')
  await addColumn(db, 'deliveries', 'passing', 'text')
  await addColumn(db, 'open_pieces', 'bond', `text not null default ''`)
  await addColumn(db, 'open_pieces', 'sender_recipient', 'text')
  await addColumn(db, 'open_parts', 'block', 'text')
  await addColumn(db, 'open_parts', 'awaited', 'text')

  await sql`create index submissions_confidential on submissions (is_confidential, sealed_for) where is_confidential = 1`.execute(
    db,
  )
  await sql`update submissions set is_confidential = 1 where kind in ('expose', 'news-tip')`.execute(db)
  await sql`update submissions set bond = id`.execute(db)
}

async function addColumn(db: Kysely<unknown>, table: string, name: string, type: string): Promise<void> {
  await sql`alter table ${sql.table(table)} add column ${sql.ref(name)} ${sql.raw(type)}`.execute(db)
}
