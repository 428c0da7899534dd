import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { states } from '../db/values.ts'
import { nextTry, patience } from '../jobs/job.ts'
import { canMove } from './states.ts'

test('no state moves to itself, each can be reached, and none is a trap', () => {
  for (const state of states) {
    assert.ok(!canMove(state, state), state)
    assert.ok(
      states.some((to) => canMove(state, to)),
      state,
    )
    assert.ok(state === 'waiting' || states.some((from) => canMove(from, state)), state)
  }
})

test('tries grow further apart, spread out, never end within a day, and end after two', () => {
  const random = fc.double({ min: 0, max: 0.999, noNaN: true })
  fc.assert(
    fc.property(fc.array(random, { minLength: 200, maxLength: 200 }), (randoms) => {
      let now = 0
      let attempts = 0
      for (const one of randoms) {
        attempts += 1
        const next = nextTry({ attempts, triedSince: 0 }, now, () => one)
        if (next === undefined) break
        assert.ok(next - now >= 7_500 && next - now <= 2 * 3_600_000)
        now = next
      }
      assert.ok(now >= patience && now < patience + 2 * 3_600_000)
      assert.ok(attempts > 20 && attempts < 80, `${attempts} tries`)
    }),
  )
  assert.ok(patience >= 24 * 3_600_000)
})
