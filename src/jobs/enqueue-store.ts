import { sql } from 'kysely'
import { coarseId } from '../core/ids.ts'
import type { Database } from '../db/open.ts'
import type { Hidden } from '../encryption/hidden.ts'
import { carrierOf, type NewDelivery } from './job.ts'

/**
 * Adds deliveries to the outbox, due at once unless they say when. Gives their ids. Called inside the transaction of what
 * they tell of.
 */
export async function insertDeliveries(
  trx: Database,
  deliveries: NewDelivery[],
  now: number,
  hidden?: Hidden,
): Promise<string[]> {
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
    begun: 0,
    due_at: delivery.dueAt ?? now,
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
  return rows.map(({ id }) => id)
}

function passingOf({ passing }: NewDelivery, hidden: Hidden | undefined): string | null {
  if (!passing) return null
  if (!hidden) throw new Error('nothing here can hide what is passed on')
  return hidden.hide(passing)
}

/** Has the sender of a piece or a submission told where to send what is too large, unless that was done before. */
export async function offerUploadOnce(trx: Database, id: string, at: number): Promise<void> {
  const offered = await trx
    .selectFrom('deliveries')
    .select('id')
    .where('submission_id', '=', id)
    .where('purpose', '=', 'upload-link')
    .executeTakeFirst()
  if (!offered) await insertDeliveries(trx, [{ purpose: 'upload-link', submissionId: id }], at)
}

/** Those of these editors for whom no such mail waits that nobody has in hand: it will tell of all. */
export async function withoutMail(
  trx: Database,
  purpose: 'erasure-warning' | 'escalation',
  editorIds: string[],
): Promise<string[]> {
  const rows = await trx
    .selectFrom('deliveries')
    .select('editor_id')
    .where('purpose', '=', sql.lit(purpose))
    .where('state', '=', 'pending')
    .where('lease', 'is', null)
    .execute()
  const waiting = new Set(rows.map((row) => row.editor_id))
  return editorIds.filter((id) => !waiting.has(id))
}
