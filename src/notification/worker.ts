import { randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Logger } from 'pino'
import { type Carrier, CarryFault, type Delivery, type Instead, nextTry, type Verdict } from '../delivery.ts'
import { placeOf } from '../error-place.ts'

export type WorkerParts = {
  carrier: Carrier
  /** How many deliveries are carried at once. */
  atOnce: number
  outbox: {
    lease(carrier: Carrier, lease: string, count: number, now: number, until: number): Promise<Delivery[]>
    nextDueAt(carrier: Carrier): Promise<number | undefined>
    release(lease: string): Promise<void>
  }
  /** Makes a verdict durable; verdicts that come together may share a commit. */
  settle: (verdict: Verdict) => Promise<unknown>
  /** Carries one delivery; resolves when the other side has accepted it, or says what it did instead. @throws CarryFault */
  carry: (delivery: Delivery) => Promise<Instead | undefined>
  /** Told of each verdict before it is settled. */
  onVerdict: (delivery: Delivery, verdict: Verdict) => Promise<void>
  log: Logger
  now: () => number
  random: () => number
}

/** Longer than any one try may take, so that a lease never runs out under a live worker. */
const leaseTime = 10 * 60_000
/** How long the worker sleeps at most: another machine may have written a delivery that nobody told us of. */
const longestSleep = 5_000
/** How long it rests at least: while pieces pour in, looking for each of them would cost more than carrying them. */
const shortestSleep = 100

export type Worker = ReturnType<typeof createWorker>

/**
 * Works a carrier's part of the outbox off: leases what is due, carries it, settles it. At least once: a crash between
 * the other side's acceptance and our mark repeats that delivery, with the same Message-ID.
 */
export function createWorker(parts: WorkerParts) {
  const lease = randomUUID()
  const inHand = new Set<Promise<void>>()
  let running = false
  let done: Promise<void> = Promise.resolve()
  let alarm = new Alarm()

  return {
    start(): void {
      running = true
      done = run()
    },

    /** Something may be due. */
    nudge(): void {
      alarm.ring()
    },

    /** Finishes what is in hand, gives back the rest, and resolves when all is settled. */
    async stop(): Promise<void> {
      running = false
      alarm.ring()
      await done
      await parts.outbox.release(lease)
    },

    /** Carries what is due now, and says how much that was: for a worker that has not been started. */
    async workOnce(): Promise<number> {
      const taken = await takeDue(parts.atOnce)
      await Promise.all(inHand)
      return taken
    },
  }

  async function run(): Promise<void> {
    while (running) {
      // Rung from here on, the alarm ends the sleep below: nothing that comes due while we look is slept over.
      alarm = new Alarm()
      const room = parts.atOnce - inHand.size
      const taken = await takeDue(room).catch(logTrouble)
      while (inHand.size > parts.atOnce / 2) await Promise.race(inHand)
      if (taken === room) continue
      await alarm.rings(taken === undefined ? longestSleep : await untilNextDue().catch(logTrouble))
      await sleep(shortestSleep)
    }
    await Promise.all(inHand)
  }

  async function takeDue(room: number): Promise<number> {
    const now = parts.now()
    const deliveries = await parts.outbox.lease(parts.carrier, lease, room, now, now + leaseTime)
    for (const delivery of deliveries) takeInHand(delivery)
    return deliveries.length
  }

  function takeInHand(delivery: Delivery): void {
    const carried = tryOnce(delivery)
      .catch(logTrouble)
      .then(() => {
        inHand.delete(carried)
      })
    inHand.add(carried)
  }

  async function tryOnce(delivery: Delivery): Promise<void> {
    const verdict = await verdictOf(delivery)
    await parts.onVerdict(delivery, verdict)
    await parts.settle(verdict)
  }

  async function verdictOf(delivery: Delivery): Promise<Verdict> {
    const { id } = delivery
    try {
      const instead = await parts.carry(delivery)
      const at = parts.now()
      if (!instead) return { id, state: 'sent', at }
      if ('needless' in instead) return { id, state: 'dropped', at, fault: instead.needless }
      return { id, state: 'pending', at, dueAt: instead.waitUntil, fault: null }
    } catch (error) {
      const fault = error instanceof CarryFault ? error : new CarryFault('unexpected')
      if (fault !== error) logTrouble(error)
      const at = parts.now()
      const dueAt = fault.permanent ? undefined : nextTry(delivery, at, parts.random, fault.retryAfter)
      if (dueAt === undefined) return { id, state: 'failed', at, fault: fault.code }
      return { id, state: 'pending', at, dueAt, fault: fault.code }
    }
  }

  async function untilNextDue(): Promise<number> {
    const dueAt = await parts.outbox.nextDueAt(parts.carrier)
    return dueAt === undefined ? longestSleep : Math.min(longestSleep, Math.max(0, dueAt - parts.now()))
  }

  function logTrouble(error: unknown): undefined {
    parts.log.error({ ...placeOf(error), carrier: parts.carrier }, 'outbox trouble')
  }
}

/** Sleeps until a time is over or somebody rings, even if they rang before. */
class Alarm {
  #ring: () => void = () => undefined
  readonly #rung = new Promise<void>((resolve) => {
    this.#ring = resolve
  })

  ring(): void {
    this.#ring()
  }

  /** Waits at most `ms`. */
  async rings(ms = longestSleep): Promise<void> {
    let timer: NodeJS.Timeout | undefined
    const over = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, ms)
    })
    await Promise.race([this.#rung, over])
    clearTimeout(timer)
  }
}
