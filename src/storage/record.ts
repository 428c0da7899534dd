import { carrierOf, type NewDelivery } from '../delivery.ts'
import { newId } from '../id.ts'
import { newReference } from '../receipt.ts'
import type { NewAttachment, NewRecord, Recorded } from '../record.ts'
import { isConfidential, kinds } from '../submission.ts'
import { readContent, writeContent, writeSummary } from './contents.ts'
import type { Database } from './database.ts'
import { isDuplicate, isUnavailable } from './faults.ts'
import { insertThreads } from './mail.ts'
import type { Tables } from './schema.ts'

/** A record's own fate: nothing that is wrong with one befalls its neighbours. */
export type Outcome = Recorded | { error: unknown }

/**
 * Writes records in one transaction: arrivals first, by whose unique index a repeat is known, then what
 * belongs to each. If the transaction fails, each record is tried in one of its own, so that a bad
 * record fails alone. When storage itself is unavailable, all fail together.
 */
export async function record(db: Database, records: NewRecord[], now: () => number): Promise<Outcome[]> {
  try {
    return await inOneTransaction(db, records, now)
  } catch (error) {
    if (records.length === 1) return [await renamedOr(error, db, records[0] as NewRecord, now)]
    if (isUnavailable(error)) return records.map(() => ({ error }))
  }
  const outcomes: Outcome[] = []
  for (const single of records) outcomes.push(...(await record(db, [single], now)))
  return outcomes
}

// Two references in 2^40 may fall together; the index notices, and the newer one takes another.
async function renamedOr(
  error: unknown,
  db: Database,
  single: NewRecord,
  now: () => number,
): Promise<Outcome> {
  if (!single.submission || !isDuplicate(error)) return { error }
  const renamed = { ...single, submission: { ...single.submission, reference: newReference() } }
  try {
    return (await inOneTransaction(db, [renamed], now))[0] as Outcome
  } catch (again) {
    return { error: again }
  }
}

async function inOneTransaction(db: Database, records: NewRecord[], now: () => number): Promise<Outcome[]> {
  return db.transaction().execute(async (trx) => {
    const first = await insertArrivals(trx, records)
    const fresh = records.filter((one) => first.has(one))
    const repeats = records.filter((one) => !first.has(one))
    if (fresh.length > 0) await insertAll(trx, fresh, now())
    const earlier = await earlierArrivals(trx, repeats)
    return records.map((one) => (first.has(one) ? freshlyRecorded(one) : earlier(one)))
  })
}

function freshlyRecorded(one: NewRecord): Recorded {
  const { submissionId, submission, arrival } = one
  return { repeat: false, submissionId, reference: submission?.reference, digest: arrival.digest }
}

function arrivalName(arrival: { source: string; key: string }): string {
  return `${arrival.source} ${arrival.key}`
}

/** Inserts the arrivals not seen before, and says whose they were. */
async function insertArrivals(trx: Database, records: NewRecord[]): Promise<Set<NewRecord>> {
  const byName = new Map<string, NewRecord>()
  for (const one of records) {
    const name = arrivalName(one.arrival)
    if (!byName.has(name)) byName.set(name, one)
  }
  // In one order everywhere, so that two machines never wait for each other in a circle.
  const rows = [...byName.keys()].sort().map((name) => arrivalRow(byName.get(name) as NewRecord))
  const inserted = await trx
    .insertInto('arrivals')
    .values(rows)
    .onConflict((oc) => oc.columns(['source', 'key']).doNothing())
    .returning(['source', 'key'])
    .execute()
  return new Set(inserted.map((row) => byName.get(arrivalName(row)) as NewRecord))
}

export function arrivalRow(one: Pick<NewRecord, 'arrival' | 'submissionId' | 'at'>): Tables['arrivals'] {
  return {
    source: one.arrival.source,
    key: one.arrival.key,
    digest: one.arrival.digest ?? null,
    submission_id: one.submissionId,
    created_at: one.at,
  }
}

/** Looks up what the first arrivals under the same keys were recorded as. */
async function earlierArrivals(trx: Database, repeats: NewRecord[]): Promise<(one: NewRecord) => Outcome> {
  const rows = repeats.length === 0 ? [] : await arrivalsNamed(trx, repeats)
  const byName = new Map(rows.map((row) => [arrivalName(row), row]))
  return (one) => {
    const row = byName.get(arrivalName(one.arrival))
    if (!row) return { error: new Error('an arrival was refused but is not there') }
    return {
      repeat: true,
      submissionId: row.submission_id,
      reference: row.reference,
      digest: row.digest ?? undefined,
    }
  }
}

async function arrivalsNamed(trx: Database, records: NewRecord[]) {
  return trx
    .selectFrom('arrivals')
    .innerJoin('submissions', 'submissions.id', 'arrivals.submission_id')
    .select(['source', 'key', 'digest', 'submission_id', 'reference'])
    .where((eb) => eb.or(records.map(({ arrival: { source, key } }) => eb.and({ source, key }))))
    .execute()
}

async function insertAll(trx: Database, records: NewRecord[], now: number): Promise<void> {
  const spammers = await knownSpammers(trx, records)
  const submissions = records.flatMap((one) => submissionRow(one, spammers))
  if (submissions.length > 0) await trx.insertInto('submissions').values(submissions).execute()
  const messages = records.filter(({ adds }) => !adds).map(messageRow)
  if (messages.length > 0) await trx.insertInto('messages').values(messages).execute()
  for (const one of records) if (one.adds) await addToMessage(trx, one)
  const attachments = records.flatMap(attachmentRows)
  if (attachments.length > 0) await trx.insertInto('attachments').values(attachments).execute()
  await insertDeliveries(trx, records.flatMap(deliveriesOf), now)
  for (const one of records) await insertThreads(trx, one.threads ?? [], one.submissionId)
  for (const one of records) if (!one.submission) await touch(trx, one)
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

async function touch(trx: Database, one: NewRecord): Promise<void> {
  await trx
    .updateTable('submissions')
    .set((eb) => ({
      // Of what a stranger said the sender is told nothing, not even when.
      ...(one.author !== 'stranger' && { updated_at: one.at }),
      revision: eb('revision', '+', 1),
      ...(one.author === 'sender' && { heard_at: one.at }),
    }))
    .where('id', '=', one.submissionId)
    .execute()
}

const searchable = kinds.filter((kind) => !isConfidential(kind))

/** Notes what has to be read into the search index. Confidential pieces never are. */
export async function queueForSearch(trx: Database, submissionIds: string[]): Promise<void> {
  await trx
    .insertInto('unindexed')
    .columns(['submission_id'])
    .expression((eb) =>
      eb
        .selectFrom('submissions')
        .select('id')
        .where('id', 'in', submissionIds)
        .where('kind', 'in', searchable),
    )
    .onConflict((oc) => oc.column('submission_id').doNothing())
    .execute()
}

function submissionRow(one: NewRecord, spammers: Set<string>): Tables['submissions'][] {
  if (!one.submission) return []
  const { reference, receiptHash, kind, channel, summary, senders } = one.submission
  return [
    {
      id: one.submissionId,
      reference,
      receipt_hash: receiptHash,
      kind,
      channel,
      state: 'waiting',
      created_at: one.at,
      updated_at: one.at,
      heard_at: one.at,
      revision: 1,
      assignee_id: '',
      summary: writeSummary(summary),
      moved_from: null,
      moved_at: null,
      spam_before: senders.some((sender) => spammers.has(sender)) ? 1 : 0,
      first_opened_at: null,
      decided_at: null,
      escalated_at: null,
    },
  ]
}

function messageRow(one: NewRecord): Tables['messages'] {
  return {
    id: one.messageId,
    submission_id: one.submissionId,
    author: one.author,
    editor_id: null,
    content: writeContent(one.content),
    created_at: one.at,
    withdrawn_at: null,
  }
}

/** Puts words and labels into a message that is there. Its files come after those it has. */
async function addToMessage(trx: Database, one: NewRecord): Promise<void> {
  const row = await trx
    .selectFrom('messages')
    .select('content')
    .where('id', '=', one.messageId)
    .executeTakeFirstOrThrow()
  const there = readContent(row.content)
  const { fields, files } = one.content
  const body = [there.fields.body, fields.body].filter((words) => words !== '').join('\n\n')
  const content = { ...there, fields: { ...there.fields, body }, files: { ...there.files, ...files } }
  await trx
    .updateTable('messages')
    .set({ content: writeContent(content) })
    .where('id', '=', one.messageId)
    .execute()
}

/** Added files stand behind those that a message has: it never has so many. */
const behind = 10_000

/** Called with what has been put beside the files of a message, or with those of a new one. */
export function attachmentRows(
  one: Pick<NewRecord, 'attachments' | 'messageId' | 'adds'>,
): Tables['attachments'][] {
  return one.attachments.map((attachment, position) => ({
    id: attachment.id,
    message_id: one.messageId,
    position: one.adds ? behind + position : position,
    preview_id: null,
    ...fileColumns(attachment),
  }))
}

function fileColumns(attachment: NewAttachment) {
  if (!('awaited' in attachment)) {
    const { size, type, sha256 } = attachment
    return { state: 'kept' as const, size, type, sha256 }
  }
  const { withheld } = attachment.awaited
  const state = withheld === undefined ? ('awaited' as const) : ('failed' as const)
  return { state, size: withheld ?? null, type: null, sha256: null }
}

function deliveriesOf(one: NewRecord): NewDelivery[] {
  const told = { submissionId: one.submissionId, messageId: one.messageId }
  return one.deliveries.map((delivery) => ({ ...told, ...delivery }))
}

/** Adds deliveries to the outbox, due at once unless they say when. Called inside the transaction of what they tell of. */
export async function insertDeliveries(trx: Database, deliveries: NewDelivery[], now: number): Promise<void> {
  const rows = deliveries.map((delivery) => ({
    id: newId(now),
    purpose: delivery.purpose,
    carrier: carrierOf[delivery.purpose],
    submission_id: delivery.submissionId ?? null,
    message_id: delivery.messageId ?? null,
    editor_id: delivery.editorId ?? null,
    attachment_id: delivery.attachmentId ?? null,
    target: delivery.target ?? null,
    receipt: delivery.receipt ?? null,
    state: 'pending' as const,
    attempts: 0,
    due_at: delivery.dueAt ?? now,
    leased_until: 0,
    created_at: now,
    tried_since: delivery.dueAt ?? now,
  }))
  // In pieces, for a statement binds at most 32,766 values, and each editor has a row for each piece.
  for (let from = 0; from < rows.length; from += 1000) {
    await trx
      .insertInto('deliveries')
      .values(rows.slice(from, from + 1000))
      // A digest that waits already will tell of this too.
      .onConflict((oc) => oc.doNothing())
      .execute()
  }
}
