import assert from 'node:assert/strict'
import { statSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { sql } from 'kysely'
import { folderUntilExit } from '../../test/support/folder.ts'
import { translated } from './errors.ts'
import { openDatabase } from './open.ts'

async function opened() {
  const path = join(folderUntilExit('sqlite'), 'barua.db')
  const db = await openDatabase(`sqlite:${path}`)
  const save = (name: string, value: string) =>
    db.transaction().execute(async (trx) => {
      await trx.insertInto('settings').values({ name, value, revision: 1, changed_at: 1 }).execute()
    })
  const names = async () =>
    (await db.selectFrom('settings').select('name').orderBy('name').execute()).map((row) => row.name)
  return { db, path, save, names }
}

test('while another process holds the lock, reads go on and writes wait without blocking anything', async (t) => {
  const { db, path, save, names } = await opened()
  t.after(() => db.destroy())
  await save('a', 'before')
  const other = new DatabaseSync(path)
  other.exec('begin immediate')
  let ticks = 0
  const ticking = setInterval(() => {
    ticks += 1
  }, 5)
  const writes = [save('b', 'waited'), db.deleteFrom('settings').where('name', '=', 'a').execute()]
  for (let read = 0; read < 20; read++) {
    assert.deepEqual(await names(), ['a'])
    await sleep(10)
  }
  clearInterval(ticking)
  assert.ok(ticks >= 10, `the event loop went round ${ticks} times`)
  other.exec('commit')
  other.close()
  await Promise.all(writes)
  assert.deepEqual(await names(), ['b'])
})

test('an error is told as it was, also where SQLite has rolled back by itself', async (t) => {
  const { db, save, names } = await opened()
  t.after(() => db.destroy())
  await save('a', 'before')
  await sql`pragma max_page_count = 1`.execute(db)
  const full = await save('b', 'x'.repeat(1_000_000)).catch((error: unknown) => error)
  assert.equal((full as { errcode?: number }).errcode, 13)
  assert.deepEqual(
    [(translated(full) as { code?: string }).code, (translated(full) as { isUndone?: boolean }).isUndone],
    ['unavailable', true],
  )
  await sql`pragma max_page_count = 100000`.execute(db)
  await save('c', 'after')
  assert.deepEqual(await names(), ['a', 'c'])
})

test('transactions take turns, and one that fails lets the next one in', async (t) => {
  const { db, save, names } = await opened()
  t.after(() => db.destroy())
  const failing = db.transaction().execute(async (trx) => {
    await trx.insertInto('settings').values({ name: 'lost', value: '', revision: 1, changed_at: 1 }).execute()
    await sleep(20)
    throw new Error('on purpose')
  })
  const outcomes = await Promise.allSettled([
    failing,
    ...['a', 'b', 'c'].map((name) => save(name, '')),
    save('a', ''),
  ])
  assert.deepEqual(
    outcomes.map(({ status }) => status),
    ['rejected', 'fulfilled', 'fulfilled', 'fulfilled', 'rejected'],
  )
  assert.deepEqual(await names(), ['a', 'b', 'c'])
})

test('the log is written back beside the writing, and begun anew', async (t) => {
  const { db, path, save } = await opened()
  t.after(() => db.destroy())
  const log = async () => {
    const { rows } = await sql<{ log: number; checkpointed: number }>`pragma wal_checkpoint(noop)`.execute(db)
    return rows[0] ?? assert.fail('there is no log')
  }
  const before = statSync(path).size
  for (let i = 0; i < 10; i++) await save(`much ${i}`, 'x'.repeat(4_000_000))
  // The thread has to begin first.
  for (let attempts = 0; attempts < 500 && (await log()).checkpointed === 0; attempts++) {
    await save(`little ${attempts}`, '')
    await sleep(10)
  }
  const { log: pages, checkpointed } = await log()
  assert.ok(checkpointed >= 8000, `${checkpointed} of ${pages} pages`)
  assert.ok(statSync(path).size > before + 7000 * 4096, 'the database has grown')
  for (let attempts = 0; attempts < 500 && (await log()).log >= pages; attempts++) {
    await save(`more ${attempts}`, 'x'.repeat(400_000))
    await sleep(10)
  }
  assert.ok((await log()).log < pages, 'the log was begun anew')
})
