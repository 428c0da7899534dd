import { sql } from 'kysely'
import type { NewDelivery } from '../delivery.ts'
import { unavailable } from '../failure.ts'
import { coarseIdBehind, newId } from '../id.ts'
import {
  type Chat,
  firstStep,
  type NewPart,
  type OpenPiece,
  type Part,
  type PieceToSend,
  quietTime,
  regretTime,
  type Step,
  type TakenPart,
  type UpdateName,
} from '../open-piece.ts'
import { isConfidentialKind, type Kind } from '../submission.ts'
import type { Database } from './database.ts'
import { change, close, insertPieces, openOf, tellOf } from './open-piece-changes.ts'
import {
  digestOf,
  newPiece,
  type PieceWriting,
  partOf,
  partRow,
  pieceOf,
  pieceToSendOf,
  saidColumns,
  sealedAnew,
  unsealed,
} from './open-piece-rows.ts'
import { insertDeliveries } from './record.ts'
import type { Tables } from './schema.ts'
import { lastMessageOf } from './submissions.ts'
import { takeParts } from './take-parts.ts'

/** `digest` is that of its words and files. */
export type PartFate = {
  digest: string
  editedAt: number
  field: Step | null
  state: OpenPiece['state']
  isTaken: boolean
  submissionId: string | null
}

export type OpenPieceStore = ReturnType<typeof openPieceStore>

/** What chats are adding to before it is sent. `quiet` is the usual quiet time in milliseconds. */
export function openPieceStore(db: Database, { quiet, ...writing }: PieceWriting & { quiet: number }) {
  const { memory } = writing
  return {
    /** Takes parts in, in one transaction: each joins its chat's open piece, or the one that it was part of, or begins one. */
    async take(parts: NewPart[]): Promise<TakenPart[]> {
      return db.transaction().execute((trx) => takeParts(trx, writing, parts, quiet))
    },

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
     * Begins a piece of this kind, or makes the open one of that kind. Once for each update.
     * Gives the piece as it is then.
     */
    async begin(update: UpdateName, chat: Chat, kind: Kind, at: number): Promise<OpenPiece> {
      return db.transaction().execute(async (trx) => {
        const open = await openOf(trx, chat.key, '')
        const isNew = await note(trx, update, at)
        if (open && (!isNew || open.kind === kind)) return pieceOf(open)
        if (open) {
          const seal = await resealed(trx, writing, open, kind)
          const row = await change(trx, open.id, { kind, step: firstStep(kind), heard_at: at, ...seal })
          const changed = pieceOf(row)
          // Another kind may wait for less.
          const dueAt = at + quietTime(changed, quiet)
          await insertDeliveries(trx, [{ purpose: 'chat-send', submissionId: open.id, dueAt }], at)
          return changed
        }
        const seal = isConfidentialKind(kind) ? sealedAnew(writing) : unsealed()
        const begun = newPiece({ chat, joins: null, kind, at }, seal)
        await insertPieces(trx, [begun], quiet)
        return pieceOf((await openOf(trx, chat.key, '')) ?? begun)
      })
    },

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
        if (!(await note(trx, update, more.at))) return pieceById(trx, piece.id)
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

    /**
     * True if an edit says nothing that was not known. What another process knew in confidence cannot be compared any more:
     * then it is told by when the words were last changed.
     */
    isKnown({ digest, editedAt }: PartFate, part: Pick<Part, 'words' | 'files' | 'editedAt'>): boolean {
      const plain = digestOf(part)
      if (digest === plain || digest === memory.digest(plain)) return true
      return isHidden(digest) && !memory.isOurs(digest) && editedAt >= part.editedAt
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

    /** Gives a part of an open piece its new words, unless it has newer ones. False if it has been taken into a message. */
    async change(chat: string, part: Part, at: number): Promise<boolean> {
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
        return true
      })
    },

    /** Waits again as long as if something had just come. */
    async wait(pieceId: string, at: number): Promise<void> {
      await db.updateTable('open_pieces').set({ heard_at: at }).where('id', '=', pieceId).execute()
    },

    /** Sends a piece: nothing joins it any more, and the worker makes it what it becomes. */
    async close(pieceId: string, at: number): Promise<void> {
      await db.transaction().execute((trx) => close(trx, pieceId, at))
    },

    /** Makes a reply a piece of its own. False if the chat has another one open. Once for each update. */
    async detach(update: UpdateName, pieceId: string, chat: string, at: number): Promise<boolean> {
      return db.transaction().execute(async (trx) => {
        if (!(await note(trx, update, at))) return true
        if (await openOf(trx, chat, '')) return false
        const detached = await trx
          .updateTable('open_pieces')
          .set((eb) => ({ joins: '', heard_at: at, revision: eb('revision', '+', 1) }))
          .where('id', '=', pieceId)
          .where('state', '=', 'open')
          .returning('id')
          .executeTakeFirst()
        if (!detached) return false
        await tellOf(trx, [pieceId], at)
        return true
      })
    },

    /** Discards an open piece; for a while it can be had back. Once for each update. */
    async discard(update: UpdateName, pieceId: string, at: number): Promise<void> {
      await db.transaction().execute(async (trx) => {
        if (!(await note(trx, update, at))) return
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
        if (!(await note(trx, update, at))) return true
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
        const last = row.submission_id ? await lastMessageOf(trx, row.submission_id) : undefined
        const id = row.became ?? sibling ?? (row.bond === '' ? newId(at) : coarseIdBehind(last, at))
        await trx
          .updateTable('open_parts')
          .set({ became: id })
          .where('chat', '=', chat)
          .where('message_id', '=', part.messageId)
          .execute()
        return { id, isThere: id === sibling }
      })
    },

    /** Remembers which message of the bot shows the piece, and as it was at which revision. */
    async shown(pieceId: string, shown: { messageId: number; revision: number }): Promise<void> {
      await db
        .updateTable('open_pieces')
        .set({ shown_message_id: shown.messageId, shown_revision: shown.revision })
        .where('id', '=', pieceId)
        .execute()
    },

    /** Forgets updates that no server would send again, and the addresses of chats to whom all has been said. */
    async forgetOld(before: number): Promise<void> {
      await db.deleteFrom('seen_updates').where('seen_at', '<', before).execute()
      await db
        .updateTable('open_pieces')
        .set({
          target: null,
          // From then on the minute is enough.
          heard_at: sql<number>`heard_at - heard_at % 60000`,
          created_at: sql<number>`created_at - created_at % 60000`,
        })
        .where('state', '=', sql.lit('sent' as const))
        .where('target', 'is not', null)
        .where('heard_at', '<', before)
        .execute()
    },
  }
}

/** A digest that only the process that made it can compare. */
function isHidden(digest: string): boolean {
  return digest.includes('.')
}

/** Of a confidential piece the outbox holds no receipt that anybody else could read. */
function receiptTo(piece: PieceToSend, receipt: string | undefined): NewDelivery {
  const told = { purpose: 'chat-receipt' as const, submissionId: piece.id }
  if (!piece.sealed) return { ...told, receipt: receipt ?? null }
  return receipt === undefined ? told : { ...told, passing: { receipt } }
}

/**
 * What an open piece is sealed by when it becomes one of another kind, with what it has so far written anew. A restart may
 * have left nobody who could read that: then it stays as it is sealed.
 */
async function resealed(
  trx: Database,
  writing: PieceWriting,
  piece: Tables['open_pieces'],
  kind: Kind,
): Promise<Partial<Tables['open_pieces']>> {
  const isSealed = piece.bond !== ''
  if (isSealed === isConfidentialKind(kind)) return {}
  const rows = await trx.selectFrom('open_parts').selectAll().where('piece_id', '=', piece.id).execute()
  const parts = rows.map((row) => partOf(row, writing.memory))
  if (parts.some(({ lost }) => lost)) return {}
  const seal = isSealed ? unsealed() : sealedAnew(writing)
  for (const part of parts) {
    const said = await saidColumns(writing, part, seal, () => writing.sealings.desk(trx))
    await trx
      .updateTable('open_parts')
      .set(said)
      .where('chat', '=', piece.chat)
      .where('message_id', '=', part.messageId)
      .execute()
  }
  return seal
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

/** The piece is at another question by now: what was to be written is not. */
class MovedOn extends Error {}

/** Notes an update down. False if it was noted before. */
async function note(trx: Database, update: UpdateName, at: number): Promise<boolean> {
  const row = await trx
    .insertInto('seen_updates')
    .values({ bot: update.bot, update_id: update.key, seen_at: at })
    .onConflict((oc) => oc.doNothing())
    .returning('update_id')
    .executeTakeFirst()
  return row !== undefined
}

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
