import { type Kysely, SqliteAdapter, sql } from 'kysely'

/** The tables of both databases, and what each has of its own: full-text search, and what keeps a log append-only. */
export async function up(db: Kysely<unknown>): Promise<void> {
  const isSqlite = db.getExecutor().adapter instanceof SqliteAdapter
  for (const statement of [...tables, ...indexes, ...(isSqlite ? onSqlite : onPostgres)])
    await sql.raw(statement).execute(db)
}

const tables = [
  `create table submissions (
    id text primary key,
    reference text not null unique,
    receipt_hash text not null unique,
    kind text not null,
    channel text not null,
    state text not null,
    created_at bigint not null,
    updated_at bigint not null,
    revision integer not null default 1,
    assignee_id text not null default '',
    heard_at bigint not null default 0,
    summary text,
    moved_from text,
    moved_at bigint,
    spam_before integer not null default 0,
    first_opened_at bigint,
    decided_at bigint,
    escalated_at bigint,
    is_confidential integer not null default 0,
    bond text not null default '',
    sender_recipient text,
    sealed_for text,
    contact text,
    active_at bigint not null default 0,
    warned_at bigint,
    is_held integer not null default 0,
    sender_left_at bigint,
    heard_revision integer not null default 1,
    moved_told_at bigint
  )`,
  `create table messages (
    id text primary key,
    submission_id text not null references submissions (id),
    author text not null,
    editor_id text,
    content text not null,
    created_at bigint not null,
    withdrawn_at bigint,
    settles text,
    told_at bigint not null default 0
  )`,
  `create table attachments (
    id text primary key,
    message_id text not null references messages (id),
    position integer not null,
    state text not null,
    size bigint,
    type text,
    sha256 text,
    preview_id text,
    is_sealed integer not null default 0,
    came_with text
  )`,
  `create table deliveries (
    id text primary key,
    purpose text not null,
    carrier text not null,
    submission_id text,
    message_id text,
    editor_id text,
    attachment_id text,
    target text,
    receipt text,
    state text not null,
    attempts integer not null,
    due_at bigint not null,
    lease text,
    fault text,
    created_at bigint not null,
    done_at bigint,
    tried_since bigint not null default 0,
    passing text,
    lane text,
    begun integer not null default 0
  )`,
  `create table unread_arrivals (
    id text primary key,
    digest text not null unique,
    source text not null,
    reason text not null,
    raw text not null,
    created_at bigint not null,
    sealed_for text
  )`,
  `create table editors (
    id text primary key,
    email text not null unique,
    created_at bigint not null,
    removed_at bigint,
    name text not null default '',
    role text not null default 'editor',
    policy text,
    passphrase text,
    totp_secret text,
    totp_used bigint,
    digested_at bigint,
    wrong_codes integer not null default 0
  )`,
  `create table sign_in_links (
    token_hash text primary key,
    editor_id text not null references editors (id),
    expires_at bigint not null,
    used_at bigint
  )`,
  `create table sessions (
    token_hash text primary key,
    editor_id text not null references editors (id),
    created_at bigint not null,
    seen_at bigint not null,
    waits_for_factor integer not null default 0,
    challenge text,
    secret text,
    begun_by text,
    confirmed_at bigint
  )`,
  `create table history (
    id text primary key,
    submission_id text not null,
    editor_id text,
    action text not null,
    detail text,
    at bigint not null
  )`,
  `create table notes (
    id text primary key,
    submission_id text not null references submissions (id),
    editor_id text not null,
    content text not null,
    created_at bigint not null
  )`,
  `create table tags (
    name text not null,
    submission_id text not null references submissions (id),
    constraint tags_once primary key (name, submission_id)
  )`,
  `create table attention (
    editor_id text not null,
    submission_id text not null,
    opened_at bigint,
    told_at bigint,
    present_at bigint,
    opened_revision integer not null default 0,
    constraint attention_once primary key (submission_id, editor_id)
  )`,
  `create table settings (
    name text primary key,
    value text not null,
    revision integer not null,
    changed_at bigint not null
  )`,
  `create table spam_senders (
    sender text primary key,
    created_at bigint not null
  )`,
  `create table counted_days (
    day text not null,
    kind text not null,
    channel text not null,
    pieces integer not null,
    constraint counted_days_once primary key (day, kind, channel)
  )`,
  `create table delivery_tries (
    delivery_id text not null references deliveries (id),
    at bigint not null,
    fault text not null
  )`,
  `create table recovery_codes (
    code_hash text primary key,
    editor_id text not null references editors (id)
  )`,
  `create table passkeys (
    id text primary key,
    editor_id text not null references editors (id),
    public_key text not null,
    counter bigint not null,
    name text not null,
    created_at bigint not null,
    used_at bigint,
    host text
  )`,
  `create table sign_in_tries (
    account text primary key,
    times text not null,
    latest_at bigint not null
  )`,
  `create table unindexed (
    submission_id text primary key
  )`,
  `create table open_pieces (
    id text primary key,
    chat text not null,
    kind text not null,
    joins text not null,
    state text not null,
    step text,
    language text,
    target text,
    secret text,
    heard_at bigint not null,
    revision integer not null,
    shown_message_id bigint,
    shown_revision integer,
    part_count integer not null,
    characters integer not null,
    last_message_id bigint not null,
    submission_id text,
    message_id text,
    created_at bigint not null,
    bond text not null default '',
    sender_recipient text,
    is_chosen integer not null default 0
  )`,
  `create table open_parts (
    chat text not null,
    message_id bigint not null,
    piece_id text not null,
    album text,
    field text,
    sort text not null,
    content text,
    digest text not null,
    edited_at bigint not null,
    is_late integer not null,
    became text,
    is_taken integer not null,
    block text,
    awaited text,
    constraint open_parts_once primary key (chat, message_id)
  )`,
  `create table seen_updates (
    bot text not null,
    update_id text not null,
    seen_at bigint not null,
    constraint seen_updates_once primary key (bot, update_id)
  )`,
  `create table chat_sessions (
    chat text primary key,
    value text not null
  )`,
  `create table chat_submissions (
    chat text not null,
    submission_id text not null,
    constraint chat_submissions_once primary key (chat, submission_id)
  )`,
  `create table chat_answers (
    chat text not null,
    message_id bigint not null,
    submission_id text not null,
    answered_at bigint,
    constraint chat_answers_once primary key (chat, message_id)
  )`,
  `create table api_tokens (
    id text primary key,
    name text not null,
    token_hash text not null unique,
    hourly_limit integer not null,
    hook_url text,
    created_at bigint not null,
    used_at bigint,
    revoked_at bigint
  )`,
  `create table mail_threads (
    message text not null,
    address text not null,
    submission_id text not null,
    constraint mail_threads_once primary key (message, address)
  )`,
  `create table mail_answers (
    delivery_id text primary key,
    address text not null,
    at bigint not null
  )`,
  `create table mail_canaries (
    id text primary key,
    sent_at bigint not null,
    came_at bigint,
    came_by text
  )`,
  `create table desk_keys (
    recipient text primary key,
    created_at bigint not null,
    retired_at bigint
  )`,
  `create table key_holders (
    id text primary key,
    editor_id text,
    recipient text not null,
    created_at bigint not null,
    standing text not null default 'in',
    passphrase text,
    asked_in text
  )`,
  `create table key_wraps (
    id text primary key,
    holder_id text not null,
    way text not null,
    wrapped text not null
  )`,
  `create table key_grants (
    desk_key text not null,
    holder_id text not null,
    sealed text not null,
    constraint key_grants_once primary key (desk_key, holder_id)
  )`,
  `create table erasures (
    submission_id text primary key,
    at bigint not null,
    was_indexed integer not null,
    is_being_wiped integer not null default 0
  )`,
  `create table erased_files (
    name text not null,
    sort text not null,
    submission_id text not null,
    constraint erased_files_once primary key (name, sort)
  )`,
  `create table trail (
    number bigint primary key,
    at bigint not null,
    editor_id text,
    action text not null,
    reference text,
    detail text,
    hash text not null
  )`,
  `create table trail_head (
    one integer primary key,
    number bigint not null,
    hash text not null
  )`,
  `create table pgp_keys (
    editor_id text primary key,
    armored text not null,
    fingerprint text not null,
    algorithm text not null,
    names text not null,
    usable_until bigint,
    is_revoked integer not null,
    was_looked_up integer not null,
    given_at bigint not null
  )`,
  `create table leases (
    id text primary key,
    renewals bigint not null
  )`,
  `create table installation (
    one integer primary key,
    files_id text not null,
    joined_at bigint,
    secrets_mark text,
    probed_at bigint
  )`,
  `insert into trail_head (one, number, hash) values (1, 0, '')`,
]

const arrivals = `create table arrivals (
    source text not null,
    key text not null,
    digest text,
    submission_id text not null,
    created_at bigint not null,
    constraint arrivals_once primary key (source, key)
  )`

const indexes = [
  'create index messages_of_submission on messages (submission_id, id)',
  'create index attachments_of_message on attachments (message_id, position)',
  `create index deliveries_due on deliveries (carrier, due_at, id) where state = 'pending'`,
  `create index deliveries_failed on deliveries (id) where state = 'failed'`,
  'create index deliveries_of_submission on deliveries (submission_id)',
  'create index submissions_by_cell on submissions (kind, channel, state, id)',
  'create index submissions_by_assignee on submissions (assignee_id, kind, channel, state, id)',
  'create index submissions_decided on submissions (decided_at) where decided_at is not null',
  'create index attachments_by_preview on attachments (preview_id) where preview_id is not null',
  'create index history_of_submission on history (submission_id, id)',
  'create index notes_of_submission on notes (submission_id, id)',
  'create index tags_of_submission on tags (submission_id)',
  `create index deliveries_failed_of_submission on deliveries (submission_id) where state = 'failed'`,
  `create index deliveries_troubled on deliveries (id) where state = 'pending' and fault is not null`,
  `create index deliveries_dropped on deliveries (id) where state = 'dropped'`,
  `create unique index deliveries_one_digest on deliveries (editor_id, purpose)
    where state = 'pending' and purpose in ('digest', 'burst-digest')`,
  'create index delivery_tries_of_delivery on delivery_tries (delivery_id, at)',
  'create index recovery_codes_of_editor on recovery_codes (editor_id)',
  'create index passkeys_of_editor on passkeys (editor_id)',
  `create unique index open_pieces_one_of_a_chat on open_pieces (chat, joins) where state = 'open'`,
  'create index open_pieces_by_last on open_pieces (chat, last_message_id)',
  'create index open_parts_of_piece on open_parts (piece_id)',
  'create index open_parts_of_album on open_parts (chat, album) where album is not null',
  'create index seen_updates_by_time on seen_updates (seen_at)',
  'create unique index api_tokens_by_name on api_tokens (name) where revoked_at is null',
  'create index mail_answers_of on mail_answers (address, at)',
  'create index mail_answers_by_time on mail_answers (at)',
  'create unique index one_current_desk_key on desk_keys ((1)) where retired_at is null',
  'create index key_wraps_of_holder on key_wraps (holder_id)',
  'create index erased_files_of_submission on erased_files (submission_id)',
  'create index chat_submissions_of_submission on chat_submissions (submission_id)',
  'create index chat_answers_of_submission on chat_answers (submission_id)',
  'create index mail_threads_of_submission on mail_threads (submission_id)',
  'create index open_pieces_of_submission on open_pieces (submission_id)',
  'create index trail_of_reference on trail (reference, number) where reference is not null',
  'create index open_pieces_joining on open_pieces (joins)',
  `create index submissions_unwarned on submissions (is_confidential, kind, state, active_at)
    where warned_at is null and is_held = 0`,
  'create index submissions_warned on submissions (warned_at, id) where warned_at is not null',
  `create index submissions_spam on submissions (active_at, id) where state = 'spam' and is_held = 0`,
  `create index submissions_escalated on submissions (escalated_at, id)
    where escalated_at is not null and state = 'waiting' and assignee_id = ''`,
  'create index submissions_confidential on submissions (sealed_for, id) where is_confidential = 1',
  'create index unread_arrivals_sealed_for on unread_arrivals (sealed_for, id)',
  'create index sessions_by_age on sessions (created_at)',
  'create index sign_in_links_by_age on sign_in_links (expires_at)',
  'create index sign_in_tries_by_age on sign_in_tries (latest_at)',
  'create index mail_canaries_by_age on mail_canaries (sent_at)',
  `create index open_pieces_with_target on open_pieces (heard_at)
    where state = 'sent' and target is not null`,
  `create index deliveries_of_looks on deliveries (purpose, state, editor_id)
    where purpose = 'erasure-warning' or purpose = 'escalation'`,
  `create index deliveries_of_file on deliveries (attachment_id)
    where state = 'pending' and submission_id is null and attachment_id is not null`,
  'create index key_holders_of_editor on key_holders (editor_id)',
]

const onSqlite = [
  `${arrivals} without rowid`,
  'create index arrivals_of_submission on arrivals (submission_id)',
  `create table search_documents (
    number integer primary key autoincrement,
    submission_id text not null unique
  )`,
  // Without the text itself, which is in the messages already.
  `create virtual table search_words using fts5(
    words, content = '', contentless_delete = 1, tokenize = 'unicode61 remove_diacritics 0'
  )`,
  `create trigger history_no_update before update on history
    begin select raise(abort, 'history is append-only'); end`,
  `create trigger history_no_delete before delete on history
    when exists (select 1 from submissions where id = old.submission_id)
    begin select raise(abort, 'history is append-only'); end`,
  `create trigger trail_no_update before update on trail
    begin select raise(abort, 'the trail is append-only'); end`,
  `create trigger trail_no_delete before delete on trail
    begin select raise(abort, 'the trail is append-only'); end`,
]

const onPostgres = [
  arrivals,
  'create index arrivals_of_submission on arrivals (submission_id)',
  `create table search_documents (
    number bigserial primary key,
    submission_id text not null unique,
    words tsvector
  )`,
  'create index search_documents_words on search_documents using gin (words)',
  `create function history_is_append_only() returns trigger language plpgsql as
    $$ begin raise exception 'history is append-only'; end $$`,
  `create trigger history_no_change before update or truncate on history
    for each statement execute function history_is_append_only()`,
  `create function history_goes_with_its_submission() returns trigger language plpgsql as
    $$ begin
      if exists (select 1 from submissions where id = old.submission_id) then
        raise exception 'history is append-only';
      end if;
      return old;
    end $$`,
  `create trigger history_no_delete before delete on history
    for each row execute function history_goes_with_its_submission()`,
  `create function trail_is_append_only() returns trigger language plpgsql as
    $$ begin raise exception 'the trail is append-only'; end $$`,
  `create trigger trail_no_change before update or delete or truncate on trail
    for each statement execute function trail_is_append_only()`,
]
