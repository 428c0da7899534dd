import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ConfigError, readConfig } from '../../src/config.ts'
import { cookieOf, editorAddress, type Newsroom, openNewsroom } from '../support/newsroom.ts'
import { storyAngle, tip } from '../support/submissions.ts'

/** The Tor Project's own, which has a right checksum. */
const onion = '2gzyxa5ihm7nsggfxnu52rck2vv4rvmdlkiu3zzui5du4xyclen53wid.onion'
const addresses = { PUBLIC_URL: 'https://news.test/tips', ONION_URL: `http://${onion}` }

/** Sends a form as Tor Browser does, without scripts, and follows to the receipt. */
async function send(newsroom: Newsroom, host: string, kind = 'news-tip', fields: object = tip()) {
  const nonce = await newsroom.nonce(`/tips/submit/${kind}`)
  const sent = await newsroom
    .http()
    .post(`/tips/submit/${kind}`)
    .set('host', host)
    .set('origin', 'null')
    .type('form')
    .send({ ...fields, nonce })
  assert.equal(sent.status, 303, sent.text)
  assert.equal(sent.headers.location, '/tips/receipt')
  const cookie = cookieOf(sent.headers, 'barua-receipt')
  const page = await newsroom.http().get('/tips/receipt').set('host', host).set('cookie', cookie)
  return { cookies: String(sent.headers['set-cookie']), page: page.text }
}

test('an onion address is taken only if it can be one, with the path of PUBLIC_URL or none', () => {
  const read = (url: string) => readConfig({ ...addresses, ONION_URL: url }).ONION_URL?.href
  assert.equal(read(`http://${onion}`), `http://${onion}/tips`)
  assert.equal(read(`http://${onion}/tips/`), `http://${onion}/tips`)
  assert.equal(readConfig({ ONION_URL: `http://${onion}` }).ONION_URL?.href, `http://${onion}/`)
  for (const wrong of [
    `https://${onion}`,
    `http://${onion}/other`,
    `http://${onion.replace('2', '3')}`,
    `http://${onion.slice(1)}`,
    'http://facebookcorewwwi.onion',
    'http://news.test',
    `http://sub.${onion}`,
    'not an address',
  ])
    assert.throws(() => read(wrong), ConfigError, wrong)
})

test('pages over https name themselves at the onion address, but not the receipt, nor the desk', async (t) => {
  const newsroom = await openNewsroom(t, addresses)
  const located = async (path: string, host = 'news.test') =>
    (await newsroom.http().get(path).set('host', host)).headers['onion-location']
  for (const path of ['/tips/', '/tips/submit/expose?from=a&to=b', '/tips/status'])
    assert.equal(await located(path), `http://${onion}${path}`)
  for (const path of ['/tips/receipt', '/tips/desk/sign-in', '/tips/api/v1', '/tips/healthz', '/'])
    assert.equal(await located(path), undefined, path)
  assert.equal(await located('/tips/', onion), undefined)
  const answered = await newsroom.http().post('/tips/status').type('form').send({ receipt: 'x' })
  assert.equal(answered.headers['onion-location'], undefined)
  const plain = await openNewsroom(t, { ONION_URL: addresses.ONION_URL })
  assert.equal((await plain.http().get('/')).headers['onion-location'], undefined)
})

test('by the onion address a tip is sent, its receipt shown and its answer read; nothing leads elsewhere', async (t) => {
  const newsroom = await openNewsroom(t, addresses)
  const { cookies, page } = await send(newsroom, onion)
  assert.doesNotMatch(cookies, /Secure/)
  assert.ok(page.includes(`http://${onion}/tips/status`) && !page.includes('https://'), page)
  const receipt = /id="receipt">([\w-]+)</.exec(page)?.[1] ?? ''
  const nonce = await newsroom.nonce('/tips/status')
  const read = await newsroom
    .http()
    .post('/tips/status')
    .set('host', onion)
    .set('origin', 'null')
    .type('form')
    .send({ receipt, nonce, message: 'They come on Sundays too.' })
  assert.match(read.text, /They come on Sundays too/)
  for (const path of ['/tips/', '/tips/submit/expose', '/tips/status', '/tips/nothing', '/tips/receipt']) {
    const { headers, text } = await newsroom.http().get(path).set('host', onion)
    assert.equal(headers['strict-transport-security'], undefined, path)
    assert.match(headers['content-security-policy'] ?? '', /^default-src 'none';/)
    assert.ok(!text.includes('https:'), path)
  }
  const json = await newsroom
    .http()
    .post('/tips/submit/news-tip')
    .set({ host: onion, accept: 'application/json' })
    .type('form')
    .send(tip())
  assert.equal(json.body.statusUrl, `http://${onion}/tips/status`)
  const other = await newsroom
    .http()
    .post('/tips/status')
    .set('host', onion)
    .set('origin', 'https://evil.test')
  assert.equal(other.status, 403)
})

test('by the public address cookies stay with https, and the receipt names both ways back', async (t) => {
  const newsroom = await openNewsroom(t, addresses)
  const { cookies, page } = await send(newsroom, 'news.test')
  assert.match(cookies, /Secure/)
  assert.ok(page.includes('https://news.test/tips/status') && page.includes(`http://${onion}/tips/status`))
  // Whoever names a host that is none of ours is given no weaker cookie.
  assert.match((await send(newsroom, 'elsewhere.onion')).cookies, /Secure/)
})

test('the receipt of what is confidential says what to do and what not; that of other pieces stays short', async (t) => {
  const newsroom = await openNewsroom(t, addresses)
  const encrypted = await send(newsroom, onion, 'expose')
  for (const words of ['on paper', 'once a week', 'from work', 'search the web', 'close the browser'])
    assert.ok(encrypted.page.includes(words), words)
  const marked = await send(newsroom, onion, 'story-angle', { ...storyAngle(), confidential: 'yes' })
  assert.match(marked.page, /What not to do/)
  const clear = await send(newsroom, onion, 'story-angle', storyAngle())
  assert.doesNotMatch(clear.page, /What not to do/)
})

test('the desk works by the onion address, with a session of its own and without passkeys', async (t) => {
  const newsroom = await openNewsroom(t, addresses)
  const passphrase = 'five words of my own'
  const setUp = new URL(newsroom.application.setUpLinks[0]?.link ?? '').pathname
  await newsroom.http().post(setUp).type('form').send({ passphrase, again: passphrase }).expect(303)
  const fields = { email: editorAddress, passphrase, way: 'passphrase' }
  const begin = (host: string) => newsroom.http().post('/tips/desk/sign-in').set('host', host).type('form')
  const begun = await begin(onion).send(fields).expect(303)
  assert.equal(begun.headers.location, '/tips/desk')
  assert.doesNotMatch(String(begun.headers['set-cookie']), /Secure|__Host/)
  const cookie = cookieOf(begun.headers, 'barua')
  const page = (path: string) => newsroom.http().get(path).set('host', onion).set('cookie', cookie)
  await page('/tips/desk').expect(200)
  await page('/tips/desk/account/passkeys').expect(403)
  const public_ = await begin('news.test').send(fields).expect(303)
  assert.match(cookieOf(public_.headers, '__Secure-barua'), /^__Secure-barua=/)
  // A cookie without the guard of https is none of the public address's.
  await newsroom.http().get('/tips/desk').set('host', 'news.test').set('cookie', cookie).expect(303)
})

test('all who come by the onion address share a limit of their own, whatever they say of themselves', async (t) => {
  const limits = { SUBMIT_LIMIT: '1', STATUS_LIMIT: '1', ONION_SUBMIT_LIMIT: '2', TRUST_PROXY: 'true' }
  const newsroom = await openNewsroom(t, { ...addresses, ...limits })
  const post = (host: string, forwarded: string) =>
    newsroom
      .http()
      .post('/tips/submit/news-tip')
      .set({ host, accept: 'application/json', 'x-forwarded-for': forwarded })
      .type('form')
      .send(tip())
  const statuses = []
  for (const client of ['198.51.100.1', '198.51.100.2', '198.51.100.3'])
    statuses.push((await post(onion, client)).status)
  assert.deepEqual(statuses, [201, 201, 429])
  assert.equal((await post('news.test', '198.51.100.4')).status, 201)
  assert.equal((await post('news.test', '198.51.100.4')).status, 429)
  const attempts = (host: string) =>
    newsroom.http().post('/tips/status').set('host', host).type('form').send({ receipt: 'x' })
  for (let i = 0; i < 4; i++) assert.equal((await attempts(onion)).status, 404)
  await attempts('news.test')
  assert.equal((await attempts('news.test')).status, 429)
})

test('Telegram says that it knows who writes, and names the form, before a tip is told and when it was', async (t) => {
  const newsroom = await openNewsroom(t, { ...addresses, PUBLIC_URL: 'https://news.test' })
  const form = ['https://news.test/', `http://${onion}/`]
  const chat = newsroom.chat()
  for (const command of ['/start', '/help', '/tip', '/expose']) {
    await chat.say(command)
    assert.match(chat.last(), /Telegram knows/, command)
    for (const address of form) assert.ok(chat.last().includes(address), command)
  }
  // Who just begins to write is told before anything is sent.
  const other = newsroom.chat(7002)
  await other.say('The bridge at the mill is closed.')
  assert.match(other.last(), /Not sent yet: 1 message[\s\S]+stop here and use the form/)
  assert.ok(form.every((address) => other.last().includes(address)))
  await other.press('Send')
  await newsroom.workOff()
  assert.match(other.last(), /note the receipt on paper, then delete this chat/)
  const third = newsroom.chat(7003)
  await third.say('/story')
  await third.say('The last typewriter mender.')
  assert.doesNotMatch(third.last(), /stop here/)
  for (const [id, code, before, after] of [
    [7004, 'fr', /Telegram sait que c’est vous/, /notez le reçu sur papier/],
    [7005, 'sw', /Telegram inajua kwamba ni wewe/, /andika stakabadhi kwenye karatasi/],
  ] as const) {
    const from = { id, is_bot: false, first_name: 'A', language_code: code }
    const speaker = newsroom.chat(id)
    await speaker.say({ text: 'Tip', from })
    assert.match(speaker.last(), before)
    await speaker.press(code === 'fr' ? 'Envoyer' : 'Tuma')
    await newsroom.workOff()
    assert.match(speaker.last(), after)
  }
})

test('the answer to a confidential mail says that mail knows who wrote, and names the onion address', async (t) => {
  const inboundMail = {
    EMAIL_LISTEN: 'smtp://127.0.0.1:2525',
    EMAIL_ADDRESSES: 'tips@newsroom.test=news-tip,opinion@newsroom.test=story-angle',
  }
  const newsroom = await openNewsroom(t, { ...addresses, ...inboundMail })
  const answerTo = async (to: string, from: string) => {
    await newsroom.receiveMail({ from, to, subject: 'A bridge', text: 'The bridge is closed.' }, { from })
    await newsroom.workOff()
    return newsroom.mailsTo(from)[0]?.text?.replaceAll(/\s+/g, ' ') ?? ''
  }
  const encrypted = await answerTo('tips@newsroom.test', 'jane@example.org')
  assert.match(encrypted, /Your mail provider, and ours, know that you wrote to us/)
  assert.ok(encrypted.includes(`http://${onion}/tips/status`))
  assert.doesNotMatch(await answerTo('opinion@newsroom.test', 'juma@example.org'), /mail provider/)
  const front = await newsroom.http().get('/tips/')
  assert.match(front.text, /Your mail provider knows that you wrote to us/)
  assert.ok(front.text.includes(`http://${onion}/tips/`))
})
