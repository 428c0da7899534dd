import { type Failure, unavailable } from '../core/errors.ts'
import { isDuplicate, isOrphan, isUnavailable } from '../db/errors.ts'
import type { Database } from '../db/open.ts'
import type { ProcessCodec } from '../encryption/process-codec.ts'
import { noKeys } from '../encryption/types.ts'
import type { Contact } from '../jobs/contact.ts'
import { insertJobs } from '../jobs/enqueue-store.ts'
import { contactIn, laterContact } from './contact.ts'
import { behind, type Contents, together } from './content-codec.ts'
import { earlierWith, insertIdempotencyKeys } from './idempotency-store.ts'
import { type Prepared, prepared } from './intake-encrypt.ts'
import type { NewRecord, Recorded } from './intake-record.ts'
import { attachmentRows, jobsOf, messageRow, submissionRow } from './intake-rows.ts'
import { insertThreads, pastMailLimit } from './mail-thread-store.ts'
import { newReference } from './receipt.ts'
import { stillEncryptedFor } from './recipients-store.ts'
import { queueForSearch } from './search-store.ts'
import type { Writing } from './write-context.ts'

/** A record's own fate: nothing that is wrong with one befalls its neighbours. */
export type RecordOutcome = Recorded | { error: unknown }

/**
 * Writes records in one transaction: arrivals first, by whose unique index a repeat is known, then what
 * belongs to each. If the transaction fails, each record is tried in one of its own, so that a bad
 * record fails alone. When storage itself is unavailable, all fail together.
 */
export async function record(
  db: Database,
  writing: Writing,
  records: NewRecord[],
  now: () => number,
): Promise<RecordOutcome[]> {
  try {
    const made = await prepared(writing, records)
    const good = made.filter((one) => 'one' in one)
    const outcomes = good.length === 0 ? [] : await recordPrepared(db, writing, good, now)
    return made.map((one) => ('one' in one ? (outcomes[good.indexOf(one)] as RecordOutcome) : one))
  } catch (error) {
    return records.map(() => ({ error }))
  }
}

async function recordPrepared(
  db: Database,
  writing: Writing,
  records: Prepared[],
  now: () => number,
): Promise<RecordOutcome[]> {
  try {
    return await inOneTransaction(db, writing, records, now)
  } catch (error) {
    if (records.length === 1) return [await retriedOr(error, db, writing, records[0] as Prepared, now)]
    if (isUnavailable(error)) return records.map(() => ({ error }))
  }
  const outcomes: RecordOutcome[] = []
  for (const single of records) outcomes.push(...(await recordPrepared(db, writing, [single], now)))
  return outcomes
}

/** What came of one that failed: its submission was erased meanwhile, or its reference was taken, and it takes another. */
async function retriedOr(
  error: unknown,
  db: Database,
  writing: Writing,
  single: Prepared,
  now: () => number,
): Promise<RecordOutcome> {
  const { submission } = single.one
  if (!submission) return { error: isOrphan(error) ? goneMeanwhile() : error }
  // Two references in 2^40 may fall together; the index notices.
  if (!isDuplicate(error)) return { error }
  const one = { ...single.one, submission: { ...submission, reference: newReference() } }
  try {
    return (await inOneTransaction(db, writing, [{ ...single, one }], now))[0] as RecordOutcome
  } catch (again) {
    return { error: again }
  }
}

async function inOneTransaction(
  db: Database,
  writing: Writing,
  records: Prepared[],
  now: () => number,
): Promise<RecordOutcome[]> {
  return db.transaction().execute(async (trx) => {
    const all = records.map(({ one }) => one)
    const first = await insertIdempotencyKeys(trx, all)
    const fresh = records.filter(({ one }) => first.has(one))
    const repeats = all.filter((one) => !first.has(one))
    const unmailed = await pastMailLimit(
      trx,
      fresh.map(({ one }) => one),
      now(),
      writing.isPostgres,
    )
    const toWrite = fresh.map((each) => (unmailed.has(each.one) ? withoutReceiptMail(each) : each))
    if (fresh.length > 0) await insertAll(trx, writing, toWrite, now())
    const earlier = await earlierWith(trx, repeats)
    return records.map((each) =>
      first.has(each.one) ? freshlyRecorded(each, unmailed.has(each.one)) : earlier(each.one),
    )
  })
}

function withoutReceiptMail(prepared: Prepared): Prepared {
  const { one } = prepared
  const jobs = one.jobs.filter(({ type }) => type !== 'sender-receipt')
  return { ...prepared, one: { ...one, jobs } }
}

function freshlyRecorded({ one, recipients }: Prepared, isUnmailed: boolean): Recorded {
  const { submissionId, submission, idempotencyKey } = one
  return {
    repeat: false,
    submissionId,
    reference: submission?.reference,
    digest: idempotencyKey.digest,
    isConfidential: recipients !== undefined,
    isUnmailed,
  }
}

async function insertAll(trx: Database, writing: Writing, prepared: Prepared[], now: number): Promise<void> {
  const records = prepared.map(({ one }) => one)
  const spammers = await knownSpammers(trx, records)
  const submissions = prepared.flatMap((one) => submissionRow(one, spammers, writing.processCodec))
  if (submissions.length > 0) await trx.insertInto('submissions').values(submissions).execute()
  const messages = prepared.filter(({ one }) => !one.adds).map(messageRow)
  if (messages.length > 0) await trx.insertInto('messages').values(messages).execute()
  for (const one of prepared) if (one.one.adds) await addToMessage(trx, writing.contents, one)
  const attachments = prepared.flatMap(({ one, files }) => attachmentRows(one, files))
  if (attachments.length > 0) await trx.insertInto('attachments').values(attachments).execute()
  await insertJobs(trx, prepared.flatMap(jobsOf), now, writing.processCodec)
  for (const one of records) await insertThreads(trx, one.threads ?? [], one.submissionId)
  for (const one of prepared) if (!one.one.submission) await touch(trx, one, writing.processCodec)
  await queueForSearch(
    trx,
    records.map((one) => one.submissionId),
  )
}

async function knownSpammers(trx: Database, records: NewRecord[]): Promise<Set<string>> {
  const senders = records.flatMap((one) => one.submission?.senders ?? [])
  if (senders.length === 0) return new Set()
  const rows = await trx.selectFrom('spam_senders').select('sender').where('sender', 'in', senders).execute()
  return new Set(rows.map((row) => row.sender))
}

async function touch(
  trx: Database,
  { one, recipients }: Prepared,
  processCodec: ProcessCodec,
): Promise<void> {
  if (recipients && one.author !== 'unverified') await learnContact(trx, one, processCodec)
  const row = await trx
    .updateTable('submissions')
    .set((eb) => ({
      // Of what a stranger said the sender is told nothing, not even when.
      ...(one.author !== 'unverified' && { updated_at: one.at }),
      revision: eb('revision', '+', 1),
      ...(one.author === 'sender' && { heard_at: one.at, heard_revision: eb('revision', '+', 1) }),
      active_at: one.at,
      warned_at: null,
      ...stillEncryptedFor(recipients),
    }))
    .where('id', '=', one.submissionId)
    .where('is_confidential', '=', recipients ? 1 : 0)
    .returning('id')
    .executeTakeFirst()
  if (!row) throw goneMeanwhile()
}

/**
 * An editor marked the submission as confidential since this was prepared, or erased it: whoever sends it again has it
 * encrypted, or is told.
 */
function goneMeanwhile(): Failure {
  return unavailable(new Error('the piece was marked or erased meanwhile'), true)
}

/** What a message tells of how its sender is reached, where it is still known how they were before. */
async function learnContact(trx: Database, one: NewRecord, processCodec: ProcessCodec): Promise<void> {
  const latest = contactIn(one.content)
  if (!latest.telegram && !latest.references) return
  const row = await trx
    .selectFrom('submissions')
    .select('contact')
    .where('id', '=', one.submissionId)
    .executeTakeFirst()
  const before = processCodec.decrypt<Contact>(row?.contact ?? null)
  if (before === undefined || before === 'lost') return
  await trx
    .updateTable('submissions')
    .set({ contact: processCodec.encrypt(laterContact(before, latest)) })
    .where('id', '=', one.submissionId)
    .execute()
}

/** Puts words and labels into a message that is there. Its files come after those it has. */
async function addToMessage(
  trx: Database,
  contents: Contents,
  { one, content, recipients }: Prepared,
): Promise<void> {
  const row = await trx
    .selectFrom('messages')
    .select('content')
    .where('id', '=', one.messageId)
    .executeTakeFirst()
  if (!row) throw goneMeanwhile()
  await trx
    .updateTable('messages')
    .set({ content: recipients || one.blocks ? behind(row.content, content) : await joined(row.content) })
    .where('id', '=', one.messageId)
    .execute()

  async function joined(stored: string): Promise<string> {
    const there = await contents.readContent(stored, '', noKeys, `message ${one.messageId}`)
    return contents.writeContent(together(there.content, one.content), undefined, `message ${one.messageId}`)
  }
}
