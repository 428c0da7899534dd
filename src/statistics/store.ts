import { setImmediate as nextTurn } from 'node:timers/promises'
import { firstIdAt } from '../core/ids.ts'
import type { Database } from '../db/open.ts'
import { channels, kinds } from '../db/values.ts'
import { type DayCount, type Decided, dayOf, daysBetween } from './model.ts'

const day = 86_400_000

/** Figures about times and decisions are made from so many of the latest: what they cost does not grow with the pile. */
const sample = 5000

export type StatisticsStore = ReturnType<typeof statisticsStore>

/** Figures over many submissions. */
export function statisticsStore(db: Database) {
  return {
    /** What came in on each day since `since`. A day that is over is counted once and kept. */
    async perDay(since: number, now: number): Promise<DayCount[]> {
      const days = daysBetween(since, now)
      const kept = await db.selectFrom('counted_days').selectAll().where('day', 'in', days).execute()
      const known = new Set(kept.map((row) => row.day))
      const counts: DayCount[] = kept.filter((row) => row.submissions > 0)
      for (const one of days.filter((name) => !known.has(name))) {
        const counted = await count(one)
        counts.push(...counted)
        if (one !== dayOf(now)) await keep(one, counted)
        await nextTurn()
      }
      return counts
    },

    /** How many submissions are waiting that came in within these times: `from` included, `until` not. */
    async waiting(from: number, until: number): Promise<number> {
      let waiting = 0
      for (const kind of kinds) {
        for (const channel of channels) {
          const { n } = await db
            .selectFrom('submissions')
            .select((eb) => eb.fn.countAll().as('n'))
            .where('kind', '=', kind)
            .where('channel', '=', channel)
            .where('state', '=', 'waiting')
            .where('id', '>=', firstIdAt(from))
            .where('id', '<', firstIdAt(until))
            .executeTakeFirstOrThrow()
          waiting += Number(n)
        }
      }
      return waiting
    },

    /** The latest decided submissions since then, at most 5,000. */
    async decided(since: number): Promise<Decided[]> {
      const rows = await db
        .selectFrom('submissions')
        .select(['kind', 'state', 'created_at', 'first_opened_at', 'decided_at'])
        .where('decided_at', 'is not', null)
        .where('decided_at', '>=', since)
        .orderBy('decided_at', 'desc')
        .limit(sample)
        .execute()
      return rows.map((row) => ({
        kind: row.kind,
        state: row.state,
        createdAt: row.created_at,
        openedAt: row.first_opened_at,
        decidedAt: row.decided_at as number,
      }))
    },
  }

  async function count(name: string): Promise<DayCount[]> {
    const begins = Date.parse(name)
    const rows = await db
      .selectFrom('submissions')
      .select((eb) => ['kind', 'channel', eb.fn.countAll().as('submissions')])
      .where('id', '>=', firstIdAt(begins))
      .where('id', '<', firstIdAt(begins + day))
      .groupBy(['kind', 'channel'])
      .execute()
    return rows.map((row) => ({ ...row, day: name, submissions: Number(row.submissions) }))
  }

  async function keep(name: string, counted: DayCount[]): Promise<void> {
    // A day without any is kept as counted too.
    const rows: DayCount[] =
      counted.length > 0 ? counted : [{ day: name, kind: 'news-tip', channel: 'form', submissions: 0 }]
    await db
      .insertInto('counted_days')
      .values(rows)
      .onConflict((oc) => oc.columns(['day', 'kind', 'channel']).doNothing())
      .execute()
  }
}
