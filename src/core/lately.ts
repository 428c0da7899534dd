/** So long after something could not be written nothing is believed of a small probe that could. Milliseconds. */
const distrust = 30_000

/**
 * Remembers that what came in could not be written: on a disk that is nearly full a small probe still passes where a
 * submission does not. What was written since ends that.
 */
export function lately() {
  let failedAt = Number.NEGATIVE_INFINITY
  return {
    failed: (): void => {
      failedAt = performance.now()
    },
    succeeded: (): void => {
      failedAt = Number.NEGATIVE_INFINITY
    },
    hasFailed: (): boolean => performance.now() - failedAt < distrust,
  }
}
