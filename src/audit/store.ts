import type { Database } from '../db/open.ts'
import type { Tables } from '../db/schema.ts'
import { insertJobs } from '../jobs/enqueue-store.ts'
import { type AuditEntry, auditHash, type NewAuditEntry } from './log.ts'
import { type Audience, eventText, type Noted, type SecurityEvent, securityEvents } from './security-event.ts'

export type AuditStore = ReturnType<typeof auditStore>

const pageSize = 1000

/** The audit log. It is only ever added to. */
export function auditStore(db: Database) {
  return {
    /** Writes down what was done with no transaction of its own, such as an export; and has mailed what is told of it. */
    async add(entries: NewAuditEntry[], at: number, mailed?: SecurityEvent): Promise<void> {
      await db.transaction().execute(async (trx) => {
        if (mailed) await tellOfSecurityEvent(trx, mailed, at)
        await appendToAuditLog(trx, entries, at)
      })
    },

    /** The latest entries below a number, the latest first, of one submission or of all. */
    async page(
      size: number,
      asked: { below?: number | undefined; reference?: string | undefined } = {},
    ): Promise<AuditEntry[]> {
      let query = db.selectFrom('audit_log').selectAll().orderBy('number', 'desc').limit(size)
      if (asked.below !== undefined) query = query.where('number', '<', asked.below)
      if (asked.reference !== undefined) query = query.where('reference', '=', asked.reference)
      return (await query.execute()).map(entryOf)
    },

    head: () => headOf(db),

    /** All of it, the oldest first, page by page. */
    async *all(): AsyncGenerator<AuditEntry> {
      for (let last = 0, isMore = true; isMore; ) {
        const rows = await db
          .selectFrom('audit_log')
          .selectAll()
          .where('number', '>', last)
          .orderBy('number')
          .limit(pageSize)
          .execute()
        yield* rows.map(entryOf)
        last = rows.at(-1)?.number ?? last
        isMore = rows.length === pageSize
      }
    },
  }
}

/**
 * Adds to the audit log. Called last inside the transaction of what it tells of: until that ends, nobody else can add, and
 * whoever waits for that must not hold what this one still needs.
 */
export async function appendToAuditLog(trx: Database, entries: NewAuditEntry[], at: number): Promise<void> {
  if (entries.length === 0) return
  await trx.updateTable('audit_head').set({ one: 1 }).where('one', '=', 1).execute()
  let { number, hash } = await headOf(trx)
  const rows: Tables['audit_log'][] = []
  for (const { editorId, action, reference = null, detail = null } of entries) {
    number += 1
    hash = auditHash(hash, { number, at, editorId, action, reference, detail })
    rows.push({ number, at, editor_id: editorId, action, reference, detail, hash })
  }
  await trx.insertInto('audit_log').values(rows).execute()
  await trx.updateTable('audit_head').set({ number, hash }).where('one', '=', 1).execute()
}

async function headOf(db: Database): Promise<Pick<AuditEntry, 'number' | 'hash'>> {
  return db.selectFrom('audit_head').select(['number', 'hash']).executeTakeFirstOrThrow()
}

function entryOf({ editor_id: editorId, ...row }: Tables['audit_log']): AuditEntry {
  return { ...row, editorId }
}

export type SecurityEventStore = ReturnType<typeof securityEventStore>

/** What changes who may come in, where it is noted with no other transaction. */
export function securityEventStore(db: Database) {
  return {
    async note(event: SecurityEvent, now: number): Promise<void> {
      await db.transaction().execute((trx) => noteSecurityEvent(trx, event, now))
    },
  }
}

/**
 * Writes an event into the audit log, and mails for whom it concerns into the outbox. Called last inside the transaction
 * of what it tells of.
 */
export async function noteSecurityEvent(trx: Database, event: SecurityEvent, now: number): Promise<void> {
  const { action, editorId, aboutId, detail } = event
  await tellOfSecurityEvent(trx, event, now)
  const details = [aboutId === editorId ? undefined : aboutId, detail].filter((one) => one !== undefined)
  await appendToAuditLog(trx, [{ action, editorId, detail: details.join(' ') || null }], now)
}

/** Puts the mails about an event into the outbox, where the audit log tells of it in its own words. */
async function tellOfSecurityEvent(trx: Database, event: SecurityEvent, now: number): Promise<void> {
  const { action, editorId, aboutId } = event
  const recipients = await recipientsOf(trx, securityEvents[action].audience, aboutId ?? editorId)
  const target = eventText(event)
  await insertJobs(
    trx,
    recipients.map((id) => ({ type: 'security-notice', editorId: id, target })),
    now,
  )
}

/** The same, where there is one. */
export async function noteIf(trx: Database, noted: Noted | undefined): Promise<void> {
  if (noted) await noteSecurityEvent(trx, noted.event, noted.at)
}

/** The editors who are mailed. */
async function recipientsOf(trx: Database, mailed: Audience, aboutId: string | null): Promise<string[]> {
  if (mailed === 'nobody') return []
  const editors = await trx
    .selectFrom('editors')
    .select(['id', 'role'])
    .where('removed_at', 'is', null)
    .execute()
  return editors
    .filter(
      ({ id, role }) => mailed === 'everyone' || id === aboutId || (mailed === 'admins' && role === 'admin'),
    )
    .map(({ id }) => id)
}
