import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import type { IncomingMessage } from 'node:http'
import { text } from 'node:stream/consumers'
import { type TestContext, test } from 'node:test'
import type { Passkey } from '../../src/accounts/editor.ts'
import { passkeysOf } from '../../src/accounts/webauthn.ts'
import { ConfigError, readConfig, siteAddresses } from '../../src/config.ts'
import { cookieOf, editorAddress, type Newsroom, openNewsroom } from '../support/newsroom.ts'
import { givePasskey } from '../support/passkey.ts'
import { storyAngle, tip } from '../support/submissions.ts'

/** The Tor Project's own, which has a right checksum. */
const onion = '2gzyxa5ihm7nsggfxnu52rck2vv4rvmdlkiu3zzui5du4xyclen53wid.onion'
const otherOnion = 'duckduckgogg42xjoc72x3sjasowoarfbgcmvfimaftt6twagswzczad.onion'
const hosts = { letterbox: 'news.test', desk: 'desk.news.test', onion, unknown: 'elsewhere.test' }
const apart = {
  PUBLIC_URL: `https://${hosts.letterbox}/tips`,
  ONION_URL: `http://${onion}`,
  DESK_URL: `https://${hosts.desk}`,
}
const passphrase = 'five words of my own'

type Answer = { status: number; headers: IncomingMessage['headers']; text: string }

/** Of a stream, which stays open, how it begins. */
function answered(newsroom: Newsroom, host: string, method: 'get' | 'post', path: string, cookie = '') {
  const request = newsroom.http()[method](path).set({ host, cookie, accept: 'text/html' })
  const asked =
    method === 'get' ? request : request.set('sec-fetch-site', 'same-origin').type('form').send({})
  return new Promise<Answer>((resolve, reject) => {
    asked.buffer(false).parse((response, done) => {
      const stream = response as unknown as IncomingMessage
      const { statusCode: status = 0, headers } = stream
      const isStream = headers['content-type']?.startsWith('text/event-stream')
      void (isStream ? Promise.resolve('') : text(stream)).then((words) => {
        resolve({ status, headers, text: words })
        stream.destroy()
        done(null, '')
      }, reject)
    })
    asked.then(undefined, reject)
  })
}

/** Signs in at the desk's own host as a browser does. */
async function signIn(newsroom: Newsroom, email = editorAddress): Promise<string> {
  const link = new URL(await newsroom.signInLink(email))
  const answer = await newsroom.http().post(link.pathname).set('host', link.host).expect(303)
  return cookieOf(answer.headers, '__Host-barua')
}

async function deskApart(t: TestContext, env: Record<string, string> = {}) {
  const newsroom = await openNewsroom(t, { ...apart, ...env })
  return { newsroom, cookie: await signIn(newsroom) }
}

test('the desk’s address has a host of its own, no path, and https where the letterbox has it', () => {
  const read = (DESK_URL: string, others: object = apart) =>
    readConfig({ ...others, DESK_URL }).DESK_URL?.href
  assert.equal(read('https://desk.news.test'), 'https://desk.news.test/')
  assert.equal(read('https://desk.news.test/'), 'https://desk.news.test/')
  assert.equal(read(`http://${otherOnion}`), `http://${otherOnion}/`)
  assert.equal(read('http://desk.localhost:3000', {}), 'http://desk.localhost:3000/')
  for (const wrong of [
    'https://news.test',
    'https://news.test:8443',
    'https://NEWS.test/',
    'https://desk.news.test/desk',
    'http://desk.news.test',
    `http://${onion}`,
    `https://${otherOnion}`,
    `http://${otherOnion.replace('d', 'e')}`,
    'desk.news.test',
  ])
    assert.throws(() => read(wrong), ConfigError, wrong)
  assert.throws(() => read('http://localhost:3001', {}), ConfigError, 'another port shares its cookies')
})

/** Everything that is not the desk's, with the status of each where it is served. */
const elsewhere: ['get' | 'post', string, number][] = [
  ['get', '/', 200],
  ['get', '/submit/news-tip', 200],
  ['post', '/submit/news-tip', 422],
  ['get', '/receipt', 200],
  ['get', '/status', 200],
  ['post', '/status', 404],
  ['post', '/status/file', 404],
  ['post', '/status/leave', 404],
  ['get', '/upload/no-such-link', 404],
  ['post', '/upload/no-such-link', 404],
  ['get', '/api', 200],
  ['get', '/api/v1', 200],
  ['get', '/api/v1/openapi.json', 200],
  ['post', '/api/v1/submissions', 401],
  ['get', '/api/v1/submissions/ABCD-EFGH', 401],
  ['post', '/api/v1/submissions/ABCD-EFGH/messages', 401],
  ['get', '/api/v1/submissions/ABCD-EFGH/files/one', 401],
  ['post', '/webhooks/telegram', 401],
]

test('the desk answers at its own host only, and nothing but the desk answers there', async (t) => {
  const { newsroom, cookie } = await deskApart(t)
  for (const { method, path } of newsroom.application.deskRoutes) {
    const asked = path.replace(/:\w+/g, 'none')
    for (const [name, host] of Object.entries(hosts)) {
      if (path === '/desk/sign-out' && name === 'desk') continue
      for (const base of name === 'desk' ? [''] : ['', '/tips']) {
        const { status, headers, text } = await answered(newsroom, host, method, base + asked, cookie)
        const said = `${method} ${base}${path} at the ${name} host: ${status}`
        const isRouted = status !== 404 || !text.includes('There is no such page.')
        assert.equal(isRouted, name === 'desk', said)
        if (name !== 'desk') assert.equal(headers['set-cookie'], undefined, said)
      }
    }
  }
  for (const [method, path, status] of elsewhere) {
    for (const [name, host] of Object.entries(hosts)) {
      const answer = await answered(newsroom, host, method, `/tips${path}`)
      assert.equal(answer.status, name === 'desk' ? 404 : status, `${method} ${path} at the ${name} host`)
    }
    const bare = await answered(newsroom, hosts.desk, method, path)
    assert.equal(
      bare.status,
      path === '/' ? 303 : 404,
      `${method} ${path} at the desk's host, without a path`,
    )
    if (path === '/') assert.equal(bare.headers.location, '/desk')
  }
})

test('health and what pages need answer at every host', async (t) => {
  const { newsroom } = await deskApart(t)
  const page = await newsroom.http().get('/desk/sign-in').set('host', hosts.desk)
  const style = /href="([^"]+style\.css)"/.exec(page.text)?.[1] ?? ''
  assert.match(style, /^\/assets\//)
  for (const [name, host] of Object.entries(hosts)) {
    const base = name === 'desk' ? '' : '/tips'
    for (const path of ['/healthz', '/readyz', style])
      assert.equal(
        (await answered(newsroom, host, 'get', base + path)).status,
        200,
        `${path} at the ${name} host`,
      )
  }
  assert.doesNotMatch(page.text, /href="[^"]*\/status"|Write to us/)
  const wrong = await newsroom.http().get('/nowhere').set('host', hosts.desk).set('accept', 'text/html')
  assert.match(wrong.text, /href="\/desk">Back to the desk/)
  const old = await newsroom.http().get('/tips/desk').set('host', hosts.letterbox).set('accept', 'text/html')
  assert.equal(old.status, 404)
  assert.match(old.text, /Back to the letterbox/)
  assert.ok(!old.text.includes(hosts.desk), 'the letterbox does not say where the desk is')
})

test('a session of the desk’s host is good nowhere else, and one of another address not there', async (t) => {
  const before = await openNewsroom(t, { PUBLIC_URL: apart.PUBLIC_URL })
  const link = new URL(await before.signInLink())
  const answer = await before.http().post(link.pathname).set('host', hosts.letterbox).expect(303)
  const stolen = cookieOf(answer.headers, '__Secure-barua')
  const value = stolen.split('=')[1]
  await before.http().get('/tips/desk').set({ host: hosts.letterbox, cookie: stolen }).expect(200)
  // The desk is given an address of its own: what was taken at the old one opens nothing there.
  await before.restart({ DESK_URL: apart.DESK_URL })
  for (const name of ['__Host-barua', '__Secure-barua', 'barua'])
    await before
      .http()
      .get('/desk')
      .set({ host: hosts.desk, cookie: `${name}=${value}` })
      .expect(303)
  // A link of an old mail is good once its host is put right; at the old host it is not even looked at.
  const old = new URL(await before.signInLink())
  assert.equal(old.host, hosts.desk)
  await before.http().post(`/tips${old.pathname}`).set('host', hosts.letterbox).expect(404)
  await before.http().post(old.pathname).set('host', hosts.desk).expect(303)
})

test('under a path of somebody’s host the session is sent to the desk alone', async (t) => {
  const newsroom = await openNewsroom(t, { PUBLIC_URL: apart.PUBLIC_URL })
  await newsroom.submit('news-tip', tip()).catch(() => undefined)
  const link = new URL(await newsroom.signInLink())
  const answer = await newsroom.http().post(link.pathname).set('host', hosts.letterbox).expect(303)
  const cookies = [answer.headers['set-cookie']].flat().map(String)
  assert.ok(cookies.length > 0)
  for (const cookie of cookies) assert.match(cookie, /; Path=\/tips\/desk(;|$)/)
  const session = cookies.find((cookie) => cookie.startsWith('__Secure-barua=')) ?? ''
  assert.match(session, /HttpOnly; Secure; SameSite=Lax$/)
  const figures = await newsroom
    .http()
    .get('/tips/desk/metrics')
    .set({ host: hosts.letterbox, cookie: cookieOf(answer.headers, '__Secure-barua') })
  assert.equal(figures.status, 200)
})

test('a form of the newspaper’s page, or of the letterbox, is none of the desk’s', async (t) => {
  const { newsroom, cookie } = await deskApart(t)
  const post = (headers: Record<string, string>) =>
    newsroom
      .http()
      .post('/desk/account/name')
      .set({ host: hosts.desk, cookie, ...headers })
      .type('form')
  const fields = { name: 'Anna' }
  for (const origin of [`https://${hosts.letterbox}`, `http://${onion}`, 'https://evil.test', 'null'])
    assert.equal((await post({ origin }).send(fields)).status, 403, origin)
  assert.equal((await post({ 'sec-fetch-site': 'same-site' }).send(fields)).status, 403)
  assert.equal((await post({ origin: apart.DESK_URL }).send(fields)).status, 303)
  const home = await newsroom
    .http()
    .post('/tips/status')
    .set({ host: hosts.letterbox, origin: apart.DESK_URL })
  assert.equal(home.status, 403)
})

test('mails and the shell lead to the desk’s host, and senders to the letterbox’s', async (t) => {
  const { newsroom, cookie } = await deskApart(t)
  await newsroom
    .http()
    .post('/tips/submit/story-angle')
    .set({ host: hosts.letterbox, accept: 'application/json' })
    .type('form')
    .send({ ...storyAngle(), email: 'sender@example.org' })
    .expect(201)
  await newsroom.workOff()
  const toEditor = newsroom.mailsTo(editorAddress).find(({ subject }) => /Story angle/.test(subject ?? ''))
  assert.match(toEditor?.text ?? '', /https:\/\/desk\.news\.test\/desk\/submissions\//)
  assert.doesNotMatch(toEditor?.text ?? '', /news\.test\/tips\/desk/)
  const [toSender] = newsroom.mailsTo('sender@example.org')
  assert.match(toSender?.text ?? '', /https:\/\/news\.test\/tips\/status/)
  assert.doesNotMatch(toSender?.text ?? '', /desk\.news\.test/)
  for (const { link } of newsroom.application.setUpLinks)
    assert.match(link, /^https:\/\/desk\.news\.test\/desk\//)
  await newsroom
    .http()
    .post('/desk/sign-in')
    .set('host', hosts.desk)
    .type('form')
    .send({ email: editorAddress, way: 'link' })
  await newsroom.workOff()
  const mailed = newsroom.mailsTo(editorAddress).at(-1)?.text ?? ''
  assert.match(mailed, /https:\/\/desk\.news\.test\/desk\/sign-in\//)
  const tokens = await newsroom.http().get('/desk/api-tokens').set({ host: hosts.desk, cookie })
  assert.match(tokens.text, /href="https:\/\/news\.test\/tips\/api\/v1"/)
})

test('what was wanted before signing in is come back to, and never at another host', async (t) => {
  const { newsroom } = await deskApart(t)
  const asked = await newsroom.http().get('/desk/team?x=1').set({ host: hosts.desk, accept: 'text/html' })
  assert.equal(asked.headers.location, '/desk/sign-in')
  const wanted = cookieOf(asked.headers, 'barua-wanted')
  const follow = async (cookie: string) => {
    const { pathname } = new URL(await newsroom.signInLink())
    return (await newsroom.http().post(pathname).set({ host: hosts.desk, cookie })).headers.location
  }
  assert.equal(await follow(wanted), '/desk/team?x=1')
  for (const odd of ['https://evil.test/desk', '//evil.test/desk', '/tips/desk', '/status'])
    assert.equal(await follow(`barua-wanted=${encodeURIComponent(odd)}`), '/desk', odd)
})

test('passkeys belong to the desk’s host; who has one of an earlier host comes in by a recovery code', async (t) => {
  const before = await openNewsroom(t)
  const passkey = await givePasskey(before, editorAddress, true)
  const setUp = await before.signInLink()
  const waiting = await before.http().post(new URL(setUp).pathname).expect(303)
  const first = cookieOf(waiting.headers, 'barua')
  const { text } = await before.http().get('/desk/second-factor').set('cookie', first)
  const done = await before.act(
    '/desk/second-factor',
    { passkey: passkey.answer(text), prf: passkey.prf },
    first,
  )
  const cookie = cookieOf(done.headers, 'barua')
  await before.act('/desk/account/passphrase', { passphrase, again: passphrase }, cookie)
  const codes = await before.act('/desk/account/recovery-codes', {}, cookie)
  const code = /<li class="code">([\w-]+)<\/li>/.exec(codes.text)?.[1] ?? assert.fail('no recovery codes')

  await before.restart({ DESK_URL: 'http://desk.localhost:3000' })
  const at = { host: 'desk.localhost:3000' }
  const fields = { email: editorAddress, passphrase, way: 'passphrase' }
  const begin = await before.http().post('/desk/sign-in').set(at).type('form').send(fields).expect(303)
  assert.equal(begin.headers.location, '/desk/second-factor')
  const half = cookieOf(begin.headers, 'barua')
  const page = await before.http().get('/desk/second-factor').set(at).set('cookie', half)
  assert.match(page.text, /made for an earlier address of the desk[\s\S]+recovery code/)
  assert.doesNotMatch(page.text, /data-passkey/)
  const old = { passkey: passkey.answer(text), prf: passkey.prf }
  const refused = await before
    .http()
    .post('/desk/second-factor')
    .set(at)
    .set('cookie', half)
    .type('form')
    .send(old)
  assert.equal(refused.status, 401)
  const right = await before
    .http()
    .post('/desk/second-factor')
    .set(at)
    .set('cookie', half)
    .type('form')
    .send({ code })
  assert.equal(right.headers.location, '/desk', right.text)
  const full = cookieOf(right.headers, 'barua')
  const account = await before.http().get('/desk/account').set(at).set('cookie', full)
  assert.match(account.text, /made for an earlier address/)
  const add = await before.http().get('/desk/account/passkeys').set(at).set('cookie', full)
  assert.match(add.text, /&quot;id&quot;:&quot;desk\.localhost&quot;/)
})

test('a passkey from before hosts were kept belongs to the public address', () => {
  const older: Passkey = {
    id: 'a',
    editorId: 'b',
    publicKey: '',
    counter: 0,
    name: '',
    host: null,
    createdAt: 1,
    usedAt: null,
  }
  const isOfHere = (env: object, passkey = older) =>
    passkeysOf(siteAddresses(readConfig({ ...env })), 'The Newsroom').isOfHere(passkey)
  const { DESK_URL: _, ...together } = apart
  assert.deepEqual([isOfHere(together), isOfHere(apart)], [true, false])
  const made = { ...older, host: hosts.desk }
  assert.deepEqual([isOfHere(together, made), isOfHere(apart, made)], [false, true])
})

test('the desk may have an onion address of its own, apart from that of the sources', async (t) => {
  const newsroom = await openNewsroom(t, { ...apart, DESK_URL: `http://${otherOnion}` })
  const link = new URL(await newsroom.signInLink())
  assert.equal(link.host, otherOnion)
  const answer = await newsroom.http().post(link.pathname).set('host', otherOnion).expect(303)
  assert.doesNotMatch(String(answer.headers['set-cookie']), /Secure|__Host/)
  const cookie = cookieOf(answer.headers, 'barua')
  const page = await newsroom.http().get('/desk').set({ host: otherOnion, cookie })
  assert.equal(page.status, 200)
  assert.equal(page.headers['strict-transport-security'], undefined)
  await newsroom.http().get('/desk/account/passkeys').set({ host: otherOnion, cookie }).expect(403)
  for (const host of [onion, hosts.letterbox])
    await newsroom.http().get('/tips/desk/sign-in').set('host', host).expect(404)
})

/** The first block of such a language in a document that says this. */
function block(document: string, language: string, says: RegExp): string {
  const found = [...document.matchAll(/^```(\w*)\n([\s\S]*?)^```/gm)].find(
    ([, name, words = '']) => name === language && says.test(words),
  )
  return found?.[2] ?? assert.fail(`there is no ${language || 'such'} block that says ${says}`)
}

test('the set-up of the README has hosts of their own for letterbox and desk, in every part of it', async () => {
  const readme = await readFile(new URL('../../README.md', import.meta.url), 'utf8')
  const lines = block(readme, 'sh', /^DESK_URL=/m)
    .trim()
    .split('\n')
  const env = Object.fromEntries(
    lines.map((line) => line.split(/=(.*)/s).map((part) => part.replaceAll('"', ''))),
  )
  const { PUBLIC_URL, DESK_URL } = readConfig(env)
  assert.ok(DESK_URL)
  assert.equal(PUBLIC_URL.pathname, '/')
  const names = [PUBLIC_URL.hostname, DESK_URL.hostname]
  const caddy = block(readme, '', /^[\w., ]+ \{/)
  assert.deepEqual(/^([\w., ]+) \{/.exec(caddy)?.[1]?.split(', '), names)
  const nginx = block(readme, 'nginx', /server_name/)
  assert.deepEqual(/server_name ([^;]+);/.exec(nginx)?.[1]?.split(' '), names)
  assert.match(nginx, /proxy_set_header Host \$host;/, 'by its name Barua knows the desk')
  assert.ok(
    readme.indexOf('[!WARNING]') < readme.indexOf('location /tips'),
    'a path is warned of where it is set up',
  )
})
