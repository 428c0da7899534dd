import { sql } from 'kysely'
import { Failure } from '../failure.ts'
import { type Keys, narrowed, type SealedFiles, whomFor } from '../seal.ts'
import type { Database } from './database.ts'
import { type Resealed, replaceTexts, sealedAnew, storedTexts } from './reseal.ts'
import { unreadBond } from './unread.ts'
import type { Writing } from './writing.ts'

export type ResealingStore = ReturnType<typeof resealingStore>

/** What is sealed for another key than the desk's current one, or not yet for its sender, and sealing it anew. */
export function resealingStore(db: Database, writing: Writing) {
  const { contents, sealings } = writing
  return {
    /** How many pieces, and how many arrivals that could not be read, are to be sealed anew. */
    async left(): Promise<number> {
      const desk = await sealings.desk()
      const pieces = await db
        .selectFrom('submissions')
        .select((eb) => eb.fn.countAll().as('n'))
        .where(toSealAnew(desk))
        .executeTakeFirstOrThrow()
      const unread = await db
        .selectFrom('unread_arrivals')
        .select((eb) => eb.fn.countAll().as('n'))
        .where(sql<boolean>`(sealed_for is null or sealed_for <> ${desk})`)
        .executeTakeFirstOrThrow()
      return Number(pieces.n) + Number(unread.n)
    },

    /** Ids of such pieces behind the id `after`, in order, at most `most`. */
    async pieces(after: string, most: number): Promise<string[]> {
      const rows = await db
        .selectFrom('submissions')
        .select('id')
        .where(toSealAnew(await sealings.desk()))
        .where('id', '>', after)
        .orderBy('id')
        .limit(most)
        .execute()
      return rows.map(({ id }) => id)
    },

    /** The sealed files of a piece, and for whom each is to open now. Undefined for a piece that is not sealed. */
    async files(submissionId: string): Promise<SealedFiles | undefined> {
      // First: what changes while the files are sealed is noticed when the texts are.
      const piece = await db
        .selectFrom('submissions')
        .select('revision')
        .where('id', '=', submissionId)
        .executeTakeFirst()
      const sealing = await sealings.ofOne(submissionId)
      if (!piece || !sealing) return undefined
      const rows = await db
        .selectFrom('attachments')
        .innerJoin('messages', 'messages.id', 'message_id')
        .select(['attachments.id', 'author'])
        .where('submission_id', '=', submissionId)
        .where('is_sealed', '=', 1)
        .where('state', '=', 'kept')
        .execute()
      const files = rows.map(({ id, author }) => ({ id, sealedFor: narrowed(sealing, whomFor(author)) }))
      return { revision: piece.revision, files, sealing }
    },

    /** Every text of a piece as it is stored. */
    texts: (submissionId: string) => storedTexts(db, submissionId),

    /**
     * Seals all texts of a piece anew, as one, as its files were before: then all of it is, if it still is at that revision.
     * What these keys do not open stays as it is, and then the piece is none that is done.
     */
    async sealAnew(
      submissionId: string,
      { revision, sealing }: Pick<SealedFiles, 'revision' | 'sealing'>,
      keys: Keys,
    ): Promise<Resealed> {
      const texts = await storedTexts(db, submissionId)
      const { anew, locked } = await sealedAnew(writing, texts, sealing, keys)
      return orChanged(() =>
        db.transaction().execute(async (trx) => {
          const now = await sealings.ofOne(submissionId, trx)
          if (now?.desk !== sealing.desk || now.sender !== sealing.sender)
            throw new Failure('conflict', 'It is to be sealed for others by now.')
          if (locked === 0) await noteSealed(trx, submissionId, revision, sealing.desk)
          await replaceTexts(trx, anew)
          return locked === 0 ? 'done' : 'locked'
        }),
      )
    },

    /** Seals anew what could not be read when it came, at most `most` behind the id `after`. Gives the last id, and how many. */
    async unread(
      after: string,
      most: number,
      keys: Keys,
    ): Promise<{ last: string; done: number } | undefined> {
      const desk = await sealings.desk()
      const rows = await db
        .selectFrom('unread_arrivals')
        .select(['id', 'raw'])
        .where(sql<boolean>`(sealed_for is null or sealed_for <> ${desk})`)
        .where('id', '>', after)
        .orderBy('id')
        .limit(most)
        .execute()
      const sealing = { bond: unreadBond, desk, sender: null }
      let done = 0
      for (const { id, raw } of rows) {
        const text = await contents.sealAnew(raw, sealing, keys, 'desk')
        if (text === undefined) continue
        await db
          .updateTable('unread_arrivals')
          .set({ raw: text, sealed_for: desk })
          .where('id', '=', id)
          .where('raw', '=', raw)
          .execute()
        done += 1
      }
      const last = rows.at(-1)?.id
      return last === undefined ? undefined : { last, done }
    },

    /**
     * The sender has come with their receipt to a piece that is not sealed for it: an editor marked it as confidential. What
     * is said from now on opens with it, and what was said before when it has been sealed anew.
     */
    async knowSender(submissionId: string, recipient: string): Promise<void> {
      await db
        .updateTable('submissions')
        .set((eb) => ({
          sender_recipient: recipient,
          sealed_for: null,
          revision: eb('revision', '+', 1),
        }))
        .where('id', '=', submissionId)
        .where('is_confidential', '=', 1)
        .where('sender_recipient', 'is', null)
        .where('sender_left_at', 'is', null)
        .execute()
    },
  }
}

/** Notes for whom all of a piece is sealed now. @throws Failure `conflict` if something was added to it */
async function noteSealed(
  trx: Database,
  submissionId: string,
  revision: number,
  desk: string,
): Promise<void> {
  const row = await trx
    .updateTable('submissions')
    .set({ sealed_for: desk })
    .where('id', '=', submissionId)
    .where('revision', '=', revision)
    .returning('id')
    .executeTakeFirst()
  if (!row) throw new Failure('conflict', 'Something was added while it was sealed anew.')
}

// Literal, so that SQLite sees that the partial index fits.
function toSealAnew(desk: string) {
  return sql<boolean>`is_confidential = 1 and (sealed_for is null or sealed_for <> ${desk})`
}

async function orChanged(write: () => Promise<Resealed>): Promise<Resealed> {
  try {
    return await write()
  } catch (error) {
    if (error instanceof Failure && error.code === 'conflict') return 'changed'
    throw error
  }
}
