import { randomInt } from 'node:crypto'
import { v7 } from 'uuid'

/** A clock that is set back by more than this starts a new order. */
const tolerated = 1000
const sequences = 2 ** 31
const minute = 60_000

/**
 * A UUID of version 7 (RFC 9562) that begins with the time `at`, in milliseconds: ids order what they name by its age,
 * and within a process no id is smaller than one made before it.
 */
export const newId = idMaker()

const newCoarseId = idMaker()

/** The same, but what it begins with is the minute: for what must not tell exactly when a source did something. */
export function coarseId(at: number): string {
  return newCoarseId(minuteOf(at))
}

/** The same for what stands behind `last` in a conversation: within its minute that is all it tells. */
export function coarseIdBehind(last: string | undefined, at: number): string {
  const id = coarseId(at)
  return last === undefined || id > last ? id : next(last)
}

/**
 * The same with the whole time. The order of a conversation is its own, not the clock's: a clock that was set back, or is
 * behind that of another machine, puts nothing before what was said already.
 */
export function idBehind(last: string | undefined, at: number): string {
  const id = newId(at)
  return last === undefined || id > last ? id : next(last)
}

/** An id that is larger by one in its sequence, as uuid puts that into its 32 bits, and by chance in what follows. */
function next(id: string): string {
  const bytes = Buffer.from(id.replaceAll('-', ''), 'hex')
  const msecs = bytes.readUIntBE(0, 6)
  const high = (bytes.readUInt16BE(6) & 0x0f_ff) * 2 ** 20
  const low = ((bytes.readUInt8(8) & 0x3f) << 14) | (bytes.readUInt8(9) << 6) | (bytes.readUInt8(10) >> 2)
  const seq = high + low + 1
  return seq < 2 ** 32 ? v7({ msecs, seq }) : v7({ msecs: msecs + 1, seq: 0 })
}

/** The minute of a time, as a time: nothing finer is kept of when a source did something. */
export function minuteOf(at: number): number {
  return Math.floor(at / minute) * minute
}

/** The smallest id that can have been made at `at` or later. */
export function firstIdAt(at: number): string {
  const hex = Math.max(0, Math.trunc(at)).toString(16).padStart(12, '0')
  return `${hex.slice(0, 8)}-${hex.slice(8)}-0000-0000-000000000000`
}

function idMaker(): (at: number) => string {
  let latest = 0
  let sequence = 0
  return (at) => {
    const time = Math.trunc(at)
    if (time > latest || latest - time > tolerated) {
      latest = time
      sequence = randomInt(sequences)
    } else {
      sequence += 1
    }
    return v7({ msecs: latest, seq: sequence })
  }
}
