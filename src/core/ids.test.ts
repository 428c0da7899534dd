import assert from 'node:assert/strict'
import { test } from 'node:test'
import { coarseId, coarseIdBehind, firstIdAt, minuteOf, newId } from './ids.ts'

const at = Date.UTC(2026, 10, 26, 10, 5, 23, 456)

test('ids made in a row are in order, exact ones and coarse ones, also when they take turns', () => {
  const made = Array.from({ length: 300 }, (_, i) => ({
    exact: newId(at + i * 7),
    coarse: coarseId(at + i * 7),
  }))
  for (const kind of ['exact', 'coarse'] as const) {
    const ids = made.map((one) => one[kind])
    assert.deepEqual(ids, ids.toSorted())
    assert.equal(new Set(ids).size, ids.length)
  }
  for (const { coarse } of made) {
    assert.ok(coarse >= firstIdAt(minuteOf(at)))
    assert.ok(coarse < firstIdAt(minuteOf(at) + 1), 'nothing finer than the minute')
  }
})

test('a coarse id stands behind the last one, however exact that is', () => {
  const coarse = coarseId(at)
  let last = newId(at + 10_000)
  for (let i = 0; i < 1000; i++) {
    const id = coarseIdBehind(last, at + 20_000)
    assert.ok(id > last)
    assert.equal(id.slice(0, 13), last.slice(0, 13), 'it tells no time of its own')
    assert.match(id, /^[\da-f]{8}-[\da-f]{4}-7[\da-f]{3}-[89ab][\da-f]{3}-[\da-f]{12}$/)
    last = id
  }
  assert.ok(coarseIdBehind(undefined, at) > coarse)
  assert.ok(coarseIdBehind(coarse, at + 60_000) > coarse)
  // The sequence is over: the next millisecond begins.
  assert.ok(
    coarseIdBehind('01998c2c-c3a0-7fff-bfff-fffffffffff0', 0) > '01998c2c-c3a0-7fff-bfff-fffffffffff0',
  )
})
