import type { Database } from '../../../db/open.ts'
import type { Tables } from '../../../db/schema.ts'
import type { Kind } from '../../../db/values.ts'
import { noteToWipe } from '../../../retention/erasure-store.ts'
import { isConfidentialKind } from '../../../submissions/model.ts'
import { type PieceSeal, type PieceWriting, partOf, saidColumns, sealedAnew, unsealed } from './rows.ts'

/** What an open piece is sealed by when it becomes one of another kind, with what it has so far written anew. */
export async function resealed(
  trx: Database,
  writing: PieceWriting,
  piece: Tables['open_pieces'],
  kind: Kind,
  at: number,
): Promise<Partial<PieceSeal>> {
  const isSealed = piece.bond !== ''
  if (isSealed === isConfidentialKind(kind)) return {}
  return rewritten(trx, writing, piece, isSealed ? unsealed() : sealedAnew(writing), at)
}

/** What a reply is sealed by when it becomes a piece of its own: by nothing that opens what it replied to. */
export async function sealedByItself(
  trx: Database,
  writing: PieceWriting,
  piece: Tables['open_pieces'],
  at: number,
): Promise<Partial<PieceSeal>> {
  const seal = isConfidentialKind(piece.kind) ? sealedAnew(writing) : unsealed()
  return rewritten(trx, writing, piece, seal, at)
}

/**
 * Writes down anew what there is, and has wiped what was clear. A restart may have left nobody who could read it: then it
 * stays as it is sealed.
 */
async function rewritten(
  trx: Database,
  writing: PieceWriting,
  piece: Tables['open_pieces'],
  seal: PieceSeal,
  at: number,
): Promise<Partial<PieceSeal>> {
  const rows = await trx.selectFrom('open_parts').selectAll().where('piece_id', '=', piece.id).execute()
  const parts = rows.map((row) => partOf(row, writing.memory))
  if (parts.some(({ lost }) => lost)) return {}
  for (const part of parts) {
    const said = await saidColumns(writing, part, seal, () => writing.sealings.desk(trx))
    await trx
      .updateTable('open_parts')
      .set(said)
      .where('chat', '=', piece.chat)
      .where('message_id', '=', part.messageId)
      .execute()
  }
  if (piece.bond === '' && seal.bond !== '') await noteToWipe(trx, piece.id, false, at)
  return seal
}
