import { type Kysely, sql } from 'kysely'

/** What is done in the background finds what is due by an index of its own, and pages along it. */
export async function up(db: Kysely<unknown>): Promise<void> {
  await findWhatIsDue(db)
  await findWhatIsToBeEncryptedAnew(db)
  await findWhatIsOld(db)
  await findWhoWasTold(db)
  await sql`create index deliveries_of_file on deliveries (attachment_id)
    where state = 'pending' and submission_id is null and attachment_id is not null`.execute(db)
  await sql`alter table erasures add column is_being_wiped integer not null default 0`.execute(db)
}

/** Partial: what is kept for good, or was warned of, is in the way of nothing. */
async function findWhatIsDue(db: Kysely<unknown>): Promise<void> {
  await sql`drop index submissions_by_activity`.execute(db)
  await sql`create index submissions_unwarned on submissions (is_confidential, kind, state, active_at)
    where warned_at is null and is_held = 0`.execute(db)
  await sql`create index submissions_warned on submissions (warned_at, id) where warned_at is not null`.execute(
    db,
  )
  await sql`create index submissions_spam on submissions (active_at, id) where state = 'spam' and is_held = 0`.execute(
    db,
  )
  await sql`drop index submissions_escalated`.execute(db)
  await sql`create index submissions_escalated on submissions (escalated_at, id)
    where escalated_at is not null and state = 'waiting' and assignee_id = ''`.execute(db)
}

/** By the key it is sealed for: those of one key, in the order of ids. */
async function findWhatIsToBeEncryptedAnew(db: Kysely<unknown>): Promise<void> {
  await sql`drop index submissions_confidential`.execute(db)
  await sql`create index submissions_confidential on submissions (sealed_for, id) where is_confidential = 1`.execute(
    db,
  )
  await sql`create index unread_arrivals_sealed_for on unread_arrivals (sealed_for, id)`.execute(db)
}

async function findWhatIsOld(db: Kysely<unknown>): Promise<void> {
  await sql`create index sessions_by_age on sessions (created_at)`.execute(db)
  await sql`create index sign_in_links_by_age on sign_in_links (expires_at)`.execute(db)
  await sql`create index sign_in_tries_by_age on sign_in_tries (latest_at)`.execute(db)
  await sql`create index mail_canaries_by_age on mail_canaries (sent_at)`.execute(db)
  await sql`create index open_pieces_with_target on open_pieces (heard_at)
    where state = 'sent' and target is not null`.execute(db)
}

/** Whether such a mail waits, or has failed, is asked for every step: it must not cost what else is in the outbox. */
async function findWhoWasTold(db: Kysely<unknown>): Promise<void> {
  await sql`create index deliveries_of_looks on deliveries (purpose, state, editor_id)
    where purpose = 'erasure-warning' or purpose = 'escalation'`.execute(db)
}
