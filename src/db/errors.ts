import { unavailable } from '../core/errors.ts'

// SQLite's result codes: https://www.sqlite.org/rescode.html
const sqliteUnavailable = new Set([5, 6, 8, 10, 13, 14]) // BUSY, LOCKED, READONLY, IOERR, FULL, CANTOPEN
// After these the transaction was rolled back: https://www.sqlite.org/lang_transaction.html
const sqliteUndone = new Set([5, 6, 8, 13, 14]) // BUSY, LOCKED, READONLY, FULL, CANTOPEN
// PostgreSQL's classes: https://www.postgresql.org/docs/current/errcodes-appendix.html
// connection, resources, shutdown, serialization; timeouts; a server that can only be read
const postgresUnavailable = /^(08|53|57|40|55P03|25006|25P03|58)/
const postgresUndone = new Set(['40001', '40P01', '55P03', '25006']) // serialization failure, deadlock, lock timeout, read-only
const systemUnavailable = new Set([
  'ENOSPC',
  'EDQUOT',
  'EROFS',
  'EIO',
  'EMFILE',
  'ENFILE',
  'EACCES',
  'ENOENT',
  'ECONNREFUSED',
  'ECONNRESET',
  'ETIMEDOUT',
  'ENOTFOUND',
  'EPIPE',
])

// Nobody there, not there yet, too many there: PostgreSQL as it starts, and the network before it.
const waitedFor = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'ETIMEDOUT',
  'ENOTFOUND',
  'EAI_AGAIN',
  'ENOENT',
  '57P01',
  '57P03',
  '53300',
])

/** True if storage is full, locked or out of reach: nothing is wrong with what was to be stored. */
export function isUnavailable(error: unknown): boolean {
  if (!(error instanceof Error)) return false
  const { code, errcode } = error as { code?: unknown; errcode?: unknown }
  if (typeof errcode === 'number') return sqliteUnavailable.has(errcode & 0xff)
  if (typeof code === 'string') return systemUnavailable.has(code) || postgresUnavailable.test(code)
  return /Connection terminated|timeout exceeded when trying to connect|Query read timeout|timeout expired/.test(
    error.message,
  )
}

/** True for what may be over in a moment when it stands in the way of a start: a database that is not up yet, or locked. */
export function isWorthWaiting(error: unknown): boolean {
  if (!(error instanceof Error)) return false
  const { code, errcode } = error as { code?: unknown; errcode?: unknown }
  if (typeof errcode === 'number') return (errcode & 0xff) === 5
  if (typeof code === 'string') return waitedFor.has(code)
  return isUnavailable(error)
}

/** The failure `unavailable` where storage cannot take it now; any other error as it is. */
export function translated(error: unknown): unknown {
  return isUnavailable(error) ? unavailable(error, isUndone(error)) : error
}

function isUndone(error: unknown): boolean {
  const { code, errcode } = error as { code?: unknown; errcode?: unknown }
  if (typeof errcode === 'number') return sqliteUndone.has(errcode & 0xff)
  return typeof code === 'string' && postgresUndone.has(code)
}

/** Runs `work`, with its errors translated. */
export async function orUnavailable<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    throw translated(error)
  }
}

/** True if what the row is part of is not there. */
export function isOrphan(error: unknown): boolean {
  if (!(error instanceof Error)) return false
  const { code, errcode } = error as { code?: unknown; errcode?: unknown }
  return code === '23503' || errcode === 787
}

/** True if a unique index refused the row. */
export function isDuplicate(error: unknown): boolean {
  if (!(error instanceof Error)) return false
  const { code, errcode } = error as { code?: unknown; errcode?: unknown }
  return code === '23505' || errcode === 2067 || errcode === 1555
}
