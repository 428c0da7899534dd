import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Lanes } from './lanes.ts'

test('so many go to one place at once, others go on, and what has no lane always has room', () => {
  const lanes = new Lanes(2)
  const leave = lanes.enter('a.test')
  assert.ok(lanes.hasRoom('a.test'))
  lanes.enter('a.test')
  assert.ok(!lanes.hasRoom('a.test'))
  assert.ok(lanes.hasRoom('b.test') && lanes.hasRoom(undefined))
  leave()
  assert.ok(lanes.hasRoom('a.test'))
})

test('some wait for a lane that is full; when enough do, no more are asked for', () => {
  const lanes = new Lanes(1)
  const leave = lanes.enter('a.test')
  assert.deepEqual(lanes.full(), [])
  let waiting = 0
  for (; lanes.mayWait('a.test'); waiting++) lanes.waits('a.test')
  assert.equal(waiting, 100)
  assert.deepEqual(lanes.full(), ['a.test'])
  for (; !lanes.hasFewWaiting('a.test'); waiting--) lanes.waitsNoMore('a.test')
  assert.equal(waiting, 30)
  assert.deepEqual(lanes.full(), [])
  for (; waiting > 0; waiting--) lanes.waitsNoMore('a.test')
  leave()
  assert.ok(lanes.hasRoom('a.test'))
  assert.ok(!lanes.mayWait(undefined))
})

test('where all hang for long nothing waits, and it is full until one of them ends', (t) => {
  let now = 0
  t.mock.method(performance, 'now', () => now)
  const lanes = new Lanes(2)
  const leave = lanes.enter('a.test')
  now = 4_000
  lanes.enter('a.test')
  now = 6_000
  assert.ok(!lanes.isStuck('a.test'))
  now = 10_000
  assert.ok(lanes.isStuck('a.test') && !lanes.mayWait('a.test'))
  assert.deepEqual(lanes.full(), ['a.test'])
  leave()
  assert.ok(!lanes.isStuck('a.test'))
  assert.deepEqual(lanes.full(), [])
})
