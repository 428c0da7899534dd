import { hash, randomBytes } from 'node:crypto'
import { newId } from '../id.ts'
import { firstStep, type NewPart, type OpenPiece, type Part, type PieceToSend } from '../open-piece.ts'
import { readPart, writePart } from './contents.ts'
import type { Tables } from './schema.ts'

export function newPiece(begun: Pick<NewPart, 'chat' | 'joins' | 'kind' | 'at'>): Tables['open_pieces'] {
  const { chat, joins, kind, at } = begun
  return {
    id: newId(at),
    chat: chat.key,
    kind,
    joins: joins ?? '',
    state: 'open',
    step: joins ? null : firstStep(kind),
    language: chat.language ?? null,
    target: chat.target,
    secret: randomBytes(24).toString('base64url'),
    heard_at: at,
    revision: 1,
    shown_message_id: null,
    shown_revision: null,
    part_count: 0,
    characters: 0,
    last_message_id: 0,
    message_id: null,
    submission_id: null,
    created_at: at,
  }
}

export function partRow(chat: string, pieceId: string, part: Part, isLate = false): Tables['open_parts'] {
  return {
    chat,
    message_id: part.messageId,
    piece_id: pieceId,
    album: part.album,
    field: part.field,
    sort: part.sort,
    content: writePart(part),
    digest: digestOf(part),
    edited_at: part.editedAt,
    is_late: isLate ? 1 : 0,
    became: null,
    is_taken: 0,
  }
}

export function partOf(row: Tables['open_parts']): Part {
  const { message_id, album, field, sort, content, edited_at } = row
  // Only what has been taken into a message has none.
  return { messageId: message_id, album, field, sort, editedAt: edited_at, ...readPart(content as string) }
}

/** Of what a part says: an edit that changes nothing is none. */
export function digestOf({ words, files }: Pick<Part, 'words' | 'files'>): string {
  return hash('sha256', JSON.stringify([words, files.map(({ mark }) => mark)]), 'base64url')
}

export function pieceToSendOf(row: Tables['open_pieces']): PieceToSend {
  const { target, secret, language, submission_id: submissionId, message_id: messageId } = row
  const becomes = submissionId && messageId ? { submissionId, messageId } : null
  return { ...pieceOf(row), target, secret, language, becomes }
}

export function pieceOf(row: Tables['open_pieces']): OpenPiece {
  const { id, chat, kind, state, step, revision } = row
  const isShown = row.shown_message_id !== null && row.shown_revision !== null
  return {
    id,
    chat,
    kind,
    joins: row.joins || null,
    state,
    step,
    heardAt: row.heard_at,
    revision,
    shown: isShown
      ? { messageId: row.shown_message_id as number, revision: row.shown_revision as number }
      : null,
    partCount: row.part_count,
  }
}
