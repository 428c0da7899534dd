import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Response } from 'superagent'
import { inboundMail } from '../support/mail.ts'
import { editorAddress, type Newsroom, openNewsroom } from '../support/newsroom.ts'
import { guestPost, storyAngle, tip } from '../support/submissions.ts'

async function references(newsroom: Newsroom, path: string): Promise<string[]> {
  const page = await newsroom.deskPage(path)
  return [...page.matchAll(/name="references" value="([\w-]+)"/g)].map((found) => found[1] as string)
}

test('views and filters narrow the list, alone and together', async (t) => {
  const newsroom = await openNewsroom(t)
  const post = (await newsroom.submit('guest-post', guestPost())).reference
  const angle = (await newsroom.submit('story-angle', storyAngle())).reference
  // What is confidential stands where its minute began.
  newsroom.passTime(60_000)
  const secret = (await newsroom.submit('expose', tip())).reference
  newsroom.passTime(60_000)
  await newsroom.chat().send('A tip by Telegram')
  const chat = (await newsroom.all())[0]?.reference as string
  await newsroom.act(`/desk/submissions/${angle}/claim`, {})
  await newsroom.act(`/desk/submissions/${secret}/move`, {
    state: 'declined',
    ...(await newsroom.seen(secret)),
  })
  await newsroom.act(`/desk/submissions/${post}/tag`, { tag: 'weekend' })
  const id = (await newsroom.application.storage.editors.byEmail(editorAddress))?.id
  const today = new Date().toISOString().slice(0, 10)
  const expected: Record<string, string[]> = {
    '/desk': [chat, post],
    '/desk?view=all': [chat, secret, angle, post],
    '/desk?view=mine': [angle],
    '/desk?view=in-review': [angle],
    '/desk?view=declined': [secret],
    '/desk?view=accepted': [],
    '/desk?view=all&kind=expose': [secret],
    '/desk?view=all&channel=telegram': [chat],
    '/desk?view=all&channel=form&state=waiting': [post],
    '/desk?view=waiting&state=declined': [chat, post],
    [`/desk?view=all&editor=${id}`]: [angle],
    '/desk?view=all&editor=nobody': [chat, secret, post],
    '/desk?view=all&tag=weekend': [post],
    '/desk?view=all&tag=weekend&kind=expose': [],
    [`/desk?view=all&from=${today}&until=${today}`]: [chat, secret, angle, post],
    '/desk?view=all&until=2020-01-01': [],
    '/desk?view=all&from=2020-01-01&kind=guest-post': [post],
    '/desk?view=nonsense&kind=nonsense&editor=x&from=yesterday&after=%27': [chat, post],
    '/desk?view=all&kind=expose&kind=expose': [chat, secret, angle, post],
  }
  for (const [path, found] of Object.entries(expected))
    assert.deepEqual(await references(newsroom, path), found, path)
})

test('every row says what an editor needs to choose by', async (t) => {
  const newsroom = await openNewsroom(t)
  const { reference } = await newsroom.submit('guest-post', guestPost(), [
    { name: 'a.txt', content: 'words' },
  ])
  newsroom.mailServer.refuse.recipient = 550
  await newsroom.workOff()
  newsroom.passTime(3 * 3_600_000)
  let page = await newsroom.deskPage('/desk?view=all')
  for (const said of [
    'Guest post',
    guestPost().title,
    'Amina W. Mwangi',
    'form',
    '3 h',
    'Waiting',
    '1 file',
    'failed delivery',
    'aria-label="unread"',
  ])
    assert.ok(page.includes(said), said)
  await newsroom.deskPage(`/desk/submissions/${reference}`)
  await newsroom.act(`/desk/submissions/${reference}/claim`, {})
  await newsroom.act('/desk/account/name', { name: 'Anna <K>' })
  page = await newsroom.deskPage('/desk?view=all')
  assert.ok(
    !page.includes('aria-label="unread"') && page.includes('In review') && page.includes('Anna &lt;K&gt;'),
  )
})

test('search finds what is not confidential, in all messages, and marks the hits', async (t) => {
  const newsroom = await openNewsroom(t)
  const cafe = await newsroom.submit('story-angle', {
    ...storyAngle(),
    body: 'In the Café at the river they sell Über-old typewriters & more.',
  })
  const angle = await newsroom.submit('story-angle', { ...storyAngle(), title: 'The river bank' })
  const secret = await newsroom.submit('expose', {
    ...tip(),
    body: 'Canary words about the river and its café.',
  })
  await newsroom.writeAgain(angle.receipt, 'The mender is called Baraka <script>.')
  await newsroom.workOff()
  const find = (q: string) => references(newsroom, `/desk?view=all&q=${encodeURIComponent(q)}`)
  assert.deepEqual(await find('river'), [angle.reference, cafe.reference])
  assert.deepEqual(await find('CAFE'), [cafe.reference])
  assert.deepEqual(await find('cafe uber'), [cafe.reference])
  assert.deepEqual(await find('"at the river"'), [cafe.reference])
  assert.deepEqual(await find('"river the at"'), [])
  assert.deepEqual(await find('typewr*'), [angle.reference, cafe.reference])
  assert.deepEqual(await find('typewr'), [])
  assert.deepEqual(await find('baraka'), [angle.reference])
  assert.deepEqual(await find('canary'), [])
  for (const odd of [
    '"',
    '*',
    '""',
    'a"b',
    'NOT',
    'river OR',
    '((',
    "x' OR 1=1",
    'body:river',
    '�',
    '-',
    'te*',
  ])
    await find(odd)
  const page = await newsroom.deskPage('/desk?view=all&q=baraka')
  assert.ok(page.includes('called <mark>Baraka</mark> &lt;script&gt;'))
  assert.deepEqual(await references(newsroom, '/desk?view=in-review&q=river'), [])
  const cookie = await newsroom.signIn()
  const direct = await newsroom.http().get(`/desk?q=${secret.reference.toLowerCase()}`).set('cookie', cookie)
  assert.equal(direct.headers.location, `/desk/submissions/${secret.reference}`)
  // A message that was taken back is not found any more.
  await newsroom.act(`/desk/submissions/${angle.reference}/answer`, {
    body: 'zanzibar',
    ...(await newsroom.seen(angle.reference)),
  })
  await newsroom.workOff()
  assert.deepEqual(await find('zanzibar'), [angle.reference])
  await newsroom.submit('news-tip', { body: 'zanzibar, said in confidence' })
  await newsroom.workOff()
  assert.deepEqual(await find('zanzibar'), [angle.reference])
})

test('pages go by key: what comes in meanwhile neither doubles nor hides a row', async (t) => {
  const newsroom = await openNewsroom(t)
  const sent: string[] = []
  const some = async (count: number) => {
    for (let i = 0; i < count; i++) sent.push((await newsroom.submit('story-angle', storyAngle())).reference)
  }
  await some(50)
  await newsroom.workOff()
  for (const path of ['/desk?view=waiting', '/desk?view=all&q=typewriter']) {
    const before = [...sent]
    const first = await newsroom.deskPage(path)
    await some(3)
    await newsroom.workOff()
    const next = /href="([^"]+)" rel="next"/.exec(first)?.[1]?.replaceAll('&amp;', '&') ?? ''
    const shown = [...first.matchAll(/name="references" value="([\w-]+)"/g)].map(
      (found) => found[1] as string,
    )
    const rest = await references(newsroom, next)
    assert.deepEqual([...shown, ...rest], before.toReversed(), path)
  }
})

test('any list goes out as CSV and JSON, without a formula and without what is confidential', async (t) => {
  const newsroom = await openNewsroom(t)
  await newsroom.submit('expose', { ...tip(), title: 'Canary title', name: 'Canary name' })
  const formula = await newsroom.submit('story-angle', {
    ...storyAngle(),
    title: '=HYPERLINK("http://evil.test","x")',
    name: '+1, "2"',
  })
  await newsroom.act(`/desk/submissions/${formula.reference}/tag`, { tag: 'weekend' })
  const cookie = await newsroom.signIn()
  const csv = await newsroom
    .http()
    .get('/desk/export.csv?view=all')
    .set('cookie', cookie)
    .buffer(true)
    .parse(text)
  assert.match(csv.headers['content-type'] ?? '', /text\/csv/)
  assert.match(csv.headers['content-disposition'] ?? '', /^attachment; filename=submissions\.csv$/)
  const lines = String(csv.body).trimEnd().split('\n')
  assert.equal(lines.length, 3)
  assert.equal(
    lines[0],
    '\uFEFFreference,kind,channel,state,received,sender_last_wrote,editor,tags,attachments,title,sender',
  )
  assert.ok(
    lines[1]?.includes(`weekend,0,"'=HYPERLINK(""http://evil.test"",""x"")","'+1, ""2"""`),
    lines[1] ?? '',
  )
  assert.ok(!csv.body.includes('Canary'))
  const json = await newsroom.http().get('/desk/export.json?view=all&kind=story-angle').set('cookie', cookie)
  assert.deepEqual(
    json.body.map((row: { reference: string }) => row.reference),
    [formula.reference],
  )
  const none = await newsroom.http().get('/desk/export.json?view=spam').set('cookie', cookie)
  assert.deepEqual(none.body, [])
  await newsroom.workOff()
  const found = await newsroom.http().get('/desk/export.json?view=all&q=typewriters').set('cookie', cookie)
  assert.equal(found.body.length, 1)
})

test('how many files there are is told of what is confidential too, whatever it came by', async (t) => {
  const newsroom = await openNewsroom(t, inboundMail)
  const files = [1, 2].map((n) => ({ name: `${n}.txt`, content: `File ${n}` }))
  const byForm = await newsroom.submit('expose', tip(), files)
  const without = await newsroom.submit('news-tip', tip())
  const clear = await newsroom.submit('story-angle', storyAngle(), files)
  const attachments = files.map(({ name, content }) => ({ filename: name, content }))
  await newsroom.receiveMail({
    to: 'tips@newsroom.test',
    subject: 'A tip',
    text: 'They meet at the mill.',
    attachments,
  })
  await newsroom.receiveMail({ to: 'tips@newsroom.test', subject: 'Another', text: 'And at the harbour.' })
  const counts = async (path: string, cookie: string) => {
    const { body } = await newsroom.http().get(path).set('cookie', cookie)
    return new Map(
      (body as { reference: string; attachments: number }[]).map((row) => [row.reference, row.attachments]),
    )
  }
  const byMail = (await newsroom.all())
    .filter(({ channel }) => channel === 'email')
    .map(({ reference }) => reference)
  const exported = await counts('/desk/export.json?view=all', await newsroom.signIn())
  assert.deepEqual(
    [byForm.reference, without.reference, clear.reference, ...byMail].map((one) => exported.get(one)),
    [2, 0, 2, 0, 2],
  )
  // Whoever cannot open them sees as many as whoever can.
  const opened = (await newsroom.all()).map(
    ({ reference, summary }) => [reference, summary.attachments] as const,
  )
  assert.deepEqual(exported, new Map(opened))
})

test('an export of many pages has every row once', async (t) => {
  const newsroom = await openNewsroom(t)
  for (let i = 0; i < 11; i++)
    await Promise.all(
      Array.from({ length: 100 }, () => newsroom.submit('news-tip', { body: 'One of very many pieces.' })),
    )
  const cookie = await newsroom.signIn()
  const { body } = await newsroom.http().get('/desk/export.json?view=all').set('cookie', cookie)
  assert.equal(new Set(body.map((row: { reference: string }) => row.reference)).size, 1100)
})

function text(response: Response, done: (error: Error | null, body: string) => void): void {
  let body = ''
  response.on('data', (chunk: Buffer) => {
    body += chunk.toString()
  })
  response.on('end', () => done(null, body))
}
