import { type Kysely, sql } from 'kysely'

/** Bots: open pieces of chats and their parts, which chat has which submission, and the API's tokens. */
export async function up(db: Kysely<unknown>): Promise<void> {
  await keepOpenPieces(db)
  await knowChats(db)
  await letBotsIn(db)
}

async function keepOpenPieces(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .createTable('open_pieces')
    .addColumn('id', 'text', (c) => c.primaryKey())
    .addColumn('chat', 'text', (c) => c.notNull())
    .addColumn('kind', 'text', (c) => c.notNull())
    // Empty for none: an index tells nothing of what is null.
    .addColumn('joins', 'text', (c) => c.notNull())
    .addColumn('state', 'text', (c) => c.notNull())
    .addColumn('step', 'text')
    .addColumn('language', 'text')
    .addColumn('target', 'text')
    .addColumn('secret', 'text')
    .addColumn('heard_at', 'bigint', (c) => c.notNull())
    .addColumn('revision', 'integer', (c) => c.notNull())
    .addColumn('shown_message_id', 'bigint')
    .addColumn('shown_revision', 'integer')
    .addColumn('part_count', 'integer', (c) => c.notNull())
    .addColumn('characters', 'integer', (c) => c.notNull())
    .addColumn('last_message_id', 'bigint', (c) => c.notNull())
    .addColumn('submission_id', 'text')
    .addColumn('message_id', 'text')
    .addColumn('created_at', 'bigint', (c) => c.notNull())
    .execute()
  await db.schema
    .createIndex('open_pieces_one_of_a_chat')
    .unique()
    .on('open_pieces')
    .columns(['chat', 'joins'])
    .where(sql<boolean>`state = 'open'`)
    .execute()
  await db.schema
    .createIndex('open_pieces_by_last')
    .on('open_pieces')
    .columns(['chat', 'last_message_id'])
    .execute()

  await db.schema
    .createTable('open_parts')
    .addColumn('chat', 'text', (c) => c.notNull())
    .addColumn('message_id', 'bigint', (c) => c.notNull())
    .addColumn('piece_id', 'text', (c) => c.notNull())
    .addColumn('album', 'text')
    .addColumn('field', 'text')
    .addColumn('sort', 'text', (c) => c.notNull())
    .addColumn('content', 'text')
    .addColumn('digest', 'text', (c) => c.notNull())
    .addColumn('edited_at', 'bigint', (c) => c.notNull())
    .addColumn('is_late', 'integer', (c) => c.notNull())
    .addColumn('became', 'text')
    .addColumn('is_taken', 'integer', (c) => c.notNull())
    .addPrimaryKeyConstraint('open_parts_once', ['chat', 'message_id'])
    .execute()
  await db.schema.createIndex('open_parts_of_piece').on('open_parts').column('piece_id').execute()
  await db.schema
    .createIndex('open_parts_of_album')
    .on('open_parts')
    .columns(['chat', 'album'])
    .where(sql<boolean>`album is not null`)
    .execute()
}

async function knowChats(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .createTable('seen_updates')
    .addColumn('bot', 'text', (c) => c.notNull())
    .addColumn('update_id', 'text', (c) => c.notNull())
    .addColumn('seen_at', 'bigint', (c) => c.notNull())
    .addPrimaryKeyConstraint('seen_updates_once', ['bot', 'update_id'])
    .execute()
  await db.schema.createIndex('seen_updates_by_time').on('seen_updates').column('seen_at').execute()

  await db.schema
    .createTable('chat_sessions')
    .addColumn('chat', 'text', (c) => c.primaryKey())
    .addColumn('value', 'text', (c) => c.notNull())
    .execute()

  await db.schema
    .createTable('chat_submissions')
    .addColumn('chat', 'text', (c) => c.notNull())
    .addColumn('submission_id', 'text', (c) => c.notNull())
    .addPrimaryKeyConstraint('chat_submissions_once', ['chat', 'submission_id'])
    .execute()

  await db.schema
    .createTable('chat_answers')
    .addColumn('chat', 'text', (c) => c.notNull())
    .addColumn('message_id', 'bigint', (c) => c.notNull())
    .addColumn('submission_id', 'text', (c) => c.notNull())
    .addColumn('answered_at', 'bigint')
    .addPrimaryKeyConstraint('chat_answers_once', ['chat', 'message_id'])
    .execute()
}

async function letBotsIn(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .createTable('api_tokens')
    .addColumn('id', 'text', (c) => c.primaryKey())
    .addColumn('name', 'text', (c) => c.notNull())
    .addColumn('token_hash', 'text', (c) => c.notNull().unique())
    .addColumn('hourly_limit', 'integer', (c) => c.notNull())
    .addColumn('hook_url', 'text')
    .addColumn('created_at', 'bigint', (c) => c.notNull())
    .addColumn('used_at', 'bigint')
    .addColumn('revoked_at', 'bigint')
    .execute()
  await db.schema
    .createIndex('api_tokens_by_name')
    .unique()
    .on('api_tokens')
    .column('name')
    .where(sql<boolean>`revoked_at is null`)
    .execute()
}
