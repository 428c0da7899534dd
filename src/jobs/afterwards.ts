import type { Logger } from 'pino'
import { placeOf } from '../core/error-place.ts'
import { Failure } from '../core/errors.ts'
import { isUnavailable } from '../db/errors.ts'
import { insist } from './insist.ts'

/**
 * What is written down after something was sent. It has been sent, so no trouble with writing is a reason to send it again:
 * while storage is full, locked or out of reach it is tried until it works, and what cannot be written is logged and let be.
 */
export function afterwards<Args extends unknown[]>(
  log: Logger,
  write: (...args: Args) => Promise<unknown>,
): (...args: Args) => Promise<void> {
  return async (...args) => {
    await insist(() => write(...args), { isWorthTrying: mayPass }).catch((error: unknown) =>
      log.error(placeOf(error), 'it was sent, and what was to be written about that was not'),
    )
  }
}

function mayPass(error: unknown): boolean {
  return isUnavailable(error) || (error instanceof Failure && error.code === 'unavailable')
}
