import assert from 'node:assert/strict'
import { globSync, readFileSync } from 'node:fs'
import { test } from 'node:test'
import { loadedOnce } from './loaded-once.ts'

test('it is loaded with the first call, once for everybody', async () => {
  let loads = 0
  const load = loadedOnce(async () => ({ number: ++loads }))
  assert.equal(loads, 0)
  const [first, second] = await Promise.all([load(), load()])
  assert.equal(first, second)
  assert.equal(await load(), first)
  assert.equal(loads, 1)
})

test('a load that failed is forgotten: all who waited for it are told, and the next one loads again', async () => {
  const outcomes = [new Error('first'), new Error('second'), undefined]
  let loads = 0
  const load = loadedOnce(async () => {
    const error = outcomes[loads++]
    if (error) throw error
    return 'loaded'
  })
  const told = await Promise.allSettled([load(), load()])
  assert.deepEqual(
    told.map((one) => (one.status === 'rejected' ? one.reason.message : 'none')),
    ['first', 'first'],
  )
  await assert.rejects(load(), /second/)
  assert.equal(await load(), 'loaded')
  assert.equal(await load(), 'loaded')
  assert.equal(loads, 3)
})

test('no promise is kept by hand, which would keep a failure for ever', () => {
  for (const file of globSync('src/**/*.ts', { exclude: ['**/*.test.ts'] })) {
    for (const [line] of readFileSync(file, 'utf8').matchAll(/^.*\?\?=.*$/gm)) {
      assert.doesNotMatch(line, /import\(|load|make\(|Promise|find\w*\(/, `${file}: ${line.trim()}`)
    }
  }
})
