import assert from 'node:assert/strict'
import { execFileSync, spawnSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { cp, mkdir, readdir, readFile, rename, rm, stat, utimes, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { after, describe, test } from 'node:test'
import { coarseId } from '../../src/core/ids.ts'
import { folderUntilExit } from '../support/folder.ts'
import { type Cluster, postgresPrograms, startCluster } from '../support/postgres.ts'
import { freePort, runCommand, startProcess } from '../support/process.ts'
import { png, tip } from '../support/submissions.ts'

type Env = Record<string, string> & { DATA_DIR: string; UPLOADS_DIR: string }

function places(): Env {
  const folder = folderUntilExit('stores')
  return { DATA_DIR: join(folder, 'data'), UPLOADS_DIR: join(folder, 'uploads') }
}

/** A newsroom in which so many files have come in, and which has been stopped. */
async function usedNewsroom(count = 3, env: Env = places()): Promise<Env> {
  const running = await startProcess(env)
  for (let i = 0; i < count; i++) {
    const page = await (await fetch(`${running.url}/submit/news-tip`)).text()
    const form = new FormData()
    form.set('nonce', /name="nonce" value="([^"]+)"/.exec(page)?.[1] ?? '')
    for (const [name, value] of Object.entries(tip())) form.set(name, value)
    form.set('files', new Blob([new Uint8Array(png())]), 'gate.png')
    const headers = { accept: 'application/json' }
    const sent = await fetch(`${running.url}/submit/news-tip`, { method: 'POST', body: form, headers })
    assert.equal(sent.status, 201, await sent.text())
  }
  assert.equal(await running.stop(), 0)
  return env
}

async function filesIn(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true }).catch(() => [])
  return entries
    .filter((entry) => entry.isFile() && entry.name !== 'store-id')
    .map((entry) => join(entry.parentPath, entry.name))
    .sort()
}

/** A file that nothing speaks of, kept long ago. */
async function strayFile(env: Env): Promise<string> {
  const id = coarseId(Date.now() - 86_400_000)
  const path = join(env.UPLOADS_DIR, id.slice(-2), id)
  await writeFile(path, randomBytes(50))
  const before = new Date(Date.now() - 86_400_000)
  await utimes(path, before, before)
  return path
}

describe('a start on a database that is not the one of the files', async () => {
  const env = await usedNewsroom()
  const other = await usedNewsroom(1)
  const elsewhere = places()
  const emptied = { ...places(), UPLOADS_DIR: env.UPLOADS_DIR }
  await mkdir(emptied.DATA_DIR, { recursive: true })
  await cp(join(env.DATA_DIR, 'secrets.json'), join(emptied.DATA_DIR, 'secrets.json'))
  const programs = postgresPrograms()
  let cluster: Cluster | undefined
  after(() => cluster?.stop())

  const cases: Record<string, () => Promise<Record<string, string>> | Record<string, string>> = {
    'a mistyped DATA_DIR': () => ({ ...env, DATA_DIR: elsewhere.DATA_DIR }),
    'an empty database beside the right secrets': () => emptied,
    'the database of another newsroom': () => ({ ...env, DATA_DIR: other.DATA_DIR }),
    'another SQLite file by DATABASE_URL': () => ({
      ...env,
      DATABASE_URL: `sqlite:${join(elsewhere.DATA_DIR, 'x.db')}`,
    }),
    'a UPLOADS_DIR that is not mounted': async () => {
      const empty = join(elsewhere.DATA_DIR, 'mount')
      await mkdir(empty, { recursive: true })
      return { ...env, UPLOADS_DIR: empty }
    },
    'a UPLOADS_DIR that is not there': () => ({ ...env, UPLOADS_DIR: join(elsewhere.DATA_DIR, 'nowhere') }),
    'the files of another newsroom': () => ({ ...env, UPLOADS_DIR: other.UPLOADS_DIR }),
    'an empty PostgreSQL': async () => {
      if (!programs) return { ...env, DATA_DIR: elsewhere.DATA_DIR }
      cluster = await startCluster(programs)
      return { ...env, DATABASE_URL: await cluster.url('stores') }
    },
  }
  for (const [name, makeEnv] of Object.entries(cases)) {
    test(`${name}: it says so, and touches no file`, async () => {
      const before = await filesIn(env.UPLOADS_DIR)
      await assert.rejects(
        startProcess(await makeEnv()),
        /does not start[\s\S]*UPLOADS_DIR[\s\S]*storage adopt/,
      )
      assert.deepEqual(await filesIn(env.UPLOADS_DIR), before)
    })
  }

  test('the right pair still starts, with every file', async (t) => {
    const before = await filesIn(env.UPLOADS_DIR)
    const running = await startProcess(env)
    t.after(() => running.kill())
    assert.equal((await fetch(`${running.url}/readyz`)).status, 200)
    await running.stop()
    assert.deepEqual(await filesIn(env.UPLOADS_DIR), before)
  })
})

test('a database from before the id, beside files that it does not know, does not start; beside its own it does', async () => {
  const env = await usedNewsroom()
  const forget = async () => {
    const { DatabaseSync } = await import('node:sqlite')
    const db = new DatabaseSync(join(env.DATA_DIR, 'barua.db'))
    db.exec('delete from installation')
    db.close()
    await rm(join(env.UPLOADS_DIR, 'store-id'), { force: true })
  }
  await forget()
  const files = await filesIn(env.UPLOADS_DIR)
  for (const path of files) await rename(path, `${path}.away`)
  for (let i = 0; i < 4; i++) await strayFile(env)
  await assert.rejects(startProcess(env), /belongs to another database/)
  for (const path of await filesIn(env.UPLOADS_DIR)) if (!path.endsWith('.away')) await rm(path)
  await assert.rejects(startProcess(env), /not in UPLOADS_DIR/)
  for (const path of files) await rename(`${path}.away`, path)
  const running = await startProcess(env)
  await running.stop()
  assert.deepEqual(await filesIn(env.UPLOADS_DIR), files)
})

test('a first start that ended at any moment of the pairing is made up for by the next', async () => {
  const env = places()
  const first = await startProcess(env)
  await first.stop()
  const { DatabaseSync } = await import('node:sqlite')
  const change = (sql: string) => {
    const db = new DatabaseSync(join(env.DATA_DIR, 'barua.db'))
    db.exec(sql)
    db.close()
  }
  // After the database had its id, and before the folder had.
  change('update installation set joined_at = null')
  await rm(join(env.UPLOADS_DIR, 'store-id'))
  await (await startProcess(env)).stop()
  // After the folder had it, and before that was noted.
  change('update installation set joined_at = null')
  await (await startProcess(env)).stop()
})

test('what a crash left is moved aside, for days; more than a crash leaves stays, and is said', async (t) => {
  const env = await usedNewsroom(1)
  const known = await filesIn(env.UPLOADS_DIR)
  const stray = await Promise.all([strayFile(env), strayFile(env)])
  const swept = join(env.UPLOADS_DIR, 'swept')
  await (await startProcess(env)).stop()
  assert.deepEqual(
    (await readdir(swept)).sort(),
    stray.map((path) => path.slice(path.lastIndexOf('/') + 1)).sort(),
  )
  for (const path of known) await stat(path)

  // After 14 days they go.
  for (const path of await filesIn(swept)) {
    const before = new Date(Date.now() - 15 * 86_400_000)
    await utimes(path, before, before)
  }
  await (await startProcess(env)).stop()
  assert.deepEqual(await readdir(swept), [])

  const many = await Promise.all(Array.from({ length: 45 }, () => strayFile(env)))
  const running = await startProcess({ ...env, LOG_LEVEL: 'warn' })
  t.after(() => running.kill())
  assert.equal(await running.stop(), 0)
  for (const path of many) await stat(path)
  assert.match(running.output(), /"left":45.*not swept.*storage sweep/)
  const asked = await runCommand(env, 'storage', 'sweep')
  assert.match(asked.output, /^45 files /)
  for (const path of known) await stat(path)
  assert.equal((await readdir(swept)).length, 45)
})

describe('secrets.json', () => {
  test('missing, broken or another one beside a database that was used: it says so and makes none', async () => {
    const env = await usedNewsroom(0)
    const path = join(env.DATA_DIR, 'secrets.json')
    const kept = await readFile(path, 'utf8')
    await rm(path)
    await assert.rejects(startProcess(env), /secrets\.json is missing/)
    await assert.rejects(stat(path))
    for (const broken of ['', '{}', kept.slice(0, 40)]) {
      await writeFile(path, broken)
      await assert.rejects(startProcess(env), /not what Barua wrote/)
    }
    const another = { ...JSON.parse(kept), key: randomBytes(32).toString('base64') }
    await writeFile(path, JSON.stringify(another))
    await assert.rejects(startProcess(env), /not the one that this database/)
    await writeFile(path, kept)
    await (await startProcess(env)).stop()
  })

  test('lost for good: adopting goes on with new ones, and says what is dead', async () => {
    const env = await usedNewsroom(2)
    await rm(join(env.DATA_DIR, 'secrets.json'))
    const [lost = ''] = await filesIn(env.UPLOADS_DIR)
    await rm(lost)
    const adopted = await runCommand(env, 'storage', 'adopt')
    assert.equal(adopted.code, 0, adopted.output)
    assert.match(adopted.output, /1 of the 2 files[\s\S]*authenticator apps/)
    await (await startProcess(env)).stop()
  })
})

test('a second instance on the same SQLite says so and ends; the first goes on', async (t) => {
  const env = places()
  const first = await startProcess(env)
  t.after(() => first.kill())
  await assert.rejects(startProcess({ ...env, PORT: String(await freePort()) }), /Another Barua is running/)
  assert.equal((await fetch(`${first.url}/readyz`)).status, 200)
  await first.kill()
  const next = await startProcess(env)
  await next.stop()
})

const sqlite3 = spawnSync('sqlite3', ['--version']).status === 0
const withSqlite = sqlite3 ? {} : { skip: 'sqlite3 is not installed: apt-get install sqlite3' }

test(
  'a backup as the README has it, made while the service runs, is all that a restore needs',
  withSqlite,
  async (t) => {
    const home = folderUntilExit('backup')
    const env = { DATA_DIR: join(home, 'data'), UPLOADS_DIR: join(home, 'uploads') }
    await usedNewsroom(3, env)
    await writeFile(join(home, '.env'), 'NEWSROOM_NAME=The Test Post\n')
    await runCommand(env, 'email', 'keys')
    const running = await startProcess(env)
    t.after(() => running.kill())
    const readme = await readFile('README.md', 'utf8')
    const [, script = ''] = /Without a pause:[\s\S]*?```sh\n([\s\S]*?)```/.exec(readme) ?? []
    assert.match(script, /sqlite3 .*backup/)
    execFileSync('bash', ['-euc', script.replaceAll('/srv/barua', home)])
    await running.kill()
    const before = await filesIn(env.UPLOADS_DIR)
    await rename(env.DATA_DIR, `${env.DATA_DIR}.lost`)
    await rename(env.UPLOADS_DIR, `${env.UPLOADS_DIR}.lost`)

    await mkdir(env.DATA_DIR)
    await cp(join(home, 'backup', 'uploads'), env.UPLOADS_DIR, { recursive: true })
    for (const name of ['barua.db', 'secrets.json', 'dkim.pem'])
      await cp(join(home, 'backup', name), join(env.DATA_DIR, name))
    const restored = await startProcess(env)
    t.after(() => restored.kill())
    assert.equal((await fetch(`${restored.url}/readyz`)).status, 200)
    assert.equal(await restored.stop(), 0)
    assert.deepEqual(await filesIn(env.UPLOADS_DIR), before)
  },
)
