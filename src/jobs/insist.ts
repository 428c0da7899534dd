import { setTimeout as sleep } from 'node:timers/promises'

const firstPause = 200
const longestPause = 5_000

type Insistence = {
  /** Told of every failure; false for one that trying again does not mend. */
  isWorthTrying: (error: unknown) => boolean
  /** Ends the trying; what is being tried just then is waited for. */
  patience?: AbortSignal
}

/**
 * Writes what must not be forgotten: tries until it works, less and less often, at last every five seconds.
 * @throws the last error, where it is not worth trying again or patience has ended
 */
export async function insist<T>(
  write: () => Promise<T>,
  { isWorthTrying, patience }: Insistence,
): Promise<T> {
  for (let pause = firstPause; ; pause = Math.min(2 * pause, longestPause)) {
    try {
      return await write()
    } catch (error) {
      if (!isWorthTrying(error) || patience?.aborted) throw error
      await sleep(pause, undefined, { ...(patience && { signal: patience }) }).catch(() => undefined)
      if (patience?.aborted) throw error
    }
  }
}
