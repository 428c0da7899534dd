import { type RawBuilder, sql } from 'kysely'
import { Failure } from '../core/errors.ts'
import type { Database } from '../db/open.ts'
import { type FilesToEncrypt, type Keys, narrowed, whomFor } from '../encryption/types.ts'
import { deadLetterContext } from '../submissions/dead-letter-store.ts'
import type { Writing } from '../submissions/write-context.ts'
import { type ReEncryptedRow, reEncrypted, replaceTexts, storedTexts } from './re-encrypt-row-store.ts'

export type ReEncryptionStore = ReturnType<typeof reEncryptionStore>

/** What is encrypted for another key than the desk's current one, or not yet for its sender, and encryption it anew. */
export function reEncryptionStore(db: Database, writing: Writing) {
  const { contents, recipientsStore } = writing
  return {
    /** How many submissions, and how many arrivals that could not be read, are to be re-encrypted: counted up to `most`. */
    async left(most: number): Promise<number> {
      const desk = await recipientsStore.desk()
      let left = 0
      for (const table of ['submissions', 'dead_letters'] as const) {
        for (const range of rangesOfKeys(desk)) {
          const { rows } = await sql<{
            n: number
          }>`select count(*) as n from (select 1 from ${sql.table(table)}
            where ${isEncryptedAtAll(table)} and ${range} limit ${sql.lit(most - left)}) as counted`.execute(
            db,
          )
          left += Number(rows[0]?.n)
        }
      }
      return left
    },

    /** Such submissions behind a place, by the key that they are encrypted for and in the order of ids, at most `most`. */
    async submissions(after: ReEncryptionPlace | undefined, most: number): Promise<ReEncryptionPlace[]> {
      const rows = await toReEncrypt('submissions', await recipientsStore.desk(), after, most)
      return rows.map(({ id, encrypted_for: encryptedFor }) => ({ id, encryptedFor }))
    },

    /**
     * The encrypted files of a submission, and for whom each is to open now. Undefined for a submission that is not
     * encrypted.
     */
    async files(submissionId: string): Promise<FilesToEncrypt | undefined> {
      // First: what changes while the files are encrypted is noticed when the texts are.
      const submission = await db
        .selectFrom('submissions')
        .select('revision')
        .where('id', '=', submissionId)
        .executeTakeFirst()
      const recipients = await recipientsStore.ofOne(submissionId)
      if (!submission || !recipients) return undefined
      const rows = await db
        .selectFrom('attachments')
        .innerJoin('messages', 'messages.id', 'message_id')
        .select(['attachments.id', 'author'])
        .where('submission_id', '=', submissionId)
        .where('is_encrypted', '=', 1)
        .where('state', '=', 'kept')
        .execute()
      const files = rows.map(({ id, author }) => ({
        id,
        encryptedFor: narrowed(recipients, whomFor(author)),
      }))
      return { revision: submission.revision, files, recipients }
    },

    /** Every text of a submission as it is stored. */
    texts: (submissionId: string) => storedTexts(db, submissionId),

    /**
     * Encrypts all texts of a submission anew, as one, as its files were before: then all of it is, if it still is at
     * that revision. What these keys do not open stays as it is, and then the submission is none that is done.
     */
    async reEncrypt(
      submissionId: string,
      { revision, recipients }: Pick<FilesToEncrypt, 'revision' | 'recipients'>,
      keys: Keys,
    ): Promise<ReEncryptedRow> {
      const texts = await storedTexts(db, submissionId)
      const { renewed, locked } = await reEncrypted(writing, texts, recipients, keys)
      return orChanged(() =>
        db.transaction().execute(async (trx) => {
          const now = await recipientsStore.ofOne(submissionId, trx)
          if (now?.desk !== recipients.desk || now.sender !== recipients.sender)
            throw new Failure('conflict', 'It is to be sealed for others by now.')
          if (locked === 0) await noteEncrypted(trx, submissionId, revision, recipients.desk)
          await replaceTexts(trx, renewed)
          return locked === 0 ? 'done' : 'locked'
        }),
      )
    },

    /** Re-encrypts what could not be read when it came, at most `most` behind a place. Gives the last place. */
    async deadLetters(
      after: ReEncryptionPlace | undefined,
      most: number,
      keys: Keys,
    ): Promise<{ last: ReEncryptionPlace | undefined; count: number }> {
      const desk = await recipientsStore.desk()
      const places = await toReEncrypt('dead_letters', desk, after, most)
      const recipients = { contextId: deadLetterContext, desk, sender: null }
      for (const { id } of places) {
        const row = await db.selectFrom('dead_letters').select('raw').where('id', '=', id).executeTakeFirst()
        const text = row && (await contents.reEncrypt(row.raw, recipients, keys, 'desk'))
        if (text === undefined) continue
        await db
          .updateTable('dead_letters')
          .set({ raw: text, encrypted_for: desk })
          .where('id', '=', id)
          .where('raw', '=', row?.raw ?? '')
          .execute()
      }
      const last = places.at(-1)
      return { last: last && { id: last.id, encryptedFor: last.encrypted_for }, count: places.length }
    },

    /**
     * The sender has come with their receipt to a submission that is not encrypted for it: an editor marked it as
     * confidential. What is said from now on opens with it, and what was said before when it has been re-encrypted.
     */
    async knowSender(submissionId: string, recipient: string): Promise<void> {
      await db
        .updateTable('submissions')
        .set((eb) => ({
          sender_recipient: recipient,
          encrypted_for: null,
          revision: eb('revision', '+', 1),
        }))
        .where('id', '=', submissionId)
        .where('is_confidential', '=', 1)
        .where('sender_recipient', 'is', null)
        .where('sender_left_at', 'is', null)
        .execute()
    },
  }

  async function toReEncrypt(
    table: 'submissions' | 'dead_letters',
    desk: string,
    after: ReEncryptionPlace | undefined,
    most: number,
  ): Promise<{ id: string; encrypted_for: string | null }[]> {
    const found: { id: string; encrypted_for: string | null }[] = []
    for (const range of rangesOfKeys(desk, after)) {
      if (found.length === most) break
      const { rows } = await sql<{ id: string; encrypted_for: string | null }>`select id, encrypted_for
        from ${sql.table(table)} where ${isEncryptedAtAll(table)} and ${range}
        order by encrypted_for, id limit ${sql.lit(most - found.length)}`.execute(db)
      found.push(...rows)
    }
    return found
  }
}

/** Where a walk has come along what is encrypted for other keys. */
export type ReEncryptionPlace = { encryptedFor: string | null; id: string }

/**
 * What is encrypted for nobody known, and for a key before and behind the desk's in their order, behind a place: each
 * of them a range of the index.
 */
function rangesOfKeys(desk: string, after?: ReEncryptionPlace): RawBuilder<boolean>[] {
  const below = sql<boolean>`encrypted_for < ${desk}`
  const above = sql<boolean>`encrypted_for > ${desk}`
  if (!after) return [sql<boolean>`encrypted_for is null`, below, above]
  if (after.encryptedFor === null)
    return [sql<boolean>`encrypted_for is null and id > ${after.id}`, below, above]
  const rest = sql<boolean>`(encrypted_for, id) > (${after.encryptedFor}, ${after.id})`
  return after.encryptedFor < desk ? [sql<boolean>`${rest} and ${below}`, above] : [rest]
}

// Literal, so that SQLite sees that the partial index fits.
function isEncryptedAtAll(table: 'submissions' | 'dead_letters'): RawBuilder<boolean> {
  return table === 'submissions' ? sql<boolean>`is_confidential = 1` : sql<boolean>`true`
}

/** Notes for whom all of a submission is encrypted now. @throws Failure `conflict` if something was added to it */
async function noteEncrypted(
  trx: Database,
  submissionId: string,
  revision: number,
  desk: string,
): Promise<void> {
  const row = await trx
    .updateTable('submissions')
    .set({ encrypted_for: desk })
    .where('id', '=', submissionId)
    .where('revision', '=', revision)
    .returning('id')
    .executeTakeFirst()
  if (!row) throw new Failure('conflict', 'Something was added while it was sealed anew.')
}

async function orChanged(write: () => Promise<ReEncryptedRow>): Promise<ReEncryptedRow> {
  try {
    return await write()
  } catch (error) {
    if (error instanceof Failure && error.code === 'conflict') return 'changed'
    throw error
  }
}
