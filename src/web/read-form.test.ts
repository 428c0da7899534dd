import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isTicked } from './read-form.ts'

test('a box is ticked, whatever it is sent with, unless that says no', () => {
  for (const value of ['yes', 'on', 'true', '1', 'YES', 'ja', 'x', ['', 'yes'], ['no', '1']])
    assert.equal(isTicked({ confidential: value }), true, String(value))
  for (const value of [undefined, '', ' ', 'no', 'No', 'off', 'false', '0', ['', 'no']])
    assert.equal(isTicked({ confidential: value }), false, String(value))
})
