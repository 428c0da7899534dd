import assert from 'node:assert/strict'
import { globSync, readFileSync } from 'node:fs'
import { test } from 'node:test'
import fc from 'fast-check'
import { clientNetwork } from './client-network.ts'

/** Each row is one client, and none is the client of another row. */
const clients = [
  ['203.0.113.10', '::ffff:203.0.113.10', '::FFFF:cb00:710a', '0:0:0:0:0:ffff:203.0.113.10'],
  ['203.0.113.11', '::ffff:203.0.113.11'],
  ['2001:db8:1:2::1', '2001:DB8:1:2:0:0:0:9', '2001:0db8:0001:0002:ffff:ffff:ffff:ffff', '2001:db8:1:2::'],
  ['2001:db8:1:3::1', '2001:db8:1:3:8000::'],
  ['2001:db8::1', '2001:db8:0:0:1::'],
  ['fe80::1%eth0', 'fe80::2%wlan0', 'fe80::3'],
  ['::1', '::2'],
  ['1:2:3:4:5:6:7:8', '1:2:3:4::', '1:2:3:4:5::8'],
]

test('a client is an IPv4 address or an IPv6 /64, however it is written', () => {
  const known = clients.map((ways) => new Set(ways.map((way) => clientNetwork(way))))
  for (const [row, names] of known.entries()) assert.equal(names.size, 1, `${clients[row]}`)
  assert.equal(new Set(known.flatMap((names) => [...names])).size, clients.length)
  for (const odd of ['', 'unknown', ':', ':::', '1:2', '[::1]', '2001:db8::/64', '::ffff:1.2.3.4.5'])
    assert.doesNotThrow(() => clientNetwork(odd), odd)
})

test('any two addresses of a /64 are one client, and those of two are two', () => {
  const group = fc.integer({ min: 1, max: 0xffff }).map((n) => n.toString(16))
  const half = fc.array(group, { minLength: 4, maxLength: 4 }).map((groups) => groups.join(':'))
  fc.assert(
    fc.property(half, half, half, half, (a, b, x, y) => {
      assert.equal(clientNetwork(`${a}:${x}`), clientNetwork(`${a}:${y}`))
      if (a !== b) assert.notEqual(clientNetwork(`${a}:${x}`), clientNetwork(`${b}:${x}`))
    }),
  )
})

test('whoever looks at a client’s address to limit it goes by its network', () => {
  const src = new URL('../', import.meta.url).pathname
  const looking = globSync('**/*.ts', { cwd: src, exclude: ['**/*.test.ts'] }).filter((file) =>
    /\b(remoteAddress|req\.ip)\b/.test(readFileSync(src + file, 'utf8')),
  )
  // The listener for mail hands addresses to its limits, which the tests of mail look at.
  assert.deepEqual(looking.toSorted(), ['channels/email/smtp-listener.ts', 'web/client.ts'])
  for (const file of ['channels/email/rate-limit.ts', 'web/client.ts'])
    assert.match(readFileSync(src + file, 'utf8'), /clientNetwork\(/, file)
})
