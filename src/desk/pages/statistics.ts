import { channels, kinds } from '../../db/values.ts'
import { type Bar, stackedBars } from '../../statistics/bar-chart.ts'
import { ages, type DayCount, type Decided, daysBetween, median } from '../../statistics/model.ts'
import type { StatisticsStore } from '../../statistics/store.ts'
import type { ShowPage } from '../http/render-page.ts'
import type { DeskRoute } from '../http/routes.ts'

const day = 86_400_000
const daysShown = 30
const decisionsSince = 90 * day

type StatisticsContext = {
  showPage: ShowPage
  statistics: StatisticsStore
  now: () => number
}

/** The state of the letterbox at a glance: plots, each with its figures as a table. */
export function statisticsRoutes(app: StatisticsContext): DeskRoute[] {
  return [
    {
      method: 'get',
      path: '/desk/glance',
      access: 'editor',
      async handle(_req, res, seat) {
        const now = app.now()
        const since = now - (daysShown - 1) * day
        const counts = await app.statistics.perDay(since, now)
        const days = daysBetween(since, now)
        const decided = await app.statistics.decided(now - decisionsSince)
        await app.showPage(res, seat, 'desk/statistics', {
          byKind: perDay(days, counts, kinds, (one) => one.kind),
          byChannel: perDay(days, counts, channels, (one) => one.channel),
          waiting: await waitingByAge(app, now),
          times: timesByKind(decided),
          acceptance: acceptanceByKind(decided),
        })
      },
    },
  ]
}

function perDay<T extends string>(
  days: string[],
  counts: DayCount[],
  series: readonly T[],
  seriesOf: (count: DayCount) => T,
) {
  const rows = days.map((name) => ({
    label: name,
    values: series.map((one) =>
      counts
        .filter((count) => count.day === name && seriesOf(count) === one)
        .reduce((sum, count) => sum + count.submissions, 0),
    ),
  }))
  return { series, rows, plot: stackedBars(rows) }
}

async function waitingByAge({ statistics }: StatisticsContext, now: number) {
  const rows: Bar[] = []
  // A millisecond on, for what came in just now is waiting too.
  let until = now + 1
  for (const age of ages) {
    const from = Math.max(0, now - age.until)
    rows.push({ label: age.name, values: [await statistics.waiting(from, until)] })
    until = from
  }
  return { rows, plot: stackedBars(rows) }
}

/** Milliseconds from coming in to the first opening and to the decision, of half of all at most. */
function timesByKind(decided: Decided[]) {
  return kinds.map((kind) => {
    const submissions = decided.filter((submission) => submission.kind === kind)
    const opened = submissions.filter((submission) => submission.openedAt !== null)
    return {
      kind,
      submissions: submissions.length,
      toOpening: median(opened.map((submission) => (submission.openedAt as number) - submission.createdAt)),
      toDecision: median(submissions.map((submission) => submission.decidedAt - submission.createdAt)),
    }
  })
}

function acceptanceByKind(decided: Decided[]) {
  const rows = kinds.map((kind) => {
    const submissions = decided.filter((submission) => submission.kind === kind)
    const accepted = submissions.filter((submission) => submission.state === 'accepted').length
    const declined = submissions.filter((submission) => submission.state === 'declined').length
    return { label: kind, values: [accepted, declined] }
  })
  return { rows, plot: stackedBars(rows) }
}
