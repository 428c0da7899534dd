import { type ExpressionBuilder, sql } from 'kysely'
import type { Database } from '../db/open.ts'
import type { Tables } from '../db/schema.ts'
import { type ContentAccess, type Keys, noKeys } from '../encryption/types.ts'
import type { Contents } from './content-codec.ts'
import type { Filter, Listed, Page, PageRequest } from './inbox.ts'
import { countInCells, idsInCells } from './inbox-query.ts'
import { type FoundRow, type ScanPath, walk } from './keyset-scan-store.ts'
import { type Summary, summaryOf as summaryFor, titleOf } from './model.ts'
import type { Term } from './search-query.ts'
import { hits } from './search-store.ts'
import { submissionOf } from './store.ts'

export type InboxStore = ReturnType<typeof inboxStore>

const mostNumber = Number.MAX_SAFE_INTEGER

/** The first message of a submission, as it is stored. */
type FirstMessage = { id: string; content: string }

/** Lists of submissions, newest first. What a page costs does not grow with the pile. */
export function inboxStore(db: Database, contents: Contents, isPostgres: boolean) {
  return {
    /** A page of what the filter leaves, starting after the submission with id `after`. */
    async page({ filter, size, after, editorId, keys }: PageRequest): Promise<Page> {
      const { ids, ...end } = filter.tag
        ? await walk(db, tagged(filter.tag, after), { ...filter, tag: undefined }, size)
        : await narrowed(filter, size, after)
      return { rows: await rowsOf(ids, editorId, keys), ...end }
    },

    /** A page of what has all these terms, starting after the document numbered `after`. */
    async search({
      filter,
      terms,
      size,
      after,
      editorId,
      keys,
    }: PageRequest & { terms: Term[] }): Promise<Page> {
      const before = after === undefined ? mostNumber : Number(after)
      if (terms.length === 0 || !Number.isSafeInteger(before)) return nothing
      const { ids, ...end } = await walk(db, hits(isPostgres, terms, before), filter, size)
      return { rows: await rowsOf(ids, editorId, keys), ...end }
    },

    /** The texts of these submissions, for showing where the hits are. */
    async texts(ids: string[]): Promise<Map<string, string[]>> {
      if (ids.length === 0) return new Map()
      const rows = await db
        .selectFrom('messages')
        .select(['id', 'submission_id', 'content'])
        .where('submission_id', 'in', ids)
        .where('withdrawn_at', 'is', null)
        .orderBy('id')
        .execute()
      const texts = new Map<string, string[]>()
      for (const row of rows) {
        const { content } = await contents.readContent(row.content, '', noKeys, `message ${row.id}`)
        const { fields } = content
        const found = [fields.body, ...Object.values(fields).flat()].filter((text) => text !== undefined)
        texts.set(row.submission_id, [...(texts.get(row.submission_id) ?? []), ...found])
      }
      return texts
    },

    /** How many the filter leaves, counted up to `most`. */
    async count(filter: Filter, most: number): Promise<number> {
      const { rows } = await db.executeQuery(countInCells(isPostgres, filter, most))
      return Number(rows[0]?.n)
    },

    async tagsOf(submissionId: string): Promise<string[]> {
      return (await tagsOf(db, [submissionId])).get(submissionId) ?? []
    },

    /** The tags in use, by name, at most 200. */
    async tagNames(): Promise<string[]> {
      const rows = await sql<{ name: string }>`select name from (
          with recursive names (name) as (
            select min(name) from tags
            union all
            select (select min(name) from tags where tags.name > names.name) from names where names.name is not null
          ) select name from names where name is not null limit 200
        ) as used`.execute(db)
      return rows.rows.map((row) => row.name)
    },
  }

  async function narrowed(filter: Filter, size: number, after: string | undefined) {
    const { rows: found } = await db.executeQuery(idsInCells(isPostgres, filter, size + 1, after))
    const ids = found.slice(0, size).map((row) => row.id)
    return { ids, next: found.length > size ? ids.at(-1) : undefined, isPartial: false }
  }

  /** What has a tag, newest first. */
  function tagged(tag: string, after: string | undefined): ScanPath {
    const further = after === undefined ? sql`` : sql`and submission_id < ${after}`
    return (limit) => sql<FoundRow>`select submission_id, submission_id as place from tags
      where name = ${tag} ${further} order by submission_id desc limit ${sql.lit(limit)}`
  }

  async function rowsOf(ids: string[], editorId: string, keys: Keys = noKeys): Promise<Listed[]> {
    if (ids.length === 0) return []
    const rows = await db.selectFrom('submissions').selectAll().where('id', 'in', ids).execute()
    const byId = new Map(rows.map((row) => [row.id, row]))
    const [opened, tags, failed] = [await openings(ids, editorId), await tagsOf(db, ids), await failures(ids)]
    const first = await firstMessages(rows.flatMap(({ id, summary }) => (summary === null ? [id] : [])))
    const read = await Promise.all(
      rows.map(async (row) => ({ row, ...(await summaryOf(row, first.get(row.id), keys)) })),
    )
    const closed = read
      .filter(({ access }) => access === 'locked' || access === 'damaged')
      .map(({ row }) => row)
    const counts = await countsOfFiles(closed)
    const summaries = new Map(read.map(({ row, ...summary }) => [row.id, summary]))
    return ids.flatMap((id) => {
      const [row, found] = [byId.get(id), summaries.get(id)]
      if (!row || !found) return []
      const { access, ...summary } = found
      return {
        ...submissionOf(row),
        // How many files there are is not encrypted.
        summary: {
          ...summary,
          title: titleOf(summary),
          attachments: counts.get(id) ?? summary.attachments,
        },
        access,
        tags: tags.get(id) ?? [],
        isUnread: (opened.get(id) ?? 0) < row.heard_revision,
        hasFailedJob: failed.has(id),
      }
    })
  }

  /** How many files the first message of each of these has, but for the mail itself that it came as. */
  async function countsOfFiles(
    submissions: Pick<SubmissionRow, 'id' | 'channel'>[],
  ): Promise<Map<string, number>> {
    if (submissions.length === 0) return new Map()
    const ids = submissions.map(({ id }) => id)
    const rows = await db
      .selectFrom('messages')
      .leftJoin('attachments', 'attachments.message_id', 'messages.id')
      .select(['submission_id', (eb) => eb.fn.count<number | string>('attachments.id').as('files')])
      .where('messages.id', 'in', (eb) => firstOf(eb, ids))
      .groupBy('submission_id')
      .execute()
    const files = new Map(rows.map((row) => [row.submission_id, Number(row.files)]))
    return new Map(
      submissions.map(({ id, channel }) => {
        const count = files.get(id) ?? 0
        return [id, channel === 'email' ? Math.max(0, count - 1) : count]
      }),
    )
  }

  /** Of an encrypted submission there is no summary: its first message says it. */
  async function summaryOf(
    row: Tables['submissions'],
    first: FirstMessage | undefined,
    keys: Keys,
  ): Promise<Summary & { access: ContentAccess }> {
    if (row.summary !== null) return contents.readSummary(row.summary, row.context_id, keys)
    const { content, access } = await contents.readContent(
      first?.content ?? '',
      row.context_id,
      keys,
      `message ${first?.id}`,
    )
    const files = Object.values(content.files).filter(({ isRaw }) => !isRaw)
    return { ...summaryFor(content, files.length), access }
  }

  /** What the first message of each of these is stored as. */
  async function firstMessages(ids: string[]): Promise<Map<string, FirstMessage>> {
    if (ids.length === 0) return new Map()
    const rows = await db
      .selectFrom('messages')
      .select(['id', 'submission_id', 'content'])
      .where('id', 'in', (eb) => firstOf(eb, ids))
      .execute()
    return new Map(rows.map((row) => [row.submission_id, row]))
  }

  /** The revisions that this editor has opened. */
  async function openings(ids: string[], editorId: string): Promise<Map<string, number>> {
    const rows = await db
      .selectFrom('attention')
      .select(['submission_id', 'opened_revision'])
      .where('submission_id', 'in', ids)
      .where('editor_id', '=', editorId)
      .execute()
    return new Map(rows.map((row) => [row.submission_id, row.opened_revision]))
  }

  async function failures(ids: string[]): Promise<Set<string | null>> {
    const rows = await db
      .selectFrom('jobs')
      .select('submission_id')
      .where('submission_id', 'in', ids)
      // Literal, so that SQLite sees that the partial index fits.
      .where('state', '=', sql.lit('failed' as const))
      .execute()
    return new Set(rows.map((row) => row.submission_id))
  }
}

type SubmissionRow = Tables['submissions']

/** The ids of the messages that began these conversations. */
function firstOf(eb: ExpressionBuilder<Tables, 'messages' | 'attachments'>, ids: string[]) {
  return eb
    .selectFrom('messages as first')
    .select((inner) => inner.fn.min('first.id').as('id'))
    .where('first.submission_id', 'in', ids)
    .groupBy('first.submission_id')
}

const nothing: Page = { rows: [], next: undefined, isPartial: false }

/** The tags of these submissions, by name. */
async function tagsOf(db: Database, ids: string[]): Promise<Map<string, string[]>> {
  const rows = await db
    .selectFrom('tags')
    .select(['submission_id', 'name'])
    .where('submission_id', 'in', ids)
    .orderBy('name')
    .execute()
  const tags = new Map<string, string[]>()
  for (const row of rows) tags.set(row.submission_id, [...(tags.get(row.submission_id) ?? []), row.name])
  return tags
}
