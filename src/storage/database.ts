import { mkdirSync } from 'node:fs'
import { dirname } from 'node:path'
import { Kysely } from 'kysely'
import { type Migration, Migrator } from 'kysely/migration'
import * as letterbox from './migrations/0001-letterbox.ts'
import * as desk from './migrations/0002-desk.ts'
import * as bots from './migrations/0003-bots.ts'
import * as mail from './migrations/0004-mail.ts'
import * as sealed from './migrations/0005-sealed.ts'
import * as kept from './migrations/0006-kept.ts'
import * as pgp from './migrations/0007-pgp.ts'
import * as replies from './migrations/0008-replies.ts'
import * as waiting from './migrations/0009-waiting.ts'
import * as background from './migrations/0011-background.ts'
import type { Tables } from './schema.ts'

export type Database = Kysely<Tables>

const migrations: Record<string, Migration> = {
  '0001-letterbox': letterbox as Migration,
  '0002-desk': desk as Migration,
  '0003-bots': bots as Migration,
  '0004-mail': mail as Migration,
  '0005-sealed': sealed as Migration,
  '0006-kept': kept as Migration,
  '0007-pgp': pgp as Migration,
  '0008-replies': replies as Migration,
  '0009-waiting': waiting as Migration,
  '0011-background': background as Migration,
}

/**
 * Opens `sqlite:PATH` or `postgres://…` and brings its tables up to date.
 * Several processes may do so at once: the first migrates under a lock, the others wait.
 */
export async function openDatabase(url: string): Promise<Database> {
  const db = new Kysely<Tables>({ dialect: await dialectFor(url) })
  const migrator = new Migrator({ db, provider: { getMigrations: async () => migrations } })
  const { error } = await migrator.migrateToLatest()
  if (error) {
    await db.destroy()
    throw error
  }
  return db
}

async function dialectFor(url: string) {
  if (!url.startsWith('sqlite:')) return (await import('./postgres.ts')).postgresDialect(url)
  const path = url.slice('sqlite:'.length)
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 })
  return (await import('./sqlite.ts')).sqliteDialect(path)
}
