import type { Database } from '../../../db/open.ts'
import type { Step } from '../../../db/values.ts'
import type { Memory } from '../../../encryption/types.ts'
import type { OpenPiece, Part, PieceToSend, UpdateName } from '../draft.ts'
import { digestOf, partOf, pieceOf, pieceToSendOf } from './rows.ts'

/** `digest` is that of its words and files. */
export type PartFate = {
  digest: string
  editedAt: number
  field: Step | null
  state: OpenPiece['state']
  isTaken: boolean
  submissionId: string | null
}

/** What chats have gathered, and what became of it. */
export function openPieceReading(db: Database, memory: Memory) {
  return {
    /** What the chat has open: a new piece, and replies. */
    async ofChat(chat: string): Promise<OpenPiece[]> {
      const rows = await db
        .selectFrom('open_pieces')
        .selectAll()
        .where('chat', '=', chat)
        .where('state', '=', 'open')
        .orderBy('joins')
        .execute()
      return rows.map(pieceOf)
    },

    async byId(id: string): Promise<PieceToSend | undefined> {
      const row = await db.selectFrom('open_pieces').selectAll().where('id', '=', id).executeTakeFirst()
      return row && pieceToSendOf(row, memory)
    },

    /** When something last joined a piece of this chat, milliseconds; 0 for never. */
    async lastHeardAt(chat: string): Promise<number> {
      const row = await db
        .selectFrom('open_pieces')
        .select((eb) => eb.fn.max('heard_at').as('at'))
        .where('chat', '=', chat)
        .executeTakeFirst()
      return Number(row?.at ?? 0)
    },

    /** The parts of a piece that have not been taken into a message yet: those that make it, or those that came late. */
    async parts(pieceId: string, isLate = false): Promise<Part[]> {
      const rows = await db
        .selectFrom('open_parts')
        .selectAll()
        .where('piece_id', '=', pieceId)
        .where('is_taken', '=', 0)
        .where('is_late', '=', isLate ? 1 : 0)
        .orderBy('message_id')
        .execute()
      return rows.map((row) => partOf(row, memory))
    },

    /** What an open piece has of each sort. Without what it says. */
    async sorts(pieceId: string): Promise<Pick<Part, 'field' | 'sort'>[]> {
      return db.selectFrom('open_parts').select(['field', 'sort']).where('piece_id', '=', pieceId).execute()
    },

    /**
     * True if an edit says nothing that was not known. What another process knew in confidence cannot be compared any more:
     * then it is told by when the words were last changed.
     */
    isKnown(
      { digest, editedAt }: PartFate,
      part: Pick<Part, 'words' | 'files' | 'unread' | 'editedAt'>,
    ): boolean {
      const plain = digestOf(part)
      if (digest === plain || digest === memory.digest(plain)) return true
      return isHidden(digest) && !memory.isOurs(digest) && editedAt >= part.editedAt
    },

    /** Tells something that was said from something else that was, within this process only. */
    digestOf: (said: string): string => memory.digest(said),

    /** The keys of those files that were taken in before, with the same message. */
    async knownFiles(names: UpdateName[]): Promise<Set<string>> {
      if (names.length === 0) return new Set()
      const rows = await db
        .selectFrom('seen_updates')
        .select('update_id')
        .where((eb) => eb.or(names.map(({ bot, key }) => eb.and({ bot, update_id: key }))))
        .execute()
      return new Set(rows.map((row) => row.update_id))
    },

    /** What became of the part that this message was, if it was one. */
    async fateOf(chat: string, messageId: number): Promise<PartFate | undefined> {
      const row = await db
        .selectFrom('open_parts')
        .innerJoin('open_pieces', 'open_pieces.id', 'open_parts.piece_id')
        .select([
          'digest',
          'field',
          'is_taken',
          'edited_at',
          'open_pieces.state',
          'open_pieces.submission_id',
        ])
        .where('open_parts.chat', '=', chat)
        .where('open_parts.message_id', '=', messageId)
        .executeTakeFirst()
      if (!row) return undefined
      const { digest, field, state, edited_at: editedAt, submission_id: submissionId } = row
      return { digest, editedAt, field, state, isTaken: row.is_taken === 1, submissionId }
    },
  }
}

/** A digest that only the process that made it can compare. */
function isHidden(digest: string): boolean {
  return digest.includes('.')
}
