import type { Database } from '../db/open.ts'
import { insertDeliveries } from '../jobs/enqueue.ts'
import { type Audience, eventText, type Noted, type SecurityEvent, securityEvents } from './security-event.ts'
import { appendToTrail } from './store.ts'

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
 * Writes an event into the audit trail, and mails for whom it concerns into the outbox. Called last inside the transaction
 * of what it tells of.
 */
export async function noteSecurityEvent(trx: Database, event: SecurityEvent, now: number): Promise<void> {
  const { action, editorId, aboutId, detail } = event
  await tellOfSecurityEvent(trx, event, now)
  const said = [aboutId === editorId ? undefined : aboutId, detail].filter((one) => one !== undefined)
  await appendToTrail(trx, [{ action, editorId, detail: said.join(' ') || null }], now)
}

/** Puts the mails about an event into the outbox, where the trail tells of it in its own words. */
export async function tellOfSecurityEvent(trx: Database, event: SecurityEvent, now: number): Promise<void> {
  const { action, editorId, aboutId } = event
  const recipients = await recipientsOf(trx, securityEvents[action].told, aboutId ?? editorId)
  const target = eventText(event)
  await insertDeliveries(
    trx,
    recipients.map((id) => ({ purpose: 'security-notice', editorId: id, target })),
    now,
  )
}

/** The same, where there is one. */
export async function noteIf(trx: Database, noted: Noted | undefined): Promise<void> {
  if (noted) await noteSecurityEvent(trx, noted.event, noted.at)
}

/** The editors who are mailed. */
async function recipientsOf(trx: Database, told: Audience, aboutId: string | null): Promise<string[]> {
  if (told === 'nobody') return []
  const editors = await trx
    .selectFrom('editors')
    .select(['id', 'role'])
    .where('removed_at', 'is', null)
    .execute()
  return editors
    .filter(
      ({ id, role }) => told === 'everyone' || id === aboutId || (told === 'admins' && role === 'admin'),
    )
    .map(({ id }) => id)
}
