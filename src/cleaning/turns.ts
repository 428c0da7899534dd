/**
 * Lets at most so many at once do their work; the others wait their turn, in the order in which they came. A turn ends when
 * the work is done, or later, when `until` of what it gave resolves.
 */
export function turns(most: number) {
  let free = most
  const waiting: (() => void)[] = []

  function end(): void {
    const next = waiting.shift()
    if (next) next()
    else free += 1
  }

  return async <T>(work: () => Promise<T>, until?: (done: T) => Promise<void> | undefined): Promise<T> => {
    if (free > 0) free -= 1
    else await new Promise<void>((resolve) => waiting.push(resolve))
    let longer: Promise<void> | undefined
    try {
      const done = await work()
      longer = until?.(done)
      return done
    } finally {
      if (longer) void longer.finally(end)
      else end()
    }
  }
}
