import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { groupCommit } from './group-commit.ts'

type Kept = { kept: number }

test('what arrives while a commit is in flight shares the next one', async () => {
  const groups: number[][] = []
  const started = Promise.withResolvers<void>()
  const commit = groupCommit<number, Kept>(async (items) => {
    groups.push(items)
    started.resolve()
    await sleep(5)
    return items.map((kept) => ({ kept }))
  }, 100)
  const first = commit(0)
  await started.promise
  const rest = Array.from({ length: 20 }, (_, i) => commit(i + 1))
  assert.deepEqual(
    (await Promise.all([first, ...rest])).map((one) => one.kept),
    Array.from({ length: 21 }, (_, i) => i),
  )
  assert.deepEqual(
    groups.map((group) => group.length),
    [1, 20],
  )
})

test('a fault of one is its own; a fault of the commit is everybody’s; the next commit goes on', async () => {
  let broken = false
  const commit = groupCommit<number, Kept>(async (items) => {
    if (broken) throw new Error('the disk is gone')
    return items.map((kept) => (kept === 2 ? { error: new Error('bad record') } : { kept }))
  }, 3)
  const outcomes = await Promise.allSettled([1, 2, 3, 4].map(commit))
  assert.deepEqual(
    outcomes.map((one) => one.status),
    ['fulfilled', 'rejected', 'fulfilled', 'fulfilled'],
  )
  broken = true
  assert.deepEqual(
    (await Promise.allSettled([5, 6].map(commit))).map((one) => one.status),
    ['rejected', 'rejected'],
  )
  broken = false
  assert.deepEqual(await commit(7), { kept: 7 })
})
