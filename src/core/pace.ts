import { setTimeout as sleep } from 'node:timers/promises'

/** What one step is to take: a step that is dearer than the last may take twice as long, 20 ms. In milliseconds. */
const aim = 10

/** All that is done in the background together rests so many times as long as it works: requests go first. */
const usualRest = 4

/** A step that had to wait, for a lock of another process for instance, is no reason to rest for long. In milliseconds. */
const longestRest = 1000

/** Does up to `most` of something and says how many that were: fewer than `most` when nothing is left for now. */
type PaceStep = (most: number) => Promise<number>

/**
 * How many the first step does, and how many any does at most. None does less than half of the first: each has its
 * commit.
 */
export type Sizes = { first: number; most: number }

export type Pace = ReturnType<typeof createPace>

/**
 * The pace of everything that is done beside the requests. There is one step at a time, whoever's it is, and a rest after
 * it in proportion to what it took, so that however much there is to do, and of however many sorts, it has a fifth of the
 * time.
 */
export function createPace({ rest = usualRest } = {}) {
  const stopping = new AbortController()
  const { signal } = stopping
  let last: Promise<void> = Promise.resolve()
  return { turn, steps, each, wait, signal, stop: () => stopping.abort() }

  /**
   * Works when everybody who asked before has had their turn. @throws what `work` throws, and an `AbortError` once it
   * is stopped
   */
  async function turn<T>(work: () => Promise<T>): Promise<T> {
    const before = last
    const { promise, resolve } = Promise.withResolvers<void>()
    last = promise
    await before
    const begun = performance.now()
    try {
      signal.throwIfAborted()
      return await work()
    } finally {
      void resting(rest * (performance.now() - begun)).then(resolve)
    }
  }

  /**
   * Takes one step after the other until nothing is left for now, each in a turn and as large as the last ones show that it
   * may be. Says how many were done in all. `moreRest` is for what is to rest even longer than everything else.
   */
  async function steps(step: PaceStep, sizes: Sizes, moreRest = 0): Promise<number> {
    let all = 0
    for (let size = sizes.first; ; ) {
      const { done, took } = await turn(() => timed(() => step(size)))
      all += done
      if (done < size) return all
      size = sizeAfter(size, took, sizes)
      if (moreRest > 0) await wait(rest === 0 ? 0 : moreRest * took)
    }
  }

  /** Works on one after the other, in one turn as long as another one like those before it fits in. */
  async function each<T>(items: T[], work: (item: T) => Promise<unknown>): Promise<void> {
    for (let from = 0; from < items.length; ) {
      await turn(async () => {
        const begun = performance.now()
        let done = 0
        do {
          await work(items[from + done] as T)
          done += 1
        } while (from + done < items.length && (performance.now() - begun) * (1 + 1 / done) < aim)
        from += done
      })
    }
  }

  /** Always lets the event loop go round once. */
  async function resting(ms: number): Promise<void> {
    await wait(rest === 0 ? 0 : Math.min(ms, longestRest))
  }

  /** Waits for so long, or until it is stopped. */
  async function wait(ms: number): Promise<void> {
    await sleep(ms, undefined, { signal }).catch(() => undefined)
  }
}

/** How large the next step is after one of this size took so long. It grows slower than it shrinks. */
export function sizeAfter(size: number, took: number, { first, most }: Sizes): number {
  if (took > aim) return Math.max(Math.ceil(first / 2), Math.floor((size * aim) / took))
  return took < aim / 2 ? Math.min(most, size * 2) : size
}

async function timed(work: () => Promise<number>): Promise<{ done: number; took: number }> {
  const begun = performance.now()
  const done = await work()
  return { done, took: performance.now() - begun }
}
