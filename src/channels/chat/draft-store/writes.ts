import { coarseId, coarseIdBehind, idBehind, newId } from '../../../core/ids.ts'
import type { Database } from '../../../db/open.ts'
import type { Tables } from '../../../db/schema.ts'
import { insertDeliveries } from '../../../jobs/enqueue-store.ts'
import type { NewDelivery } from '../../../jobs/job.ts'
import { lastTurnOf } from '../../../submissions/store.ts'
import { quietTime, type UpdateName } from '../draft.ts'
import { pieceOf } from './rows.ts'

// What changes open pieces, each with the deliveries that follow from it, inside the transaction of whoever asks.

/** A while in which photos that were sent together come in, so that the chat is told of them once. */
export const gathering = 1000

export async function openOf(db: Database, chat: string, joins: string) {
  return db
    .selectFrom('open_pieces')
    .selectAll()
    .where('chat', '=', chat)
    .where('joins', '=', joins)
    .where('state', '=', 'open')
    .executeTakeFirst()
}

/** Begins pieces, each with the delivery that sends it when the chat has been quiet. */
export async function insertPieces(
  trx: Database,
  rows: Tables['open_pieces'][],
  quiet: number,
): Promise<void> {
  const inserted = await trx
    .insertInto('open_pieces')
    .values(rows)
    .onConflict((oc) => oc.doNothing())
    .returningAll()
    .execute()
  const deliveries = inserted.map((row): NewDelivery => {
    const dueAt = row.heard_at + quietTime(pieceOf(row), quiet)
    return { purpose: 'chat-send', submissionId: row.id, dueAt }
  })
  if (deliveries.length > 0) await insertDeliveries(trx, deliveries, rows[0]?.created_at ?? 0)
}

export async function change(
  trx: Database,
  id: string,
  values: Partial<Tables['open_pieces']>,
): Promise<Tables['open_pieces']> {
  return trx
    .updateTable('open_pieces')
    .set((eb) => ({ ...values, revision: eb('revision', '+', 1) }))
    .where('id', '=', id)
    .returningAll()
    .executeTakeFirstOrThrow()
}

/** Closes an open piece, and says what it becomes: what may come to be told of it is known before it is there. */
export async function close(trx: Database, pieceId: string, at: number): Promise<void> {
  const joined = await trx
    .selectFrom('open_pieces')
    .select('joins')
    .where('id', '=', pieceId)
    .executeTakeFirst()
  const last = joined?.joins ? await lastTurnOf(trx, joined.joins) : undefined
  const row = await trx
    .updateTable('open_pieces')
    .set((eb) => ({
      state: 'closed' as const,
      step: null,
      revision: eb('revision', '+', 1),
      submission_id: eb
        .case()
        .when('joins', '!=', '')
        .then(eb.ref('joins'))
        .when('bond', '!=', '')
        .then(coarseId(at))
        .else(newId(at))
        .end(),
      message_id: eb
        .case()
        .when('bond', '!=', '')
        .then(coarseIdBehind(last, at))
        .else(idBehind(last, at))
        .end(),
    }))
    .where('id', '=', pieceId)
    .where('state', '=', 'open')
    .returning('id')
    .executeTakeFirst()
  if (row) await insertDeliveries(trx, [{ purpose: 'chat-send', submissionId: pieceId }], at)
}

/** Has the message that shows a piece brought up to date in a moment, unless that is about to be done. */
export async function tellOf(trx: Database, pieceIds: string[], at: number): Promise<void> {
  if (pieceIds.length === 0) return
  // Writing the row, if only with what it holds, keeps a worker from taking it before we are done.
  const waiting = await trx
    .updateTable('deliveries')
    .set((eb) => ({ due_at: eb.ref('due_at') }))
    .where('submission_id', 'in', pieceIds)
    .where('purpose', '=', 'chat-live')
    .where('state', '=', 'pending')
    .where('lease', 'is', null)
    .returning('submission_id')
    .execute()
  const known = new Set(waiting.map((row) => row.submission_id))
  const missing = pieceIds.filter((id) => !known.has(id))
  const deliveries = missing.map(
    (id): NewDelivery => ({ purpose: 'chat-live', submissionId: id, dueAt: at + gathering }),
  )
  if (deliveries.length > 0) await insertDeliveries(trx, deliveries, at)
}

/** Notes down by what files are known again when their words are edited. */
export async function noteFiles(trx: Database, names: UpdateName[], at: number): Promise<void> {
  if (names.length === 0) return
  await trx
    .insertInto('seen_updates')
    .values(names.map(({ bot, key }) => ({ bot, update_id: key, seen_at: at })))
    .onConflict((oc) => oc.doNothing())
    .execute()
}

/** Notes an update down. False if it was noted before. */
export async function noteUpdate(trx: Database, update: UpdateName, at: number): Promise<boolean> {
  const row = await trx
    .insertInto('seen_updates')
    .values({ bot: update.bot, update_id: update.key, seen_at: at })
    .onConflict((oc) => oc.doNothing())
    .returning('update_id')
    .executeTakeFirst()
  return row !== undefined
}
