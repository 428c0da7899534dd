import assert from 'node:assert/strict'
import { test } from 'node:test'
import { openNewsroom } from '../support/newsroom.ts'
import { guestPost, png, tip } from '../support/submissions.ts'

test('whoever holds the receipt reads the conversation and writes again, with files', async (t) => {
  const newsroom = await openNewsroom(t)
  const { reference, receipt } = await newsroom.submit('guest-post', guestPost())
  const page = await newsroom
    .http()
    .post('/status')
    .type('form')
    .send({ receipt })
    .expect(200)
    .expect('cache-control', 'no-store')
  for (const said of [guestPost().title, 'Waiting to be read', reference])
    assert.ok(page.text.includes(said), said)
  const answer = await newsroom
    .http()
    .post('/status')
    .field('receipt', receipt.toLowerCase().replaceAll('-', ' '))
    .field('message', 'A better picture <b>is</b> attached.')
    .attach('files', png(), 'better.png')
    .expect(200)
  assert.ok(answer.text.includes('Your message has arrived.'))
  assert.ok(answer.text.includes('A better picture &lt;b&gt;is&lt;/b&gt; attached.'))
  const { messages } = await newsroom.status(receipt)
  assert.equal(messages.length, 2)
  assert.equal(messages[1].files[0].name, 'better.png')
  assert.ok((await newsroom.deskPage(`/desk/submissions/${reference}`)).includes('better.png'))
})

test('a further message that is sent twice is one message', async (t) => {
  const newsroom = await openNewsroom(t)
  const { receipt } = await newsroom.submit('news-tip', tip())
  const nonce = await newsroom.nonce('/status')
  const send = (message: string) =>
    newsroom
      .http()
      .post('/status')
      .field('nonce', nonce)
      .field('receipt', receipt)
      .field('message', message)
      .attach('files', png(), 'a.png')
      .expect(200)
  await Promise.all([send('Once'), send('Once'), send('Once')])
  await send('And this too')
  assert.deepEqual(
    (await newsroom.status(receipt)).messages.map((one: { body: string }) => one.body),
    [tip().body, 'Once', 'And this too'],
  )
  assert.equal((await newsroom.storedFiles()).length, 2)
})

test('a wrong receipt opens nothing, and guessing is limited', async (t) => {
  const newsroom = await openNewsroom(t, { STATUS_LIMIT: '5' })
  const { receipt, reference } = await newsroom.submit('news-tip', tip())
  for (const wrong of [reference, 'AAAA-AAAA-AAAA-AAAA-AAAA-AAAA', '', "' or 1=1 --"]) {
    const { text } = await newsroom.http().post('/status').type('form').send({ receipt: wrong }).expect(404)
    assert.ok(!text.includes(tip().body))
  }
  for (let i = 0; i < 3; i++) await newsroom.status(receipt)
  await newsroom.http().post('/status').type('form').send({ receipt: 'x' }).expect(404)
  const refused = await newsroom.http().post('/status').type('form').send({ receipt }).expect(429)
  assert.ok(Number(refused.headers['retry-after']) > 0)
})

test('an empty message changes nothing; a refused file keeps the words', async (t) => {
  const newsroom = await openNewsroom(t)
  const { receipt } = await newsroom.submit('news-tip', tip())
  await newsroom.http().post('/status').type('form').send({ receipt, message: '  ' }).expect(200)
  const { text } = await newsroom
    .http()
    .post('/status')
    .set('accept', 'text/html')
    .field('receipt', receipt)
    .field('message', 'Words to keep')
    .attach('files', Buffer.from('\x7fELF\x02\x01\x01\0\0\0\0\0\0\0\0\0\x02\0\x3e\0'), 'tool.bin')
    .expect(415)
  assert.ok(text.includes('Words to keep</textarea>') && text.includes('tool.bin'))
  assert.equal((await newsroom.status(receipt)).messages.length, 1)
  assert.deepEqual(await newsroom.storedFiles(), [])
})
