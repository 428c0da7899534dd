import assert from 'node:assert/strict'
import { test } from 'node:test'
import { changingKey } from '../../src/web/guards.ts'
import { openNewsroom } from '../support/newsroom.ts'
import { tip } from '../support/submissions.ts'

test('every answer has the guarding headers, and none names what we are built of', async (t) => {
  const newsroom = await openNewsroom(t, { PUBLIC_URL: 'https://news.test' })
  for (const path of [
    '/',
    '/submit/expose',
    '/status',
    '/receipt',
    '/desk/sign-in',
    '/nowhere',
    '/healthz',
    '/readyz',
  ]) {
    const { headers, text } = await newsroom.http().get(path)
    const policy = headers['content-security-policy'] ?? ''
    assert.match(policy, /^default-src 'none';/, path)
    assert.ok(!/unsafe|https?:|\*/.test(policy), policy)
    assert.equal(headers['referrer-policy'], 'no-referrer')
    assert.equal(headers['x-content-type-options'], 'nosniff')
    assert.equal(headers['x-frame-options'], 'DENY')
    assert.match(headers['strict-transport-security'] ?? '', /^max-age=\d{7,}/)
    assert.equal(headers['x-powered-by'], undefined)
    assert.ok(!/<script|style=|https?:\/\/(?!news\.test)/.test(text), path)
  }
})

test('a state-changing request from another site’s page is refused', async (t) => {
  const newsroom = await openNewsroom(t)
  const post = (headers: Record<string, string>, fields: object = tip()) =>
    newsroom
      .http()
      .post('/submit/news-tip')
      .set({ accept: 'application/json', ...headers })
      .type('form')
      .send(fields)
  for (const site of ['cross-site', 'same-site']) await post({ 'sec-fetch-site': site }).expect(403)
  await post({ origin: 'https://evil.test' }).expect(403)
  await post({ origin: 'garbage' }).expect(403)
  await post({ 'sec-fetch-site': 'cross-site', origin: 'http://localhost:3000' }).expect(403)
  assert.equal(await newsroom.submissionCount(), 0)
  await post({ 'sec-fetch-site': 'same-origin' }).expect(201)
  await post({ origin: 'http://localhost:3000' }).expect(201)
  await post({}).expect(201)

  // An old browser, whose Origin our own Referrer-Policy makes null: the form's token speaks.
  await post({ origin: 'null' }).expect(403)
  await post({ origin: 'null' }, { ...tip(), nonce: 'made.up' }).expect(403)
  await post({ origin: 'null' }, { ...tip(), nonce: await newsroom.nonce() }).expect(201)
  await newsroom.http().post('/status').set('origin', 'null').type('form').send({ receipt: 'x' }).expect(403)
  const cookie = await newsroom.signIn()
  await newsroom.http().post('/desk/sign-out').set('cookie', cookie).expect(403)
  await newsroom.http().get('/desk').set('cookie', cookie).expect(200)
})

test('one client may send so many pieces an hour; refused ones do not count', async (t) => {
  const newsroom = await openNewsroom(t, { SUBMIT_LIMIT: '3', TRUST_PROXY: '1' })
  const post = (client: string, fields: object = tip()) =>
    newsroom.post('news-tip', fields).set('x-forwarded-for', client)
  for (let i = 0; i < 6; i++) assert.equal((await post('198.51.100.7', { title: 'x' })).status, 422)
  for (let i = 0; i < 3; i++) assert.equal((await post('198.51.100.7')).status, 201)
  const refused = await post('198.51.100.7')
  assert.equal(refused.status, 429)
  assert.equal(refused.body.error.code, 'too-many')
  assert.ok(Number(refused.headers['retry-after']) > 0)
  assert.equal((await post('198.51.100.8')).status, 201)
  assert.ok(!newsroom.logged.join('').includes('198.51.100'))
})

/** What proxies write for clients: each row is one client, whoever writes it and with whatever port. */
const clients = [
  [
    '203.0.113.10',
    '203.0.113.10:5000',
    '203.0.113.10:5001',
    '"203.0.113.10:80"',
    '::ffff:203.0.113.10',
    '[::ffff:203.0.113.10]:9',
  ],
  [
    '2001:db8:1::1',
    '[2001:db8:1::1]',
    '[2001:db8:1::1]:5000',
    '"[2001:DB8:1::1]:5001"',
    '[2001:db8:1:0:ffff::9]:1',
    '2001:db8:1::abcd',
  ],
  ['[fe80::1%eth0]:5000', 'fe80::1', 'fe80::2%eth1'],
  ['unknown', '_hidden', 'x1', 'x2', '999.1.1.1', '[::g]:1', '203.0.113:80', '-', "'"],
]

for (const proxies of ['1', 'loopback', '127.0.0.1,::ffff:127.0.0.1'])
  test(`a client is the same with any port, and garbage is one client (behind ${proxies})`, async (t) => {
    for (const ways of clients) {
      const newsroom = await openNewsroom(t, { SUBMIT_LIMIT: '1', TRUST_PROXY: proxies })
      const post = (client: string) => newsroom.post('news-tip').set('x-forwarded-for', client)
      const [first = ''] = ways
      assert.equal((await post(first)).status, 201, first)
      for (const way of ways) assert.equal((await post(way)).status, 429, way)
      // What the client itself wrote, before the proxy added what it saw, counts for nothing.
      for (const way of ways)
        assert.equal((await post(`198.51.100.${ways.indexOf(way)}:1, ${way}`)).status, 429, way)
      assert.equal((await post('192.0.2.77:5000')).status, 201, 'another client')
      assert.equal((await post('[2001:db8:77::1]:5000')).status, 201, 'another network')
    }
  })

test('a proxy among several is passed over with its port too', async (t) => {
  const newsroom = await openNewsroom(t, { SUBMIT_LIMIT: '1', TRUST_PROXY: 'loopback,10.0.0.0/8' })
  const post = (client: string) => newsroom.post('news-tip').set('x-forwarded-for', client)
  assert.equal((await post('203.0.113.1:1, 10.0.0.2:4000')).status, 201)
  assert.equal((await post('203.0.113.1:2, 10.0.0.3:4001')).status, 429)
  assert.equal((await post('203.0.113.2:1, 10.0.0.2:4002')).status, 201)
})

test('behind no proxy, a forged address changes nothing', async (t) => {
  const newsroom = await openNewsroom(t, { SUBMIT_LIMIT: '1' })
  assert.equal((await newsroom.post('news-tip').set('x-forwarded-for', '203.0.113.1')).status, 201)
  assert.equal((await newsroom.post('news-tip').set('x-forwarded-for', '203.0.113.2')).status, 429)
})

test('alive and ready are told apart', async (t) => {
  const newsroom = await openNewsroom(t)
  await newsroom.http().get('/healthz').expect(200)
  await newsroom.http().get('/readyz').expect(200)
  const full = await openNewsroom(t, { MAX_SUBMISSION_BYTES: String(Number.MAX_SAFE_INTEGER) })
  await full.http().get('/healthz').expect(200)
  const refused = await full.http().get('/readyz').set('accept', 'application/json').expect(503)
  assert.equal(refused.body.error.code, 'unavailable')
  assert.ok(refused.headers['retry-after'])
})

test('the key that clients are known by changes with each window', () => {
  let now = 1000
  const key = changingKey(100, () => now)
  const first = key()
  now += 99
  assert.deepEqual(key(), first)
  now += 1
  const second = key()
  assert.equal(second.length, 32)
  assert.notDeepEqual(second, first)
  now -= 50
  assert.deepEqual(key(), second)
})

test('nobody is signed in by a form of another site, not even in an old browser; by our own form they are', async (t) => {
  const newsroom = await openNewsroom(t)
  /** An old browser does not say where a form comes from, or says `null`. */
  const old: Record<string, string>[] = [
    { 'user-agent': 'Mozilla/5.0 (Windows NT 6.1; rv:52.0) Gecko/20100101 Firefox/52.0' },
    { 'user-agent': 'Mozilla/5.0 (Linux; Android 4.4)', origin: 'null' },
    { origin: 'null' },
  ]
  for (const headers of old) {
    const link = new URL(await newsroom.signInLink()).pathname
    for (const path of ['/desk/sign-in', link, '/desk/second-factor']) {
      const post = (fields: object, cookie = 'x=y') =>
        newsroom.http().post(path).set(headers).set('cookie', cookie).type('form').send(fields)
      const fields = { email: 'editor@newsroom.test', passphrase: 'of somebody else', way: 'later' }
      const foreign = await post(fields)
      assert.equal(foreign.status, 403, path)
      assert.doesNotMatch(String(foreign.headers['set-cookie']), /barua=/)
      // The token of a form that was served to somebody else does not go with this browser's cookie.
      const other = await newsroom.http().get('/desk/sign-in')
      const token = /name="token" value="([^"]+)"/.exec(other.text)?.[1]
      assert.ok(token)
      assert.equal((await post({ ...fields, token })).status, 403, path)
      const cookie = String(other.headers['set-cookie']).split(';')[0] ?? ''
      assert.notEqual((await post({ ...fields, token }, cookie)).status, 403, path)
    }
  }
  const fresh = new URL(await newsroom.signInLink()).pathname
  const today = newsroom.http().post(fresh).set('sec-fetch-site', 'same-origin')
  assert.match(String((await today.set('user-agent', 'Mozilla/5.0')).headers['set-cookie']), /barua=/)
})
