import { sql } from 'kysely'
import { type Contact, contactIn, laterContact } from '../contact.ts'
import { carrierOf, type NewDelivery, type Passing } from '../delivery.ts'
import { unavailable } from '../failure.ts'
import { coarseId } from '../id.ts'
import { newReference } from '../receipt.ts'
import type { NewAttachment, NewRecord, Recorded } from '../record.ts'
import { noKeys, type Sealing, whomFor } from '../seal.ts'
import { behind, type Contents, together } from './contents.ts'
import type { Database } from './database.ts'
import { isDuplicate, isUnavailable } from './faults.ts'
import type { Hidden } from './hidden.ts'
import { insertThreads } from './mail.ts'
import type { Tables } from './schema.ts'
import type { Sealings } from './sealings.ts'

/** What writing needs to leave nothing in the clear that should not be. */
export type Writing = {
  contents: Contents
  sealings: Sealings
  hidden: Hidden
  /** True if there is an editor whose mail may tell, encrypted, what a sealed message says. */
  mayTellInConfidence: () => Promise<boolean>
}

/** A record with all of it that is content, as it will be stored. */
type Prepared = {
  one: NewRecord
  sealing: Sealing | undefined
  content: string
  summary: string | null
  /** By attachment: what a file is, where that is content too. */
  files: Map<string, string>
  /** What a notice may say of it although it is sealed. */
  passing: Passing | undefined
}

/** A record's own fate: nothing that is wrong with one befalls its neighbours. */
export type Outcome = Recorded | { error: unknown }

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
): Promise<Outcome[]> {
  try {
    const made = await prepared(writing, records)
    const good = made.filter((one) => 'one' in one)
    const outcomes = good.length === 0 ? [] : await recordPrepared(db, writing, good, now)
    return made.map((one) => ('one' in one ? (outcomes[good.indexOf(one)] as Outcome) : one))
  } catch (error) {
    return records.map(() => ({ error }))
  }
}

/** Sealing takes its time, so it is done before the transaction, where nobody waits for it. */
async function prepared(writing: Writing, records: NewRecord[]): Promise<(Prepared | { error: unknown })[]> {
  const sealings = await writing.sealings.of(records)
  const mayTell = sealings.size > 0 && (await writing.mayTellInConfidence())
  return Promise.all(
    records.map((one) =>
      prepare(writing.contents, one, sealings.get(one.submissionId), mayTell).catch((error: unknown) => ({
        error,
      })),
    ),
  )
}

async function prepare(
  contents: Contents,
  one: NewRecord,
  sealing: Sealing | undefined,
  mayTell: boolean,
): Promise<Prepared> {
  const whom = whomFor(one.author)
  const content = one.blocks ? one.blocks.join('\n') : await contents.writeContent(one.content, sealing, whom)
  // Of a sealed piece the first message says it: what is sealed twice costs twice.
  const summary = one.submission && !sealing ? contents.writeSummary(one.submission.summary) : null
  const files = new Map<string, string>()
  for (const attachment of one.attachments) {
    if (!sealing || 'awaited' in attachment) continue
    // It was kept before an editor marked the piece as confidential: kept again, it is sealed.
    if (attachment.mark === undefined) throw unavailable(new Error('a file that is not sealed'), true)
    const { id, type, mark } = attachment
    files.set(id, await contents.writeFile({ id, type, mark }, sealing, whom))
  }
  const passing = sealing && mayTell ? saidIn(one) : undefined
  return { one, sealing, content, summary, files, passing }
}

/** Title and text, and not who sent it. Nothing is known here of what came sealed, or is part of what was told before. */
function saidIn({ content, blocks, adds }: NewRecord): Passing | undefined {
  if (blocks || adds) return undefined
  const { title, body } = content.fields
  return { ...(title !== undefined && { title }), text: body }
}

async function recordPrepared(
  db: Database,
  writing: Writing,
  records: Prepared[],
  now: () => number,
): Promise<Outcome[]> {
  try {
    return await inOneTransaction(db, writing, records, now)
  } catch (error) {
    if (records.length === 1) return [await renamedOr(error, db, writing, records[0] as Prepared, now)]
    if (isUnavailable(error)) return records.map(() => ({ error }))
  }
  const outcomes: Outcome[] = []
  for (const single of records) outcomes.push(...(await recordPrepared(db, writing, [single], now)))
  return outcomes
}

// Two references in 2^40 may fall together; the index notices, and the newer one takes another.
async function renamedOr(
  error: unknown,
  db: Database,
  writing: Writing,
  single: Prepared,
  now: () => number,
): Promise<Outcome> {
  const { submission } = single.one
  if (!submission || !isDuplicate(error)) return { error }
  const one = { ...single.one, submission: { ...submission, reference: newReference() } }
  try {
    return (await inOneTransaction(db, writing, [{ ...single, one }], now))[0] as Outcome
  } catch (again) {
    return { error: again }
  }
}

async function inOneTransaction(
  db: Database,
  writing: Writing,
  records: Prepared[],
  now: () => number,
): Promise<Outcome[]> {
  return db.transaction().execute(async (trx) => {
    const all = records.map(({ one }) => one)
    const first = await insertArrivals(trx, all)
    const fresh = records.filter(({ one }) => first.has(one))
    const repeats = all.filter((one) => !first.has(one))
    if (fresh.length > 0) await insertAll(trx, writing, fresh, now())
    const earlier = await earlierArrivals(trx, repeats)
    return all.map((one) => (first.has(one) ? freshlyRecorded(one) : earlier(one)))
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

async function insertAll(trx: Database, writing: Writing, prepared: Prepared[], now: number): Promise<void> {
  const records = prepared.map(({ one }) => one)
  const spammers = await knownSpammers(trx, records)
  const submissions = prepared.flatMap((one) => submissionRow(one, spammers, writing.hidden))
  if (submissions.length > 0) await trx.insertInto('submissions').values(submissions).execute()
  const messages = prepared.filter(({ one }) => !one.adds).map(messageRow)
  if (messages.length > 0) await trx.insertInto('messages').values(messages).execute()
  for (const one of prepared) if (one.one.adds) await addToMessage(trx, writing.contents, one)
  const attachments = prepared.flatMap(({ one, files }) => attachmentRows(one, files))
  if (attachments.length > 0) await trx.insertInto('attachments').values(attachments).execute()
  await insertDeliveries(trx, prepared.flatMap(deliveriesOf), now, writing.hidden)
  for (const one of records) await insertThreads(trx, one.threads ?? [], one.submissionId)
  for (const one of prepared) if (!one.one.submission) await touch(trx, one, writing.hidden)
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

async function touch(trx: Database, { one, sealing }: Prepared, hidden: Hidden): Promise<void> {
  if (sealing && one.author !== 'stranger') await learnContact(trx, one, hidden)
  const row = await trx
    .updateTable('submissions')
    .set((eb) => ({
      // Of what a stranger said the sender is told nothing, not even when.
      ...(one.author !== 'stranger' && { updated_at: one.at }),
      revision: eb('revision', '+', 1),
      ...(one.author === 'sender' && { heard_at: one.at, heard_revision: eb('revision', '+', 1) }),
      active_at: one.at,
      warned_at: null,
      ...stillSealedFor(sealing),
    }))
    .where('id', '=', one.submissionId)
    .where('is_confidential', '=', sealing ? 1 : 0)
    .returning('id')
    .executeTakeFirst()
  // An editor marked it as confidential since this was prepared: whoever sends it again has it sealed.
  if (!row) throw unavailable(new Error('the piece was marked or erased meanwhile'), true)
}

/** What a message tells of how its sender is reached, where it is still known how they were before. */
async function learnContact(trx: Database, one: NewRecord, hidden: Hidden): Promise<void> {
  const told = contactIn(one.content)
  if (!told.telegram && !told.references) return
  const row = await trx
    .selectFrom('submissions')
    .select('contact')
    .where('id', '=', one.submissionId)
    .executeTakeFirst()
  const before = hidden.reveal<Contact>(row?.contact ?? null)
  if (before === undefined || before === 'lost') return
  await trx
    .updateTable('submissions')
    .set({ contact: hidden.hide(laterContact(before, told)) })
    .where('id', '=', one.submissionId)
    .execute()
}

/** Where something is written for another key than the rest, all of it is to be sealed anew. */
export function stillSealedFor(sealing: Sealing | undefined) {
  if (!sealing) return {}
  return { sealed_for: sql<string | null>`case when sealed_for = ${sealing.desk} then sealed_for end` }
}

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
        .where('is_confidential', '=', 0),
    )
    .onConflict((oc) => oc.column('submission_id').doNothing())
    .execute()
}

function submissionRow(
  { one, sealing, summary }: Prepared,
  spammers: Set<string>,
  hidden: Hidden,
): Tables['submissions'][] {
  if (!one.submission) return []
  const { reference, receiptHash, kind, channel, senders, isConfidential, bond, senderRecipient } =
    one.submission
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
      heard_revision: 1,
      revision: 1,
      assignee_id: '',
      summary,
      moved_from: null,
      moved_at: null,
      spam_before: senders.some((sender) => spammers.has(sender)) ? 1 : 0,
      first_opened_at: null,
      decided_at: null,
      escalated_at: null,
      is_confidential: isConfidential ? 1 : 0,
      bond,
      sender_recipient: senderRecipient,
      // What was sealed before may have been for an earlier key.
      sealed_for: one.blocks ? null : (sealing?.desk ?? null),
      contact: sealing ? hidden.hide(contactIn(one.content)) : null,
      active_at: one.at,
      warned_at: null,
      is_held: 0,
      sender_left_at: null,
    },
  ]
}

function messageRow({ one, content }: Prepared): Tables['messages'] {
  return {
    id: one.messageId,
    submission_id: one.submissionId,
    author: one.author,
    editor_id: null,
    content,
    created_at: one.at,
    withdrawn_at: null,
    settles: null,
  }
}

/** Puts words and labels into a message that is there. Its files come after those it has. */
async function addToMessage(
  trx: Database,
  contents: Contents,
  { one, content, sealing }: Prepared,
): Promise<void> {
  const row = await trx
    .selectFrom('messages')
    .select('content')
    .where('id', '=', one.messageId)
    .executeTakeFirstOrThrow()
  await trx
    .updateTable('messages')
    .set({ content: sealing || one.blocks ? behind(row.content, content) : await joined(row.content) })
    .where('id', '=', one.messageId)
    .execute()

  async function joined(stored: string): Promise<string> {
    const there = await contents.readContent(stored, '', noKeys)
    return contents.writeContent(together(there.content, one.content), undefined)
  }
}

/** Added files stand behind those that a message has: it never has so many. */
const added = 10_000

/** Called with what has been put beside the files of a message, or with those of a new one. */
export function attachmentRows(
  one: Pick<NewRecord, 'attachments' | 'messageId' | 'adds'>,
  sealed: Map<string, string>,
): Tables['attachments'][] {
  return one.attachments.map((attachment, position) => ({
    id: attachment.id,
    message_id: one.messageId,
    position: one.adds ? added + position : position,
    preview_id: null,
    came_with: null,
    ...fileColumns(attachment, sealed.get(attachment.id)),
  }))
}

function fileColumns(attachment: NewAttachment, sealed: string | undefined) {
  if (!('awaited' in attachment)) {
    const { size, type, sha256 } = attachment
    if (sealed !== undefined)
      return { state: 'kept' as const, size, type: sealed, sha256: null, is_sealed: 1 }
    return { state: 'kept' as const, size, type, sha256, is_sealed: 0 }
  }
  const { withheld } = attachment.awaited
  const state = withheld === undefined ? ('awaited' as const) : ('failed' as const)
  return { state, size: withheld ?? null, type: null, sha256: null, is_sealed: 0 }
}

/** Of what is sealed no preview is made: that would lie there in the clear. */
function deliveriesOf({ one, sealing, passing }: Prepared): NewDelivery[] {
  const told = { submissionId: one.submissionId, messageId: one.messageId }
  const deliveries = one.deliveries.filter(({ purpose }) => !sealing || purpose !== 'preview')
  return deliveries.map((delivery) => ({
    ...told,
    ...(passing && delivery.purpose === 'tell-editors' && { passing }),
    ...delivery,
  }))
}

/** Adds deliveries to the outbox, due at once unless they say when. Called inside the transaction of what they tell of. */
export async function insertDeliveries(
  trx: Database,
  deliveries: NewDelivery[],
  now: number,
  hidden?: Hidden,
): Promise<void> {
  const rows = deliveries.map((delivery) => ({
    id: coarseId(now),
    purpose: delivery.purpose,
    carrier: carrierOf[delivery.purpose],
    submission_id: delivery.submissionId ?? null,
    message_id: delivery.messageId ?? null,
    editor_id: delivery.editorId ?? null,
    attachment_id: delivery.attachmentId ?? null,
    target: delivery.target ?? null,
    receipt: delivery.receipt ?? null,
    passing: passingOf(delivery, hidden),
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

function passingOf({ passing }: NewDelivery, hidden: Hidden | undefined): string | null {
  if (!passing) return null
  if (!hidden) throw new Error('nothing here can hide what is passed on')
  return hidden.hide(passing)
}
