import { type RawBuilder, sql } from 'kysely'
import { Failure } from '../core/errors.ts'
import type { Database } from '../db/open.ts'
import { type Keys, narrowed, type SealedFiles, whomFor } from '../encryption/types.ts'
import { unreadBond } from '../submissions/dead-letter-store.ts'
import type { Writing } from '../submissions/write-context.ts'
import { type Resealed, replaceTexts, sealedAnew, storedTexts } from './re-encrypt-row-store.ts'

export type ResealingStore = ReturnType<typeof resealingStore>

/** What is sealed for another key than the desk's current one, or not yet for its sender, and sealing it anew. */
export function resealingStore(db: Database, writing: Writing) {
  const { contents, sealings } = writing
  return {
    /** How many pieces, and how many arrivals that could not be read, are to be sealed anew: counted up to `most`. */
    async left(most: number): Promise<number> {
      const desk = await sealings.desk()
      let left = 0
      for (const table of ['submissions', 'unread_arrivals'] as const) {
        for (const range of rangesOfKeys(desk)) {
          const { rows } = await sql<{
            n: number
          }>`select count(*) as n from (select 1 from ${sql.table(table)}
            where ${isSealedAtAll(table)} and ${range} limit ${sql.lit(most - left)}) as counted`.execute(db)
          left += Number(rows[0]?.n)
        }
      }
      return left
    },

    /** Such pieces behind a place, by the key that they are sealed for and in the order of ids, at most `most`. */
    async pieces(after: SealedPlace | undefined, most: number): Promise<SealedPlace[]> {
      const rows = await toSealAnew('submissions', await sealings.desk(), after, most)
      return rows.map(({ id, sealed_for: sealedFor }) => ({ id, sealedFor }))
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

    /** Seals anew what could not be read when it came, at most `most` behind a place. Gives the last place. */
    async unread(
      after: SealedPlace | undefined,
      most: number,
      keys: Keys,
    ): Promise<{ last: SealedPlace | undefined; count: number }> {
      const desk = await sealings.desk()
      const places = await toSealAnew('unread_arrivals', desk, after, most)
      const sealing = { bond: unreadBond, desk, sender: null }
      for (const { id } of places) {
        const row = await db
          .selectFrom('unread_arrivals')
          .select('raw')
          .where('id', '=', id)
          .executeTakeFirst()
        const text = row && (await contents.sealAnew(row.raw, sealing, keys, 'desk'))
        if (text === undefined) continue
        await db
          .updateTable('unread_arrivals')
          .set({ raw: text, sealed_for: desk })
          .where('id', '=', id)
          .where('raw', '=', row?.raw ?? '')
          .execute()
      }
      const last = places.at(-1)
      return { last: last && { id: last.id, sealedFor: last.sealed_for }, count: places.length }
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

  async function toSealAnew(
    table: 'submissions' | 'unread_arrivals',
    desk: string,
    after: SealedPlace | undefined,
    most: number,
  ): Promise<{ id: string; sealed_for: string | null }[]> {
    const found: { id: string; sealed_for: string | null }[] = []
    for (const range of rangesOfKeys(desk, after)) {
      if (found.length === most) break
      const { rows } = await sql<{ id: string; sealed_for: string | null }>`select id, sealed_for
        from ${sql.table(table)} where ${isSealedAtAll(table)} and ${range}
        order by sealed_for, id limit ${sql.lit(most - found.length)}`.execute(db)
      found.push(...rows)
    }
    return found
  }
}

/** Where a walk has come along what is sealed for other keys. */
export type SealedPlace = { sealedFor: string | null; id: string }

/** What is sealed for nobody known, and for a key before and behind the desk's in their order, behind a place: each of them a range of the index. */
function rangesOfKeys(desk: string, after?: SealedPlace): RawBuilder<boolean>[] {
  const below = sql<boolean>`sealed_for < ${desk}`
  const above = sql<boolean>`sealed_for > ${desk}`
  if (!after) return [sql<boolean>`sealed_for is null`, below, above]
  if (after.sealedFor === null) return [sql<boolean>`sealed_for is null and id > ${after.id}`, below, above]
  const rest = sql<boolean>`(sealed_for, id) > (${after.sealedFor}, ${after.id})`
  return after.sealedFor < desk ? [sql<boolean>`${rest} and ${below}`, above] : [rest]
}

// Literal, so that SQLite sees that the partial index fits.
function isSealedAtAll(table: 'submissions' | 'unread_arrivals'): RawBuilder<boolean> {
  return table === 'submissions' ? sql<boolean>`is_confidential = 1` : sql<boolean>`true`
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

async function orChanged(write: () => Promise<Resealed>): Promise<Resealed> {
  try {
    return await write()
  } catch (error) {
    if (error instanceof Failure && error.code === 'conflict') return 'changed'
    throw error
  }
}
