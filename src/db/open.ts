import { mkdirSync } from 'node:fs'
import { dirname } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { Kysely } from 'kysely'
import { type Migration, Migrator } from 'kysely/migration'
import { isWorthWaiting } from './errors.ts'
import * as letterbox from './migrations/0001-letterbox.ts'
import * as desk from './migrations/0002-desk.ts'
import * as bots from './migrations/0003-bots.ts'
import * as mail from './migrations/0004-mail.ts'
import * as sealed from './migrations/0005-sealed.ts'
import * as kept from './migrations/0006-kept.ts'
import * as pgp from './migrations/0007-pgp.ts'
import * as replies from './migrations/0008-replies.ts'
import * as waiting from './migrations/0009-waiting.ts'
import * as leases from './migrations/0010-leases.ts'
import * as background from './migrations/0011-background.ts'
import * as installation from './migrations/0012-installation.ts'
import * as holders from './migrations/0013-holders.ts'
import * as letIn from './migrations/0014-let-in.ts'
import * as chosen from './migrations/0016-chosen.ts'
import * as waits from './migrations/0017-waits.ts'
import * as children from './migrations/0018-children.ts'
import * as factors from './migrations/0020-factors.ts'
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
  '0010-leases': leases as Migration,
  '0011-background': background as Migration,
  '0012-installation': installation as Migration,
  '0013-holders': holders as Migration,
  '0014-let-in': letIn as Migration,
  '0016-chosen': chosen as Migration,
  '0017-waits': waits as Migration,
  '0018-children': children as Migration,
  '0020-factors': factors as Migration,
}

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
  for (let tries = 0; ; tries++) {
    try {
      await migrate(url)
      return new Kysely<Tables>({ dialect: await dialectFor(url) })
    } catch (error) {
      if (!isWorthWaiting(error) || performance.now() >= deadline) throw error
      if (tries === 0) onWaiting()
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
