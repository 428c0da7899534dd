import assert from 'node:assert/strict'
import { execFileSync, spawn, spawnSync } from 'node:child_process'
import { existsSync, readdirSync } from 'node:fs'
import { mkdir, open, readdir, readFile, rename, rm, statfs, unlink, writeFile } from 'node:fs/promises'
import { connect, type Socket } from 'node:net'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { after, type TestContext, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import pg from 'pg'
import { coarseId } from '../../src/core/ids.ts'
import { folderUntilExit } from '../support/folder.ts'
import { editorAddress, openNewsroom } from '../support/newsroom.ts'
import { type Cluster, postgresPrograms, startCluster } from '../support/postgres.ts'
import { type RunningProcess, startProcess } from '../support/process.ts'
import { tip } from '../support/submissions.ts'

const strace = '/usr/bin/strace'
const isRoot = process.getuid?.() === 0
const canMount = isRoot && mounts()
const small = { MAX_SUBMISSION_BYTES: String(4 * 1024 * 1024), MAX_FILE_BYTES: String(1024 * 1024) }

type Env = Record<string, string> & { DATA_DIR: string; UPLOADS_DIR: string }
/** What a state is brought about with, and how it ends where it can. */
type Setting = { env: Env; running: RunningProcess; t: TestContext }

function places(): Env {
  const folder = folderUntilExit('ready')
  return { DATA_DIR: join(folder, 'data'), UPLOADS_DIR: join(folder, 'uploads'), ...small }
}

/** True where a file system of its own size can be mounted. */
function mounts(): boolean {
  const folder = folderUntilExit('mount')
  const done = spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=1m', 'barua', folder])
  if (done.status === 0) spawnSync('umount', [folder])
  return done.status === 0
}

function mount(t: TestContext, folder: string, options: string): void {
  execFileSync('mount', ['-t', 'tmpfs', '-o', options, 'barua', folder])
  t.after(() => spawnSync('umount', ['-l', folder]))
}

async function ready(running: RunningProcess): Promise<number> {
  const answer = await fetch(`${running.url}/readyz`)
  await answer.arrayBuffer()
  return answer.status
}

/** Whether a tip is taken in with its file at this moment. */
async function takesIn(running: RunningProcess): Promise<boolean> {
  const page = await (await fetch(`${running.url}/submit/news-tip`)).text()
  const form = new FormData()
  form.set('nonce', /name="nonce" value="([^"]+)"/.exec(page)?.[1] ?? '')
  for (const [name, value] of Object.entries(tip())) form.set(name, value)
  form.set('files', new Blob(['some words in a file']), 'words.txt')
  const headers = { accept: 'application/json' }
  const sent = await fetch(`${running.url}/submit/news-tip`, { method: 'POST', body: form, headers })
  const { filesNotKept } = (await sent.json()) as { filesNotKept?: string[] }
  return sent.status === 201 && filesNotKept === undefined
}

async function fill(folder: string): Promise<void> {
  const file = await open(join(folder, 'ballast'), 'w')
  const submission = Buffer.alloc(64 * 1024)
  try {
    for (;;) await file.write(submission)
  } catch {
    await file.close()
  }
}

function withDatabase(env: Env, work: (db: DatabaseSync) => void): void {
  const db = new DatabaseSync(join(env.DATA_DIR, 'barua.db'))
  try {
    work(db)
  } finally {
    db.close()
  }
}

type State = {
  /** Some of what is sent can be taken in all the same. */
  isPartial?: boolean
  /** Brings the state about; gives what ends it, where that can be ended. */
  make: (setting: Setting) => Promise<(() => unknown) | undefined>
  prepare?: (t: TestContext, env: Env) => Promise<void>
  started?: { openFiles?: number; under?: string[] }
  skip?: string | false
}

const onMounts: Pick<State, 'prepare' | 'skip'> = {
  skip: canMount ? false : 'file systems cannot be mounted here',
  async prepare(t, env) {
    await mkdir(env.DATA_DIR, { recursive: true })
    await mkdir(env.UPLOADS_DIR, { recursive: true })
    mount(t, env.DATA_DIR, 'size=40m')
    mount(t, env.UPLOADS_DIR, 'size=40m')
  },
}
const asRoot = {
  skip: isRoot && existsSync('/usr/bin/chattr') ? false : 'chattr cannot be used here',
} as const

/** On whichever file systems know it, not even root writes to what bears this mark. */
async function immutable(t: TestContext, path: string): Promise<() => void> {
  const done = spawnSync('chattr', ['+i', path])
  const end = () => spawnSync('chattr', ['-i', path])
  t.after(end)
  if (done.status !== 0) t.skip('this file system has no such mark')
  return end
}

const withStrace = {
  skip: existsSync(strace) ? false : 'strace is not installed: apt-get install strace',
} as const

/** Lets these calls of a running process fail with an error of the disk. */
async function failing({ running, t }: Setting, calls: string): Promise<() => Promise<void>> {
  const args = ['-f', '-qq', '-o', '/dev/null', '-p', String(running.pid)]
  const child = spawn(strace, [...args, '-e', `trace=${calls}`, '-e', `inject=${calls}:error=EIO`])
  t.after(() => child.kill())
  // It has begun once the process has a tracer.
  const status = () => readFile(`/proc/${running.pid}/status`, 'utf8')
  while (/TracerPid:\t0$/m.test(await status())) await sleep(20)
  await sleep(200)
  return async () => {
    child.kill()
    while (!/TracerPid:\t0$/m.test(await status())) await sleep(20)
  }
}

const programs = postgresPrograms()
let cluster: Cluster | undefined
after(() => cluster?.stop())
let databases = 0

const onPostgres: Pick<State, 'prepare' | 'skip'> = {
  skip: programs ? false : 'PostgreSQL is not installed: apt-get install postgresql',
  async prepare(_t, env) {
    cluster ??= await startCluster(programs ?? '')
    env.DATABASE_URL = await cluster.url(`ready${++databases}`)
  },
}

/** Another database of the same server, from where this one is looked after. */
function besideDatabase(env: Env): { name: string; beside: Env } {
  const name = new URL(env.DATABASE_URL ?? '').pathname.slice(1)
  return {
    name,
    beside: { ...env, DATABASE_URL: env.DATABASE_URL?.replace(`/${name}?`, '/postgres?') ?? '' },
  }
}

function endSessions(database: string): string {
  return `select pg_terminate_backend(pid) from pg_stat_activity where datname = '${database}'`
}

async function ask(env: Env, sql: string): Promise<void> {
  const client = new pg.Client({ connectionString: env.DATABASE_URL })
  await client.connect()
  await client.query(sql).finally(() => client.end())
}

const states: Record<string, State> = {
  'the disk of the database fails': {
    ...withStrace,
    make: (setting) => failing(setting, 'fsync'),
  },
  'the disk of the files fails': {
    ...withStrace,
    make: (setting) => failing(setting, 'fdatasync'),
  },
  'PostgreSQL takes nothing that is new': {
    ...onPostgres,
    async make({ env }) {
      const { name, beside } = besideDatabase(env)
      await ask(beside, `alter database ${name} set default_transaction_read_only = on`)
      await ask(beside, endSessions(name))
      return async () => {
        await ask(beside, `alter database ${name} reset default_transaction_read_only`)
        await ask(beside, endSessions(name))
      }
    },
  },
  'PostgreSQL lets nobody in': {
    ...onPostgres,
    async make({ env }) {
      const { name, beside } = besideDatabase(env)
      await ask(beside, `alter database ${name} allow_connections false`)
      await ask(beside, endSessions(name))
      return () => ask(beside, `alter database ${name} allow_connections true`)
    },
  },
  'a table of PostgreSQL is locked': {
    ...onPostgres,
    async make({ env, t }) {
      const client = new pg.Client({ connectionString: env.DATABASE_URL })
      await client.connect()
      t.after(() => client.end())
      await client.query('begin; lock table submissions in access exclusive mode')
      return () => client.query('rollback')
    },
  },
  'the disk of the files is full': {
    ...onMounts,
    async make({ env }) {
      await fill(env.UPLOADS_DIR)
      return () => unlink(join(env.UPLOADS_DIR, 'ballast'))
    },
  },
  'the disk of the database is full': {
    ...onMounts,
    async make({ env }) {
      await fill(env.DATA_DIR)
      return () => unlink(join(env.DATA_DIR, 'ballast'))
    },
  },
  'the disk of the files has no room for another file': {
    ...onMounts,
    async prepare(t, env) {
      await mkdir(env.UPLOADS_DIR, { recursive: true })
      mount(t, env.UPLOADS_DIR, 'size=40m,nr_inodes=400')
    },
    async make({ env }) {
      for (let i = 0; ; i++) {
        const isMade = await writeFile(join(env.UPLOADS_DIR, `ballast${i}`), '').then(
          () => true,
          () => false,
        )
        if (isMade) continue
        return async () => {
          for (let j = 0; j < Math.min(i, 40); j++) await unlink(join(env.UPLOADS_DIR, `ballast${j}`))
        }
      }
    },
  },
  'the files can only be read': {
    ...onMounts,
    async make({ env }) {
      execFileSync('mount', ['-o', 'remount,ro', env.UPLOADS_DIR])
      return () => execFileSync('mount', ['-o', 'remount,rw', env.UPLOADS_DIR])
    },
  },
  'the disk of the files was unmounted': {
    ...onMounts,
    async make({ env }) {
      execFileSync('umount', ['-l', env.UPLOADS_DIR])
      return undefined
    },
  },
  'another disk was mounted over the files': {
    ...onMounts,
    async make({ env, t }) {
      mount(t, env.UPLOADS_DIR, 'size=40m')
      return () => execFileSync('umount', [env.UPLOADS_DIR])
    },
  },
  'another disk was mounted over the database': {
    ...onMounts,
    async make({ env, t }) {
      mount(t, env.DATA_DIR, 'size=40m')
      return () => execFileSync('umount', [env.DATA_DIR])
    },
  },
  'a folder of the files is a disk of its own': {
    ...onMounts,
    async make({ env, t }) {
      const folders = readdirSync(env.UPLOADS_DIR).filter((name) => /^[\da-f]{2}$/.test(name))
      for (const name of folders) mount(t, join(env.UPLOADS_DIR, name), 'size=1m')
      return undefined
    },
  },
  'the folder of the files was moved away': {
    async make({ env }) {
      await rename(env.UPLOADS_DIR, `${env.UPLOADS_DIR}.away`)
      return () => rename(`${env.UPLOADS_DIR}.away`, env.UPLOADS_DIR)
    },
  },
  'the folder for uploads is missing': {
    async make({ env }) {
      await rm(join(env.UPLOADS_DIR, 'staging'), { recursive: true })
      return () => mkdir(join(env.UPLOADS_DIR, 'staging'))
    },
  },
  'one of the 256 folders is missing': {
    isPartial: true,
    async make({ env }) {
      await rm(join(env.UPLOADS_DIR, '7f'), { recursive: true })
      return () => mkdir(join(env.UPLOADS_DIR, '7f'))
    },
  },
  'a file is where the folder for uploads was': {
    async make({ env }) {
      await rm(join(env.UPLOADS_DIR, 'staging'), { recursive: true })
      await writeFile(join(env.UPLOADS_DIR, 'staging'), '')
      return undefined
    },
  },
  'the folder for uploads may not be written': {
    ...asRoot,
    make: ({ env, t }) => immutable(t, join(env.UPLOADS_DIR, 'staging')),
  },
  'the folder of the files was replaced by an empty one': {
    isPartial: true,
    async make({ env }) {
      const folders = await readdir(env.UPLOADS_DIR)
      await rename(env.UPLOADS_DIR, `${env.UPLOADS_DIR}.away`)
      for (const name of folders)
        if (name !== 'store-id') await mkdir(join(env.UPLOADS_DIR, name), { recursive: true })
      return async () => {
        await rm(env.UPLOADS_DIR, { recursive: true })
        await rename(`${env.UPLOADS_DIR}.away`, env.UPLOADS_DIR)
      }
    },
  },
  'the database was removed': {
    async make({ env }) {
      await unlink(join(env.DATA_DIR, 'barua.db'))
      return undefined
    },
  },
  'another database was put in its place': {
    async make({ env }) {
      const path = join(env.DATA_DIR, 'barua.db')
      await rename(path, `${path}.away`)
      await writeFile(path, '')
      return undefined
    },
  },
  'the log beside the database was removed': {
    async make({ env }) {
      await unlink(join(env.DATA_DIR, 'barua.db-wal'))
      return undefined
    },
  },
  'the folder of the database was moved away': {
    async make({ env }) {
      await rename(env.DATA_DIR, `${env.DATA_DIR}.away`)
      return () => rename(`${env.DATA_DIR}.away`, env.DATA_DIR)
    },
  },
  'another process holds the database locked': {
    async make({ env, t }) {
      const db = new DatabaseSync(join(env.DATA_DIR, 'barua.db'))
      db.exec('begin immediate')
      t.after(() => db.close())
      return () => db.exec('rollback')
    },
  },
  'a table is missing': {
    async make({ env }) {
      withDatabase(env, (db) => db.exec('alter table idempotency_keys rename to gone'))
      return () => withDatabase(env, (db) => db.exec('alter table gone rename to idempotency_keys'))
    },
  },
  'the desk key is missing': {
    async make({ env }) {
      withDatabase(env, (db) => db.exec('update desk_keys set retired_at = 1'))
      return () => withDatabase(env, (db) => db.exec('update desk_keys set retired_at = null'))
    },
  },
  'nobody has a way to open': {
    async make({ env }) {
      withDatabase(env, (db) => db.exec('delete from key_wraps'))
      return undefined
    },
  },
}

for (const [name, { make, prepare, isPartial, skip = false }] of Object.entries(states)) {
  test(`/readyz where ${name}`, { skip }, async (t) => {
    const env = places()
    await prepare?.(t, env)
    const running = await startProcess({ ...env, LOG_LEVEL: 'silent' })
    t.after(() => running.kill())
    assert.equal(await ready(running), 200)
    assert.ok(await takesIn(running))
    const end = await make({ env, running, t })
    assert.equal(await ready(running), 503)
    assert.equal((await takesIn(running)) && !isPartial, false, 'it takes in all the same')
    assert.equal((await fetch(`${running.url}/healthz`)).status, 200)
    if (!end) return
    await end()
    assert.ok(await takesIn(running), 'nothing is taken in afterwards')
    assert.equal(await ready(running), 200)
  })
}

/** Begins an upload of so many bytes that never ends. */
async function holdUpload(running: RunningProcess, from: string, bytes: number): Promise<Socket> {
  const port = Number(new URL(running.url).port)
  const socket = connect({ port, host: '127.0.0.1', localAddress: from }).on('error', () => undefined)
  socket.write(
    'POST /submit/news-tip HTTP/1.1\r\nHost: x\r\nContent-Type: multipart/form-data; boundary=b\r\n' +
      `Transfer-Encoding: chunked\r\n\r\n${bytes.toString(16)}\r\n` +
      '--b\r\nContent-Disposition: form-data; name="files"; filename="a.txt"\r\n\r\n',
  )
  const submission = Buffer.alloc(64 * 1024, 'words ')
  for (let sent = 0; sent < bytes - 200_000; sent += submission.length) {
    if (socket.destroyed || socket.write(submission)) continue
    await Promise.race([new Promise((resolve) => socket.once('drain', resolve)), sleep(500)])
  }
  return socket
}

test('held uploads fill a disk neither from one client nor from many: what is kept for texts stays', {
  skip: canMount ? false : 'file systems cannot be mounted here',
}, async (t) => {
  const MiB = 1024 * 1024
  const env = { ...places(), MAX_FILE_BYTES: String(4 * MiB), DISK_RESERVE: String(20 * MiB) }
  await mkdir(env.UPLOADS_DIR, { recursive: true })
  mount(t, env.UPLOADS_DIR, 'size=60m')
  const running = await startProcess({ ...env, LOG_LEVEL: 'silent' })
  t.after(() => running.kill())
  const free = async () => {
    const { bavail, bsize } = await statfs(env.UPLOADS_DIR)
    return bavail * bsize
  }
  const whole = await free()
  const held = await Promise.all(Array.from({ length: 8 }, () => holdUpload(running, '127.0.0.1', 3.9 * MiB)))
  await sleep(500)
  assert.ok(whole - (await free()) < 17 * MiB, `one client holds ${(whole - (await free())) / MiB} MB`)
  for (let n = 0; n < 20; n++) held.push(await holdUpload(running, `127.0.0.${10 + n}`, 3.9 * MiB))
  await sleep(500)
  assert.ok((await free()) >= 19 * MiB, `${(await free()) / MiB} MB are left`)
  await writeFile(join(env.UPLOADS_DIR, 'ballast'), Buffer.alloc((await free()) - 20 * MiB))
  await sleep(1100)
  const form = new FormData()
  for (const [name, value] of Object.entries(tip())) form.set(name, value)
  form.set('files', new Blob(['x'.repeat(2 * MiB)]), 'words.txt')
  const headers = { accept: 'application/json' }
  const sent = await fetch(`${running.url}/submit/news-tip`, { method: 'POST', body: form, headers })
  const body = (await sent.json()) as { filesNotKept?: string[] }
  assert.equal(sent.status, 201, JSON.stringify(body))
  assert.deepEqual(body.filesNotKept, ['words.txt'])
  for (const socket of held) socket.destroy()
  await unlink(join(env.UPLOADS_DIR, 'ballast'))
  while ((await free()) < whole - MiB) await sleep(50)
  await sleep(1000)
  assert.ok(await takesIn(running))
})

test('admins are warned at the desk before a disk is full, and of files that were left unswept; others are not', async (t) => {
  const plain = 'plain@newsroom.test'
  const newsroom = await openNewsroom(t, {
    EDITORS: `${editorAddress},${plain}`,
    MAX_SUBMISSION_BYTES: String(2 ** 50),
  })
  for (let i = 0; i < 21; i++) {
    const id = coarseId(Date.now())
    await writeFile(join(newsroom.uploadsFolder, id.slice(-2), id), 'nobody speaks of it')
  }
  await sleep(20)
  await newsroom.restart()
  await newsroom.application.startWork()
  await newsroom.application.swept()
  const seenBy = async (email: string) =>
    (
      await newsroom
        .http()
        .get('/desk')
        .set('cookie', await newsroom.signIn(email))
    ).text
  const shown = await seenBy(editorAddress)
  assert.match(shown, /The disk of UPLOADS_DIR is nearly full: [\d,]+ MB are left/)
  assert.match(shown, /21 files in UPLOADS_DIR belong to no submission/)
  assert.doesNotMatch(await seenBy(plain), /Storage:/)
})
