import assert from 'node:assert/strict'
import { test } from 'node:test'
import { TOTP } from 'otpauth'
import { cookieOf, editorAddress, type Newsroom, openNewsroom } from '../support/newsroom.ts'
import { executedBy } from '../support/statements.ts'

const second = 'second@newsroom.test'
const passphrase = 'five words of my own'
const minute = 60_000

function signIn(newsroom: Newsroom, email: string, given: string, cookie = '') {
  const request = newsroom.http().post('/desk/sign-in').type('form').set('cookie', cookie)
  return request.send({ email, passphrase: given, way: 'passphrase' })
}

async function setPassphrase(newsroom: Newsroom, words = passphrase, cookie?: string): Promise<void> {
  const answer = await newsroom.act('/desk/account/passphrase', { passphrase: words, again: words }, cookie)
  assert.equal(answer.status, 303, answer.text)
}

/** Sets an authenticator app up and gives what makes its codes, with the recovery codes. */
async function enrol(newsroom: Newsroom, cookie: string) {
  const page = await newsroom.http().get('/desk/account/totp').set('cookie', cookie)
  const secret = /name="secret" value="([A-Z2-7]{32})"/.exec(page.text)?.[1] ?? ''
  assert.ok(page.text.includes('<svg'), 'there is a QR code')
  const totp = new TOTP({ secret })
  const code = () => totp.generate({ timestamp: newsroom.now() })
  const wrong = await newsroom.act('/desk/account/totp', { secret, code: '000000' }, cookie)
  assert.equal(wrong.status, 422)
  const done = await newsroom.act('/desk/account/totp', { secret, code: code() }, cookie)
  const codes = [...done.text.matchAll(/<li class="code">([\w-]+)<\/li>/g)].map((found) => found[1] as string)
  assert.equal(codes.length, 10)
  return { code, codes }
}

test('a passphrase signs in; a wrong one and an unknown address get the same answer', async (t) => {
  const newsroom = await openNewsroom(t)
  await setPassphrase(newsroom)
  const right = await signIn(newsroom, editorAddress, passphrase)
  assert.equal(right.headers.location, '/desk')
  const cookie = cookieOf(right.headers, 'barua')
  await newsroom.http().get('/desk').set('cookie', cookie).expect(200)
  const wrong = await signIn(newsroom, editorAddress, 'five words of somebody')
  const unknown = await signIn(newsroom, 'nobody@newsroom.test', passphrase)
  assert.deepEqual([wrong.status, unknown.status], [401, 401])
  assert.equal(wrong.text.replaceAll(editorAddress, ''), unknown.text.replaceAll('nobody@newsroom.test', ''))
  assert.equal(wrong.headers['set-cookie'], undefined)
})

test('a passphrase has at least 15 characters, also beside a second factor, and is none that is tried first', async (t) => {
  const newsroom = await openNewsroom(t, { NEWSROOM_NAME: 'The Lakeside Herald' })
  const cookie = await newsroom.signIn()
  const set = (words: string, again = words) =>
    newsroom.act('/desk/account/passphrase', { passphrase: words, again }, cookie)
  const isRefused = async (words: string, why: RegExp) => {
    const answer = await set(words)
    assert.equal(answer.status, 422, words)
    assert.match(answer.text, why, words)
  }
  for (const round of ['alone', 'beside a second factor']) {
    await isRefused('fourteen chars', /at least 15 characters/)
    await isRefused('8 signs!', /at least 15 characters/)
    for (const words of [
      'aaaaaaaaaaaaaaa',
      'abcabcabcabcabcab',
      '12 12 12 12 12 12 12 12',
      'passwordpassword',
    ])
      await isRefused(words, /repeats the same/)
    for (const words of [
      'Correct horse, battery staple!',
      'correcthorsebatterystaple1',
      'Th3 quick br0wn f0x',
    ])
      await isRefused(words, /list of common passphrases/)
    for (const words of [
      'qwertyuiopasdfgh',
      '1234567890123456',
      'P@ssw0rdPassw0rd!',
      'Password 2026 November',
      'The Lakeside Herald 2026',
      'editor@newsroom.test1',
      'lakesideherald lakeside',
      'poiuytrewq0987654321',
    ])
      await isRefused(words, /made of common words|repeats the same/)
    assert.equal((await set('five words of my own', 'five words of my owm')).status, 422)
    if (round === 'alone') await enrol(newsroom, cookie)
  }
  for (const words of ['hippo margin violet tractor', 'wembe kiti samaki daraja', 'vJ7#kq2!Lw9$zR4m'])
    assert.equal((await set(words)).status, 303, words)
  newsroom.passTime(minute)
  const answer = await signIn(newsroom, editorAddress, 'vJ7#kq2!Lw9$zR4m')
  assert.equal(answer.headers.location, '/desk/second-factor')
})

test('a passphrase from when eight characters were enough still opens, and its editor is asked for another', async (t) => {
  const newsroom = await openNewsroom(t)
  const cookie = await newsroom.signIn()
  await setPassphrase(newsroom, passphrase, cookie)
  await enrol(newsroom, cookie)
  const { storage, keyRing } = newsroom.application
  const { id } = (await storage.editors.byEmail(editorAddress)) ?? { id: '' }
  const hash = await storage.factors.passphrase(id)
  await keyRing.together(({ accounts }) => accounts.setPassphrase(id, `${hash} short`))
  const page = await newsroom.http().get('/desk').set('cookie', cookie)
  assert.match(page.text, /Your passphrase is too short to protect a copied disk/)
  assert.equal((await signIn(newsroom, editorAddress, passphrase)).headers.location, '/desk/second-factor')
  const refused = await newsroom.act('/desk/account/totp/remove', {}, cookie)
  assert.match(refused.text, /Set one of at least 15 characters first/)
  await setPassphrase(newsroom, 'hippo margin violet tractor', cookie)
  assert.equal((await newsroom.act('/desk/account/totp/remove', {}, cookie)).status, 303)
})

test('five tries a minute for an account, also after a restart; no stranger locks an editor out', async (t) => {
  const newsroom = await openNewsroom(t)
  await setPassphrase(newsroom)
  const known = cookieOf((await signIn(newsroom, editorAddress, passphrase)).headers, 'barua-known')
  for (let i = 0; i < 5; i++) assert.equal((await signIn(newsroom, editorAddress, `guess ${i}`)).status, 401)
  const sixth = await signIn(newsroom, editorAddress, passphrase)
  assert.deepEqual([sixth.status, sixth.headers['retry-after']], [429, '60'])
  assert.equal((await signIn(newsroom, editorAddress.toUpperCase(), passphrase)).status, 429)
  await newsroom.restart()
  assert.equal((await signIn(newsroom, editorAddress, passphrase)).status, 429)
  assert.equal(
    (await signIn(newsroom, editorAddress, passphrase, known)).status,
    303,
    'a browser that is known',
  )
  await newsroom.signIn()
  for (let i = 0; i < 6; i++) await signIn(newsroom, 'nobody@newsroom.test', 'x')
  assert.equal(
    (await signIn(newsroom, 'nobody@newsroom.test', 'x')).status,
    429,
    'as for an account that is none',
  )
  newsroom.passTime(minute + 1)
  assert.equal((await signIn(newsroom, editorAddress, passphrase)).status, 303)
})

/** A hundred requests of a stranger who is one client with the editor: by the onion address, or behind a proxy that names nobody. */
async function flood(newsroom: Newsroom): Promise<void> {
  const ask = (email: string) =>
    newsroom.http().post('/desk/sign-in').type('form').send({ email, way: 'link' })
  const statuses: number[] = []
  while (statuses.at(-1) !== 429 && statuses.length <= 100)
    statuses.push((await ask(`x${statuses.length}@elsewhere.test`)).status)
  assert.equal(statuses.at(-1), 429, 'strangers are held off')
}

test('a flood by strangers shuts the desk to strangers, and not to a browser that has signed in before', async (t) => {
  const newsroom = await openNewsroom(t, { EDITORS: `${editorAddress},${second}` })
  await setPassphrase(newsroom)
  const known = cookieOf((await signIn(newsroom, editorAddress, passphrase)).headers, 'barua-known')
  const byLink = cookieOf((await newsroom.linkSignIn(second)).headers, 'barua-known')
  await flood(newsroom)
  assert.equal((await signIn(newsroom, editorAddress, passphrase)).status, 429, 'a browser that nobody knows')
  assert.equal((await signIn(newsroom, editorAddress, passphrase, byLink)).status, 429, 'known for another')
  assert.equal(
    (await signIn(newsroom, editorAddress, passphrase, `${known}x`)).status,
    429,
    'a made-up proof',
  )
  assert.equal((await signIn(newsroom, editorAddress, passphrase, known)).status, 303)
  const asked = await newsroom
    .http()
    .post('/desk/sign-in')
    .type('form')
    .set('cookie', byLink)
    .send({ email: second, way: 'link' })
  assert.equal(asked.status, 200, 'who has signed in by a link has another one mailed')
  // Outside the limit of strangers, a browser that is known has its own.
  for (let i = 0; i < 5; i++)
    assert.equal((await signIn(newsroom, editorAddress, `guess ${i}`, known)).status, 401)
  assert.equal((await signIn(newsroom, editorAddress, passphrase, known)).status, 429)
})

test('a flood by strangers keeps nobody from the second factor who has proven the first', async (t) => {
  const newsroom = await openNewsroom(t)
  const { code } = await enrol(newsroom, await newsroom.signIn())
  newsroom.passTime(minute)
  await flood(newsroom)
  const half = await newsroom.linkSignIn()
  assert.equal(
    half.headers['set-cookie']?.toString().includes('barua-known'),
    false,
    'known once it is proven',
  )
  const waiting = cookieOf(half.headers, 'barua')
  const done = await newsroom
    .http()
    .post('/desk/second-factor')
    .type('form')
    .set('cookie', waiting)
    .send({ code: code() })
  assert.equal(done.headers.location, '/desk', done.text)
  assert.match(String(done.headers['set-cookie']), /barua-known=/)
})

test('an editor is mailed ten links an hour and thirty a day at most; each is good, and the page says the same', async (t) => {
  const newsroom = await openNewsroom(t, { TRUST_PROXY: '1' })
  await newsroom.workOff()
  newsroom.mailServer.mails.splice(0)
  let asked = 0
  const ask = async (email: string): Promise<string> => {
    const request = newsroom
      .http()
      .post('/desk/sign-in')
      .type('form')
      .set('x-forwarded-for', `198.51.100.${asked++ % 200}`)
    return (await request.send({ email, way: 'link' }).expect(200)).text
  }
  const [known, unknown] = [await ask(editorAddress), await ask('nobody@newsroom.test')]
  const perHour: number[] = []
  for (let hour = 0; hour < 4; hour++) {
    const before = newsroom.mailsTo(editorAddress).length
    for (let i = 0; i < 12; i++) {
      newsroom.passTime(5 * minute - 2000)
      assert.equal(await ask(editorAddress), known)
      assert.equal(await ask('nobody@newsroom.test'), known)
      await newsroom.pause(2000)
    }
    perHour.push(newsroom.mailsTo(editorAddress).length - before)
  }
  assert.equal(unknown, known)
  assert.ok(Math.max(...perHour) <= 11, `within hours: ${perHour}`)
  const mails = newsroom.mailsTo(editorAddress)
  assert.equal(mails.length, 30, `within hours: ${perHour}`)
  assert.equal(newsroom.mailServer.mails.length, mails.length, 'and nobody else any')
  // The first of them, hours later.
  const path = /(\/desk\/sign-in\/[\w-]+)/.exec(mails[0]?.text ?? '')?.[1] ?? ''
  await newsroom.http().post(path).expect(303)
  newsroom.passTime(24 * 60 * minute)
  await ask(editorAddress)
  await newsroom.pause(2000)
  assert.equal(newsroom.mailsTo(editorAddress).length, 31, 'the next day there are more')
})

test('asking for a link does the same in the database whoever has the address, and leaves nothing for nobody', async (t) => {
  const newsroom = await openNewsroom(t, { EDITORS: `${editorAddress},${second}` })
  await newsroom.workOff()
  const ask = (email: string) =>
    executedBy(async () => {
      await newsroom.http().post('/desk/sign-in').type('form').send({ email, way: 'link' }).expect(200)
    })
  const statements = async (email: string) => (await ask(email)).map(({ sql }) => sql)
  const forEditor = await statements(editorAddress)
  assert.ok(forEditor.some((sql) => /insert into "jobs"/.test(sql)))
  assert.deepEqual(await statements('nobody@newsroom.test'), forEditor)
  assert.deepEqual(await statements(second), forEditor)
  const { jobs } = newsroom.application.storage
  const waiting = await jobs.page({ state: 'pending', size: 100 })
  assert.equal(waiting.length, 2, 'nothing waits for nobody')
  for (const { dueAt, createdAt } of waiting)
    assert.ok(dueAt >= createdAt + 500 && dueAt <= createdAt + 2000, 'at a moment that nobody knows')
  // Who has had enough is done the same for as a stranger who asks again.
  assert.deepEqual(await statements(editorAddress), await statements('nobody@newsroom.test'))
})

test('tries at the same moment are all counted', async (t) => {
  const newsroom = await openNewsroom(t)
  const answers = await Promise.all(
    Array.from({ length: 12 }, () => signIn(newsroom, editorAddress, 'guess')),
  )
  assert.equal(answers.filter((answer) => answer.status === 401).length, 5)
})

test('with an authenticator app, neither passphrase nor mailbox alone lets anybody in', async (t) => {
  const newsroom = await openNewsroom(t)
  await setPassphrase(newsroom)
  const { code, codes } = await enrol(newsroom, await newsroom.signIn())
  newsroom.passTime(minute)
  const half = await signIn(newsroom, editorAddress, passphrase)
  assert.equal(half.headers.location, '/desk/second-factor')
  const waiting = cookieOf(half.headers, 'barua')
  await newsroom.http().get('/desk').set('cookie', waiting).expect(303).expect('location', '/desk/sign-in')
  const give = (given: string, cookie = waiting) =>
    newsroom.http().post('/desk/second-factor').type('form').set('cookie', cookie).send({ code: given })
  assert.equal((await give('123456')).status, 401)
  const right = code()
  const done = await give(right)
  assert.equal(done.headers.location, '/desk')
  const full = cookieOf(done.headers, 'barua')
  assert.notEqual(full, waiting, 'the session is another one')
  await newsroom.http().get('/desk').set('cookie', full).expect(200)
  await newsroom.http().get('/desk').set('cookie', waiting).expect(303)

  const byLink = await newsroom.linkSignIn()
  assert.equal(byLink.headers.location, '/desk/second-factor')
  const again = cookieOf(byLink.headers, 'barua')
  assert.equal((await give(right, again)).status, 401, 'a code is good once')
  assert.equal((await give(codes[0]?.toUpperCase().replace('-', ' ') ?? '', again)).status, 303)
  const third = cookieOf((await newsroom.linkSignIn()).headers, 'barua')
  assert.equal((await give(codes[0] ?? '', third)).status, 401, 'a recovery code is good once')
  newsroom.passTime(11 * minute)
  assert.equal((await give(code(), third)).headers.location, '/desk/sign-in', 'it does not wait for ever')
})

/** Gives this code to the second factor, in whichever session waits for it. */
function giveCode(newsroom: Newsroom, cookie: string, code: string) {
  return newsroom.http().post('/desk/second-factor').type('form').set('cookie', cookie).send({ code })
}

/** Has the passphrase right, and a code in this way wrong, five times a minute. */
async function guess(newsroom: Newsroom, times: number, code: string): Promise<void> {
  for (let i = 0; i < times; i++) {
    if (i % 5 === 0) newsroom.passTime(minute + 1)
    const waiting = cookieOf((await newsroom.linkSignIn()).headers, 'barua')
    assert.equal((await giveCode(newsroom, waiting, code)).status, 401)
  }
}

/** A code that is not right just now, nor in the minute before and after. */
const wrongCode = (right: string) => String((Number(right) + 1) % 1_000_000).padStart(6, '0')

test('after a hundred wrong codes none is looked at, the editor is told once, and a recovery code opens it again', async (t) => {
  const newsroom = await openNewsroom(t)
  const { code, codes } = await enrol(newsroom, await newsroom.signIn())
  await newsroom.workOff()
  const told = () => newsroom.mailsTo(editorAddress).filter(({ subject }) => /guessing/.test(subject ?? ''))
  await guess(newsroom, 99, wrongCode(code()))
  await newsroom.restart()
  await newsroom.workOff()
  assert.equal(told().length, 0)
  newsroom.passTime(minute + 1)
  const begin = async () => cookieOf((await newsroom.linkSignIn()).headers, 'barua')
  // What is no code of the app is no guess at one.
  assert.equal((await giveCode(newsroom, await begin(), '12345')).status, 401)
  assert.equal((await giveCode(newsroom, await begin(), 'aaaaa-aaaaa')).status, 401)
  await guess(newsroom, 1, wrongCode(code()))
  const closed = await giveCode(newsroom, await begin(), code())
  assert.equal(closed.status, 401, 'the right one neither')
  assert.match(closed.text, /not accepted at the moment/)
  await newsroom.workOff()
  assert.equal(told().length, 1)
  assert.match(told()[0]?.text ?? '', /recovery code or a passkey[\s\S]*ask an admin/)
  await guess(newsroom, 10, wrongCode(code()))
  await newsroom.workOff()
  assert.equal(told().length, 1, 'once')
  const [entry] = await newsroom.application.storage.audit.page(1)
  assert.deepEqual([entry?.action, entry?.detail?.endsWith(' 100')], ['codes-guessed', true])
  newsroom.passTime(minute + 1)
  assert.equal((await giveCode(newsroom, await begin(), codes[0] ?? '')).headers.location, '/desk')
  assert.equal(
    (await giveCode(newsroom, await begin(), code())).headers.location,
    '/desk',
    'it is open again',
  )
  await guess(newsroom, 9, wrongCode(code()))
  newsroom.passTime(minute + 1)
  assert.equal((await giveCode(newsroom, await begin(), code())).headers.location, '/desk', 'counted anew')
  await newsroom.workOff()
  assert.equal(told().length, 1, 'so many one may mistype')
  // Whoever stops in time is told of when the editor comes in.
  await guess(newsroom, 10, wrongCode(code()))
  newsroom.passTime(minute + 1)
  assert.equal((await giveCode(newsroom, await begin(), code())).headers.location, '/desk')
  await newsroom.workOff()
  assert.equal(told().length, 2)
  assert.match(told()[1]?.text ?? '', /entered 10 wrong codes[\s\S]*None of them was right/)
})

test('guesses at the same moment are all counted, and whoever has not proven the first factor makes none', async (t) => {
  const newsroom = await openNewsroom(t)
  const { code } = await enrol(newsroom, await newsroom.signIn())
  const { editors, factors } = newsroom.application.storage
  const id = (await editors.byEmail(editorAddress))?.id ?? ''
  const wrong = wrongCode(code())
  for (const cookie of ['', 'barua=made-up']) await giveCode(newsroom, cookie, wrong)
  assert.equal(await factors.wrongCodes(id), 0)
  newsroom.passTime(minute + 1)
  const waiting = await Promise.all(
    Array.from({ length: 5 }, async () => cookieOf((await newsroom.linkSignIn()).headers, 'barua')),
  )
  await Promise.all(waiting.map((cookie) => giveCode(newsroom, cookie, wrong)))
  assert.equal(await factors.wrongCodes(id), 5)
  const counted = await Promise.all(Array.from({ length: 120 }, () => factors.countCode(id, 100)))
  assert.equal(counted.filter((count) => count !== undefined).length, 95)
  assert.equal(counted.filter((count) => count === 100).length, 1)
})

test('the secret of the app is not in the database as it is', async (t) => {
  const newsroom = await openNewsroom(t)
  const cookie = await newsroom.signIn()
  const page = await newsroom.http().get('/desk/account/totp').set('cookie', cookie)
  const secret = /name="secret" value="([A-Z2-7]{32})"/.exec(page.text)?.[1] ?? ''
  const code = new TOTP({ secret }).generate({ timestamp: newsroom.now() })
  await newsroom.act('/desk/account/totp', { secret, code }, cookie)
  const editor = await newsroom.application.storage.editors.byEmail(editorAddress)
  const kept = await newsroom.application.storage.factors.totp(editor?.id ?? '')
  assert.ok(kept && !kept.includes(secret) && !Buffer.from(kept, 'base64url').includes(secret))
})

test('sessions end by sign-out, by removal, by a new passphrase, and when one ends one’s others', async (t) => {
  const newsroom = await openNewsroom(t, { EDITORS: `${editorAddress},${second}` })
  const isIn = async (cookie: string) =>
    (await newsroom.http().get('/desk').set('cookie', cookie)).status === 200
  const [a, b, c] = [
    await newsroom.signIn(second),
    await newsroom.signIn(second),
    await newsroom.signIn(second),
  ]
  const page = await newsroom.http().get('/desk/account').set('cookie', a)
  assert.equal(page.text.match(/last used/g)?.length, 3)
  await newsroom.act('/desk/account/sessions', {}, a)
  assert.deepEqual([await isIn(a), await isIn(b), await isIn(c)], [true, false, false])
  const d = await newsroom.signIn(second)
  await setPassphrase(newsroom, passphrase, a)
  assert.deepEqual([await isIn(a), await isIn(d)], [true, false])
  await newsroom.act('/desk/team/remove', { email: second })
  assert.equal(await isIn(a), false)
  assert.equal((await signIn(newsroom, second, passphrase)).status, 401)
})

test('an admin invites, changes roles, resets and removes; an editor does none of it', async (t) => {
  const newsroom = await openNewsroom(t)
  const invited = await newsroom.act('/desk/team', { email: ' New@Newsroom.test', role: 'editor' })
  assert.equal(invited.status, 303)
  await newsroom.workOff()
  const mail = newsroom.mailsTo('new@newsroom.test')[0]
  const link = /(\/desk\/sign-in\/[\w-]+)/.exec(mail?.text ?? '')?.[1] ?? ''
  const cookie = cookieOf((await newsroom.http().post(link).expect(303)).headers, 'barua')
  for (const path of ['/desk/team', '/desk/settings'])
    await newsroom.http().get(path).set('cookie', cookie).expect(403)
  const role = { email: 'new@newsroom.test', role: 'admin' }
  assert.equal((await newsroom.act('/desk/team/role', role, cookie)).status, 403)
  assert.equal((await newsroom.act('/desk/team/role', role)).status, 303)
  await newsroom.http().get('/desk/team').set('cookie', cookie).expect(200)
  assert.equal((await newsroom.act('/desk/team/reset', { email: 'new@newsroom.test' })).status, 303)
  await newsroom.http().get('/desk').set('cookie', cookie).expect(303)
  assert.equal((await newsroom.act('/desk/team/remove', { email: 'new@newsroom.test' })).status, 303)
  for (const action of ['remove', 'role']) {
    const last = await newsroom.act(`/desk/team/${action}`, { email: editorAddress, role: 'editor' })
    assert.equal(last.status, 409, 'the last admin stays')
  }
  assert.equal((await newsroom.act('/desk/team', { email: 'no address' })).status, 422)
})

test('what a removed editor had claimed is free again', async (t) => {
  const newsroom = await openNewsroom(t, { EDITORS: `${editorAddress},${second}` })
  const { reference } = await newsroom.submit('news-tip')
  await newsroom.act(`/desk/submissions/${reference}/claim`, {}, await newsroom.signIn(second))
  await newsroom.act('/desk/team/remove', { email: second })
  assert.equal((await newsroom.submission(reference)).assigneeId, null)
  const page = await newsroom.deskPage(`/desk/submissions/${reference}`)
  assert.ok(page.includes('<strong>second</strong>'), 'the history still knows who it was')
})

test('over https the cookie is bound to the host', async (t) => {
  const newsroom = await openNewsroom(t, { PUBLIC_URL: 'https://news.test' })
  const answer = await newsroom.linkSignIn()
  const [cookie = ''] = [answer.headers['set-cookie']].flat()
  assert.match(cookie, /^__Host-barua=[\w-]{27}; .*Path=\/;.* HttpOnly; Secure; SameSite=Lax$/)
})

test('two admins who demote each other at the same moment leave one', async (t) => {
  const newsroom = await openNewsroom(t)
  const { editors } = newsroom.application.storage
  const first = await editors.byEmail(editorAddress)
  const other = await editors.add(second, 'admin', newsroom.now())
  const demoted = await Promise.allSettled(
    [first?.id ?? '', other.id].map((id) => editors.setRole(id, 'editor')),
  )
  assert.deepEqual(demoted.map((one) => one.status).sort(), ['fulfilled', 'rejected'])
})

test('odd input at the desk is refused, not failed on', async (t) => {
  const newsroom = await openNewsroom(t)
  const { reference } = await newsroom.submit('news-tip')
  const cookie = await newsroom.signIn()
  const get = async (path: string) => (await newsroom.http().get(path).set('cookie', cookie)).status
  for (const path of ['/desk/submissions/%00', '/desk/attachments/%00/words', '/desk/events?submission=%00'])
    assert.equal(await get(path), 404, path)
  for (const q of ['½', 'ŀ', '⁄', '(', '[a-', '\\', '^$', '{2}', '|']) {
    assert.equal(await get(`/desk?view=all&q=${encodeURIComponent(q)}`), 200, q)
  }
  const odd = `barua-known=x.${'%C3%A9'.repeat(43)}`
  assert.equal((await signIn(newsroom, 'a\0@b', 'words', odd)).status, 401)
  const stale = { state: 'constructor', decision: 'constructor', editor: 'constructor', revision: '99' }
  assert.equal((await newsroom.act(`/desk/submissions/${reference}/move`, stale, cookie)).status, 409)
  const hours = { hours: '24', revision: '99999999999' }
  assert.equal((await newsroom.act('/desk/settings/escalation', hours, cookie)).status, 422)
})

test('words that were typed are not lost with the session', async (t) => {
  const newsroom = await openNewsroom(t)
  const { reference } = await newsroom.submit('news-tip')
  const cookie = await newsroom.signIn()
  newsroom.passTime(31 * minute)
  const answer = await newsroom.act(
    `/desk/submissions/${reference}/answer`,
    { body: 'Long & careful words' },
    cookie,
  )
  assert.equal(answer.status, 401)
  assert.ok(answer.text.includes('Long &amp; careful words</textarea>'))
})
