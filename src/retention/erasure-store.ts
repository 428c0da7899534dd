import { type ExpressionBuilder, type RawBuilder, sql } from 'kysely'
import { appendToAuditLog } from '../audit/store.ts'
import { orUnavailable } from '../db/errors.ts'
import type { Database } from '../db/open.ts'
import type { Tables } from '../db/schema.ts'
import { isMailLeaving, isReplyGathered } from '../jobs/in-flight-store.ts'
import { nextTurn } from '../submissions/keyset-scan-store.ts'
import type { Submission } from '../submissions/model.ts'

export type ErasureStore = ReturnType<typeof erasureStore>

/** What is left of a submission outside the database: a file of it, or a mail about it that was kept as a file. */
export type ErasedFile = Pick<Tables['erased_files'], 'name' | 'sort'>

/** So many pages are soon written back: the disk takes them in one go. */
const shortLog = 1000

/** Rows of a submission that are deleted in one statement. */
const deletedAtOnce = 500

/** Erasing submissions: first all their rows at once, then, however often it is interrupted, what else there is of them. */
export function erasureStore(db: Database, isPostgres: boolean) {
  return {
    /**
     * Deletes every row of a submission, if it still is as it was seen, and notes what has to be wiped. `why` is a
     * code. False if it has changed, or has gone already, or something is on its way to it or from it just now.
     * @throws Failure `unavailable`; then nothing of it is gone
     */
    async erase(
      { id: submissionId, revision }: Pick<Submission, 'id' | 'revision'>,
      editorId: string | null,
      why: string,
      at: number,
    ): Promise<boolean> {
      return orUnavailable(() =>
        db.transaction().execute(async (trx) => {
          // Whoever adds to it or replies to it waits, and then finds that it has gone.
          if (isPostgres) await lock(trx, submissionId)
          if (await isMailLeaving(trx, submissionId, isPostgres)) return false
          if (await isReplyGathered(trx, submissionId)) return false
          // Changed, so that nobody else erases it or adds to it at the same moment.
          const submission = await trx
            .updateTable('submissions')
            .set((eb) => ({ revision: eb('revision', '+', 1) }))
            .where('id', '=', submissionId)
            .where('revision', '=', revision)
            .returning('reference')
            .executeTakeFirst()
          if (!submission) return false
          await noteFiles(trx, submissionId)
          await noteToWipe(trx, submissionId, await forgetSearch(trx, submissionId, isPostgres), at)
          await deleteRows(trx, submissionId)
          const { reference } = submission
          await appendToAuditLog(trx, [{ action: 'erased', editorId, reference, detail: why }], at)
          return true
        }),
      )
    },

    /** Files that have still to go, behind the name `after`, at most `most`. */
    async files(after: string, most: number): Promise<ErasedFile[]> {
      return db
        .selectFrom('erased_files')
        .select(['name', 'sort'])
        .where('name', '>', after)
        .orderBy('name')
        .limit(most)
        .execute()
    },

    /** These have gone: their names are forgotten. */
    async filesGone(files: ErasedFile[]): Promise<void> {
      for (const sort of ['file', 'mail'] as const) {
        const names = files.filter((file) => file.sort === sort).map(({ name }) => name)
        if (names.length === 0) continue
        await db.deleteFrom('erased_files').where('name', 'in', names).where('sort', '=', sort).execute()
      }
    },

    /**
     * Begins to wipe what was deleted of up to `most` submissions behind an id, and may be read still where the
     * database keeps it. What is deleted from now on waits for the next time. Says how many those were, and whether
     * words of them were in the search index.
     */
    async beginToWipe(
      after: string,
      most: number,
    ): Promise<{ count: number; last: string; hasWords: boolean }> {
      const rows = await db
        .updateTable('erasures')
        .set({ is_being_wiped: 1 })
        .where('submission_id', 'in', (eb) => erasedBehind(eb, after, most))
        .returning(['submission_id', 'was_indexed'])
        .execute()
      const ids = rows.map((row) => row.submission_id).sort()
      return {
        count: rows.length,
        last: ids.at(-1) ?? after,
        hasWords: rows.some((row) => row.was_indexed === 1),
      }
    },

    /**
     * Goes on with wiping deleted words from the search index, by some `pages` of it; false when there is nothing left
     * to do. Deleted words stay in the index until its parts are merged.
     * https://www.sqlite.org/fts5.html#the_merge_command
     */
    async wipeWords(isFirst: boolean, pages: number): Promise<boolean> {
      if (isPostgres) return false
      const most = isFirst ? -pages : pages
      // In a transaction, so that what others write meanwhile is not counted.
      return db.transaction().execute(async (trx) => {
        const before = await changes(trx)
        await sql`insert into search_words (search_words, rank) values ('merge', ${most})`.execute(trx)
        return (await changes(trx)) - before >= 2
      })
    },

    /** True if writing the log back is a matter of milliseconds: it is done beside everything else from time to time. */
    async isLogShort(): Promise<boolean> {
      if (isPostgres) return true
      const { rows } = await sql<{ log: number; checkpointed: number }>`pragma wal_checkpoint(noop)`.execute(
        db,
      )
      return rows.every(({ log, checkpointed }) => log - checkpointed <= shortLog)
    },

    /**
     * Writes everything from the log into the database itself, where what was deleted is overwritten, and empties the log.
     * False if somebody is still reading: then it is to be tried again. On PostgreSQL that is the server's business.
     */
    async wipeLog(): Promise<boolean> {
      if (isPostgres) return true
      const { rows } = await sql<{ busy: number }>`pragma wal_checkpoint(truncate)`.execute(db)
      return rows[0]?.busy === 0
    },

    /**
     * What it was begun with is wiped: forgets that of up to `most` submissions behind an id. Says how many were looked
     * at.
     */
    async wiped(after: string, most: number): Promise<{ count: number; last: string }> {
      const rows = await db
        .selectFrom('erasures')
        .select(['submission_id', 'is_being_wiped'])
        .where('submission_id', '>', after)
        .orderBy('submission_id')
        .limit(most)
        .execute()
      const done = rows.filter((row) => row.is_being_wiped === 1).map((row) => row.submission_id)
      if (done.length > 0) {
        await db
          .deleteFrom('erasures')
          .where('submission_id', 'in', done)
          .where('is_being_wiped', '=', 1)
          .execute()
      }
      return { count: rows.length, last: rows.at(-1)?.submission_id ?? after }
    },
  }
}

function erasedBehind(eb: ExpressionBuilder<Tables, 'erasures'>, after: string, most: number) {
  return eb
    .selectFrom('erasures')
    .select('submission_id')
    .where('submission_id', '>', after)
    .orderBy('submission_id')
    .limit(most)
}

async function lock(trx: Database, submissionId: string): Promise<void> {
  await trx.selectFrom('submissions').select('id').where('id', '=', submissionId).forUpdate().execute()
}

async function changes(trx: Database): Promise<number> {
  const { rows } = await sql<{ n: number }>`select total_changes() as n`.execute(trx)
  return Number(rows[0]?.n)
}

/** Takes a submission out of the search index; true if it was in there. Called inside a transaction. */
export async function forgetSearch(
  trx: Database,
  submissionId: string,
  isPostgres: boolean,
): Promise<boolean> {
  await trx.deleteFrom('unindexed').where('submission_id', '=', submissionId).execute()
  const document = await trx
    .deleteFrom('search_documents')
    .where('submission_id', '=', submissionId)
    .returning('number')
    .executeTakeFirst()
  if (document && !isPostgres)
    await sql`delete from search_words where rowid = ${document.number}`.execute(trx)
  return document !== undefined
}

/** Notes that what was deleted of a submission has to be wiped. Called inside the transaction that deletes it. */
export async function noteToWipe(
  trx: Database,
  submissionId: string,
  wasIndexed: boolean,
  at: number,
): Promise<void> {
  await trx
    .insertInto('erasures')
    .values({ submission_id: submissionId, at, was_indexed: wasIndexed ? 1 : 0, is_being_wiped: 0 })
    .onConflict((oc) => oc.column('submission_id').doUpdateSet({ at, is_being_wiped: 0 }))
    .execute()
}

export async function noteErasedFiles(
  trx: Database,
  submissionId: string,
  files: ErasedFile[],
): Promise<void> {
  // In submissions, for a statement binds at most 32,766 values.
  for (let from = 0; from < files.length; from += 1000) {
    const rows = files.slice(from, from + 1000).map((file) => ({ ...file, submission_id: submissionId }))
    await trx
      .insertInto('erased_files')
      .values(rows)
      .onConflict((oc) => oc.doNothing())
      .execute()
  }
}

/** The files of a submission, its previews, and the mails about it where mail is kept as files. */
async function noteFiles(trx: Database, submissionId: string): Promise<void> {
  const attachments = await attachmentsOf(trx, submissionId)
  const mails = await trx
    .selectFrom('jobs')
    .select('id')
    .where('submission_id', '=', submissionId)
    .where('queue', '=', 'mail')
    .execute()
  await noteErasedFiles(trx, submissionId, [
    ...attachments.flatMap(({ id, preview_id: preview }) =>
      [id, ...(preview === null ? [] : [preview])].map((name) => ({ name, sort: 'file' as const })),
    ),
    ...mails.map(({ id }) => ({ name: id, sort: 'mail' as const })),
  ])
}

async function attachmentsOf(trx: Database, submissionId: string) {
  return trx
    .selectFrom('attachments')
    .innerJoin('messages', 'messages.id', 'message_id')
    .select(['attachments.id', 'preview_id'])
    .where('submission_id', '=', submissionId)
    .execute()
}

async function deleteRows(trx: Database, submissionId: string): Promise<void> {
  const ofDraft = sql`submission_id = ${submissionId}`
  await deleteJobs(trx, submissionId)
  const messages = sql`select id from messages where ${ofDraft}`
  await deleteAll(trx, 'attachments', 'id', sql`message_id in (${messages})`)
  await deleteDrafts(trx, submissionId)
  for (const [table, key] of keysOfRows) await deleteAll(trx, table, key, ofDraft)
  await trx.deleteFrom('submissions').where('id', '=', submissionId).execute()
  // Only now: the database keeps the history of what is there.
  await deleteAll(trx, 'history', 'id', ofDraft)
}

/** What names its submission, and what tells its rows apart. */
const keysOfRows = [
  ['messages', 'id'],
  ['notes', 'id'],
  ['tags', 'name, submission_id'],
  ['attention', 'submission_id, editor_id'],
  ['idempotency_keys', 'source, key'],
  ['chat_submissions', 'chat, submission_id'],
  ['chat_answers', 'chat, message_id'],
  ['mail_threads', 'message, address'],
] as const

/** Deletes rows so many at a time that however many there are hold nobody up. */
async function deleteAll(
  trx: Database,
  table: keyof Tables,
  key: string,
  rule: RawBuilder<unknown>,
): Promise<void> {
  const [name, columns, most] = [sql.table(table), sql.raw(key), sql.lit(deletedAtOnce)]
  for (;;) {
    const { numAffectedRows = 0n } = await sql`delete from ${name} where (${columns}) in
      (select ${columns} from ${name} where ${rule} limit ${most})`.execute(trx)
    if (numAffectedRows < deletedAtOnce) return
    await nextTurn()
  }
}

async function deleteJobs(trx: Database, submissionId: string): Promise<void> {
  // Of a chat's submission some are told by the id that it had before it was one.
  const ofDraft = sql`(submission_id = ${submissionId} or submission_id in
    (select id from drafts where submission_id = ${submissionId} or joins = ${submissionId}))`
  const ids = sql`job_id in (select id from jobs where ${ofDraft})`
  await deleteAll(trx, 'job_attempts', 'job_id, at', ids)
  await deleteAll(trx, 'mail_receipts', 'job_id', ids)
  await deleteAll(trx, 'jobs', 'id', ofDraft)
  // Work for one file, which names no submission.
  const files = sql`select attachments.id from attachments join messages on messages.id = message_id
    where messages.submission_id = ${submissionId}`
  const ofFiles = sql`state = 'pending' and submission_id is null and attachment_id is not null
    and queue = 'preview' and attachment_id in (${files})`
  await deleteAll(trx, 'jobs', 'id', ofFiles)
}

/** What a chat has gathered for a submission, or became it. Called inside a transaction. */
export async function deleteDrafts(trx: Database, submissionId: string): Promise<void> {
  const became = trx.selectFrom('drafts').select('id').where('submission_id', '=', submissionId)
  const adding = trx.selectFrom('drafts').select('id').where('joins', '=', submissionId)
  const rows = await became.union(adding).execute()
  for (const { id } of rows) {
    await trx.deleteFrom('draft_items').where('draft_id', '=', id).execute()
    await trx.deleteFrom('drafts').where('id', '=', id).execute()
  }
}
