import type { Channel, Kind, State } from '../db/values.ts'

/** How many submissions of a kind came in by a channel on a day (UTC, as `2026-11-24`). */
export type DayCount = { day: string; kind: Kind; channel: Channel; submissions: number }

/** A submission that was decided: when it came in, was first opened, and decided, and how it stands. Milliseconds. */
export type Decided = {
  kind: Kind
  state: State
  createdAt: number
  openedAt: number | null
  decidedAt: number
}

/** How long submissions have been waiting, in steps. `until` in milliseconds. */
export const ages = [
  { name: 'up to an hour', until: 3_600_000 },
  { name: 'up to a day', until: 86_400_000 },
  { name: 'up to three days', until: 3 * 86_400_000 },
  { name: 'up to a week', until: 7 * 86_400_000 },
  { name: 'longer', until: Number.POSITIVE_INFINITY },
] as const

/** The value in the middle; undefined of none. */
export function median(values: number[]): number | undefined {
  const sorted = values.toSorted((a, b) => a - b)
  const middle = Math.floor(sorted.length / 2)
  if (sorted.length % 2 === 1) return sorted[middle]
  return sorted.length === 0 ? undefined : ((sorted[middle - 1] as number) + (sorted[middle] as number)) / 2
}

/** The days from `first` to `last`, both included. */
export function daysBetween(first: number, last: number): string[] {
  const days: string[] = []
  for (let at = Date.parse(dayOf(first)); at <= last; at += 86_400_000) days.push(dayOf(at))
  return days
}

export function dayOf(at: number): string {
  return new Date(at).toISOString().slice(0, 10)
}
