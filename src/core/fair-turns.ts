/**
 * Lets at most so many at once do their work. Those who wait take turns: whoever has much to be done waits with it behind
 * the first of everybody else.
 */
export function fairTurns(most: number) {
  let free = most
  /** What waits, by whose it is; who was served last stands last. */
  const waiting = new Map<string, (() => void)[]>()

  function end(): void {
    const [next] = waiting
    if (!next) {
      free += 1
      return
    }
    const [who, theirs] = next
    const begin = theirs.shift()
    waiting.delete(who)
    if (theirs.length > 0) waiting.set(who, theirs)
    begin?.()
  }

  function begins(who: string): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>()
    const theirs = waiting.get(who)
    if (theirs) theirs.push(resolve)
    else waiting.set(who, [resolve])
    return promise
  }

  return async <T>(who: string, work: () => Promise<T>): Promise<T> => {
    if (free > 0) free -= 1
    else await begins(who)
    try {
      return await work()
    } finally {
      end()
    }
  }
}
