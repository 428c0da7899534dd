import assert from 'node:assert/strict'
import { rm } from 'node:fs/promises'
import { test } from 'node:test'
import { removeEditor } from '../support/accounts.ts'
import { cookieOf, editorAddress, openNewsroom } from '../support/newsroom.ts'
import { guestPost, png, storyAngle, tip } from '../support/submissions.ts'

test('an editor signs in by the mailed link, once, and comes to the page that was asked for', async (t) => {
  const newsroom = await openNewsroom(t)
  const { reference } = await newsroom.submit('news-tip', tip())
  await newsroom.workOff()
  const link = /http:\/\/localhost:3000(\/desk\/sign-in\/[\w-]+)/.exec(
    newsroom.mailsTo(editorAddress)[0]?.text ?? '',
  )?.[1]
  assert.ok(link)
  const asked = await newsroom
    .http()
    .get(`/desk/submissions/${reference}`)
    .expect(303)
    .expect('location', '/desk/sign-in')
  const wanted = cookieOf(asked.headers, 'barua-wanted')

  // A scanner that follows the link does not use it up.
  await newsroom.http().get(link).expect(200)
  const signedIn = await newsroom.http().post(link).set('cookie', wanted).expect(303)
  assert.equal(signedIn.headers.location, `/desk/submissions/${reference}`)
  await newsroom.http().post(link).expect(404)
  await newsroom.http().get(link).expect(404)
  const cookie = cookieOf(signedIn.headers, 'barua')
  const { text } = await newsroom
    .http()
    .get(`/desk/submissions/${reference}`)
    .set('cookie', cookie)
    .expect(200)
  assert.ok(text.includes(tip().body))
})

test('two uses of one link at the same moment give one session', async (t) => {
  const newsroom = await openNewsroom(t)
  const editor = await newsroom.application.storage.editors.byEmail(editorAddress)
  const link = new URL(await newsroom.application.signInLink(editor?.id ?? ''))
  const answers = await Promise.all([1, 2, 3].map(() => newsroom.http().post(link.pathname)))
  assert.deepEqual(answers.map((answer) => answer.status).sort(), [303, 404, 404])
})

test('a link can be asked for, and the answer does not tell who is an editor', async (t) => {
  const newsroom = await openNewsroom(t)
  await newsroom.workOff()
  const ask = (email: string) =>
    newsroom.http().post('/desk/sign-in').type('form').send({ email }).expect(200)
  const [known, unknown] = [await ask(editorAddress.toUpperCase()), await ask('stranger@elsewhere.test')]
  assert.equal(known.text, unknown.text)
  await newsroom.workOff()
  assert.equal(newsroom.mailsTo(editorAddress).length, 2)
  assert.equal(newsroom.mailsTo('stranger@elsewhere.test').length, 0)
  // Whoever asks again and again fills no mailbox, and keeps no editor out: the last link is good for a day.
  for (let i = 0; i < 12; i++) await ask(editorAddress)
  await newsroom.workOff()
  assert.equal(newsroom.mailsTo(editorAddress).length, 2)
  newsroom.passTime(3 * 60_000)
  await ask(editorAddress)
  await newsroom.workOff()
  assert.equal(newsroom.mailsTo(editorAddress).length, 3)
})

test('nothing of the desk is shown to who is not signed in, or no longer', async (t) => {
  const newsroom = await openNewsroom(t)
  const { reference } = await newsroom.submit('news-tip', tip(), [{ name: 'a.png', content: png() }])
  const cookie = await newsroom.signIn()
  const page = await newsroom.http().get(`/desk/submissions/${reference}`).set('cookie', cookie)
  const file = /href="(\/desk\/attachments\/[\w-]+)"/.exec(page.text)?.[1] as string
  const paths = ['/desk', `/desk/submissions/${reference}`, file, '/desk/unread', '/metrics']
  for (const path of paths) {
    await newsroom.http().get(path).set('cookie', cookie).expect(200).expect('cache-control', 'no-store')
    const rejection = path === '/metrics' ? 401 : 303
    await newsroom.http().get(path).expect(rejection)
    await newsroom.http().get(path).set('cookie', 'barua=made-up').expect(rejection)
  }
  await newsroom
    .http()
    .post('/desk/sign-out')
    .set('cookie', cookie)
    .set('sec-fetch-site', 'same-origin')
    .expect(303)
  for (const path of paths.slice(0, -1)) await newsroom.http().get(path).set('cookie', cookie).expect(303)

  const idle = await newsroom.signIn()
  newsroom.passTime(31 * 60_000)
  await newsroom.http().get('/desk').set('cookie', idle).expect(303)

  const busy = await newsroom.signIn()
  for (let passed = 0; passed < 12 * 60; passed += 20) {
    await newsroom.http().get('/desk').set('cookie', busy).expect(200)
    newsroom.passTime(20 * 60_000)
  }
  await newsroom.http().get('/desk').set('cookie', busy).expect(303)

  const removed = await newsroom.signIn()
  await removeEditor(newsroom.application.storage, editorAddress)
  await newsroom.http().get('/desk').set('cookie', removed).expect(303)
})

test('what people type is read as they typed it: at the desk, in a notice, and by the sender', async (t) => {
  const newsroom = await openNewsroom(t)
  const lines = [
    'This is how many there were, and where it stands.',
    '# of dead: 5',
    '\tA tab stands before this.',
    '    Four blanks stand before this.',
    '[1]: https://example.org/register "The register"',
    '1986. A great year, 2 * 3 * 4, snake_case_name, \\backslash, <b>tag</b>',
    '| Ward | Votes |',
    '> 5 dead',
  ]
  const body = lines.join('\n\n')
  for (const [kind, fields] of [
    ['guest-post', guestPost()],
    ['story-angle', storyAngle()],
  ] as const) {
    const { reference, receipt } = await newsroom.submit(kind, { ...fields, body })
    await newsroom.workOff()
    const page = await newsroom.deskPage(`/desk/submissions/${reference}`)
    const notice = newsroom.mailsTo(editorAddress).find(({ text }) => text?.includes(reference))
    assert.equal((await newsroom.status(receipt)).messages[0].body, body)
    for (const line of lines) {
      assert.ok(page.includes(escaped(line)), `${line} at the desk`)
      assert.ok(notice?.text?.includes(line), `${line} in the notice`)
    }
    assert.doesNotMatch(page, /<pre|<ol[^>]* start|<h2[^>]*>(?:# )?of dead/)
  }
})

function escaped(text: string): string {
  return text.replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;')
}

test('attachments download as files, with no rights in a browser', async (t) => {
  const newsroom = await openNewsroom(t)
  const evil = '<script>alert(1)</script>\n'
  const { reference } = await newsroom.submit('news-tip', tip(), [
    { name: '../“evil”\u202e page.txt', content: evil },
  ])
  const page = await newsroom.deskPage(`/desk/submissions/${reference}`)
  const path = /href="(\/desk\/attachments\/[\w-]+)"/.exec(page)?.[1] as string
  const { headers, text } = await newsroom
    .http()
    .get(path)
    .set('cookie', await newsroom.signIn())
    .expect(200)
  assert.equal(text, evil)
  assert.match(
    headers['content-disposition'] ?? '',
    /^attachment; filename=".*evil. page\.txt"; filename\*=UTF-8''/,
  )
  assert.equal(headers['x-content-type-options'], 'nosniff')
  assert.match(headers['content-security-policy'] ?? '', /^sandbox; default-src 'none'$/)
  await newsroom.http().get('/uploads').expect(404)
  const [stored] = await newsroom.storedFiles()
  const id = stored?.split('/').at(-1)
  for (const guess of [`/uploads/${id}`, `/uploads/${id?.slice(-2)}/${id}`, `/${id}`])
    await newsroom.http().get(guess).expect(404)
})

test('a file whose ending says nothing harmless gets the ending of what it is', async (t) => {
  const newsroom = await openNewsroom(t)
  const { reference } = await newsroom.submit('news-tip', tip(), [
    { name: 'plan.hta', content: '<script>1</script>' },
  ])
  const page = await newsroom.deskPage(`/desk/submissions/${reference}`)
  const path = /href="(\/desk\/attachments\/[\w-]+)"/.exec(page)?.[1] as string
  const cookie = await newsroom.signIn()
  const { headers } = await newsroom.http().get(path).set('cookie', cookie).expect(200)
  assert.equal(headers['content-disposition'], 'attachment; filename=plan.hta.txt')
  const [stored] = await newsroom.storedFiles()
  await rm(stored as string)
  const gone = await newsroom.http().get(path).set('cookie', cookie).expect(503)
  assert.equal(gone.headers['content-disposition'], undefined)
})

test('a caller that wants no page is told 401', async (t) => {
  const newsroom = await openNewsroom(t, { PUBLIC_URL: 'https://news.test/tips' })
  const desk = await newsroom.http().get('/tips/desk').set('accept', 'application/json').expect(401)
  assert.equal(desk.body.error.code, 'unauthorized')
  await newsroom.http().get('/tips/metrics').expect(401)
  const webhook = await newsroom.http().post('/tips/webhooks/telegram').send({}).expect(401)
  assert.equal(webhook.body.error.code, 'unauthorized')
})

test('the list pages by key, newest first', async (t) => {
  const newsroom = await openNewsroom(t)
  const sent: string[] = []
  for (let i = 0; i < 55; i++) sent.push((await newsroom.submit('news-tip', tip())).reference)
  const first = await newsroom.deskPage('/desk')
  const older = /href="(\/desk\?[^"]+)" rel="next"/.exec(first)?.[1] as string
  const second = await newsroom.deskPage(older.replaceAll('&amp;', '&'))
  const shown = [first, second].flatMap((page) =>
    [...page.matchAll(/\/desk\/submissions\/([\w-]+)\?/g)].map((found) => found[1]),
  )
  assert.deepEqual(shown, sent.toReversed())
})
