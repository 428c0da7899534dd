import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { ConfigError, readConfig } from './config.ts'

test('with no environment at all, everything has a value that works on a laptop', () => {
  const config = readConfig({})
  assert.equal(config.PUBLIC_URL.href, 'http://localhost:3000/')
  assert.equal(config.DATABASE_URL, 'sqlite:data/barua.db')
  assert.deepEqual(config.EDITORS, ['editor@localhost'])
  assert.ok(Object.isFrozen(config))
})

test('all faults are named at once, without the values, which may be secret', () => {
  const failing = {
    PORT: 'eighty',
    SMTP_URL: 'secret-password',
    TELEGRAM_BOT_TOKEN: 'secret-token',
    MAX_FILE_BYTES: '-1',
  }
  assert.throws(
    () => readConfig(failing),
    (error) => {
      assert.ok(error instanceof ConfigError)
      for (const name of Object.keys(failing)) assert.ok(error.message.includes(name), name)
      assert.ok(!error.message.includes('secret'))
      return true
    },
  )
})

test('the README lists every variable', () => {
  const readme = readFileSync(new URL('../README.md', import.meta.url), 'utf8')
  const source = readFileSync(new URL('./config.ts', import.meta.url), 'utf8')
  const names = [...source.matchAll(/^ {2}([A-Z_]{4,}): /gm)].map((found) => found[1] as string)
  assert.ok(names.length >= 20)
  for (const name of names) assert.match(readme, new RegExp(`^\\|[^|]*\`${name}\``, 'm'), name)
})
