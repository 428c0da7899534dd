import { type Kysely, SqliteAdapter, sql } from 'kysely'

/** How long a piece is kept, how it is erased, and the trail of who did what with it. */
export async function up(db: Kysely<unknown>): Promise<void> {
  const isSqlite = db.getExecutor().adapter instanceof SqliteAdapter
  await knowHowLong(db)
  await rememberWhatIsErased(db)
  await findAllOfAPiece(db)
  await keepTrail(db, isSqlite)
  await letHistoryGoWithItsPiece(db, isSqlite)
}

/** Also what was seen, by revisions: times are too coarse for that where they tell no more than the minute. */
async function knowHowLong(db: Kysely<unknown>): Promise<void> {
  await addColumn(db, 'submissions', 'active_at', 'bigint not null default 0')
  await addColumn(db, 'submissions', 'warned_at', 'bigint')
  await addColumn(db, 'submissions', 'is_held', 'integer not null default 0')
  await addColumn(db, 'submissions', 'sender_left_at', 'bigint')
  await addColumn(db, 'unread_arrivals', 'sealed_for', 'text')
  await addColumn(db, 'submissions', 'heard_revision', 'integer not null default 1')
  await addColumn(db, 'attention', 'opened_revision', 'integer not null default 0')
  await sql`update attention set opened_revision = 1 where opened_at >=
    (select heard_at from submissions where id = attention.submission_id)`.execute(db)
  await sql`update submissions set active_at = case when moved_at > updated_at then moved_at else updated_at end`.execute(
    db,
  )
  await db.schema
    .createIndex('submissions_by_activity')
    .on('submissions')
    .columns(['kind', 'state', 'active_at'])
    .execute()
}

async function rememberWhatIsErased(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .createTable('erasures')
    .addColumn('submission_id', 'text', (c) => c.primaryKey())
    .addColumn('at', 'bigint', (c) => c.notNull())
    .addColumn('was_indexed', 'integer', (c) => c.notNull())
    .execute()
  await db.schema
    .createTable('erased_files')
    .addColumn('name', 'text', (c) => c.notNull())
    .addColumn('sort', 'text', (c) => c.notNull())
    .addColumn('submission_id', 'text', (c) => c.notNull())
    .addPrimaryKeyConstraint('erased_files_once', ['name', 'sort'])
    .execute()
  await db.schema
    .createIndex('erased_files_of_submission')
    .on('erased_files')
    .column('submission_id')
    .execute()
}

/** Everything of a piece has to be found when it goes. Ids grow, so that such an index grows at its end only. */
async function findAllOfAPiece(db: Kysely<unknown>): Promise<void> {
  for (const table of ['arrivals', 'chat_submissions', 'chat_answers', 'mail_threads', 'open_pieces']) {
    await db.schema.createIndex(`${table}_of_submission`).on(table).column('submission_id').execute()
  }
}

async function keepTrail(db: Kysely<unknown>, isSqlite: boolean): Promise<void> {
  await db.schema
    .createTable('trail')
    .addColumn('number', 'bigint', (c) => c.primaryKey())
    .addColumn('at', 'bigint', (c) => c.notNull())
    .addColumn('editor_id', 'text')
    .addColumn('action', 'text', (c) => c.notNull())
    .addColumn('reference', 'text')
    .addColumn('detail', 'text')
    .addColumn('hash', 'text', (c) => c.notNull())
    .execute()
  await db.schema
    .createIndex('trail_of_reference')
    .on('trail')
    .columns(['reference', 'number'])
    .where(sql.ref('reference'), 'is not', null)
    .execute()
  // Whoever appends holds this row, so that there is one order.
  await db.schema
    .createTable('trail_head')
    .addColumn('one', 'integer', (c) => c.primaryKey())
    .addColumn('number', 'bigint', (c) => c.notNull())
    .addColumn('hash', 'text', (c) => c.notNull())
    .execute()
  await sql`insert into trail_head (one, number, hash) values (1, 0, '')`.execute(db)
  if (isSqlite) {
    for (const what of ['update', 'delete']) {
      await sql`create trigger ${sql.raw(`trail_no_${what}`)} before ${sql.raw(what)} on trail
        begin select raise(abort, 'the trail is append-only'); end`.execute(db)
    }
    return
  }
  await sql`create function trail_is_append_only() returns trigger language plpgsql as
    $$ begin raise exception 'the trail is append-only'; end $$`.execute(db)
  await sql`create trigger trail_no_change before update or delete or truncate on trail
    for each statement execute function trail_is_append_only()`.execute(db)
}

/** The history of a piece cannot be changed, and goes only when the piece itself has gone. */
async function letHistoryGoWithItsPiece(db: Kysely<unknown>, isSqlite: boolean): Promise<void> {
  if (isSqlite) {
    await sql`drop trigger history_no_delete`.execute(db)
    await sql`create trigger history_no_delete before delete on history
      when exists (select 1 from submissions where id = old.submission_id)
      begin select raise(abort, 'history is append-only'); end`.execute(db)
    return
  }
  await sql`drop trigger history_no_change on history`.execute(db)
  await sql`create trigger history_no_change before update or truncate on history
    for each statement execute function history_is_append_only()`.execute(db)
  await sql`create function history_goes_with_its_piece() returns trigger language plpgsql as
    $$ begin
      if exists (select 1 from submissions where id = old.submission_id) then
        raise exception 'history is append-only';
      end if;
      return old;
    end $$`.execute(db)
  await sql`create trigger history_no_delete before delete on history
    for each row execute function history_goes_with_its_piece()`.execute(db)
}

async function addColumn(db: Kysely<unknown>, table: string, name: string, type: string): Promise<void> {
  await sql`alter table ${sql.table(table)} add column ${sql.ref(name)} ${sql.raw(type)}`.execute(db)
}
