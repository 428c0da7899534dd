import { CompiledQuery } from 'kysely'
import { firstIdAt } from '../core/ids.ts'
import { channels, kinds, states } from '../db/values.ts'
import type { Filter } from './inbox.ts'

/**
 * The ids that a filter without a tag leaves, newest first, at most `limit` of them, after the id `after`.
 *
 * A cell is what has one kind, one channel and one state; an index holds each in the order of ids. A list narrowed in
 * any way is some of the cells, and both databases merge them in order: they read no more than is shown, and where the
 * submissions lie makes no difference. Kinds, channels, states and the limit stand in the text as they are: they are
 * ours, and SQLite plans better for a limit that it can see.
 */
export function idsInCells(
  isPostgres: boolean,
  filter: Filter,
  limit: number,
  after: string | undefined,
): CompiledQuery<{ id: string }> {
  const { arms, values } = armsOf(isPostgres, filter, after)
  const text = `${arms.join(' union all ')} order by id desc limit ${Math.trunc(limit)}`
  return CompiledQuery.raw(text, values) as CompiledQuery<{ id: string }>
}

/** How many a filter without a tag leaves, as `n`, counted up to `most`: no more than that are looked at. */
export function countInCells(
  isPostgres: boolean,
  filter: Filter,
  most: number,
): CompiledQuery<{ n: number }> {
  const { arms, values } = armsOf(isPostgres, filter, undefined)
  const text = `select count(*) as n from (${arms.join(' union all ')} limit ${Math.trunc(most)}) as counted`
  return CompiledQuery.raw(text, values) as CompiledQuery<{ n: number }>
}

function armsOf(isPostgres: boolean, filter: Filter, after: string | undefined) {
  const values: unknown[] = []
  const bound = (value: unknown) => {
    values.push(value)
    return `${isPostgres ? '$' : '?'}${values.length}`
  }
  const range = conditions(filter, after, bound)
  const arms = cellsOf(filter).map(
    (cell) => `select id from submissions where ${[...cell, ...range].join(' and ') || 'true'}`,
  )
  return { arms, values }
}

/** The cells of a filter, each as its conditions; one without any where the filter tells none apart. */
function cellsOf({ kind, channel, states: wanted, assigneeId }: Filter): string[][] {
  if ([kind, channel, wanted, assigneeId].every((one) => one === undefined)) return [[]]
  return (kind ? [kind] : kinds).flatMap((one) =>
    (channel ? [channel] : channels).flatMap((other) =>
      (wanted ?? states).map((third) => [`kind = '${one}'`, `channel = '${other}'`, `state = '${third}'`]),
    ),
  )
}

function conditions(filter: Filter, after: string | undefined, bound: (value: unknown) => string): string[] {
  const { assigneeId, since, before } = filter
  return [
    ...(assigneeId === undefined ? [] : [`assignee_id = ${bound(assigneeId)}`]),
    // An id begins with its time, so days are ranges of ids.
    ...(since === undefined ? [] : [`id >= ${bound(firstIdAt(since))}`]),
    ...(before === undefined ? [] : [`id < ${bound(firstIdAt(before))}`]),
    ...(after === undefined ? [] : [`id < ${bound(after)}`]),
  ]
}
