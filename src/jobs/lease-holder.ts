import { randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Logger } from 'pino'
import { placeOf } from '../core/error-place.ts'
import type { LeaseStore } from './lease-store.ts'

/** The lease that this process works under; `lost` is aborted when it is ours no more. */
export type CurrentLease = { id: string; lost: AbortSignal }

/** How long things take, in milliseconds of a clock that is never set. */
export type LeaseTimes = {
  /** Between two renewals. */
  beat: number
  /** A lease that has not been renewed for so long is a dead process's. */
  silence: number
  /** Whoever could not renew for so long has to count with having lost the lease: well before others end it. */
  giveUp: number
}

/** On one machine nobody waits for a net, and a process that was killed is started again at once. */
export const timesHere: LeaseTimes = { beat: 1_000, silence: 6_000, giveUp: 4_000 }

/** Of several machines, one that is slow or far must not be taken for dead. */
export const timesOfMachines: LeaseTimes = { beat: 5_000, silence: 30_000, giveUp: 20_000 }

type LeaseHolderContext = {
  store: LeaseStore
  /** Another machine may write where we cannot: then our lease may be ended while we cannot renew it. */
  isShared: boolean
  /** Told when there may be something to do: a lease of ours has begun, or another's has ended. */
  onChange: () => void
  log: Logger
  /** Milliseconds of a clock that is never set. */
  monotonic: () => number
  times: LeaseTimes
}

export type LeaseHolder = ReturnType<typeof leaseHolder>

/**
 * Holds this process's lease, and ends those of processes that have died. No time is compared with another machine's, nor
 * with what a clock said before it was set: a lease is a number that grows as long as its process lives, and each process
 * sees for itself, by a clock that only runs on, for how long the others' have stood still.
 */
export function leaseHolder({ store, isShared, onChange, log, monotonic, times }: LeaseHolderContext) {
  const { beat, silence } = times
  const seen = new Map<string, { renewals: number; since: number }>()
  const stopping = new AbortController()
  let current: { id: string; over: AbortController; renewedAt: number } | undefined
  let lookedAt = Number.NEGATIVE_INFINITY
  let watch: NodeJS.Timeout | undefined
  let wake = new AbortController()

  return {
    /** The lease to work under; undefined while there is none. */
    current(): CurrentLease | undefined {
      return current && { id: current.id, lost: current.over.signal }
    },

    /** Says that a lease has been found to be no longer ours. */
    lose,

    start(): void {
      void run()
      // Renewing may hang with the database, and this must not.
      if (isShared) watch = setInterval(loseIfSilent, beat / 5)
    },

    /** Begins or renews our lease, and ends those that have not been renewed for long. */
    look,

    /** Gives our lease up, with all that is still leased under it. What cannot be written ends with the process. */
    async stop(): Promise<void> {
      stopping.abort()
      clearInterval(watch)
      await giveUp().catch(onError)
    },
  }

  async function run(): Promise<void> {
    while (!stopping.signal.aborted) {
      await look().catch((error: unknown) => {
        if (!stopping.signal.aborted) onError(error)
      })
      wake = new AbortController()
      // What was lost meanwhile is begun anew at once, but for a breath.
      const pause = current ? beat : beat / 5
      const ends = AbortSignal.any([stopping.signal, wake.signal])
      await sleep(pause, undefined, { signal: ends }).catch(() => undefined)
    }
  }

  async function giveUp(): Promise<void> {
    if (current) await store.giveUp(current.id)
    current = undefined
  }

  async function look(): Promise<void> {
    try {
      const ours = current ?? (await begin())
      const all = await store.all()
      const at = monotonic()
      const others = all.filter(({ id }) => id !== ours.id)
      const isThere = others.length < all.length
      // Alone, there is nobody to be told that we live.
      if (!isThere || (others.length > 0 && !(await store.renew(ours.id)))) return lose(ours.id)
      ours.renewedAt = at
      await endSilent(others, at)
    } catch (error) {
      // Where we could not write, others could not either: that they did not says nothing.
      seen.clear()
      throw error
    }
  }

  async function begin() {
    const lease = { id: randomUUID(), over: new AbortController(), renewedAt: monotonic() }
    await store.begin(lease.id)
    if (stopping.signal.aborted) return lease
    current = lease
    onChange()
    return lease
  }

  async function endSilent(others: { id: string; renewals: number }[], at: number): Promise<void> {
    // Where we have been asleep ourselves, perhaps everybody was.
    if (at - lookedAt > 3 * beat) seen.clear()
    lookedAt = at
    for (const id of seen.keys()) if (!others.some((other) => other.id === id)) seen.delete(id)
    for (const other of others) {
      const before = seen.get(other.id)
      if (before?.renewals !== other.renewals) seen.set(other.id, { renewals: other.renewals, since: at })
      else if (at - before.since >= silence && (await store.end(other))) {
        log.warn('another process that worked on the outbox has died: its deliveries are taken over')
        onChange()
      }
    }
  }

  function loseIfSilent(): void {
    if (current && monotonic() - current.renewedAt > times.giveUp) lose(current.id)
  }

  function lose(id: string): void {
    if (current?.id !== id) return
    log.warn('the lease on deliveries is lost: what is in hand is broken off')
    const { over } = current
    current = undefined
    over.abort()
    wake.abort()
    onChange()
  }

  function onError(error: unknown): void {
    log.error(placeOf(error), 'lease trouble')
  }
}
