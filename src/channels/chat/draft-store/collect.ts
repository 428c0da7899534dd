import { unavailable } from '../../../core/errors.ts'
import type { Database } from '../../../db/open.ts'
import type { Kind } from '../../../db/values.ts'
import { insertDeliveries } from '../../../jobs/enqueue-store.ts'
import { isConfidentialKind } from '../../../submissions/model.ts'
import {
  type Chat,
  firstStep,
  type NewPart,
  type OpenPiece,
  type Part,
  quietTime,
  type TakenPart,
  type UpdateName,
} from '../draft.ts'
import { takeParts } from './add-items.ts'
import { resealed } from './re-encrypt.ts'
import { digestIn, newPiece, type PieceWriting, pieceOf, saidColumns, sealedAnew, unsealed } from './rows.ts'
import { change, close, insertPieces, noteFiles, noteUpdate, openOf } from './writes.ts'

/** What chats add to a piece before it is sent. `quiet` is the usual quiet time in milliseconds. */
export function openPieceGathering(db: Database, writing: PieceWriting, quiet: number) {
  return {
    /** Takes parts in, in one transaction: each joins its chat's open piece, or the one that it was part of, or begins one. */
    async take(parts: NewPart[]): Promise<TakenPart[]> {
      return db.transaction().execute((trx) => takeParts(trx, writing, parts, quiet))
    },

    /**
     * Begins a piece of this kind, or makes the open one of that kind. What was said to one that was chosen as confidential
     * never becomes part of one that is not: it is sent as it is. Once for each update. Gives the piece as it is then.
     */
    async begin(update: UpdateName, chat: Chat, kind: Kind, at: number): Promise<OpenPiece> {
      return db.transaction().execute(async (trx) => {
        const open = await openOf(trx, chat.key, '')
        const isNew = await noteUpdate(trx, update, at)
        if (open && (!isNew || open.kind === kind)) {
          if (isNew)
            await trx.updateTable('open_pieces').set({ is_chosen: 1 }).where('id', '=', open.id).execute()
          return pieceOf(open)
        }
        const isToldInConfidence = open?.is_chosen === 1 && open.bond !== '' && open.part_count > 0
        if (open && isToldInConfidence && !isConfidentialKind(kind)) await close(trx, open.id, at)
        else if (open) {
          const seal = await resealed(trx, writing, open, kind, at)
          const chosen = { kind, step: firstStep(kind), is_chosen: 1, heard_at: at }
          const row = await change(trx, open.id, { ...chosen, ...seal })
          const changed = pieceOf(row)
          // Another kind may wait for less.
          const dueAt = at + quietTime(changed, quiet)
          await insertDeliveries(trx, [{ purpose: 'chat-send', submissionId: open.id, dueAt }], at)
          return changed
        }
        const seal = isConfidentialKind(kind) ? sealedAnew(writing) : unsealed()
        const begun = newPiece({ chat, joins: null, kind, at, isChosen: true }, seal)
        await insertPieces(trx, [begun], quiet)
        return pieceOf((await openOf(trx, chat.key, '')) ?? begun)
      })
    },

    /** Gives a part of an open piece its new words, unless it has newer ones. False if it has been taken into a message. */
    async change(chat: string, part: Part, fileNames: UpdateName[], at: number): Promise<boolean> {
      return db.transaction().execute(async (trx) => {
        const row = await trx
          .selectFrom('open_parts')
          .innerJoin('open_pieces', 'open_pieces.id', 'open_parts.piece_id')
          .select(['open_pieces.id', 'state', 'edited_at', 'bond', 'sender_recipient'])
          .where('open_parts.chat', '=', chat)
          .where('open_parts.message_id', '=', part.messageId)
          .executeTakeFirst()
        if (row?.state !== 'open') return false
        if (row.edited_at > part.editedAt) return true
        await trx
          .updateTable('open_parts')
          .set({
            ...(await saidColumns(writing, part, row, () => writing.sealings.desk(trx))),
            edited_at: part.editedAt,
            sort: part.sort,
          })
          .where('chat', '=', chat)
          .where('message_id', '=', part.messageId)
          .execute()
        const touched = await trx
          .updateTable('open_pieces')
          .set({ heard_at: at })
          .where('id', '=', row.id)
          .where('state', '=', 'open')
          .returning('id')
          .executeTakeFirst()
        if (!touched) throw unavailable(undefined)
        await noteFiles(trx, fileNames, at)
        return true
      })
    },

    /** Remembers files that came in past any open piece. */
    noteFiles: (names: UpdateName[], at: number) => noteFiles(db, names, at),

    /** Remembers what an edit of a part that was taken into a message says now: the next one is compared with it. */
    async edited(chat: string, part: Part, fileNames: UpdateName[], at: number): Promise<void> {
      await db.transaction().execute(async (trx) => {
        const row = await trx
          .selectFrom('open_parts')
          .innerJoin('open_pieces', 'open_pieces.id', 'open_parts.piece_id')
          .select('bond')
          .where('open_parts.chat', '=', chat)
          .where('open_parts.message_id', '=', part.messageId)
          .executeTakeFirst()
        if (!row) return
        await trx
          .updateTable('open_parts')
          .set({ digest: digestIn(row, part, writing.memory), edited_at: part.editedAt })
          .where('chat', '=', chat)
          .where('message_id', '=', part.messageId)
          .where('is_taken', '=', 1)
          .where('edited_at', '<=', part.editedAt)
          .execute()
        await noteFiles(trx, fileNames, at)
      })
    },

    /** Waits again as long as if something had just come. */
    async wait(pieceId: string, at: number): Promise<void> {
      await db.updateTable('open_pieces').set({ heard_at: at }).where('id', '=', pieceId).execute()
    },

    /** Remembers which message of the bot shows the piece, and as it was at which revision. */
    async shown(pieceId: string, shown: { messageId: number; revision: number }): Promise<void> {
      await db
        .updateTable('open_pieces')
        .set({ shown_message_id: shown.messageId, shown_revision: shown.revision })
        .where('id', '=', pieceId)
        .execute()
    },
  }
}
