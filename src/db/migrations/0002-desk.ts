import { type Kysely, SqliteAdapter, sql } from 'kysely'

/** The desk: who has what, tags, notes, history, search, accounts with their factors, settings. */
export async function up(db: Kysely<unknown>): Promise<void> {
  const isSqlite = db.getExecutor().adapter instanceof SqliteAdapter
  await letSubmissionsBeWorkedOn(db)
  await keepWhatEditorsDo(db, isSqlite)
  await letDeliveriesBeFollowed(db)
  await giveAccountsFactors(db)
  await makeSearch(db, isSqlite)
  await fillFromLetterbox(db)
}

async function letSubmissionsBeWorkedOn(db: Kysely<unknown>): Promise<void> {
  const add = async (name: string, type: 'text' | 'integer' | 'bigint', initially?: string | number) => {
    await db.schema
      .alterTable('submissions')
      .addColumn(name, type, (c) => (initially === undefined ? c : c.notNull().defaultTo(initially)))
      .execute()
  }
  await add('revision', 'integer', 1)
  // Empty for nobody: an index tells nothing of what is null.
  await add('assignee_id', 'text', '')
  await add('heard_at', 'bigint', 0)
  await add('summary', 'text')
  await add('moved_from', 'text')
  await add('moved_at', 'bigint')
  await add('spam_before', 'integer', 0)
  await add('first_opened_at', 'bigint')
  await add('decided_at', 'bigint')
  await add('escalated_at', 'bigint')
  // A list narrowed in any way is put together from cells: the pieces of one kind, channel and state, in order.
  await db.schema
    .createIndex('submissions_by_cell')
    .on('submissions')
    .columns(['kind', 'channel', 'state', 'id'])
    .execute()
  await db.schema
    .createIndex('submissions_by_assignee')
    .on('submissions')
    .columns(['assignee_id', 'kind', 'channel', 'state', 'id'])
    .execute()
  await db.schema
    .createIndex('submissions_decided')
    .on('submissions')
    .column('decided_at')
    .where(sql.ref('decided_at'), 'is not', null)
    .execute()
  await db.schema
    .createIndex('submissions_escalated')
    .on('submissions')
    .column('escalated_at')
    .where(sql.ref('escalated_at'), 'is not', null)
    .execute()
  await db.schema.alterTable('messages').addColumn('withdrawn_at', 'bigint').execute()
  await db.schema.alterTable('attachments').addColumn('preview_id', 'text').execute()
  await db.schema
    .createIndex('attachments_by_preview')
    .on('attachments')
    .column('preview_id')
    .where(sql.ref('preview_id'), 'is not', null)
    .execute()
}

async function keepWhatEditorsDo(db: Kysely<unknown>, isSqlite: boolean): Promise<void> {
  await db.schema
    .createTable('history')
    .addColumn('id', 'text', (c) => c.primaryKey())
    .addColumn('submission_id', 'text', (c) => c.notNull())
    .addColumn('editor_id', 'text')
    .addColumn('action', 'text', (c) => c.notNull())
    .addColumn('detail', 'text')
    .addColumn('at', 'bigint', (c) => c.notNull())
    .execute()
  await db.schema
    .createIndex('history_of_submission')
    .on('history')
    .columns(['submission_id', 'id'])
    .execute()
  await appendOnly(db, isSqlite)

  await db.schema
    .createTable('notes')
    .addColumn('id', 'text', (c) => c.primaryKey())
    .addColumn('submission_id', 'text', (c) => c.notNull().references('submissions.id'))
    .addColumn('editor_id', 'text', (c) => c.notNull())
    .addColumn('content', 'text', (c) => c.notNull())
    .addColumn('created_at', 'bigint', (c) => c.notNull())
    .execute()
  await db.schema.createIndex('notes_of_submission').on('notes').columns(['submission_id', 'id']).execute()

  await db.schema
    .createTable('tags')
    .addColumn('name', 'text', (c) => c.notNull())
    .addColumn('submission_id', 'text', (c) => c.notNull().references('submissions.id'))
    .addPrimaryKeyConstraint('tags_once', ['name', 'submission_id'])
    .execute()
  await db.schema.createIndex('tags_of_submission').on('tags').column('submission_id').execute()

  await db.schema
    .createTable('attention')
    .addColumn('editor_id', 'text', (c) => c.notNull())
    .addColumn('submission_id', 'text', (c) => c.notNull())
    .addColumn('opened_at', 'bigint')
    .addColumn('told_at', 'bigint')
    .addColumn('present_at', 'bigint')
    .addPrimaryKeyConstraint('attention_once', ['submission_id', 'editor_id'])
    .execute()

  await db.schema
    .createTable('settings')
    .addColumn('name', 'text', (c) => c.primaryKey())
    .addColumn('value', 'text', (c) => c.notNull())
    .addColumn('revision', 'integer', (c) => c.notNull())
    .addColumn('changed_at', 'bigint', (c) => c.notNull())
    .execute()

  await db.schema
    .createTable('spam_senders')
    .addColumn('sender', 'text', (c) => c.primaryKey())
    .addColumn('created_at', 'bigint', (c) => c.notNull())
    .execute()

  await db.schema
    .createTable('counted_days')
    .addColumn('day', 'text', (c) => c.notNull())
    .addColumn('kind', 'text', (c) => c.notNull())
    .addColumn('channel', 'text', (c) => c.notNull())
    .addColumn('pieces', 'integer', (c) => c.notNull())
    .addPrimaryKeyConstraint('counted_days_once', ['day', 'kind', 'channel'])
    .execute()
}

/** The database itself refuses to change what has been written down. */
async function appendOnly(db: Kysely<unknown>, isSqlite: boolean): Promise<void> {
  if (isSqlite) {
    for (const what of ['update', 'delete']) {
      await sql`create trigger ${sql.raw(`history_no_${what}`)} before ${sql.raw(what)} on history
        begin select raise(abort, 'history is append-only'); end`.execute(db)
    }
    return
  }
  await sql`create function history_is_append_only() returns trigger language plpgsql as
    $$ begin raise exception 'history is append-only'; end $$`.execute(db)
  await sql`create trigger history_no_change before update or delete or truncate on history
    for each statement execute function history_is_append_only()`.execute(db)
}

async function letDeliveriesBeFollowed(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .alterTable('deliveries')
    .addColumn('tried_since', 'bigint', (c) => c.notNull().defaultTo(0))
    .execute()
  await sql`update deliveries set tried_since = created_at`.execute(db)
  await db.schema
    .createIndex('deliveries_failed_of_submission')
    .on('deliveries')
    .column('submission_id')
    .where(sql.ref('state'), '=', 'failed')
    .execute()
  await db.schema
    .createIndex('deliveries_troubled')
    .on('deliveries')
    .column('id')
    .where(sql<boolean>`state = 'pending' and fault is not null`)
    .execute()
  await db.schema
    .createIndex('deliveries_dropped')
    .on('deliveries')
    .column('id')
    .where(sql.ref('state'), '=', 'dropped')
    .execute()
  // One digest of each sort waits for an editor, whoever asks for it first.
  await db.schema
    .createIndex('deliveries_one_digest')
    .unique()
    .on('deliveries')
    .columns(['editor_id', 'purpose'])
    .where(sql<boolean>`state = 'pending' and purpose in ('digest', 'burst-digest')`)
    .execute()
  await db.schema
    .createTable('delivery_tries')
    .addColumn('delivery_id', 'text', (c) => c.notNull().references('deliveries.id'))
    .addColumn('at', 'bigint', (c) => c.notNull())
    .addColumn('fault', 'text', (c) => c.notNull())
    .execute()
  await db.schema
    .createIndex('delivery_tries_of_delivery')
    .on('delivery_tries')
    .columns(['delivery_id', 'at'])
    .execute()
}

async function giveAccountsFactors(db: Kysely<unknown>): Promise<void> {
  const add = async (name: string, initially?: string) => {
    await db.schema
      .alterTable('editors')
      .addColumn(name, 'text', (c) => (initially === undefined ? c : c.notNull().defaultTo(initially)))
      .execute()
  }
  await add('name', '')
  await add('role', 'editor')
  await add('policy')
  await add('passphrase')
  await add('totp_secret')
  await db.schema.alterTable('editors').addColumn('totp_used', 'bigint').execute()
  await db.schema.alterTable('editors').addColumn('digested_at', 'bigint').execute()
  await sql`update editors set role = 'admin' where id = (select min(id) from editors where removed_at is null)`.execute(
    db,
  )
  await db.schema
    .alterTable('sessions')
    .addColumn('waits_for_factor', 'integer', (c) => c.notNull().defaultTo(0))
    .execute()
  await db.schema.alterTable('sessions').addColumn('challenge', 'text').execute()

  await db.schema
    .createTable('recovery_codes')
    .addColumn('code_hash', 'text', (c) => c.primaryKey())
    .addColumn('editor_id', 'text', (c) => c.notNull().references('editors.id'))
    .execute()
  await db.schema.createIndex('recovery_codes_of_editor').on('recovery_codes').column('editor_id').execute()

  await db.schema
    .createTable('passkeys')
    .addColumn('id', 'text', (c) => c.primaryKey())
    .addColumn('editor_id', 'text', (c) => c.notNull().references('editors.id'))
    .addColumn('public_key', 'text', (c) => c.notNull())
    .addColumn('counter', 'bigint', (c) => c.notNull())
    .addColumn('name', 'text', (c) => c.notNull())
    .addColumn('created_at', 'bigint', (c) => c.notNull())
    .addColumn('used_at', 'bigint')
    .execute()
  await db.schema.createIndex('passkeys_of_editor').on('passkeys').column('editor_id').execute()

  await db.schema
    .createTable('sign_in_tries')
    .addColumn('account', 'text', (c) => c.primaryKey())
    .addColumn('times', 'text', (c) => c.notNull())
    .addColumn('latest_at', 'bigint', (c) => c.notNull())
    .execute()
}

async function makeSearch(db: Kysely<unknown>, isSqlite: boolean): Promise<void> {
  await db.schema
    .createTable('unindexed')
    .addColumn('submission_id', 'text', (c) => c.primaryKey())
    .execute()
  await db.schema
    .createTable('search_documents')
    .addColumn('number', isSqlite ? 'integer' : 'bigserial', (c) =>
      isSqlite ? c.primaryKey().autoIncrement() : c.primaryKey(),
    )
    .addColumn('submission_id', 'text', (c) => c.notNull().unique())
    .execute()
  if (isSqlite) {
    // Without the text itself, which stands in the messages already.
    await sql`create virtual table search_words using fts5(words, content = '', contentless_delete = 1,
      tokenize = 'unicode61 remove_diacritics 0')`.execute(db)
    return
  }
  await sql`alter table search_documents add column words tsvector`.execute(db)
  await sql`create index search_documents_words on search_documents using gin (words)`.execute(db)
}

type Opening = { id: string; content: string; files: number | string | bigint }

/** What the letterbox took in before there was a desk. The form of content is that of its time. */
async function fillFromLetterbox(db: Kysely<unknown>): Promise<void> {
  const { rows } = await sql<Opening>`select submission_id as id, content,
      (select count(*) from attachments where message_id = messages.id) as files
    from messages where id in (select min(id) from messages group by submission_id)`.execute(db)
  for (const { id, content, files } of rows) {
    const { title, name, byline, email } = JSON.parse(content).fields
    const summary = JSON.stringify({ title, sender: name ?? byline ?? email, attachments: Number(files) })
    await sql`update submissions set summary = ${summary}, heard_at = updated_at where id = ${id}`.execute(db)
  }
  await sql`insert into unindexed (submission_id) select id from submissions
    where kind not in ('expose', 'news-tip')`.execute(db)
  await sql`insert into deliveries (id, purpose, carrier, attachment_id, state, attempts, due_at, leased_until, created_at, tried_since)
    select id, 'preview', 'preview', id, 'pending', 0, 0, 0, 0, 0 from attachments
    where state = 'kept' and (type like 'image/%' or type = 'application/pdf')`.execute(db)
}
