import { setTimeout as sleep } from 'node:timers/promises'
import { wipeErased } from './erasing/eraser.ts'
import { lookAfterRetention } from './erasing/retention.ts'
import { hour, type Parts } from './parts.ts'

const second = 1000
const minute = 60 * second
/** Read into the search index in one transaction: more would hold up a request that comes meanwhile. */
const readAtOnce = 20
const restAfterReading = 19

/** Between two steps of erasing, so that what comes in goes first. */
const restInErasing = 20

/**
 * What has to be looked after from time to time, whatever comes in: search, digests, pieces that nobody has claimed, and
 * those that have been kept for long enough.
 */
export function createRounds(
  parts: Parts,
  lookAfterBot: () => Promise<void>,
  forgetMail: (deliveryId: string) => Promise<void>,
) {
  const { storage, files, outside, nudge } = parts
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
      await lookAfterWhatIsKept()
      await wipe()
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
        await orLog(lookAfterWhatIsKept)
      }
      await orLog(wipe)
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

  async function lookAfterWhatIsKept(): Promise<void> {
    const { settings, retention, editors, erasures } = storage
    const { warned, erased } = await lookAfterRetention({
      rules: async () => (await settings.retention()).value,
      retention,
      editors,
      erase: erasures.erase,
      onTrouble,
      rest,
      now: outside.now,
    })
    if (warned > 0) nudge('mail')
    if (erased > 0) outside.log.info({ erased }, 'erased what had been kept for long enough')
  }

  async function wipe(): Promise<void> {
    const { erasures } = storage
    await wipeErased({ erasures, eraseFile: (id) => files.erase(id), forgetMail, rest, onTrouble })
  }

  function onTrouble(error: unknown): void {
    const name = error instanceof Error ? error.name : typeof error
    outside.log.error({ name }, 'rounds trouble')
  }

  async function rest(): Promise<void> {
    await sleep(restInErasing, undefined, { signal: stopping.signal })
  }

  async function orLog(work: () => Promise<void>): Promise<void> {
    await work().catch((error: unknown) => {
      if (!stopping.signal.aborted) onTrouble(error)
    })
  }
}
