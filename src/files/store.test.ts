import assert from 'node:assert/strict'
import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { test } from 'node:test'
import { fileCipher } from '../../test/support/storage.ts'
import { fileStore } from './store.ts'

test('keeping a file makes no folder: each is durable before the first file comes', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'barua-files-'))
  t.after(() => rm(folder, { recursive: true, force: true }))
  const files = fileStore(join(folder, 'uploads'), fileCipher())
  await files.prepare()
  const prepared = await readdir(join(folder, 'uploads'))
  assert.equal(prepared.length, 257)
  const options = { maxBytes: 100, typeOf: async () => 'text/plain' }
  const staged = await Promise.all(
    ['a', 'b', 'c'].map((text) => files.stage(Readable.from([Buffer.from(text)]), options)),
  )
  await files.keep(staged.map((file) => file.id))
  assert.deepEqual(await readdir(join(folder, 'uploads')), prepared)
  const swept = await files.sweep({
    before: Date.now() + 1000,
    keptAmong: async () => new Set([staged[0]?.id ?? '']),
  })
  assert.deepEqual(swept, { moved: 2, left: 0 })
})

test('a file that goes while the sweep is at it, as an upload that ends does, keeps it from no other', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'barua-files-'))
  t.after(() => rm(folder, { recursive: true, force: true }))
  const files = fileStore(join(folder, 'uploads'), fileCipher())
  await files.prepare()
  const options = { maxBytes: 100, typeOf: async () => 'text/plain' }
  const ids: string[] = []
  for (const text of ['a', 'b', 'c'])
    ids.push((await files.stage(Readable.from([Buffer.from(text)]), options)).id)
  await files.keep(ids)
  let gone: string | undefined
  const swept = await files.sweep({
    before: Date.now() + 1000,
    async keptAmong(names) {
      if (names.length > 0 && !gone) {
        gone = names[0] as string
        await files.remove([gone])
      }
      return new Set()
    },
  })
  assert.deepEqual(swept, { moved: 2, left: 0 })
  for (const id of ids) await assert.rejects(files.read(id))
})
