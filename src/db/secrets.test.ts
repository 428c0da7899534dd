import assert from 'node:assert/strict'
import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { readSecrets } from './secrets.ts'

test('programs that start at the same moment make one set of secrets, and none reads half of it', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'barua-secrets-'))
  t.after(() => rm(folder, { recursive: true, force: true }))
  const all = await Promise.all(Array.from({ length: 20 }, () => readSecrets(folder)))
  assert.equal(new Set(all.map((one) => one.telegramWebhookSecret)).size, 1)
  assert.equal(new Set(all.map((one) => one.keyFor('receipt').export().toString('hex'))).size, 1)
  assert.equal(all.filter((one) => one.isNew).length, 1)
  assert.deepEqual(await readdir(folder), ['secrets.json'])
})
