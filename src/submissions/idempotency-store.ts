import type { Database } from '../db/open.ts'
import type { Tables } from '../db/schema.ts'
import type { NewRecord, ReceivedBefore, Recorded } from './intake-record.ts'

function idempotencyName(idempotencyKey: { source: string; key: string }): string {
  return `${idempotencyKey.source} ${idempotencyKey.key}`
}

/** Inserts the arrivals not seen before, and says whose they were. */
export async function insertIdempotencyKeys(trx: Database, records: NewRecord[]): Promise<Set<NewRecord>> {
  const byName = new Map<string, NewRecord>()
  for (const one of records) {
    const name = idempotencyName(one.idempotencyKey)
    if (!byName.has(name)) byName.set(name, one)
  }
  // In one order everywhere, so that two machines never wait for each other in a circle.
  const rows = [...byName.keys()].sort().map((name) => idempotencyRow(byName.get(name) as NewRecord))
  const inserted = await trx
    .insertInto('idempotency_keys')
    .values(rows)
    .onConflict((oc) => oc.columns(['source', 'key']).doNothing())
    .returning(['source', 'key'])
    .execute()
  return new Set(inserted.map((row) => byName.get(idempotencyName(row)) as NewRecord))
}

export function idempotencyRow(
  one: Pick<NewRecord, 'idempotencyKey' | 'submissionId' | 'at'>,
): Tables['idempotency_keys'] {
  return {
    source: one.idempotencyKey.source,
    key: one.idempotencyKey.key,
    digest: one.idempotencyKey.digest ?? null,
    submission_id: one.submissionId,
    created_at: one.at,
  }
}

/** Looks up what the first arrivals under the same keys were recorded as. */
export async function earlierWith(
  trx: Database,
  repeats: NewRecord[],
): Promise<(one: NewRecord) => Recorded | { error: Error }> {
  const rows = repeats.length === 0 ? [] : await withKeys(trx, repeats)
  const mailed = await mailedAmong(
    trx,
    rows.map((row) => row.submission_id),
  )
  const byName = new Map(rows.map((row) => [idempotencyName(row), row]))
  return (one) => {
    const row = byName.get(idempotencyName(one.idempotencyKey))
    if (!row) return { error: new Error('an arrival was refused but is not there') }
    return {
      repeat: true,
      submissionId: row.submission_id,
      reference: row.reference,
      digest: row.digest ?? undefined,
      isConfidential: row.is_confidential === 1,
      isUnmailed: one.mailed !== undefined && !mailed.has(row.submission_id),
    }
  }
}

/** Of which of these submissions a receipt is or was to be mailed. */
async function mailedAmong(trx: Database, submissionIds: string[]): Promise<Set<string | null>> {
  if (submissionIds.length === 0) return new Set()
  const rows = await trx
    .selectFrom('jobs')
    .select('submission_id')
    .where('submission_id', 'in', submissionIds)
    .where('type', '=', 'sender-receipt')
    .execute()
  return new Set(rows.map((row) => row.submission_id))
}

async function withKeys(trx: Database, records: NewRecord[]) {
  return trx
    .selectFrom('idempotency_keys')
    .innerJoin('submissions', 'submissions.id', 'idempotency_keys.submission_id')
    .select(['source', 'key', 'digest', 'submission_id', 'reference', 'is_confidential'])
    .where((eb) => eb.or(records.map(({ idempotencyKey: { source, key } }) => eb.and({ source, key }))))
    .execute()
}

/** The submission that an idempotency key was taken in as, or joined. */
export async function receivedAs(
  db: Database,
  { source, key }: NewRecord['idempotencyKey'],
): Promise<ReceivedBefore | undefined> {
  const row = await db
    .selectFrom('idempotency_keys')
    .innerJoin('submissions', 'submissions.id', 'idempotency_keys.submission_id')
    .select(['reference', 'is_confidential'])
    .where('source', '=', source)
    .where('key', '=', key)
    .executeTakeFirst()
  return row && { reference: row.reference, isConfidential: row.is_confidential === 1 }
}
