import { coarseIdBehind, idBehind } from '../../../core/ids.ts'
import type { Database } from '../../../db/open.ts'
import { insertDeliveries } from '../../../jobs/enqueue-store.ts'
import type { NewDelivery } from '../../../jobs/job.ts'
import { lastTurnOf } from '../../../submissions/store.ts'
import { type Part, type PieceToSend, quietTime, regretTime, type UpdateName } from '../draft.ts'
import { sealedByItself } from './re-encrypt.ts'
import { type PieceWriting, pieceOf } from './rows.ts'
import { change, close, noteUpdate, openOf, tellOf } from './writes.ts'

/** How pieces of chats end: sent, made something else, or discarded. `quiet` is the usual quiet time in milliseconds. */
export function openPieceEnding(db: Database, writing: PieceWriting, quiet: number) {
  return {
    /** Sends a piece: nothing joins it any more, and the worker makes it what it becomes. */
    async close(pieceId: string, at: number): Promise<void> {
      await db.transaction().execute((trx) => close(trx, pieceId, at))
    },

    /** Makes a reply a piece of its own, sealed as its kind is. False if the chat has another one open. Once for each update. */
    async detach(update: UpdateName, pieceId: string, chat: string, at: number): Promise<boolean> {
      return db.transaction().execute(async (trx) => {
        if (!(await noteUpdate(trx, update, at))) return true
        if (await openOf(trx, chat, '')) return false
        const detached = await trx
          .updateTable('open_pieces')
          .set((eb) => ({ joins: '', heard_at: at, revision: eb('revision', '+', 1) }))
          .where('id', '=', pieceId)
          .where('state', '=', 'open')
          .returningAll()
          .executeTakeFirst()
        if (!detached) return false
        const seal = await sealedByItself(trx, writing, detached, at)
        if (seal.bond !== undefined)
          await trx.updateTable('open_pieces').set(seal).where('id', '=', pieceId).execute()
        await tellOf(trx, [pieceId], at)
        return true
      })
    },

    /** Discards an open piece; for a while it can be had back. Once for each update. */
    async discard(update: UpdateName, pieceId: string, at: number): Promise<void> {
      await db.transaction().execute(async (trx) => {
        if (!(await noteUpdate(trx, update, at))) return
        const discarded = await trx
          .updateTable('open_pieces')
          .set((eb) => ({ state: 'discarded' as const, heard_at: at, revision: eb('revision', '+', 1) }))
          .where('id', '=', pieceId)
          .where('state', '=', 'open')
          .returning('id')
          .executeTakeFirst()
        if (!discarded) return
        await tellOf(trx, [pieceId], at)
        const dueAt = at + regretTime
        await insertDeliveries(trx, [{ purpose: 'chat-send', submissionId: pieceId, dueAt }], at)
      })
    },

    /** Has a discarded piece back. False if it is too late, or the chat has begun another one. Once for each update. */
    async restore(update: UpdateName, pieceId: string, at: number): Promise<boolean> {
      return db.transaction().execute(async (trx) => {
        if (!(await noteUpdate(trx, update, at))) return true
        const row = await trx
          .selectFrom('open_pieces')
          .selectAll()
          .where('id', '=', pieceId)
          .executeTakeFirst()
        if (row?.state !== 'discarded' || row.part_count === 0) return false
        if (await openOf(trx, row.chat, row.joins)) return false
        const restored = await change(trx, pieceId, { state: 'open', heard_at: at })
        await tellOf(trx, [pieceId], at)
        const dueAt = at + quietTime(pieceOf(restored), quiet)
        await insertDeliveries(trx, [{ purpose: 'chat-send', submissionId: pieceId, dueAt }], at)
        return true
      })
    },

    /** Forgets everything that a piece held. False if it no longer is as it was at this revision. */
    async forget(pieceId: string, revision: number): Promise<boolean> {
      return db.transaction().execute(async (trx) => {
        const forgotten = await trx
          .updateTable('open_pieces')
          .set({ target: null, secret: null, part_count: 0, state: 'discarded' })
          .where('id', '=', pieceId)
          .where('revision', '=', revision)
          .where('state', 'in', ['open', 'discarded'])
          .returning('id')
          .executeTakeFirst()
        if (!forgotten) return false
        await trx.deleteFrom('open_parts').where('piece_id', '=', pieceId).execute()
        return true
      })
    },

    /**
     * Writes down which parts have become which messages. The first time, the chat is told, with the receipt of what is
     * new; what came meanwhile is seen to next.
     */
    async sent(
      piece: PieceToSend,
      messages: { parts: Part[]; messageId: string }[],
      became: { submissionId: string; receipt?: string },
      at: number,
    ): Promise<void> {
      await db.transaction().execute(async (trx) => {
        for (const { parts, messageId } of messages) {
          for (const part of parts) await markTaken(trx, piece.chat, part, messageId)
        }
        const isFirst = await trx
          .updateTable('open_pieces')
          .set((eb) => ({ state: 'sent' as const, secret: null, revision: eb('revision', '+', 1) }))
          .where('id', '=', piece.id)
          .where('state', '!=', 'sent')
          .returning('id')
          .executeTakeFirst()
        if (!isFirst) return
        await trx
          .insertInto('chat_submissions')
          .values({ chat: piece.chat, submission_id: became.submissionId })
          .onConflict((oc) => oc.doNothing())
          .execute()
        const told: NewDelivery[] = [
          receiptTo(piece, became.receipt),
          { purpose: 'chat-send', submissionId: piece.id },
        ]
        await insertDeliveries(trx, told, at, writing.hidden)
        await tellOf(trx, [piece.id], at)
      })
    },

    /** The message that a late part becomes: that of its album where the other items have one, else one of its own. Chosen once. */
    async messageFor(chat: string, part: Part, at: number): Promise<{ id: string; isThere: boolean }> {
      return db.transaction().execute(async (trx) => {
        const row = await trx
          .selectFrom('open_parts')
          .innerJoin('open_pieces', 'open_pieces.id', 'piece_id')
          .select(['became', 'bond', 'submission_id'])
          .where('open_parts.chat', '=', chat)
          .where('open_parts.message_id', '=', part.messageId)
          .executeTakeFirstOrThrow()
        const sibling = part.album === null ? undefined : await takenOfAlbum(trx, chat, part.album)
        const last = row.submission_id ? await lastTurnOf(trx, row.submission_id) : undefined
        const id = row.became ?? sibling ?? (row.bond === '' ? idBehind(last, at) : coarseIdBehind(last, at))
        await trx
          .updateTable('open_parts')
          .set({ became: id })
          .where('chat', '=', chat)
          .where('message_id', '=', part.messageId)
          .execute()
        return { id, isThere: id === sibling }
      })
    },
  }
}

/** Of a confidential piece the outbox holds no receipt that anybody else could read. */
function receiptTo(piece: PieceToSend, receipt: string | undefined): NewDelivery {
  const told = { purpose: 'chat-receipt' as const, submissionId: piece.id }
  if (!piece.sealed) return { ...told, receipt: receipt ?? null }
  return receipt === undefined ? told : { ...told, passing: { receipt } }
}

/** Only as it was read: what was edited meanwhile is still to be taken. */
async function markTaken(trx: Database, chat: string, part: Part, became: string): Promise<void> {
  const taken = await trx
    .updateTable('open_parts')
    .set({ is_taken: 1, became, content: null, block: null, awaited: null })
    .where('chat', '=', chat)
    .where('message_id', '=', part.messageId)
    .where('edited_at', '=', part.editedAt)
    .returning('message_id')
    .executeTakeFirst()
  if (taken) return
  await trx
    .updateTable('open_parts')
    .set({ is_late: 1 })
    .where('chat', '=', chat)
    .where('message_id', '=', part.messageId)
    .execute()
}

async function takenOfAlbum(trx: Database, chat: string, album: string): Promise<string | undefined> {
  const row = await trx
    .selectFrom('open_parts')
    .select('became')
    .where('chat', '=', chat)
    .where('album', '=', album)
    .where('is_taken', '=', 1)
    .executeTakeFirst()
  return row?.became ?? undefined
}
