import { setTimeout as sleep } from 'node:timers/promises'
import { createPace, type Pace, type Sizes } from '../core/pace.ts'
import { wipeDatabase, wipeFiles } from '../retention/eraser.ts'
import { retentionRounds } from '../retention/run.ts'
import { type App, hour } from './context.ts'

const second = 1000
const minute = 60 * second

/** So long swept files can be put back. */
const sweptTime = 14 * 24 * hour

const atOnce: Sizes = { first: 20, most: 200 }
const escalatedAtOnce: Sizes = { first: 100, most: 500 }

/** What is read into the search index has no hurry: while submissions pour in, a twentieth of the time is enough. */
const restAfterReading = 19

/** Wiping costs what the search index has, and not what was erased: after a long one it rests for longer. */
const restAfterWiping = 9

/** Something that is looked after every so often, in milliseconds, or so many times as long after as it took. */
type PeriodicTask = { every: number; rest?: number; work: (pace: Pace) => Promise<void> }

/**
 * What has to be looked after from time to time, whatever comes in: search, digests, submissions that nobody has
 * claimed, those that have been kept for long enough, and what is to be forgotten. Each has a round of its own, so that
 * much to do in one keeps none of the others waiting; all together they keep to one pace.
 */
export function createRounds(
  app: App,
  lookAfterBot: () => Promise<void>,
  forgetMail: (jobId: string) => Promise<void>,
) {
  const { storage, files, outside } = app
  const { signal } = app.pace
  const { settings, retention, editors, erasures } = storage
  const { now } = outside
  const kept = retentionRounds({
    rules: settings.retention,
    retention,
    editors,
    erase: erasures.erase,
    onError,
    now,
  })
  const jobs: PeriodicTask[] = [
    { every: second, work: readIntoSearch },
    { every: minute, work: scheduleDigests },
    { every: minute, work: escalate },
    { every: minute, work: lookAfterBot },
    { every: minute, work: warn },
    { every: minute, work: eraseOver },
    { every: second, work: wipeErasedFiles },
    { every: second, rest: restAfterWiping, work: (pace) => wipeDatabase({ erasures, pace }) },
    { every: minute, work: forgetOld },
    { every: hour, work: forgetSwept },
  ]
  let done: Promise<unknown> = Promise.resolve()

  return {
    start(): void {
      done = Promise.all(jobs.map(goRound))
    },

    async stop(): Promise<void> {
      app.pace.stop()
      await done
    },

    /** One round of everything, without a rest. */
    async once(): Promise<void> {
      const pace = createPace({ rest: 0 })
      for (const { work } of jobs) await work(pace)
    },
  }

  async function goRound({ every, rest = 0, work }: PeriodicTask): Promise<void> {
    while (!signal.aborted) {
      const begun = performance.now()
      await work(app.pace).catch((error: unknown) => {
        if (!signal.aborted) onError(error)
      })
      await resting(Math.max(every, rest * (performance.now() - begun)))
    }
  }

  async function readIntoSearch(pace: Pace): Promise<void> {
    await pace.steps(storage.search.index, atOnce, restAfterReading)
  }

  async function scheduleDigests(pace: Pace): Promise<void> {
    let after = ''
    await pace.steps(async (most) => {
      const { last, count } = await editors.scheduleDigests(after, most, now())
      after = last
      return count
    }, atOnce)
  }

  async function escalate(pace: Pace): Promise<void> {
    const { value: hours } = await settings.escalationHours()
    if (hours === 0) return
    const admins = (await editors.active()).filter(({ role }) => role === 'admin')
    await pace.steps(
      (most) => storage.notices.escalate(admins, now() - hours * hour, most, now()),
      escalatedAtOnce,
    )
  }

  async function warn(pace: Pace): Promise<void> {
    await kept.warn(pace)
  }

  async function eraseOver(pace: Pace): Promise<void> {
    const erased = await kept.eraseOver(pace)
    if (erased > 0) outside.log.info({ erased }, 'erased what had been kept for long enough')
  }

  async function wipeErasedFiles(pace: Pace): Promise<void> {
    await wipeFiles({ erasures, eraseFile: (id) => files.erase(id), forgetMail, pace, onError })
  }

  async function forgetOld(pace: Pace): Promise<void> {
    for (const forget of Object.values(storage.forgetting))
      await pace.steps((most) => forget(now(), most), atOnce)
  }

  async function forgetSwept(): Promise<void> {
    await files.forgetSwept(now() - sweptTime)
  }

  function onError(error: unknown): void {
    const name = error instanceof Error ? error.name : typeof error
    outside.log.error({ name }, 'rounds trouble')
  }

  async function resting(ms: number): Promise<void> {
    await sleep(ms, undefined, { signal }).catch(() => undefined)
  }
}
