import { execFileSync, spawn } from 'node:child_process'
import { chownSync, existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import pg from 'pg'

const debian = '/usr/lib/postgresql'

/** Where PostgreSQL's programs are, or undefined if there are none. */
export function postgresPrograms(): string | undefined {
  const versions = existsSync(debian) ? readdirSync(debian).sort((a, b) => Number(b) - Number(a)) : []
  const folders = [
    ...versions.map((version) => join(debian, version, 'bin')),
    ...(process.env.PATH ?? '').split(':'),
  ]
  return folders.find((folder) => existsSync(join(folder, 'initdb')))
}

export type Cluster = { url: (database: string) => Promise<string>; stop(): void }

/** A private PostgreSQL cluster on a socket of its own, run by an unprivileged user (it refuses to run as root). */
export async function startCluster(programs: string): Promise<Cluster> {
  const folder = mkdtempSync(join(tmpdir(), 'barua-pg-'))
  const asWho = process.getuid?.() === 0 ? { uid: 65534, gid: 65534 } : {}
  if (asWho.uid) chownSync(folder, asWho.uid, asWho.gid)
  const data = join(folder, 'data')
  const quiet = {
    ...asWho,
    stdio: 'ignore' as const,
    env: { ...process.env, HOME: folder, LC_ALL: 'C.UTF-8' },
  }
  execFileSync(
    join(programs, 'initdb'),
    ['-D', data, '-U', 'barua', '-A', 'trust', '-E', 'UTF8', '-N'],
    quiet,
  )
  const options = ['-D', data, '-k', folder, '-c', 'listen_addresses=', '-c', 'fsync=off']
  const server = spawn(join(programs, 'postgres'), options, quiet)
  await untilReady(folder)
  return {
    async url(database) {
      await query(folder, `create database ${database}`)
      return `postgres://barua@localhost/${database}?host=${encodeURIComponent(folder)}`
    },
    stop() {
      server.kill('SIGINT')
      server.once('exit', () => rmSync(folder, { recursive: true, force: true }))
    },
  }
}

async function untilReady(folder: string): Promise<void> {
  for (let attempts = 0; attempts < 200; attempts++) {
    const ready = await query(folder, 'select 1').then(
      () => true,
      () => false,
    )
    if (ready) return
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
  throw new Error('PostgreSQL does not start')
}

async function query(folder: string, sql: string): Promise<void> {
  const client = new pg.Client({ host: folder, user: 'barua', database: 'postgres' })
  await client.connect()
  await client.query(sql).finally(() => client.end())
}
