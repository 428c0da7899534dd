import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { test } from 'node:test'
import { kinds } from '../../src/db/values.ts'
import { kindNames } from '../../src/submissions/model.ts'
import { cookieOf, openNewsroom } from '../support/newsroom.ts'
import { guestPost, png, tip } from '../support/submissions.ts'

test('the front page leads to a form for each kind', async (t) => {
  const newsroom = await openNewsroom(t)
  const { text } = await newsroom.http().get('/').expect(200)
  for (const kind of kinds) {
    assert.ok(text.includes(`href="/submit/${kind}"`), kind)
    const form = await newsroom.http().get(`/submit/${kind}`).expect(200)
    assert.ok(form.text.includes(`<h1>${kindNames[kind]}</h1>`))
    assert.ok(!form.text.includes('<script'))
  }
  await newsroom.http().get('/submit/poem').expect(404)
})

test('a person sends a guest post with a picture and is shown the receipt once', async (t) => {
  const newsroom = await openNewsroom(t)
  const nonce = await newsroom.nonce('/submit/guest-post')
  const request = newsroom
    .http()
    .post('/submit/guest-post')
    .set('accept', 'text/html')
    .set('sec-fetch-site', 'same-origin')
  for (const [name, value] of Object.entries({ ...guestPost(), nonce })) request.field(name, value)
  const sent = await request
    .attach('files', png(), 'the bank.png')
    .field('caption', 'The bank in May')
    .field('credit', 'A. Mwangi')
    .expect(303)
    .expect('location', '/receipt')
  const cookie = cookieOf(sent.headers, 'barua-receipt')

  const shown = await newsroom
    .http()
    .get('/receipt')
    .set('cookie', cookie)
    .expect(200)
    .expect('cache-control', 'no-store')
  const receipt = /id="receipt">([\dA-Z-]{29})</.exec(shown.text)?.[1]
  assert.ok(receipt)
  assert.match(String(shown.headers['set-cookie']), /barua-receipt=;/)
  const again = await newsroom.http().get('/receipt').expect(200)
  assert.ok(!again.text.includes(receipt))

  const { state, kind, messages } = await newsroom.status(receipt)
  assert.deepEqual({ state, kind }, { state: 'waiting', kind: 'guest-post' })
  assert.equal(messages[0].title, guestPost().title)
  assert.deepEqual(messages[0].files, [
    { name: 'the bank.png', state: 'kept', size: png().length, type: 'image/png' },
  ])
  const [stored] = await newsroom.storedFiles()
  assert.deepEqual(await readFile(stored as string), png())
})

test('a JSON caller gets reference, receipt and where to ask', async (t) => {
  const newsroom = await openNewsroom(t, { PUBLIC_URL: 'https://news.test/tips' })
  const response = await newsroom
    .http()
    .post('/tips/submit/news-tip')
    .set('accept', 'application/json')
    .type('form')
    .send({ body: 'Just these few words, and no name at all.' })
    .expect(201)
  assert.deepEqual(Object.keys(response.body), ['reference', 'receipt', 'statusUrl'])
  assert.match(response.body.reference, /^[\dA-Z]{4}-[\dA-Z]{4}$/)
  assert.match(response.body.receipt, /^([\dA-Z]{4}-){5}[\dA-Z]{4}$/)
  assert.equal(response.body.statusUrl, 'https://news.test/tips/status')
  await newsroom.http().get('/submit/news-tip').expect(404)
  await newsroom.http().get('/tips/submit/news-tip').expect(200)
})

test('on a fault every typed value is still there and each fault stands beside its field', async (t) => {
  const newsroom = await openNewsroom(t)
  const typed = {
    ...guestPost(),
    title: '"<',
    email: 'not an address',
    byline: '',
    links: 'no link\nhttps://example.org',
  }
  const request = newsroom.http().post('/submit/guest-post').set('accept', 'text/html')
  for (const [name, value] of Object.entries(typed)) request.field(name, value)
  const { text } = await request.attach('files', png(), 'a.png').field('caption', 'Kept caption').expect(422)
  assert.ok(text.includes('value="&quot;&lt;"'))
  assert.ok(text.includes('value="not an address"'))
  assert.ok(text.includes('no link\nhttps://example.org</textarea>'))
  assert.ok(text.includes(`${typed.body}</textarea>`))
  assert.ok(text.includes('value="Kept caption"'))
  assert.match(text, /<input type="checkbox"[^>]* checked/)
  for (const name of ['title', 'email', 'byline', 'links']) {
    assert.match(text, new RegExp(`id="${name}-fault">[^<]+<`), name)
    assert.match(text, new RegExp(`id="${name}"[^>]*aria-describedby="[^"]*${name}-fault"`), name)
  }
  assert.ok(text.includes('Please choose your files again'))
  assert.equal(await newsroom.submissionCount(), 0)
  assert.deepEqual(await newsroom.storedFiles(), [])
})

test('each kind asks for its own fields', async (t) => {
  const newsroom = await openNewsroom(t)
  const { body: guest } = await newsroom.post('guest-post', {}).field('nothing', 'x').expect(422)
  assert.deepEqual(Object.keys(guest.error.fields).sort(), ['body', 'byline', 'consent', 'email', 'title'])
  const { body: story } = await newsroom.post('story-angle', {}).field('nothing', 'x').expect(422)
  assert.deepEqual(Object.keys(story.error.fields).sort(), ['body', 'title'])
  const { body: news } = await newsroom.post('news-tip', {}).field('nothing', 'x').expect(422)
  assert.deepEqual(Object.keys(news.error.fields), ['body'])
  for (const kind of kinds) await newsroom.submit(kind)
  assert.equal(await newsroom.submissionCount(), kinds.length)
})

test('the limits of the contract hold to the character', async (t) => {
  const newsroom = await openNewsroom(t)
  const errorsOf = async (fields: object) => {
    const { body } = await newsroom.post('guest-post', { ...guestPost(), ...fields })
    return Object.keys(body.error?.fields ?? {})
  }
  assert.deepEqual(await errorsOf({ title: 'ab' }), ['title'])
  assert.deepEqual(await errorsOf({ title: 'x'.repeat(150) }), [])
  assert.deepEqual(await errorsOf({ title: 'x'.repeat(151) }), ['title'])
  assert.deepEqual(await errorsOf({ body: 'x'.repeat(19) }), ['body'])
  assert.deepEqual(await errorsOf({ body: 'x'.repeat(100_000) }), [])
  assert.deepEqual(await errorsOf({ body: 'x'.repeat(100_001) }), ['body'])
  assert.deepEqual(await errorsOf({ standfirst: 'x'.repeat(301), bio: 'x'.repeat(601) }), [
    'standfirst',
    'bio',
  ])
  assert.deepEqual(await errorsOf({ consent: 'no' }), ['consent'])
})

test('what a source writes in a tip reaches the desk whole', async (t) => {
  const newsroom = await openNewsroom(t)
  const { reference } = await newsroom.submit('expose', tip(), [
    { name: 'numbers.csv', content: 'day,plate\nFri,KXX 1\n' },
  ])
  const page = await newsroom.deskPage(`/desk/submissions/${reference}`)
  for (const value of Object.values(tip())) assert.ok(page.includes(value), value)
  assert.ok(page.includes('numbers.csv'))
})

test('a form whose type nobody can read is refused as that, and not as a fault of ours', async (t) => {
  const newsroom = await openNewsroom(t)
  const types = [
    '',
    '; boundary=',
    '; boundary=""',
    ';boundary',
    '; boundary=a b',
    '; charset=x',
    '; boundary=\u00e9',
  ]
  for (const path of ['/submit/news-tip', '/status'])
    for (const type of types) {
      const request = newsroom.http().post(path).set('content-type', `multipart/form-data${type}`)
      const { status } = await request.send('--b\r\n\r\nx\r\n--b--\r\n')
      assert.equal(status, 422, `${path} ${type}`)
    }
})

/** A form as somebody may write it by hand: one file, with this head. */
function byHand(disposition: string, content: string): { type: string; body: string } {
  const parts = Object.entries(tip()).map(
    ([name, value]) => `--b\r\nContent-Disposition: form-data; name="${name}"\r\n\r\n${value}\r\n`,
  )
  const file = `--b\r\nContent-Disposition: form-data; name="files"; ${disposition}\r\nContent-Type: text/plain\r\n\r\n${content}\r\n`
  return { type: 'multipart/form-data; boundary=b', body: `${parts.join('')}${file}--b--\r\n` }
}

test('a file of whatever name is kept under a harmless one, or refused with a word; none is dropped in silence', async (t) => {
  const newsroom = await openNewsroom(t)
  const post = ({ type, body }: { type: string; body: string }) =>
    newsroom
      .http()
      .post('/submit/news-tip')
      .set('accept', 'application/json')
      .set('content-type', type)
      .send(body)
  const names = [
    '..',
    '.',
    '...',
    '/',
    '//',
    '\\\\',
    '../..',
    './',
    'a/',
    '%2e%2e',
    '\u0001',
    '\u202e',
    ' ',
    '\u200b',
  ]
  for (const name of names) {
    const { status, body } = await post(byHand(`filename="${name}"`, 'Two trucks'))
    if (status === 422) {
      assert.ok(
        body.error.fields?.files || /could not be read/.test(body.error.message),
        JSON.stringify(name),
      )
      continue
    }
    assert.equal(status, 201, `${JSON.stringify(name)} ${JSON.stringify(body)}`)
    const { messages } = await newsroom.status(body.receipt)
    assert.equal(messages[0].files.length, 1, JSON.stringify(name))
    assert.match(messages[0].files[0].name, /^[\w%.]+$/)
    assert.doesNotMatch(messages[0].files[0].name, /^\.|[/\\]/)
  }
  const nameless = await post(byHand('filename=""', 'Two trucks'))
  assert.equal(nameless.status, 422)
  assert.match(nameless.body.error.fields.files[0], /without a name/)
  // What a browser sends where no file was chosen.
  assert.equal((await post(byHand('filename=""', ''))).status, 201)
})
