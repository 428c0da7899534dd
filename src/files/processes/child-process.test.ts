import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createReadStream } from 'node:fs'
import { Readable } from 'node:stream'
import { buffer } from 'node:stream/consumers'
import { test } from 'node:test'
import { fileCipher } from '../../../test/support/storage.ts'
import { madeBy } from './child-process.ts'
import { turns } from './turns.ts'

async function file(): Promise<Readable> {
  const stream = createReadStream(import.meta.filename)
  await once(stream, 'open')
  return stream
}

test('a sealed file that is opened and never read closes what it would have read', async (t) => {
  const recipients = fileCipher()
  t.after(() => recipients.close())
  const { encrypted, fileKey } = recipients.encrypt(Readable.from([Buffer.from('words')]))
  await buffer(encrypted)
  const source = await file()
  recipients.open(source, await fileKey).destroy()
  await once(source, 'close')
  assert.ok(source.destroyed)
})

test('a file that nobody waits for any more is closed before it is cleaned', async () => {
  const source = await file()
  const leaving = AbortSignal.abort()
  const command = { file: 'cat', args: [], env: {} }
  await assert.rejects(madeBy(command, source, { patience: 1000, leaving }))
  assert.ok(source.destroyed)
})

test('a turn lasts until what it gave has been read', async () => {
  const inTurn = turns(1)
  const read = Promise.withResolvers<void>()
  const began: number[] = []
  await inTurn(async () => began.push(1), { until: () => read.promise })
  const second = inTurn(async () => began.push(2))
  await new Promise((resolve) => setImmediate(resolve))
  assert.deepEqual(began, [1])
  read.resolve()
  await second
  assert.deepEqual(began, [1, 2])
})

test('what somebody waits for goes before what is done in the background, and otherwise in order', async () => {
  const inTurn = turns(1)
  const first = Promise.withResolvers<void>()
  const began: string[] = []
  const begin = (name: string, isWaitedFor: boolean) => inTurn(async () => began.push(name), { isWaitedFor })
  const all = [
    inTurn(() => first.promise),
    begin('behind', false),
    begin('further behind', false),
    begin('waited for', true),
    begin('waited for too', true),
  ]
  first.resolve()
  await Promise.all(all)
  assert.deepEqual(began, ['waited for', 'waited for too', 'behind', 'further behind'])
})
