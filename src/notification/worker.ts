import { setTimeout as sleep } from 'node:timers/promises'
import type { Logger } from 'pino'
import { type Carrier, CarryFault, type Delivery, type Instead, nextTry, type Verdict } from '../delivery.ts'
import { placeOf } from '../error-place.ts'
import { insist } from './insist.ts'
import type { HeldLease } from './lease-holder.ts'

export type WorkerParts = {
  carrier: Carrier
  /** How many deliveries are carried at once. */
  atOnce: number
  /** How many of them may go to the same place: what hangs there leaves room for others. */
  perLane: number
  /** The name of where a delivery goes; undefined for what holds up nothing. */
  laneOf: (delivery: Delivery) => Promise<string | undefined>
  leases: {
    current(): HeldLease | undefined
    /** This lease has been found to be no longer ours. */
    lose(id: string): void
  }
  outbox: {
    /** None of these ids, none that go by these lanes; undefined if the lease has ended. */
    lease(
      carrier: Carrier,
      lease: string,
      asked: { count: number; now: number; lanes: string[]; not: string[] },
    ): Promise<Delivery[] | undefined>
    nextDueAt(carrier: Carrier, lanes: string[]): Promise<number | undefined>
    putBack(lease: string, deliveries: { id: string; lane: string | undefined }[]): Promise<void>
    giveBack(lease: string, carrier: Carrier, not: string[]): Promise<void>
  }
  /** Makes a verdict durable; verdicts that come together may share a commit. False if another process has taken over. */
  settle: (delivery: Delivery, verdict: Verdict & { lease: string }) => Promise<boolean>
  /**
   * Carries one delivery; resolves when the other side has accepted it, or says what it did instead. Breaks off when
   * `signal` is aborted.
   * @throws CarryFault
   */
  carry: (delivery: Delivery, signal: AbortSignal) => Promise<Instead | undefined>
  /** Told of each verdict once it is settled. */
  onVerdict: (delivery: Delivery, verdict: Verdict) => void
  log: Logger
  now: () => number
  random: () => number
  /** How long a stop waits, in milliseconds. */
  patience?: StopPatience
}

/** First for what is being carried to be accepted, then, when the rest has been broken off, for verdicts to be written. */
export type StopPatience = { carrying: number; writing: number }

const usualPatience: StopPatience = { carrying: 3_000, writing: 12_000 }
/** How long the worker sleeps at most: another machine may have written a delivery that nobody told us of. */
const longestSleep = 5_000
/** How long it rests at least: while pieces pour in, looking for each of them would cost more than carrying them. */
const shortestSleep = 100
/** How many more are leased than there is room for, while those that are due first go where there is none. */
const furtherOn = 50

export type Worker = ReturnType<typeof createWorker>

type InHand = { lane: string | undefined; over: Promise<void> }

/**
 * Works a carrier's part of the outbox off: leases what is due, carries it, settles it. At least once: a crash between
 * the other side's acceptance and our mark repeats that delivery, with the same Message-ID. While the process lives, it is
 * repeated for no reason: a verdict is written until that works, and until then its delivery stays in hand.
 */
export function createWorker(parts: WorkerParts) {
  const { carrier, atOnce, perLane, leases, outbox } = parts
  const patience = parts.patience ?? usualPatience
  const inHand = new Map<string, InHand>()
  const breakingOff = new AbortController()
  const givingUp = new AbortController()
  let isStopping = false
  let done: Promise<void> = Promise.resolve()
  let alarm = new Alarm()
  /** Something may be leased that is not in hand: it is not known what became of the last leasing. */
  let isUnsure = false
  /** What is due first goes where there is no room. */
  let isCrowded = false

  return {
    start(): void {
      done = run()
    },

    /** Something may be due. */
    nudge(): void {
      alarm.ring()
    },

    /**
     * Waits a little for what is in hand, breaks the rest off, and resolves when all verdicts are written, or could not be
     * for long. What was broken off is left leased: the lease is given up next.
     */
    async stop(): Promise<void> {
      isStopping = true
      alarm.ring()
      await within(patience.carrying, allOver())
      breakingOff.abort()
      // What does not let itself be broken off ends with the process.
      await within(patience.writing, allOver())
      givingUp.abort()
    },

    /** Carries what is due now, and says how much that was: for a worker that has not been started. */
    async workOnce(): Promise<number> {
      const now = parts.now()
      for (let carried = 0; ; ) {
        const found = await look(now)
        await Promise.all(over())
        carried += found.taken
        if (found.leased === 0) return carried
      }
    },
  }

  async function run(): Promise<void> {
    while (!isStopping) {
      // Rung from here on, the alarm ends the sleep below: nothing that comes due while we look is slept over.
      alarm = new Alarm()
      if (inHand.size >= atOnce || !leases.current()) {
        await Promise.race([...over(), alarm.rings()])
        continue
      }
      const found = await look(parts.now()).catch(logTrouble)
      if (found?.isMore) continue
      await alarm.rings(found ? await untilNextDue().catch(logTrouble) : longestSleep)
      await sleep(shortestSleep)
    }
  }

  /** Leases what is due and takes it in hand, as far as there is room for it; gives the rest back. */
  async function look(now: number): Promise<{ leased: number; taken: number; isMore: boolean }> {
    const none = { leased: 0, taken: 0, isMore: false }
    const lease = leases.current()
    if (!lease) return none
    if (isUnsure) await outbox.giveBack(lease.id, carrier, [...inHand.keys()])
    isUnsure = true
    const count = atOnce - inHand.size + (isCrowded ? furtherOn : 0)
    const asked = { count, now, lanes: fullLanes(), not: [...inHand.keys()] }
    const leased = await outbox.lease(carrier, lease.id, asked)
    if (!leased) {
      isUnsure = false
      leases.lose(lease.id)
      return none
    }
    // What is leased is given up with the lease.
    if (isStopping) return none
    const left = await takeInHand(leased, lease)
    if (left.length > 0) await outbox.putBack(lease.id, left)
    isUnsure = false
    isCrowded = left.length > 0
    return { leased: leased.length, taken: leased.length - left.length, isMore: leased.length === count }
  }

  /** Gives what there is no room for. */
  async function takeInHand(leased: Delivery[], lease: HeldLease) {
    const left: { id: string; lane: string | undefined }[] = []
    for (const delivery of leased) {
      const lane = await parts.laneOf(delivery)
      const hasRoom = inHand.size < atOnce && !(lane !== undefined && isFull(lane))
      if (!hasRoom) left.push({ id: delivery.id, lane })
      else take(delivery, lane, lease)
    }
    return left
  }

  function take(delivery: Delivery, lane: string | undefined, lease: HeldLease): void {
    const tried = tryOnce(delivery, lease)
      .catch(logTrouble)
      .then(() => {
        inHand.delete(delivery.id)
        // What was passed over may go by its lane now.
        if (lane !== undefined) alarm.ring()
      })
    inHand.set(delivery.id, { lane, over: tried })
  }

  async function tryOnce(delivery: Delivery, lease: HeldLease): Promise<void> {
    const verdict = await verdictOf(delivery, AbortSignal.any([lease.lost, breakingOff.signal]))
    if (!verdict) return
    const settled = await insist(() => parts.settle(delivery, { ...verdict, lease: lease.id }), {
      isWorthTrying(error) {
        logTrouble(error)
        return true
      },
      patience: givingUp.signal,
    })
    if (settled) parts.onVerdict(delivery, verdict)
    else logTakenOver(delivery, verdict)
  }

  /** Undefined where it was broken off: it has not failed, and whoever holds it next tries it again. */
  async function verdictOf(delivery: Delivery, signal: AbortSignal): Promise<Verdict | undefined> {
    const { id } = delivery
    try {
      const instead = await parts.carry(delivery, signal)
      const at = parts.now()
      if (!instead) return { id, state: 'sent', at }
      if ('needless' in instead) return { id, state: 'dropped', at, fault: instead.needless }
      return { id, state: 'pending', at, dueAt: instead.waitUntil, fault: null }
    } catch (error) {
      if (signal.aborted) return undefined
      const fault = error instanceof CarryFault ? error : new CarryFault('unexpected')
      if (fault !== error) logTrouble(error)
      const at = parts.now()
      const dueAt = fault.permanent ? undefined : nextTry(delivery, at, parts.random, fault.retryAfter)
      if (dueAt === undefined) return { id, state: 'failed', at, fault: fault.code }
      return { id, state: 'pending', at, dueAt, fault: fault.code }
    }
  }

  async function untilNextDue(): Promise<number> {
    const dueAt = await outbox.nextDueAt(carrier, fullLanes())
    return dueAt === undefined ? longestSleep : Math.min(longestSleep, Math.max(0, dueAt - parts.now()))
  }

  function over(): Promise<void>[] {
    return [...inHand.values()].map((one) => one.over)
  }

  /** Resolves when nobody looks any more and nothing is in hand. */
  async function allOver(): Promise<void> {
    await done
    await Promise.all(over())
  }

  function isFull(lane: string): boolean {
    return [...inHand.values()].filter((one) => one.lane === lane).length >= perLane
  }

  function fullLanes(): string[] {
    const lanes = new Set([...inHand.values()].flatMap(({ lane }) => lane ?? []))
    return [...lanes].filter(isFull)
  }

  function logTakenOver({ id, purpose, attempts }: Delivery, { state }: Verdict): void {
    parts.log.warn({ delivery: id, purpose, attempts, state }, 'delivery was taken over by another process')
  }

  function logTrouble(error: unknown): undefined {
    parts.log.error({ ...placeOf(error), carrier }, 'outbox trouble')
  }
}

/** Waits for work to be done, at most so many milliseconds. */
async function within(ms: number, work: Promise<void>): Promise<void> {
  const over = new AbortController()
  await Promise.race([work, sleep(ms, undefined, { signal: over.signal }).catch(() => undefined)])
  over.abort()
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
