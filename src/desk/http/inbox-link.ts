import { Wanted } from '../../submissions/inbox.ts'

/** A wish as it stands in a URL. */
export function queryOf(wish: Partial<Wanted>): string {
  const given = Object.entries(wish).filter(([, value]) => value !== undefined)
  return new URLSearchParams(given.map(([name, value]) => [name, String(value)])).toString()
}

/** The list that a page was come to from, as its links say it. */
export function listOf(given: unknown): Wanted | undefined {
  if (typeof given !== 'string' || given === '') return undefined
  return Wanted.parse(Object.fromEntries(new URLSearchParams(given)))
}
