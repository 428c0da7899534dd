import { sql } from 'kysely'
import { Failure } from '../core/errors.ts'
import type { Database } from '../db/open.ts'
import { type EncryptedFor, type Keys, type Recipients, whomFor } from '../encryption/types.ts'
import { nextTurn } from '../submissions/keyset-scan-store.ts'
import type { Writing } from '../submissions/write-context.ts'

/**
 * So many texts of a long conversation hold up the event loop at a stretch, of which each takes a third of a
 * millisecond.
 */
const atOnce = 20

/** A text of a conversation where it is stored, and for whom it is encrypted. */
type Stored = { place: RowPlace; id: string; text: string; whom: EncryptedFor }

const places = {
  message: ['messages', 'content'],
  note: ['notes', 'content'],
  summary: ['submissions', 'summary'],
  file: ['attachments', 'type'],
} as const

type RowPlace = keyof typeof places

/**
 * What became of encryption a conversation anew: `changed` while it was read, `locked` where these keys do not open all
 * of it.
 */
export type ReEncryptedRow = 'done' | 'changed' | 'locked'

/** Every encrypted text of a conversation. */
export async function storedTexts(db: Database, submissionId: string): Promise<Stored[]> {
  const submission = await db
    .selectFrom('submissions')
    .select('summary')
    .where('id', '=', submissionId)
    .executeTakeFirst()
  const messages = await db
    .selectFrom('messages')
    .select(['id', 'content', 'author'])
    .where('submission_id', '=', submissionId)
    .execute()
  const notes = await db
    .selectFrom('notes')
    .select(['id', 'content'])
    .where('submission_id', '=', submissionId)
    .execute()
  const files = await db
    .selectFrom('attachments')
    .innerJoin('messages', 'messages.id', 'message_id')
    .select(['attachments.id', 'type', 'author'])
    .where('submission_id', '=', submissionId)
    .where('is_encrypted', '=', 1)
    .execute()
  return [
    ...(submission?.summary ? [stored('summary', submissionId, submission.summary, 'desk')] : []),
    ...messages.map(({ id, content, author }) => stored('message', id, content, whomFor(author))),
    ...notes.map(({ id, content }) => stored('note', id, content, 'desk')),
    ...files.map(({ id, type, author }) => stored('file', id, type ?? '', whomFor(author))),
  ]
}

function stored(place: RowPlace, id: string, text: string, whom: EncryptedFor): Stored {
  return { place, id, text, whom }
}

/** These texts encrypted for whom they are to open now; how many could not be opened. */
export async function reEncrypted(
  { contents }: Pick<Writing, 'contents'>,
  texts: Stored[],
  recipients: Recipients,
  keys: Keys,
): Promise<{ renewed: (Stored & { before: string })[]; locked: number }> {
  const encrypted: (Omit<Stored, 'text'> & { before: string; text: string | undefined })[] = []
  for (const one of texts) {
    const text = await contents.reEncrypt(one.text, recipients, keys, one.whom)
    encrypted.push({ ...one, before: one.text, text })
    if (encrypted.length % atOnce === 0) await nextTurn()
  }
  const renewed = encrypted.flatMap(({ text, ...one }) => (text === undefined ? [] : [{ ...one, text }]))
  return { renewed, locked: encrypted.length - renewed.length }
}

/**
 * Puts texts in the place of what they were made from. Called inside a transaction.
 * @throws Failure `conflict` if one of them has changed since
 */
export async function replaceTexts(trx: Database, texts: (Stored & { before: string })[]): Promise<void> {
  for (const [i, { place, id, text, before }] of texts.entries()) {
    if (i % atOnce === atOnce - 1) await nextTurn()
    const [table, column] = places[place]
    const { numAffectedRows } = await sql`update ${sql.table(table)} set ${sql.ref(column)} = ${text}
      where id = ${id} and ${sql.ref(column)} = ${before}`.execute(trx)
    if (numAffectedRows !== 1n) throw new Failure('conflict', 'It changed while it was sealed anew.')
  }
}
