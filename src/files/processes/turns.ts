/** Somebody waits for it: it goes before what is done in the background. */
type TurnOptions<T> = { isWaitedFor?: boolean; until?: (done: T) => Promise<void> | undefined }

/**
 * Lets at most so many at once do their work; the others wait their turn, in the order in which they came. A turn ends when
 * the work is done, or later, when `until` of what it gave resolves.
 */
export function turns(most: number) {
  let free = most
  const waitedFor: (() => void)[] = []
  const inBackground: (() => void)[] = []

  function end(): void {
    const next = waitedFor.shift() ?? inBackground.shift()
    if (next) next()
    else free += 1
  }

  return async <T>(
    work: () => Promise<T>,
    { isWaitedFor = true, until }: TurnOptions<T> = {},
  ): Promise<T> => {
    const queue = isWaitedFor ? waitedFor : inBackground
    if (free > 0) free -= 1
    else await new Promise<void>((resolve) => queue.push(resolve))
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
