import type { Database } from '../../../db/open.ts'
import type { Tables } from '../../../db/schema.ts'
import type { Step } from '../../../db/values.ts'
import type { Chat, OpenPiece, Part, UpdateName } from '../draft.ts'
import { type PieceWriting, partRow, pieceOf, saidColumns } from './rows.ts'
import { noteUpdate, tellOf } from './writes.ts'

/** The answers to the questions that a guest post is asked. */
export function openPieceAnswers(db: Database, writing: PieceWriting) {
  return {
    /**
     * Goes from one question to another, with the answer where there is one; the answer given before is dropped if
     * `forgets`. Undefined, with nothing written, if the piece is no longer at that question.
     */
    async goOn(
      update: UpdateName,
      piece: OpenPiece,
      to: Step | null,
      more: { part?: Part; chat?: Chat; forgets?: Step; at: number },
    ): Promise<OpenPiece | undefined> {
      const goingOn = db.transaction().execute(async (trx) => {
        if (!(await noteUpdate(trx, update, more.at))) return pieceById(trx, piece.id)
        const moved = await trx
          .updateTable('open_pieces')
          .set((eb) => ({
            step: to,
            heard_at: more.at,
            revision: eb('revision', '+', 1),
            // What has been gathered is told anew below the questions.
            shown_message_id: null,
            shown_revision: null,
          }))
          .where('id', '=', piece.id)
          .where('state', '=', 'open')
          .where('step', '=', piece.step)
          .returningAll()
          .executeTakeFirst()
        if (!moved) throw new MovedOn()
        if (more.forgets) await dropAnswer(trx, piece.id, more.forgets)
        if (more.part?.field) await dropAnswer(trx, piece.id, more.part.field)
        if (more.part && more.chat) await putAnswer(trx, writing, moved, more.chat.key, more.part)
        if (to === 'body' || to === 'review') await tellOf(trx, [moved.id], more.at)
        return pieceOf(moved)
      })
      return goingOn.catch((error: unknown) => {
        if (error instanceof MovedOn) return undefined
        throw error
      })
    },
  }
}

/** The piece is at another question by now: what was to be written is not. */
class MovedOn extends Error {}

async function putAnswer(
  trx: Database,
  writing: PieceWriting,
  piece: Tables['open_pieces'],
  chat: string,
  part: Part,
): Promise<void> {
  const pieceId = piece.id
  const said = await saidColumns(writing, part, piece, () => writing.sealings.desk(trx))
  const row = partRow(chat, pieceId, part, said)
  const { content, block, awaited, digest, field, edited_at } = row
  await trx
    .insertInto('open_parts')
    .values(row)
    .onConflict((oc) =>
      oc
        .columns(['chat', 'message_id'])
        .doUpdateSet({ content, block, awaited, digest, field, edited_at, piece_id: pieceId }),
    )
    .execute()
  await trx
    .updateTable('open_pieces')
    .set((eb) => ({
      part_count: eb('part_count', '+', 1),
      last_message_id: eb
        .case()
        .when('last_message_id', '<', part.messageId)
        .then(part.messageId)
        .else(eb.ref('last_message_id'))
        .end(),
    }))
    .where('id', '=', pieceId)
    .execute()
}

async function dropAnswer(trx: Database, pieceId: string, field: Step): Promise<void> {
  await trx.deleteFrom('open_parts').where('piece_id', '=', pieceId).where('field', '=', field).execute()
}

async function pieceById(trx: Database, id: string): Promise<OpenPiece | undefined> {
  const row = await trx.selectFrom('open_pieces').selectAll().where('id', '=', id).executeTakeFirst()
  return row && pieceOf(row)
}
