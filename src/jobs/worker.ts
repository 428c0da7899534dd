import { setTimeout as sleep } from 'node:timers/promises'
import type { Logger } from 'pino'
import { placeOf } from '../core/error-place.ts'
import type { Queue } from '../db/values.ts'
import { insist } from './insist.ts'
import { type Job, JobError, type JobResult, nextTry, type Unsent } from './job.ts'
import { Lanes } from './lanes.ts'
import type { CurrentLease, LeaseHolder } from './lease-holder.ts'
import type { JobStore } from './store.ts'

type WorkerContext = {
  queue: Queue
  /** How many jobs are carried at once. */
  atOnce: number
  /** How many of them may go to the same place: what hangs there leaves room for others. */
  perLane: number
  /** Those who wait for it take turns, lane by lane: it looks further on than it has room for each time. */
  takesTurns: boolean
  /** The name of where a job goes; undefined for what holds up nothing. */
  laneOf: (job: Job) => Promise<string | undefined>
  leases: Pick<LeaseHolder, 'current' | 'lose'>
  outbox: JobStore
  /** Makes a verdict durable; verdicts that come together may share a commit. False if another process has taken over. */
  settle: (job: Job, result: JobResult & { lease: string }) => Promise<boolean>
  /**
   * Carries one job; resolves when the other side has accepted it, or says what it did instead. Breaks off when
   * `signal` is aborted.
   * @throws JobError
   */
  handlers: (job: Job, signal: AbortSignal) => Promise<Unsent | undefined>
  /** Told of each verdict once it is settled. */
  onResult: (job: Job, result: JobResult) => void
  log: Logger
  now: () => number
  random: () => number
  /** How long a stop waits, in milliseconds. */
  patience?: StopPatience
}

/** First for what is being carried to be accepted, then, when the rest has been broken off, for verdicts to be written. */
type StopPatience = { carrying: number; writing: number }

const usualPatience: StopPatience = { carrying: 3_000, writing: 12_000 }

/** How long the worker sleeps at most: another machine may have written a job that nobody told us of. */
const longestSleep = 5_000

/** How long it rests at least: while submissions pour in, looking for each of them would cost more than carrying them. */
const shortestSleep = 100

/** How many more are leased than there is room for, while those that are due first go where there is none just now. */
const furtherOn = 50

export type Worker = ReturnType<typeof createWorker>

type LeasedJobs = { job: Job; lane: string | undefined; lease: CurrentLease }

/**
 * Works a carrier's part of the outbox off: leases what is due, carries it, settles it. At least once: a crash between
 * the other side's acceptance and our mark repeats that delivery, with the same Message-ID. While the process lives, it is
 * repeated for no reason: a verdict is written until that works, and until then its delivery stays in hand.
 */
export function createWorker(app: WorkerContext) {
  const { queue, atOnce, perLane, takesTurns, leases, outbox } = app
  const patience = app.patience ?? usualPatience
  const inHand = new Map<string, Promise<void>>()
  const lanes = new Lanes(perLane)
  /** What is leased and goes next where there is no room just now. */
  let next: LeasedJobs[] = []
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
      const now = app.now()
      for (let carried = 0; ; ) {
        const found = await look(now)
        while (inHand.size > 0) await Promise.all(inHand.values())
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
        await Promise.race([...inHand.values(), alarm.rings()])
        // While all hands are full, somebody else may have come whose turn is next.
        if (takesTurns && leases.current() && !isStopping) await look(app.now()).catch(logFailure)
        continue
      }
      const found = await look(app.now()).catch(logFailure)
      if (found?.isMore) continue
      await alarm.rings(found ? await untilNextDue().catch(logFailure) : longestSleep)
      await sleep(shortestSleep)
    }
  }

  /** Leases what is due and takes it in hand, as far as there is room for it; gives the rest back. */
  async function look(now: number): Promise<{ leased: number; taken: number; isMore: boolean }> {
    const none = { leased: 0, taken: 0, isMore: false }
    const lease = leases.current()
    if (!lease) return none
    if (isUnsure) await outbox.giveBack(lease.id, queue, ours())
    isUnsure = true
    await putBack(lease, withoutHope(lease))
    const count = atOnce - inHand.size + (takesTurns || isCrowded || next.length > 0 ? furtherOn : 0)
    const asked = { count, now, lanes: lanes.full(), not: ours() }
    const leased = await outbox.lease(queue, lease.id, asked)
    if (!leased) {
      isUnsure = false
      leases.lose(lease.id)
      return none
    }
    // What is leased is given up with the lease.
    if (isStopping) return none
    const left = await takeInHand(leased, lease)
    await putBack(lease, left)
    isUnsure = false
    isCrowded = left.length > 0
    return { leased: leased.length, taken: leased.length - left.length, isMore: leased.length === count }
  }

  /** Gives what there is no room for, neither now nor next. */
  async function takeInHand(leased: Job[], lease: CurrentLease): Promise<LeasedJobs[]> {
    const left: LeasedJobs[] = []
    for (const job of leased) {
      // What cannot be read here is found out again when it is carried, and is that delivery's trouble alone.
      const lane = await app.laneOf(job).catch(logFailure)
      const taken = { job, lane, lease }
      if (inHand.size < atOnce && lanes.hasRoom(lane)) begin(taken)
      else if (lanes.mayWait(lane)) {
        lanes.waits(lane)
        next.push(taken)
      } else left.push(taken)
    }
    return left
  }

  /** Of what was to go next, what goes where something hangs by now; what another process may have is forgotten. */
  function withoutHope(lease: CurrentLease): LeasedJobs[] {
    const before = next
    next = before.filter((one) => one.lease.id === lease.id && !lanes.isStuck(one.lane))
    const hopeless = before.filter((one) => !next.includes(one))
    for (const { lane } of hopeless) lanes.waitsNoMore(lane)
    return hopeless.filter((one) => one.lease.id === lease.id)
  }

  async function putBack(lease: CurrentLease, taken: LeasedJobs[]): Promise<void> {
    if (taken.length === 0) return
    await outbox.putBack(
      lease.id,
      taken.map(({ job, lane }) => ({ id: job.id, lane })),
    )
  }

  function begin({ job, lane, lease }: LeasedJobs): void {
    const leave = lanes.enter(lane)
    const tried = tryOnce(job, lease)
      .catch(logFailure)
      .then(() => {
        inHand.delete(job.id)
        leave()
        beginNext()
        if (lanes.hasFewWaiting(lane)) alarm.ring()
      })
    inHand.set(job.id, tried)
  }

  function beginNext(): void {
    if (isStopping || inHand.size >= atOnce) return
    const ready = next.filter(({ lane, lease }) => lanes.hasRoom(lane) && !lease.lost.aborted)
    const one = takesTurns ? lanes.nextOf(ready) : ready[0]
    if (!one) return
    next.splice(next.indexOf(one), 1)
    lanes.waitsNoMore(one.lane)
    begin(one)
  }

  /** All that is leased by us and known to be. */
  function ours(): string[] {
    return [...inHand.keys(), ...next.map(({ job }) => job.id)]
  }

  async function tryOnce(job: Job, lease: CurrentLease): Promise<void> {
    const result = await resultOf(job, AbortSignal.any([lease.lost, breakingOff.signal]))
    if (!result) return
    const settled = await insist(() => app.settle(job, { ...result, lease: lease.id }), {
      isWorthTrying(error) {
        logFailure(error)
        return true
      },
      patience: givingUp.signal,
    })
    if (settled) app.onResult(job, result)
    else logTakenOver(job, result)
  }

  /** Undefined where it was broken off: it has not failed, and whoever holds it next tries it again. */
  async function resultOf(job: Job, signal: AbortSignal): Promise<JobResult | undefined> {
    const { id } = job
    try {
      const instead = await app.handlers(job, signal)
      const at = app.now()
      if (!instead) return { id, state: 'sent', at }
      if ('skipped' in instead) return { id, state: 'dropped', at, errorCode: instead.skipped }
      return { id, state: 'pending', at, dueAt: instead.deferredUntil, errorCode: null }
    } catch (error) {
      if (signal.aborted) return undefined
      const errorCode = error instanceof JobError ? error : new JobError('unexpected')
      if (errorCode !== error) logFailure(error)
      const at = app.now()
      const dueAt = errorCode.permanent ? undefined : nextTry(job, at, app.random, errorCode.retryAfter)
      if (dueAt === undefined) return { id, state: 'failed', at, errorCode: errorCode.code }
      return { id, state: 'pending', at, dueAt, errorCode: errorCode.code }
    }
  }

  async function untilNextDue(): Promise<number> {
    const dueAt = await outbox.nextDueAt(queue, lanes.full())
    return dueAt === undefined ? longestSleep : Math.min(longestSleep, Math.max(0, dueAt - app.now()))
  }

  /** Resolves when nobody looks any more and nothing is in hand. */
  async function allOver(): Promise<void> {
    await done
    await Promise.all(inHand.values())
  }

  function logTakenOver({ id, type, attempts }: Job, { state }: JobResult): void {
    app.log.warn({ job: id, type, attempts, state }, 'delivery was taken over by another process')
  }

  function logFailure(error: unknown): undefined {
    app.log.error({ ...placeOf(error), queue }, 'outbox trouble')
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
