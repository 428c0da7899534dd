import { mkdirSync } from 'node:fs'
import { dirname } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { Kysely } from 'kysely'
import { type Migration, Migrator } from 'kysely/migration'
import { isWorthWaiting } from './errors.ts'
import * as initial from './migrations/0001-initial.ts'
import type { Tables } from './schema.ts'

export type Database = Kysely<Tables>

const migrations: Record<string, Migration> = { '0001-initial': initial }

/** So long a start waits for a database that does not answer yet, or is locked. In milliseconds. */
const patience = 60_000
const pause = 1000

/**
 * Opens `sqlite:PATH` or `postgres://…` and brings its tables up to date. A database that does not answer yet is waited
 * for, up to a minute; `onWaiting` is told once.
 * Several processes may do so at once: the first migrates under a lock, the others wait.
 */
export async function openDatabase(url: string, onWaiting: () => void = () => undefined): Promise<Database> {
  const deadline = performance.now() + patience
  for (let attempts = 0; ; attempts++) {
    try {
      await migrate(url)
      return new Kysely<Tables>({ dialect: await dialectFor(url) })
    } catch (error) {
      if (!isWorthWaiting(error) || performance.now() >= deadline) throw error
      if (attempts === 0) onWaiting()
      await sleep(pause)
    }
  }
}

/** By a connection of its own: a migration may take longer than any statement may later. */
async function migrate(url: string): Promise<void> {
  const db = new Kysely<Tables>({ dialect: await dialectFor(url, { isPatient: true }) })
  try {
    const migrator = new Migrator({ db, provider: { getMigrations: async () => migrations } })
    const { error } = await migrator.migrateToLatest()
    if (error) throw error
  } finally {
    await db.destroy()
  }
}

async function dialectFor(url: string, { isPatient = false } = {}) {
  if (!url.startsWith('sqlite:')) return (await import('./postgres.ts')).postgresDialect(url, isPatient)
  const path = url.slice('sqlite:'.length)
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 })
  return (await import('./sqlite.ts')).sqliteDialect(path)
}
