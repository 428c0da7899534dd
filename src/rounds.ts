import { setTimeout as sleep } from 'node:timers/promises'
import { hour, type Parts } from './parts.ts'

const second = 1000
const minute = 60 * second
/** Read into the search index in one transaction: more would hold up a request that comes meanwhile. */
const readAtOnce = 20
const restAfterReading = 19

/** What has to be looked after from time to time, whatever comes in: search, digests, pieces that nobody has claimed. */
export function createRounds(parts: Parts, lookAfterBot: () => Promise<void>) {
  const { storage, outside, nudge } = parts
  const stopping = new AbortController()
  let done = Promise.resolve()

  return {
    start(): void {
      done = run()
    },

    async stop(): Promise<void> {
      stopping.abort()
      await done
    },

    /** One round of everything. */
    async once(): Promise<void> {
      await readIntoSearch(0)
      await lookAfterEditors()
      await lookAfterBot()
    },
  }

  async function run(): Promise<void> {
    let lookedAfter = Number.NEGATIVE_INFINITY
    while (!stopping.signal.aborted) {
      await orLog(() => readIntoSearch())
      if (performance.now() - lookedAfter >= minute) {
        lookedAfter = performance.now()
        await orLog(lookAfterEditors)
        await orLog(lookAfterBot)
      }
      await sleep(second, undefined, { signal: stopping.signal }).catch(() => undefined)
    }
  }

  /** Between two readings it rests for several times as long as the last one took: what comes in goes first. */
  async function readIntoSearch(rest = restAfterReading): Promise<void> {
    while (!stopping.signal.aborted) {
      const begun = performance.now()
      if ((await storage.search.index(readAtOnce)) === 0) return
      await sleep(rest * (performance.now() - begun), undefined, { signal: stopping.signal }).catch(
        () => undefined,
      )
    }
  }

  async function lookAfterEditors(): Promise<void> {
    const now = outside.now()
    await storage.editors.scheduleDigests(now)
    const { value: hours } = await storage.settings.escalationHours()
    if (hours === 0) return
    const admins = (await storage.editors.active()).filter(({ role }) => role === 'admin')
    const escalated = await storage.notices.escalate(admins, now - hours * hour, now)
    if (escalated > 0) nudge('mail')
  }

  async function orLog(work: () => Promise<void>): Promise<void> {
    await work().catch((error: unknown) => {
      const name = error instanceof Error ? error.name : typeof error
      outside.log.error({ name }, 'rounds trouble')
    })
  }
}
