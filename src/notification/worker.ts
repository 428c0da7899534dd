import { randomUUID } from 'node:crypto'
import type { Logger } from 'pino'
import { CarryFault, type Delivery, nextTry, type Purpose } from '../delivery.ts'

/** Carries one delivery. Resolves when the other side has accepted it. @throws CarryFault */
export type Carrier = (delivery: Delivery) => Promise<void>

export type Verdict =
  | { id: string; state: 'sent'; at: number }
  | { id: string; state: 'failed'; at: number; fault: string }
  | { id: string; state: 'pending'; dueAt: number; fault: string }

export type WorkerParts = {
  outbox: {
    lease(lease: string, count: number, now: number, until: number): Promise<Delivery[]>
    nextDueAt(): Promise<number | undefined>
    settle(verdicts: Verdict[]): Promise<void>
    release(lease: string): Promise<void>
  }
  carriers: Record<Purpose, Carrier>
  /** Told when a delivery has failed for good. */
  onFailed: (delivery: Delivery) => Promise<void>
  onSettled: (delivery: Delivery, verdict: Verdict) => void
  log: Logger
  now: () => number
  random: () => number
}

/** Longer than any one try may take, so that a lease never runs out under a live worker. */
const leaseTime = 10 * 60_000
const batch = 20
/** How long the worker sleeps at most: another machine may have written a delivery that nobody told us of. */
const longestSleep = 5_000
const sleepAfterTrouble = 2_000

export type Worker = ReturnType<typeof createWorker>

/**
 * Works the outbox off: leases what is due, carries it, and settles it. At least once: a crash between the other
 * side's acceptance and our mark repeats that delivery, with the same Message-ID.
 */
export function createWorker(parts: WorkerParts) {
  const lease = randomUUID()
  let running = false
  let wake: () => void = () => undefined
  let done: Promise<void> = Promise.resolve()

  return {
    start(): void {
      running = true
      done = run()
    },
    /** Something may be due. */
    nudge(): void {
      wake()
    },
    /** Finishes what is being carried, gives back the rest, and resolves when all is settled. */
    async stop(): Promise<void> {
      running = false
      wake()
      await done
      await parts.outbox.release(lease)
    },
    /** Works off what is due now and resolves; for tests and for a worker that is not running. */
    workOnce,
  }

  async function run(): Promise<void> {
    while (running) {
      const worked = await workOnce().catch(logTrouble)
      if (worked === 0) await sleepUntilDue()
      if (worked === undefined) await sleep(sleepAfterTrouble)
    }
  }

  async function workOnce(): Promise<number> {
    const now = parts.now()
    const deliveries = await parts.outbox.lease(lease, batch, now, now + leaseTime)
    if (deliveries.length > 0) await parts.outbox.settle(await Promise.all(deliveries.map(tried)))
    return deliveries.length
  }

  async function tried(delivery: Delivery): Promise<Verdict> {
    const verdict = await carried(delivery)
    if (verdict.state === 'failed') await parts.onFailed(delivery)
    parts.onSettled(delivery, verdict)
    return verdict
  }

  async function carried(delivery: Delivery): Promise<Verdict> {
    const { id } = delivery
    try {
      await parts.carriers[delivery.purpose](delivery)
      return { id, state: 'sent', at: parts.now() }
    } catch (error) {
      const fault = error instanceof CarryFault ? error : new CarryFault('unexpected', { cause: error })
      if (fault.code === 'unexpected') logTrouble(fault.cause)
      const dueAt = fault.permanent ? undefined : nextTry(delivery, parts.now(), parts.random, fault.retryAfter)
      if (dueAt === undefined) return { id, state: 'failed', at: parts.now(), fault: fault.code }
      return { id, state: 'pending', dueAt, fault: fault.code }
    }
  }

  function logTrouble(error: unknown): undefined {
    const frames = error instanceof Error ? (error.stack ?? '').split('\n').filter((line) => /^\s+at /.test(line)) : []
    parts.log.error({ name: error instanceof Error ? error.name : typeof error, frames: frames.slice(0, 6) }, 'outbox trouble')
  }

  async function sleepUntilDue(): Promise<void> {
    const nudged = sleep(longestSleep)
    const dueAt = await parts.outbox.nextDueAt().catch(() => undefined)
    const rest = dueAt === undefined ? longestSleep : dueAt - parts.now()
    if (rest < longestSleep) setTimeout(() => wake(), Math.max(0, rest)).unref()
    await nudged
  }

  /** Resolves after `ms`, or at the next nudge. */
  function sleep(ms: number): Promise<void> {
    if (!running) return Promise.resolve()
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, ms)
      wake = () => {
        clearTimeout(timer)
        resolve()
      }
    })
  }
}
