import type { Database } from '../db/open.ts'
import type { Tables } from '../db/schema.ts'
import type { Arrived, NewRecord, Recorded } from './intake-record.ts'

function arrivalName(arrival: { source: string; key: string }): string {
  return `${arrival.source} ${arrival.key}`
}

/** Inserts the arrivals not seen before, and says whose they were. */
export async function insertArrivals(trx: Database, records: NewRecord[]): Promise<Set<NewRecord>> {
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
export async function earlierArrivals(
  trx: Database,
  repeats: NewRecord[],
): Promise<(one: NewRecord) => Recorded | { error: Error }> {
  const rows = repeats.length === 0 ? [] : await arrivalsNamed(trx, repeats)
  const mailed = await mailedAmong(
    trx,
    rows.map((row) => row.submission_id),
  )
  const byName = new Map(rows.map((row) => [arrivalName(row), row]))
  return (one) => {
    const row = byName.get(arrivalName(one.arrival))
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
    .selectFrom('deliveries')
    .select('submission_id')
    .where('submission_id', 'in', submissionIds)
    .where('purpose', '=', 'sender-receipt')
    .execute()
  return new Set(rows.map((row) => row.submission_id))
}

async function arrivalsNamed(trx: Database, records: NewRecord[]) {
  return trx
    .selectFrom('arrivals')
    .innerJoin('submissions', 'submissions.id', 'arrivals.submission_id')
    .select(['source', 'key', 'digest', 'submission_id', 'reference', 'is_confidential'])
    .where((eb) => eb.or(records.map(({ arrival: { source, key } }) => eb.and({ source, key }))))
    .execute()
}

/** The submission that an arrival was taken in as, or joined. */
export async function arrivedAs(
  db: Database,
  { source, key }: NewRecord['arrival'],
): Promise<Arrived | undefined> {
  const row = await db
    .selectFrom('arrivals')
    .innerJoin('submissions', 'submissions.id', 'arrivals.submission_id')
    .select(['reference', 'is_confidential'])
    .where('source', '=', source)
    .where('key', '=', key)
    .executeTakeFirst()
  return row && { reference: row.reference, isConfidential: row.is_confidential === 1 }
}
