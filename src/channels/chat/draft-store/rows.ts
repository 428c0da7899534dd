import { hash, randomBytes } from 'node:crypto'
import { coarseId } from '../../../core/ids.ts'
import type { Tables } from '../../../db/schema.ts'
import type { Memory, Recipient, Sealing } from '../../../encryption/types.ts'
import type { Content } from '../../../submissions/model.ts'
import type { Writing } from '../../../submissions/write-context.ts'
import {
  fieldsOf,
  filesOf,
  firstStep,
  type NewPart,
  type OpenPiece,
  type Part,
  type PartContent,
  type PieceToSend,
  rawUpdatesOf,
} from '../draft.ts'

/** What open pieces are written with. */
export type PieceWriting = Writing & {
  memory: Memory
  newReceipt: () => { receipt: string; recipient: Recipient }
}

/** How the parts of a piece are sealed; of one that is not confidential, what its receipt is derived from. */
export type PieceSeal = Pick<Tables['open_pieces'], 'bond' | 'sender_recipient' | 'secret'>

/** A piece that is not confidential is not sealed. */
export function unsealed(): PieceSeal {
  return { bond: '', sender_recipient: null, secret: randomBytes(24).toString('base64url') }
}

/** Its receipt is made when it begins: everything that comes is sealed for it at once. */
export function sealedAnew({ memory, newReceipt }: PieceWriting): PieceSeal {
  const { receipt, recipient } = newReceipt()
  return {
    bond: randomBytes(12).toString('base64url'),
    sender_recipient: recipient,
    secret: memory.hide(receipt),
  }
}

/** A reply is sealed as what it replies to. */
export function sealedAs({ bond, sender }: Sealing): PieceSeal {
  return { bond, sender_recipient: sender, secret: null }
}

export function newPiece(
  begun: Pick<NewPart, 'chat' | 'joins' | 'kind' | 'at'> & { isChosen?: boolean },
  seal: PieceSeal,
): Tables['open_pieces'] {
  const { chat, joins, kind, at, isChosen = false } = begun
  return {
    id: coarseId(at),
    chat: chat.key,
    kind,
    joins: joins ?? '',
    state: 'open',
    step: joins ? null : firstStep(kind),
    is_chosen: isChosen ? 1 : 0,
    language: chat.language ?? null,
    target: chat.target,
    ...seal,
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

/** The columns that hold what a part says. */
export type SaidColumns = Pick<Tables['open_parts'], 'content' | 'block' | 'awaited' | 'digest'>

/** What a part says as it is stored: sealed, where its piece is. */
export async function saidColumns(
  { contents, sealings, memory }: PieceWriting,
  part: Part,
  piece: Pick<Tables['open_pieces'], 'bond' | 'sender_recipient'>,
  desk: () => Promise<Recipient> = sealings.desk,
): Promise<SaidColumns> {
  const { words, sender, name, language, unread } = part
  const files = part.files.map((file) => ({ ...file, id: file.id ?? coarseId(Date.now()) }))
  const content = JSON.stringify({ words, files, sender, name, language, unread } satisfies PartContent)
  if (piece.bond === '') return { content, block: null, awaited: null, digest: digestIn(piece, part, memory) }
  const sealing = { bond: piece.bond, sender: piece.sender_recipient, desk: await desk() }
  return {
    content: memory.hide(content),
    block: await contents.writeContent(contentOf({ ...part, files }), sealing, 'part'),
    awaited: JSON.stringify({
      size: words.length,
      files: files.map(({ id, remoteId, withheld }) => ({ id, remoteId, withheld })),
    }),
    digest: digestIn(piece, part, memory),
  }
}

/** A part by itself as the content of a message. */
function contentOf(part: Part): Content {
  const labels = filesOf([part], false).map(({ id = '', name, caption }) => [
    id,
    { name, ...(caption !== undefined && { caption }) },
  ])
  return {
    fields: fieldsOf([part]),
    files: Object.fromEntries(labels),
    telegram: part.sender,
    ...rawUpdatesOf([part]),
  }
}

export function partRow(
  chat: string,
  pieceId: string,
  part: Part,
  said: SaidColumns,
  isLate = false,
): Tables['open_parts'] {
  return {
    chat,
    message_id: part.messageId,
    piece_id: pieceId,
    album: part.album,
    field: part.field,
    sort: part.sort,
    ...said,
    edited_at: part.editedAt,
    is_late: isLate ? 1 : 0,
    became: null,
    is_taken: 0,
  }
}

export function partOf(row: Tables['open_parts'], memory: Memory): Part {
  const { message_id: messageId, album, field, sort, edited_at: editedAt } = row
  return { messageId, album, field, sort, editedAt, ...saidBy(row, memory) }
}

function saidBy(
  { content, block, awaited }: SaidColumns,
  memory: Memory,
): PartContent & Pick<Part, 'block' | 'lost'> {
  // Only what has been taken into a message has none.
  if (block === null) return JSON.parse(content as string) as PartContent
  const shown = memory.reveal(content ?? '')
  if (shown !== undefined) return { ...(JSON.parse(shown) as PartContent), block }
  const held = JSON.parse(awaited ?? '{}') as Held
  const files = held.files.map((file) => ({ ...file, name: '', mark: '' }))
  return { words: '', files, sender: { chatId: 0, messageId: 0 }, block, lost: { size: held.size } }
}

/** What is known of a part that nobody can read. */
type Held = { size: number; files: { id: string; remoteId: string; withheld?: number }[] }

/** The digest as it is stored: of a confidential piece only this process can compare it. */
export function digestIn({ bond }: Pick<Tables['open_pieces'], 'bond'>, part: Part, memory: Memory): string {
  return bond === '' ? digestOf(part) : memory.digest(digestOf(part))
}

/** Of what a part says: an edit that changes nothing is none. */
export function digestOf({ words, files, unread }: Pick<Part, 'words' | 'files' | 'unread'>): string {
  const said = [words, files.map(({ mark }) => mark), ...(unread ? [unread.mark] : [])]
  return hash('sha256', JSON.stringify(said), 'base64url')
}

export function pieceToSendOf(row: Tables['open_pieces'], memory: Memory): PieceToSend {
  const { target, secret, language, submission_id: submissionId, message_id: messageId, bond } = row
  const becomes = submissionId && messageId ? { submissionId, messageId } : null
  const sealed = bond === '' ? undefined : sealedBefore(row, memory)
  return { ...pieceOf(row), target, secret: sealed ? null : secret, sealed, language, becomes }
}

function sealedBefore({ bond, sender_recipient, secret }: PieceSeal, memory: Memory) {
  return {
    bond,
    senderRecipient: sender_recipient ?? '',
    receipt: secret === null ? undefined : memory.reveal(secret),
  }
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
