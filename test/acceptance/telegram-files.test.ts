import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import fc from 'fast-check'
import { encodedPath } from '../../src/channels/telegram/download-file.ts'
import { editorAddress, openNewsroom, type SentFile } from '../support/newsroom.ts'
import { png } from '../support/submissions.ts'
import { botToken } from '../support/telegram-server.ts'

const photo = (id: string, more: object = {}) => ({
  photo: [
    { file_id: `${id}-small`, file_unique_id: 's', width: 90, height: 60, file_size: 1000 },
    { file_id: id, file_unique_id: `l-${id}`, width: 1280, height: 853, file_size: 200_000 },
    { file_id: `${id}-middle`, file_unique_id: 'm', width: 320, height: 213, file_size: 20_000 },
  ],
  ...more,
})

const MiB = 1024 * 1024
const minute = 60_000

test('a photo is fetched by the worker, the largest size, after the piece was sent', async (t) => {
  const newsroom = await openNewsroom(t)
  const chat = newsroom.chat()
  newsroom.telegram.files.set('big', png())
  await chat.say(photo('big', { caption: 'The clinic’s door' }))
  assert.ok(!newsroom.telegram.requests.some((url) => /getFile|\/file\//.test(url)))
  await chat.press('Send')
  await newsroom.workOff()
  const [message] = (await newsroom.status(chat.receipt())).messages
  assert.equal(message.body, 'The clinic’s door')
  assert.deepEqual(message.files, [
    { name: 'photo.jpg', state: 'kept', size: png().length, type: 'image/png' },
  ])
  assert.deepEqual(
    newsroom.telegram.requests.filter((url) => /getFile|\/file\//.test(url)),
    [`/bot${botToken}/getFile`, `/file/bot${botToken}/documents/big.bin`],
  )
  assert.equal((await newsroom.storedFiles()).length, 1, 'of what is sealed no preview is kept')
})

test('a file that cannot be fetched is tried again; what waits for Telegram’s Retry-After waits', async (t) => {
  const newsroom = await openNewsroom(t)
  const chat = newsroom.chat()
  newsroom.telegram.files.set('late', png())
  const method = 'getFile'
  newsroom.telegram.errors.push({ status: 502, method }, { status: 429, retryAfter: 600, method })
  const receipt = await chat.send(photo('late'))
  const stateNow = async () => (await newsroom.status(receipt)).messages[0].files[0].state
  assert.equal(await stateNow(), 'awaited')
  await newsroom.pause(minute)
  assert.equal(newsroom.telegram.errors.length, 0)
  await newsroom.restart()
  await newsroom.pause(590_000)
  assert.equal(await stateNow(), 'awaited', 'it came back before the time it was told')
  await newsroom.pause(20_000)
  assert.equal(await stateNow(), 'kept')
})

test('a file that will never come is reported where the piece is shown, and its words stay', async (t) => {
  const newsroom = await openNewsroom(t)
  const chat = newsroom.chat()
  newsroom.telegram.files.set('program', Buffer.from('\x7fELF\x02\x01\x01\0\0\0\0\0\0\0\0\0\x02\0\x3e\0'))
  for (const file of ['gone', 'program']) {
    const receipt = await chat.send(photo(file, { caption: `Words with ${file}` }))
    const { reference, messages } = await newsroom.status(receipt)
    assert.equal(messages[0].files[0].state, 'failed', file)
    const page = await newsroom.deskPage(`/desk/submissions/${reference}`)
    assert.ok(page.includes(`Words with ${file}`) && page.includes('could not be fetched'), file)
  }
  assert.deepEqual(await newsroom.storedFiles(), [])
  assert.ok((await newsroom.deskPage('/desk')).includes('deliveries have failed'))
  assert.ok(newsroom.mailsTo(editorAddress).length > 0)
})

test('a path that leads elsewhere is refused, and so is a redirect', async (t) => {
  const newsroom = await openNewsroom(t)
  const chat = newsroom.chat()
  newsroom.telegram.files.set('f', png())
  for (const path of ['documents/../../x', `/var/${botToken}/../../etc/passwd`]) {
    newsroom.telegram.filePath = () => path
    await chat.send(photo('f'))
  }
  assert.ok(!newsroom.telegram.requests.some((url) => url.startsWith('/file/')))
  newsroom.telegram.filePath = () => 'documents/f.bin'
  newsroom.telegram.redirects = true
  await chat.send(photo('f'))
  assert.deepEqual(await newsroom.storedFiles(), [])
})

test('a way up, a place on a disk and an address are no paths', () => {
  const elsewhere = [
    '',
    '/',
    '.',
    '..',
    '../etc/passwd',
    'a/../../b',
    'a/..',
    './a',
    'a//b',
    'a/',
    '/abs',
    '//evil.test/x',
    'https://evil.test/x',
    'file:///etc/passwd',
  ]
  for (const path of elsewhere) assert.equal(encodedPath(path), undefined, path)
})

test('a file is fetched however its name ends, in any script and with any signs', async (t) => {
  const newsroom = await openNewsroom(t)
  const endings = [
    'Wambui letter',
    'docx (copy 2)',
    'записка',
    'ኣማርኛ',
    'مذكرة',
    'c++',
    '50% off',
    '100%25',
    '%2e%2e',
    '%2F..%2Fx',
    'a#b',
    'a?b=c&d',
    'a@b',
    'a:b',
    'a;b,c',
    "o'clock",
    '[2]',
    '{x}|y^z`',
    '"quoted"',
    '<b>',
    'a\\b',
    ' spaces ',
    'tab\there',
    '👩🏾‍🏫',
    'tar.gz~',
    '...',
    'a'.repeat(200),
  ]
  const nameOf = new Map(endings.map((ending, i) => [`odd-${i}`, `file_${i}.${ending}`]))
  newsroom.telegram.filePath = (id) => `documents/${nameOf.get(id)}`
  const content = (id: string) => Buffer.concat([png(), Buffer.from(id)])
  for (const [id, name] of nameOf) {
    newsroom.telegram.files.set(id, content(id))
    const document = { file_id: id, file_unique_id: id, file_name: name.replace(/^file_/, '') }
    await newsroom.receiveUpdate(newsroom.telegram.message(7001, { document })).expect(200)
  }
  await newsroom.pause(60 * minute)
  const kept = await newsroom.openedFiles()
  const missing = [...nameOf].filter(([id]) => !kept.some((file) => file.equals(content(id))))
  assert.deepEqual(
    missing.map(([, name]) => name),
    [],
  )
  assert.equal((await newsroom.application.storage.jobs.counts()).failed, 0)
})

test('a path is asked for in the coding of addresses, part by part, or not at all', () => {
  const part = fc
    .string({ unit: 'grapheme', minLength: 1 })
    .filter((text) => !/^\.{1,2}$/.test(text) && !text.includes('/'))
  fc.assert(
    fc.property(fc.array(part, { minLength: 1, maxLength: 4 }), (parts) => {
      const path = parts.join('/')
      fc.pre(!/^[a-z][a-z\d+.-]*:\/\//i.test(path))
      const url = new URL(`http://127.0.0.1/file/bot1:x/${encodedPath(path)}`)
      assert.deepEqual([url.search, url.hash, url.host], ['', '', '127.0.0.1'])
      assert.equal(decodeURIComponent(url.pathname), `/file/bot1:x/${path}`)
    }),
  )
})

test('a Bot API server of our own gives places on its disk, which are asked for below its address', async (t) => {
  const newsroom = await openNewsroom(t)
  const chat = newsroom.chat()
  newsroom.telegram.files.set('local', png())
  newsroom.telegram.filePath = (id) => `/var/lib/telegram-bot-api/${botToken}/photos/${id}.bin`
  const { messages } = await newsroom.status(await chat.send(photo('local')))
  assert.equal(messages[0].files[0].state, 'kept')
})

test('for a file that is too large the person gets a link that is good once, for that piece', async (t) => {
  const newsroom = await openNewsroom(t)
  const chat = newsroom.chat()
  await chat.say('They burn the files.')
  await chat.say({
    video: {
      file_id: 'huge',
      file_unique_id: 'huge',
      width: 1,
      height: 1,
      duration: 9,
      file_size: 700 * MiB,
      file_name: 'fire.mp4',
    },
  })
  const [, link] =
    /(\/upload\/[\w-]{48})/.exec(chat.heard().find(({ text }) => text.includes('/upload/'))?.text ?? '') ?? []
  assert.ok(link)
  assert.equal(chat.heard().filter(({ text }) => text.includes('/upload/')).length, 1)
  const page = await newsroom.http().get(link).expect(200)
  assert.match(page.text, /<input type="file"/)
  const upload = (files: SentFile[]) => {
    const request = newsroom
      .http()
      .post(link)
      .field('nonce', /name="nonce" value="([^"]+)"/.exec(page.text)?.[1] ?? '')
    for (const { name, content } of files) request.attach('files', Buffer.from(content), name)
    return request
  }
  await upload([]).expect(422)
  await upload([{ name: 'fire.png', content: png() }]).expect(200)
  await upload([{ name: 'fire.png', content: png() }]).expect(403)
  await upload([{ name: 'other.png', content: png() }]).expect(403)
  await newsroom.http().get(link).expect(403)
  await newsroom.workOff()
  const { messages, reference } = await newsroom.status(chat.receipt())
  assert.deepEqual(
    messages.map((one: { body: string; files: { name: string; state: string }[] }) => [
      one.body,
      ...one.files.map(({ name, state }) => `${name} ${state}`),
    ]),
    [
      ['They burn the files.', 'fire.mp4 failed'],
      ['', 'fire.png kept'],
    ],
  )
  assert.match(
    await newsroom.deskPage(`/desk/submissions/${reference}`),
    /too large for Telegram to give out/,
  )
  assert.equal(await newsroom.submissionCount(), 1)
  assert.equal((await newsroom.application.storage.jobs.counts()).failed, 0)
  for (const bad of ['x'.repeat(48), 'short', `${link.slice(8, -1)}_`]) {
    await newsroom.http().get(`/upload/${bad}`).expect(404)
  }
})

test('a file that turns out to be too large when it is fetched leads to a link too', async (t) => {
  const newsroom = await openNewsroom(t)
  const chat = newsroom.chat()
  newsroom.telegram.files.set('big', Buffer.alloc(21 * MiB))
  await chat.send({ document: { file_id: 'big', file_unique_id: 'big' } })
  await newsroom.workOff()
  const link = /\/upload\/[\w-]{48}/.exec(chat.last())?.[0] ?? ''
  const page = await newsroom.http().get(link).expect(200)
  await newsroom
    .http()
    .post(link)
    .field('nonce', /name="nonce" value="([^"]+)"/.exec(page.text)?.[1] ?? '')
    .attach('files', png(), 'it.png')
    .expect(200)
  const { messages } = await newsroom.status(chat.receipt())
  assert.equal(messages[1].files[0].name, 'it.png')
})

test('the token is in no log and no table, whatever fails', async (t) => {
  const newsroom = await openNewsroom(t)
  const chat = newsroom.chat()
  newsroom.telegram.errors.push(...Array.from({ length: 6 }, () => ({ status: 500, method: 'getFile' })))
  await chat.send(photo('none'))
  await newsroom.pause(60 * minute)
  await newsroom.telegram.close()
  await chat.say('With nobody there')
  await newsroom.pause(60 * minute)
  const secret = botToken.split(':')[1] as string
  assert.ok(!newsroom.logged.join('').includes(secret))
  assert.ok(!(await newsroom.databaseText()).includes(secret))
})

test('receipts and answers do not wait for files, and one chat’s files not for all of another’s', async (t) => {
  const newsroom = await openNewsroom(t)
  const [many, other] = [newsroom.chat(), newsroom.chat(7002)]
  const comes = (chat: number, file: string) => {
    newsroom.telegram.files.set(file, png())
    return newsroom.receiveUpdate(newsroom.telegram.message(chat, photo(file))).expect(200)
  }
  for (let i = 0; i < 30; i++) await comes(many.id, `many${i}`)
  await comes(other.id, 'theirs')
  const { promise, resolve: giveOut } = Promise.withResolvers<void>()
  newsroom.telegram.givesOut = () => promise
  newsroom.passTime(11 * minute)
  await newsroom.application.startWork()
  const hasReceipt = (chat: number) =>
    newsroom.telegram.to(chat).some(({ text }) => text.includes('Receipt: '))
  const { requests } = newsroom.telegram
  const fetches = () => requests.filter((url) => url.includes('/file/'))
  const all = () => [many.id, other.id].every(hasReceipt)
  for (let attempts = 0; attempts < 1000 && !all(); attempts++) await sleep(10)
  assert.ok(all(), 'the receipts have come while no file has')
  assert.ok(fetches().length <= 2, 'one file of each chat at once')
  giveOut()
  for (let attempts = 0; attempts < 1000 && fetches().length < 31; attempts++) await sleep(10)
  const fetched = fetches().map((url) => ({ url }))
  assert.equal(fetched.length, 31)
  const theirs = fetched.findIndex(({ url }) => url.includes('theirs'))
  assert.ok(theirs < 10, `${theirs} files of another chat went before theirs`)
})
