import { type RawBuilder, sql } from 'kysely'
import { firstIdAt } from '../core/ids.ts'
import type { Database } from '../db/open.ts'
import type { Filter } from './inbox.ts'

/** How many of what was looked for one page looks through at most: what it costs does not grow with the pile. */
const reach = 500

/** Lets the event loop go round once between two statements: what came meanwhile goes first. */
export { setImmediate as nextTurn } from 'node:timers/promises'

/** Where a walk along a time has come: ids tell those of one time apart. */
export type ScanPlace = { at: number; id: string }

/** One that was found, and where it stands in the order that is walked along: an id, or a document's number. */
export type FoundRow = { submission_id: string; place: string | number }

/** The first `limit` of what is walked along, the last place first: SQL that gives the columns of `Found`. */
export type ScanPath = (limit: number) => RawBuilder<FoundRow>

type Walked = {
  ids: string[]
  /** The place to go on from; undefined at the end. */
  next: string | undefined
  /** True if it was stopped before the page was full. */
  isPartial: boolean
}

/** Walks along a path and keeps what passes the filter, until a page is full or the reach is over. */
export async function walk(db: Database, path: ScanPath, filter: Filter, size: number): Promise<Walked> {
  const rules = rulesOf(filter)
  const query =
    rules.length === 0
      ? path(size + 1)
      : sql<FoundRow>`select walked.submission_id, walked.place from (${path(reach)}) as walked
          join submissions s on s.id = walked.submission_id
          where ${sql.join(rules, sql` and `)} order by walked.place desc limit ${sql.lit(size + 1)}`
  const { rows } = await query.execute(db)
  const shown = rows.slice(0, size)
  const ids = shown.map((row) => row.submission_id)
  if (rows.length > size) return { ids, next: String(shown.at(-1)?.place), isPartial: false }
  const next = rules.length === 0 ? undefined : await end(db, path)
  return { ids, next, isPartial: next !== undefined }
}

/** The place where the reach ends; undefined if the path ends before. */
async function end(db: Database, path: ScanPath): Promise<string | undefined> {
  const { rows } = await sql<{
    n: number
    place: string | number | null
  }>`select count(*) as n, min(place) as place
    from (${path(reach)}) as walked`.execute(db)
  const [row] = rows
  return row && Number(row.n) === reach ? String(row.place) : undefined
}

/** A filter as conditions on the row `s` of `submissions`. */
function rulesOf({ kind, channel, states, assigneeId, tag, since, before }: Filter): RawBuilder<unknown>[] {
  return [
    ...(kind ? [sql`s.kind = ${kind}`] : []),
    ...(channel ? [sql`s.channel = ${channel}`] : []),
    ...(states ? [sql`s.state in (${sql.join(states)})`] : []),
    ...(assigneeId === undefined ? [] : [sql`s.assignee_id = ${assigneeId}`]),
    ...(since === undefined ? [] : [sql`s.id >= ${firstIdAt(since)}`]),
    ...(before === undefined ? [] : [sql`s.id < ${firstIdAt(before)}`]),
    ...(tag ? [sql`exists (select 1 from tags where tags.submission_id = s.id and tags.name = ${tag})`] : []),
  ]
}
