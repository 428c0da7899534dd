import { sql } from 'kysely'
import { isUnavailable } from '../db/errors.ts'
import type { Database } from '../db/open.ts'
import { noKeys } from '../encryption/types.ts'
import type { Contents } from './content-codec.ts'
import type { FoundRow, ScanPath } from './keyset-scan-store.ts'
import type { Content } from './model.ts'
import { documentOf, type Term } from './search-query.ts'

export type SearchStore = ReturnType<typeof searchStore>

/** Full-text search over what is not confidential: FTS5 on SQLite, `tsvector` on PostgreSQL. */
export function searchStore(db: Database, contents: Contents, isPostgres: boolean) {
  return {
    /**
     * Reads up to `most` submissions that have changed into the index, and says how many. One that cannot be read in is
     * left out, and holds up none of the others.
     */
    async index(most: number): Promise<number> {
      try {
        return await indexed(most)
      } catch (error) {
        if (isUnavailable(error)) throw error
      }
      for (let i = 0; i < most; i++) {
        const taken = await indexed(1).catch(leaveOut)
        if (taken === 0) return i
      }
      return most
    },
  }

  async function indexed(most: number): Promise<number> {
    return db.transaction().execute(async (trx) => {
      const ids = await next(trx, most)
      if (ids.length === 0) return 0
      await trx.deleteFrom('unindexed').where('submission_id', 'in', ids).execute()
      for (const [id, text] of await documentsOf(trx, ids)) await write(trx, id, text)
      return ids.length
    })
  }

  async function next(trx: Database, most: number): Promise<string[]> {
    let queue = trx.selectFrom('unindexed').select('submission_id').orderBy('submission_id').limit(most)
    if (isPostgres) queue = queue.forUpdate().skipLocked()
    return (await queue.execute()).map((row) => row.submission_id)
  }

  async function leaveOut(error: unknown): Promise<number> {
    if (isUnavailable(error)) throw error
    const ids = await next(db, 1)
    if (ids.length > 0) await db.deleteFrom('unindexed').where('submission_id', 'in', ids).execute()
    return ids.length
  }

  async function write(trx: Database, submissionId: string, text: string): Promise<void> {
    const { number } = await trx
      .insertInto('search_documents')
      .values({ submission_id: submissionId })
      // Sets what is there already, only to be told its number.
      .onConflict((oc) => oc.column('submission_id').doUpdateSet({ submission_id: submissionId }))
      .returning('number')
      .executeTakeFirstOrThrow()
    if (isPostgres) {
      await sql`update search_documents set words = to_tsvector('simple', ${text}) where number = ${number}`.execute(
        trx,
      )
    } else {
      await sql`insert or replace into search_words (rowid, words) values (${number}, ${text})`.execute(trx)
    }
  }

  async function documentsOf(trx: Database, ids: string[]): Promise<Map<string, string>> {
    const rows = await trx
      .selectFrom('messages')
      .innerJoin('submissions', 'submissions.id', 'messages.submission_id')
      .select(['messages.id', 'submission_id', 'content'])
      .where('submission_id', 'in', ids)
      .where('is_confidential', '=', 0)
      .where('withdrawn_at', 'is', null)
      .orderBy('messages.id')
      .execute()
    const contentsOf = new Map<string, Content[]>()
    for (const row of rows) {
      const { content } = await contents.readContent(row.content, '', noKeys, `message ${row.id}`)
      contentsOf.set(row.submission_id, [...(contentsOf.get(row.submission_id) ?? []), content])
    }
    return new Map([...contentsOf].map(([id, all]) => [id, documentOf(all)]))
  }
}

/** The documents that have all these terms, newest first, from the one numbered below `before` on. */
export function hits(isPostgres: boolean, terms: Term[], before: number): ScanPath {
  if (isPostgres) {
    return (limit) => sql<FoundRow>`select number as place, submission_id from search_documents
      where words @@ ${tsquery(terms)} and number < ${before} order by number desc limit ${sql.lit(limit)}`
  }
  return (limit) => sql<FoundRow>`select d.number as place, d.submission_id from search_words w
    join search_documents d on d.number = w.rowid
    where search_words match ${fts5Query(terms)} and w.rowid < ${before}
    order by w.rowid desc limit ${sql.lit(limit)}`
}

/** https://www.sqlite.org/fts5.html#full_text_query_syntax. Terms hold letters, digits and blanks only. */
function fts5Query(terms: Term[]): string {
  return terms.map(({ words, isPrefix }) => `"${words}"${isPrefix ? ' *' : ''}`).join(' AND ')
}

function tsquery(terms: Term[]) {
  const parts = terms.map(({ words, isPrefix }) =>
    isPrefix ? sql`to_tsquery('simple', ${`${words}:*`})` : sql`phraseto_tsquery('simple', ${words})`,
  )
  return sql`(${sql.join(parts, sql` && `)})`
}

/** Notes what has to be read into the search index. Confidential submissions never are. */
export async function queueForSearch(trx: Database, submissionIds: string[]): Promise<void> {
  await trx
    .insertInto('unindexed')
    .columns(['submission_id'])
    .expression((eb) =>
      eb
        .selectFrom('submissions')
        .select('id')
        .where('id', 'in', submissionIds)
        .where('is_confidential', '=', 0),
    )
    .onConflict((oc) => oc.column('submission_id').doNothing())
    .execute()
}
