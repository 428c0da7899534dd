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
    context_id text not null default '',
    sender_recipient text,
    encrypted_for text,
    contact text,
    active_at bigint not null default 0,
    warned_at bigint,
    legal_hold integer not null default 0,
    sender_left_at bigint,
    heard_revision integer not null default 1,
    moved_visible_at bigint
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
    visible_at bigint not null default 0
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
    is_encrypted integer not null default 0,
    came_with text
  )`,
  `create table jobs (
    id text primary key,
    type text not null,
    queue text not null,
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
    error_code text,
    created_at bigint not null,
    done_at bigint,
    tried_since bigint not null default 0,
    ephemeral_payload text,
    lane text,
    begun integer not null default 0
  )`,
  `create table dead_letters (
    id text primary key,
    digest text not null unique,
    source text not null,
    reason text not null,
    raw text not null,
    created_at bigint not null,
    encrypted_for text
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
    notified_at bigint,
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
    submissions integer not null,
    constraint counted_days_once primary key (day, kind, channel)
  )`,
  `create table job_attempts (
    job_id text not null references jobs (id),
    at bigint not null,
    error_code text not null
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
  `create table login_attempts (
    account text primary key,
    times text not null,
    latest_at bigint not null
  )`,
  `create table unindexed (
    submission_id text primary key
  )`,
  `create table drafts (
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
    item_count integer not null,
    characters integer not null,
    last_message_id bigint not null,
    submission_id text,
    message_id text,
    created_at bigint not null,
    context_id text not null default '',
    sender_recipient text,
    is_chosen integer not null default 0
  )`,
  `create table draft_items (
    chat text not null,
    message_id bigint not null,
    draft_id text not null,
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
    constraint draft_items_once primary key (chat, message_id)
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
  `create table mail_receipts (
    job_id text primary key,
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
    encrypted text not null,
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
  `create table audit_log (
    number bigint primary key,
    at bigint not null,
    editor_id text,
    action text not null,
    reference text,
    detail text,
    hash text not null
  )`,
  `create table audit_head (
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
    secrets_fingerprint text,
    probed_at bigint
  )`,
  `insert into audit_head (one, number, hash) values (1, 0, '')`,
]

const idempotency_keys = `create table idempotency_keys (
    source text not null,
    key text not null,
    digest text,
    submission_id text not null,
    created_at bigint not null,
    constraint idempotency_keys_once primary key (source, key)
  )`

const indexes = [
  'create index messages_of_submission on messages (submission_id, id)',
  'create index attachments_of_message on attachments (message_id, position)',
  `create index jobs_due on jobs (queue, due_at, id) where state = 'pending'`,
  `create index jobs_failed on jobs (id) where state = 'failed'`,
  'create index jobs_of_submission on jobs (submission_id)',
  'create index submissions_by_cell on submissions (kind, channel, state, id)',
  'create index submissions_by_assignee on submissions (assignee_id, kind, channel, state, id)',
  'create index submissions_decided on submissions (decided_at) where decided_at is not null',
  'create index attachments_by_preview on attachments (preview_id) where preview_id is not null',
  'create index history_of_submission on history (submission_id, id)',
  'create index notes_of_submission on notes (submission_id, id)',
  'create index tags_of_submission on tags (submission_id)',
  `create index jobs_failed_of_submission on jobs (submission_id) where state = 'failed'`,
  `create index jobs_troubled on jobs (id) where state = 'pending' and error_code is not null`,
  `create index jobs_dropped on jobs (id) where state = 'dropped'`,
  `create unique index jobs_one_digest on jobs (editor_id, type)
    where state = 'pending' and type in ('digest', 'burst-digest')`,
  'create index job_attempts_of_job on job_attempts (job_id, at)',
  'create index recovery_codes_of_editor on recovery_codes (editor_id)',
  'create index passkeys_of_editor on passkeys (editor_id)',
  `create unique index drafts_one_of_a_chat on drafts (chat, joins) where state = 'open'`,
  'create index drafts_by_last on drafts (chat, last_message_id)',
  'create index draft_items_of_draft on draft_items (draft_id)',
  'create index draft_items_of_album on draft_items (chat, album) where album is not null',
  'create index seen_updates_by_time on seen_updates (seen_at)',
  'create unique index api_tokens_by_name on api_tokens (name) where revoked_at is null',
  'create index mail_receipts_of on mail_receipts (address, at)',
  'create index mail_receipts_by_time on mail_receipts (at)',
  'create unique index one_current_desk_key on desk_keys ((1)) where retired_at is null',
  'create index key_wraps_of_holder on key_wraps (holder_id)',
  'create index erased_files_of_submission on erased_files (submission_id)',
  'create index chat_submissions_of_submission on chat_submissions (submission_id)',
  'create index chat_answers_of_submission on chat_answers (submission_id)',
  'create index mail_threads_of_submission on mail_threads (submission_id)',
  'create index drafts_of_submission on drafts (submission_id)',
  'create index audit_log_of_reference on audit_log (reference, number) where reference is not null',
  'create index drafts_joining on drafts (joins)',
  `create index submissions_unwarned on submissions (is_confidential, kind, state, active_at)
    where warned_at is null and legal_hold = 0`,
  'create index submissions_warned on submissions (warned_at, id) where warned_at is not null',
  `create index submissions_spam on submissions (active_at, id) where state = 'spam' and legal_hold = 0`,
  `create index submissions_escalated on submissions (escalated_at, id)
    where escalated_at is not null and state = 'waiting' and assignee_id = ''`,
  'create index submissions_confidential on submissions (encrypted_for, id) where is_confidential = 1',
  'create index dead_letters_by_encryption on dead_letters (encrypted_for, id)',
  'create index sessions_by_age on sessions (created_at)',
  'create index sign_in_links_by_age on sign_in_links (expires_at)',
  'create index login_attempts_by_age on login_attempts (latest_at)',
  'create index mail_canaries_by_age on mail_canaries (sent_at)',
  `create index drafts_with_target on drafts (heard_at)
    where state = 'sent' and target is not null`,
  `create index jobs_of_looks on jobs (type, state, editor_id)
    where type = 'erasure-warning' or type = 'escalation'`,
  `create index jobs_of_file on jobs (attachment_id)
    where state = 'pending' and submission_id is null and attachment_id is not null`,
  'create index key_holders_of_editor on key_holders (editor_id)',
]

const onSqlite = [
  `${idempotency_keys} without rowid`,
  'create index idempotency_keys_of_submission on idempotency_keys (submission_id)',
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
  `create trigger audit_log_no_update before update on audit_log
    begin select raise(abort, 'the audit_log is append-only'); end`,
  `create trigger audit_log_no_delete before delete on audit_log
    begin select raise(abort, 'the audit_log is append-only'); end`,
]

const onPostgres = [
  idempotency_keys,
  'create index idempotency_keys_of_submission on idempotency_keys (submission_id)',
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
  `create function audit_log_is_append_only() returns trigger language plpgsql as
    $$ begin raise exception 'the audit log is append-only'; end $$`,
  `create trigger audit_log_no_change before update or delete or truncate on audit_log
    for each statement execute function audit_log_is_append_only()`,
]
