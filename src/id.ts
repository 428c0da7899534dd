import { randomInt } from 'node:crypto'
import { v7 } from 'uuid'

/** A clock that is set back by more than this starts a new order. */
const tolerated = 1000
const sequences = 2 ** 31

let latest = 0
let sequence = 0

/**
 * A UUID of version 7 (RFC 9562) that begins with the time `at`, in milliseconds: ids order what they name by its age,
 * and within a process no id is smaller than one made before it.
 */
export function newId(at: number): string {
  const time = Math.trunc(at)
  if (time > latest || latest - time > tolerated) {
    latest = time
    sequence = randomInt(sequences)
  } else {
    sequence += 1
  }
  return v7({ msecs: latest, seq: sequence })
}

/** The smallest id that can have been made at `at` or later. */
export function firstIdAt(at: number): string {
  const hex = Math.max(0, Math.trunc(at)).toString(16).padStart(12, '0')
  return `${hex.slice(0, 8)}-${hex.slice(8)}-0000-0000-000000000000`
}
