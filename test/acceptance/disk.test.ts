import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { hashToken, newToken } from '../../src/accounts/api-token.ts'
import type { RoomIn } from '../../src/files/disk-room.ts'
import { inboundMail } from '../support/mail.ts'
import { editorAddress, openNewsroom } from '../support/newsroom.ts'
import { png, storyAngle, tip } from '../support/submissions.ts'

const MiB = 1024 * 1024
const size = 4000 * MiB
/** 5 % of that. */
const reserve = 200 * MiB
const photo = { name: 'photo.png', content: png(400, 300) }

/** A newsroom whose disk has so much room as is said. */
async function onDisk(t: TestContext, env: Record<string, string> = {}) {
  const disk = { free: 2000 * MiB }
  const roomIn: RoomIn = async () => ({
    size,
    free: disk.free,
    freeShare: disk.free / size,
    filesFree: 1e6,
    filesFreeShare: 1,
  })
  const newsroom = await openNewsroom(t, { ...inboundMail, ...env }, undefined, undefined, roomIn)
  return {
    newsroom,
    /** It is looked at once a second. */
    async leave(free: number): Promise<void> {
      disk.free = free
      await new Promise((resolve) => setTimeout(resolve, 1050))
    },
  }
}

test('below the reserve of the disk the form takes the text, and says of each file that it is not kept', async (t) => {
  const { newsroom, leave } = await onDisk(t)
  await newsroom.submit('story-angle', storyAngle(), [photo])
  await newsroom.workOff()
  const before = (await newsroom.storedFiles()).length
  await leave(reserve - 1)
  const sent = await newsroom.post('story-angle', storyAngle(), [photo])
  assert.equal(sent.status, 201)
  assert.deepEqual(sent.body.filesNotKept, ['photo.png'])
  const status = await newsroom.status(sent.body.receipt)
  assert.deepEqual(status.messages[0].files, [
    { name: 'photo.png', state: 'failed', size: photo.content.length, type: null, refused: 'no-room' },
  ])
  // A browser is told on the page of the receipt, and on that of the conversation.
  const form = newsroom.http().post('/submit/news-tip').field('body', tip().body)
  const browser = await form.attach('files', photo.content, 'photo.png').expect(303)
  const cookie = String(browser.headers['set-cookie']).split(';')[0] ?? ''
  const receipt = await newsroom.http().get('/receipt').set('cookie', cookie)
  assert.match(receipt.text, /Your file was not kept/)
  const shown = await newsroom.http().post('/status').type('form').send({ receipt: sent.body.receipt })
  assert.match(shown.text, /photo\.png[^<]*<span[^>]*>not kept: we had no room for it/)
  // Editors see it at the desk, and in the mail that tells them of it.
  await newsroom.workOff()
  const notice = newsroom.mailsTo(editorAddress).map(({ text }) => text)
  assert.ok(notice.some((text) => /photo\.png \(not kept: there was no room for it\)/.test(text ?? '')))
  const page = await newsroom.deskPage(`/desk/submissions/${sent.body.reference}`)
  assert.match(page, /not kept, for the disk was nearly full/)
  const told = newsroom.mailsTo(storyAngle().email).map(({ text }) => text)
  assert.ok(told.some((text) => /was not kept, for we had no room for it/.test(text ?? '')))
  assert.equal((await newsroom.storedFiles()).length, before)
  await leave(reserve + 10 * MiB)
  assert.equal((await newsroom.post('story-angle', storyAngle(), [photo])).body.filesNotKept, undefined)
})

test('so does a further message; with nothing but files it is refused, to be sent again', async (t) => {
  const { newsroom, leave } = await onDisk(t)
  const { receipt } = await newsroom.submit('news-tip')
  await leave(reserve - 1)
  const write = (message: string) =>
    newsroom
      .http()
      .post('/status')
      .set('accept', 'application/json')
      .field('receipt', receipt)
      .field('message', message)
      .attach('files', photo.content, 'photo.png')
  const refused = await write('').expect(503)
  assert.match(refused.body.error.message, /no room for files/)
  assert.ok(refused.headers['retry-after'])
  assert.equal((await newsroom.status(receipt)).messages.length, 1)
  await write('Here is a photo.').expect(200)
  const [, further] = (await newsroom.status(receipt)).messages
  assert.equal(further.body, 'Here is a photo.')
  assert.equal(further.files[0].refused, 'no-room')
})

test('the API tells a bot which files are not kept, in JSON and in a form', async (t) => {
  const { newsroom, leave } = await onDisk(t)
  const token = newToken()
  const named = { name: 'bot', tokenHash: hashToken(token), hourlyLimit: 100, hookUrl: null }
  await newsroom.application.storage.apiTokens.add(named, newsroom.now())
  await leave(reserve - 1)
  const post = () => newsroom.http().post('/api/v1/submissions').set('authorization', `Bearer ${token}`)
  const content = photo.content.toString('base64')
  const json = await post().send({
    kind: 'news-tip',
    body: tip().body,
    files: [{ name: 'photo.png', content }],
  })
  assert.equal(json.status, 201, json.text)
  assert.deepEqual(json.body.filesNotKept, ['photo.png'])
  const form = await post()
    .field('kind', 'news-tip')
    .field('body', tip().body)
    .attach('files', photo.content, 'photo.png')
  assert.equal(form.status, 201, form.text)
  assert.deepEqual(form.body.filesNotKept, ['photo.png'])
  const again = await newsroom
    .http()
    .post(`/api/v1/submissions/${json.body.reference}/messages`)
    .set('authorization', `Bearer ${token}`)
    .set('barua-receipt', json.body.receipt)
    .send({ files: [{ name: 'photo.png', content }] })
  assert.equal(again.status, 503)
})

test('a mail is taken whole as long as it is a text; one with more is put off, and nothing of it is kept', async (t) => {
  const { newsroom, leave } = await onDisk(t)
  await leave(reserve - 1)
  const attachments = [{ filename: 'photo.png', content: photo.content }]
  const mail = {
    from: 'jane@example.org',
    to: 'tips@newsroom.test',
    subject: 'Fuel',
    text: tip().body,
    attachments,
  }
  assert.equal(await newsroom.receiveMail(mail), 'received')
  const [listed] = await newsroom.all()
  const page = await newsroom.deskPage(`/desk/submissions/${listed?.reference}`)
  assert.match(
    page,
    /photo\.png[^<]*<span[^>]*>not unpacked, for the disk was nearly full: it is in the mail as it came/,
  )
  const before = await newsroom.storedFiles()
  const large = [{ filename: 'large.bin', content: Buffer.alloc(2 * MiB) }]
  await assert.rejects(newsroom.receiveMail({ ...mail, subject: 'More', attachments: large }), {
    code: 'unavailable',
  })
  assert.deepEqual(await newsroom.storedFiles(), before)
  await leave(reserve + 50 * MiB)
  assert.equal(await newsroom.receiveMail({ ...mail, subject: 'More', attachments: large }), 'received')
})

test('a file of a chat is fetched when there is room; until then the desk says why it has to wait', async (t) => {
  const { newsroom, leave } = await onDisk(t)
  await leave(reserve - 1)
  newsroom.telegram.files.set('photo-1', photo.content)
  const chat = newsroom.chat()
  await chat.send({
    photo: [{ file_id: 'photo-1', file_unique_id: 'p', width: 400, height: 300 }],
    caption: tip().body,
  })
  const [listed] = await newsroom.all()
  assert.match(await newsroom.deskPage(`/desk/submissions/${listed?.reference}`), /still being fetched/)
  assert.match(await newsroom.deskPage('/desk/deliveries?state=pending'), /no room for files on the disk/)
  await leave(reserve + 50 * MiB)
  await newsroom.pause(3_600_000)
  assert.equal((await newsroom.openedFiles()).length, 1)
})

test('admins are warned while there is still room, and told when files are not taken any more', async (t) => {
  const { newsroom, leave } = await onDisk(t)
  await leave(reserve + 20 * MiB)
  const shown = async () => newsroom.deskPage('/desk')
  assert.match(
    await shown(),
    /The disk of UPLOADS_DIR is nearly full: 220 MB are left\. Make room, or no files come in below 200 MB/,
  )
  await newsroom.restart()
  await leave(reserve - MiB)
  assert.match(await shown(), /is full: 199 MB are left, which are kept for texts\. No files are taken in/)
  const ready = await newsroom.http().get('/readyz').expect(503)
  assert.match(ready.text, /there is no room for files/)
})

test('how much is kept free can be said', async (t) => {
  const { newsroom, leave } = await onDisk(t, { DISK_RESERVE: String(1000 * MiB) })
  await leave(900 * MiB)
  assert.deepEqual((await newsroom.post('news-tip', tip(), [photo])).body.filesNotKept, ['photo.png'])
  await leave(1100 * MiB)
  assert.equal((await newsroom.post('news-tip', tip(), [photo])).body.filesNotKept, undefined)
})
