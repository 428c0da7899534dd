import { chmodSync, existsSync, mkdirSync, realpathSync } from 'node:fs'
import { dirname } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { StartError } from '../core/start-error.ts'

/** The one before, on its way out, is waited for. In milliseconds. */
const patience = 3000

/**
 * Keeps every other instance off the same SQLite database, and with it off its files: a sweep or an outbox of two of them
 * would undo what the other does. The lock is the operating system's, on a file of its own, and ends with the process,
 * however that ends. PostgreSQL needs none: there several machines may work together.
 * @throws StartError where another instance is running
 */
export function holdAlone(databaseUrl: string): { release(): void } {
  if (!databaseUrl.startsWith('sqlite:')) return { release: () => undefined }
  const path = databaseUrl.slice('sqlite:'.length)
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 })
  const lockPath = `${existsSync(path) ? realpathSync(path) : path}.lock`
  const lock = new DatabaseSync(lockPath, { timeout: patience })
  try {
    lock.exec('begin exclusive')
  } catch (error) {
    lock.close()
    if ((error as { errcode?: number }).errcode !== 5) throw error
    throw new StartError(`Another Barua is running with this database (${path}). Stop it first.`)
  }
  chmodSync(lockPath, 0o600)
  return { release: () => lock.close() }
}
