import assert from 'node:assert/strict'
import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { test } from 'node:test'
import { fileStore } from '../../src/storage/files.ts'
import { fileSealing } from '../support/storage.ts'

test('keeping a file makes no folder: each is durable before the first file comes', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'barua-files-'))
  t.after(() => rm(folder, { recursive: true, force: true }))
  const files = fileStore(join(folder, 'uploads'), fileSealing())
  await files.prepare()
  const prepared = await readdir(join(folder, 'uploads'))
  assert.equal(prepared.length, 257)
  const options = { maxBytes: 100, typeOf: async () => 'text/plain' }
  const staged = await Promise.all(
    ['a', 'b', 'c'].map((text) => files.stage(Readable.from([Buffer.from(text)]), options)),
  )
  await files.keep(staged.map((file) => file.id))
  assert.deepEqual(await readdir(join(folder, 'uploads')), prepared)
  assert.equal(await files.sweep(Date.now() + 1000, async () => new Set([staged[0]?.id ?? ''])), 2)
})
