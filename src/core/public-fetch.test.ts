import assert from 'node:assert/strict'
import { test } from 'node:test'
import { internet, isPublic, publicGet } from './public-fetch.ts'

test('only addresses on the public net are public', () => {
  const publicOnes = [
    '1.1.1.1',
    '93.184.215.14',
    '172.32.0.1',
    '100.128.0.1',
    '2606:4700::1111',
    '2a00:1450::1',
  ]
  const others = [
    '127.0.0.1',
    '127.8.8.8',
    '0.0.0.0',
    '10.1.2.3',
    '172.16.0.1',
    '172.31.255.255',
    '192.168.1.1',
    '169.254.169.254',
    '100.64.0.1',
    '192.0.0.8',
    '198.18.0.1',
    '224.0.0.1',
    '255.255.255.255',
    '::',
    '::1',
    'fe80::1',
    'fc00::1',
    'fd12:3456::1',
    'ff02::1',
    '::ffff:127.0.0.1',
    '::ffff:10.0.0.1',
    '64:ff9b::7f00:1',
    '2002:7f00:1::',
    '2001::1',
    '2001:db8::1',
  ]
  assert.deepEqual(
    publicOnes.filter((one) => !isPublic(one)),
    [],
  )
  assert.deepEqual(others.filter(isPublic), [])
})

for (const [what, url, addresses] of [
  ['an address of this machine', 'https://news.test/', ['127.0.0.1', '::1']],
  ['an address of our own network', 'https://news.test/', ['10.0.0.7']],
  ['a host that is an address', 'https://127.0.0.1/', ['1.1.1.1']],
  ['a host that is an address of six', 'https://[::1]/', ['1.1.1.1']],
  ['plain http', 'http://news.test/', ['1.1.1.1']],
] as const) {
  test(`${what} is not asked`, async () => {
    const net = { ...internet, addressesOf: async () => [...addresses] }
    await assert.rejects(publicGet(new URL(url), 1000, net), { errorCode: 'not-public' })
  })
}
