import assert from 'node:assert/strict'
import { readFile, rm } from 'node:fs/promises'
import { DatabaseSync } from 'node:sqlite'
import { type TestContext, test } from 'node:test'
import { createReEncryption } from '../../src/confidentiality/re-encryption.ts'
import { createPace } from '../../src/core/pace.ts'
import { receiptIdentity } from '../../src/submissions/receipt-key.ts'
import { removeEditor } from '../support/accounts.ts'
import { opener, withAge } from '../support/age.ts'
import { canary, everyByte, found } from '../support/canary.ts'
import { inboundMail, replyTo } from '../support/mail.ts'
import { editorAddress, type Newsroom, openNewsroom } from '../support/newsroom.ts'
import { createEncrypted } from '../support/sealed.ts'
import { guestPost, png, storyAngle, tip } from '../support/submissions.ts'

const second = 'second@newsroom.test'

async function mark(newsroom: Newsroom, reference: string) {
  const seen = await newsroom.seen(reference)
  return newsroom.act(`/desk/submissions/${reference}/confidential`, seen)
}

function database(t: TestContext, newsroom: Newsroom): DatabaseSync {
  const db = new DatabaseSync(`${newsroom.settings.DATA_DIR}/barua.db`)
  t.after(() => db.close())
  return db
}

/** A confidential piece with a mail that was held, and its file; an editor can send that on, and take it back. */
async function withHeldFile(t: TestContext) {
  const newsroom = await openNewsroom(t, inboundMail)
  const { reference, receipt } = await newsroom.submit('news-tip', { ...tip(), email: 'amina@example.org' })
  await newsroom.workOff()
  const notice = newsroom.mailsTo(editorAddress).at(-1)
  assert.ok(notice)
  const attachments = [{ filename: 'theirs.txt', content: 'what the stranger sent' }]
  const reply = replyTo(notice, 'From elsewhere.', { from: 'friend@example.net', attachments })
  assert.equal(await newsroom.receiveMail(reply), 'quarantined')
  const { id } = await newsroom.submission(reference)
  const messages = await newsroom.application.storage.submissions.conversation(id, newsroom.keys)
  const unverified = messages.find(({ author }) => author === 'unverified')
  const held = unverified?.id ?? ''
  const labels = Object.entries(unverified?.content.files ?? {})
  const file = labels.filter(([, { isRaw }]) => !isRaw).map(([id]) => id)
  const cookie = await newsroom.signIn()
  return {
    newsroom,
    reference,
    receipt,
    held,
    async send(quarantinedId: string) {
      const offered = { held: quarantinedId, offers: quarantinedId, file }
      const way = { ...offered, way: 'send', body: 'See what came.', ...(await newsroom.seen(reference)) }
      return newsroom.act(`/desk/submissions/${reference}/held`, way, cookie)
    },
    undo: async () => newsroom.act('/desk/undo', { references: reference }, cookie),
  }
}

async function settled(newsroom: Newsroom): Promise<void> {
  await newsroom.application.reEncryption.settled()
}

test('a piece that an editor marks as confidential is sealed where it lies, and nothing clear of it is left', async (t) => {
  const newsroom = await openNewsroom(t)
  const words: string[] = []
  const word = () => {
    words.push(canary())
    return words.at(-1) as string
  }
  const text = `${word()} `.repeat(4000)
  const picture = png(40, 40)
  const { reference, receipt } = await newsroom.submit(
    'story-angle',
    { title: word(), body: `${word()} is what it is about.`, email: 'reader@contributor.test' },
    [
      { name: `${word()}.txt`, content: text },
      { name: `${word()}.png`, content: picture },
    ],
  )
  await newsroom.workOff()
  await newsroom.writeAgain(receipt, `And ${word()} too.`)
  await newsroom.workOff()
  const at = `/desk/submissions/${reference}`
  await newsroom.act(`${at}/note`, { ...(await newsroom.seen(reference)), note: word() })
  const searched = words[0] as string
  assert.match(await newsroom.deskPage(`/desk?q=${words[1]}`), new RegExp(reference))
  // What waits in the outbox is carried all the same, and says nothing there.
  const answer = word()
  await newsroom.act(`${at}/answer`, {
    ...(await newsroom.seen(reference)),
    body: `${answer} is our answer.`,
  })

  const marked = await mark(newsroom, reference)
  assert.equal(marked.status, 303, marked.text)
  while ((await newsroom.application.workOnce()) > 0);
  assert.deepEqual(found(await everyByte(newsroom.folder), words), [])
  const disk = await everyByte(newsroom.folder)
  assert.ok(
    words.every((one) => !disk.includes(one.slice(-9).toLowerCase())),
    'in the index',
  )

  const page = await newsroom.deskPage(at)
  for (const one of words.filter((one) => one !== searched)) assert.match(page, new RegExp(one), one)
  assert.match(page, /Confidential/)
  assert.match(page, /marked it as confidential/)
  assert.ok(!(await newsroom.deskPage(`/desk?q=${words[1]}`)).includes(reference))
  const opened = await newsroom.openedFiles()
  assert.deepEqual(opened.map(String).toSorted(), [text, String(picture)].toSorted())

  // The sender is answered by mail, which says nothing more than that.
  await newsroom.pause(11_000)
  const mail = newsroom.mailsTo('reader@contributor.test').at(-1)
  assert.match(mail?.subject ?? '', /There is an answer/)
  assert.ok(!mail?.text?.includes(answer))

  // Their receipt opens what was said before as soon as an editor has come in.
  const before = await newsroom.status(receipt)
  assert.ok(before.messages.every((message: { body: string }) => message.body === ''))
  await newsroom.writeAgain(receipt, 'This is said with the receipt.')
  await newsroom.signIn()
  await settled(newsroom)
  const after = await newsroom.status(receipt)
  assert.match(after.messages[0].body, new RegExp(words[2] as string))
  assert.match(after.messages.at(-1).body, /said with the receipt/)
  assert.ok(after.messages.some((message: { body: string }) => message.body.includes(answer)))
})

test('marking is refused where the piece has changed, and for one that is sealed', async (t) => {
  const newsroom = await openNewsroom(t)
  const { reference, receipt } = await newsroom.submit('guest-post', guestPost(), [
    { name: 'a.png', content: png() },
  ])
  const seen = await newsroom.seen(reference)
  await newsroom.writeAgain(receipt, 'One thing more.')
  const at = `/desk/submissions/${reference}/confidential`
  assert.equal((await newsroom.act(at, seen)).status, 409)
  assert.equal((await newsroom.submission(reference)).isConfidential, false)
  // A mail that was composed in clear may be kept as a file.
  const { jobs, leases } = newsroom.application.storage
  await leases.begin('a worker')
  await jobs.lease('mail', 'a worker', { count: 100, now: newsroom.now() })
  const leaving = await mark(newsroom, reference)
  assert.equal(leaving.status, 409)
  assert.match(leaving.text, /A mail about it is just leaving/)
  await leases.giveUp('a worker')
  const files = await newsroom.storedFiles()
  assert.equal((await mark(newsroom, reference)).status, 303)
  assert.equal((await mark(newsroom, reference)).status, 409)
  await newsroom.application.workOnce()
  assert.equal(
    (await newsroom.storedFiles()).length,
    files.filter((file) => !file.includes('staging')).length,
  )
})

test('after somebody was removed everything is sealed anew, for a key that they never had', async (t) => {
  const newsroom = await openNewsroom(t, { EDITORS: `${editorAddress},${second}` })
  const sent = [
    await newsroom.submit('expose', tip(), [{ name: 'a.png', content: png() }]),
    await newsroom.submit('news-tip', tip()),
    await newsroom.submit('story-angle', { ...storyAngle(), confidential: 'yes' }),
  ]
  await newsroom.writeAgain(sent[1]?.receipt ?? '', 'There is more.')
  const at = `/desk/submissions/${sent[0]?.reference}`
  await newsroom.act(`${at}/note`, { ...(await newsroom.seen(sent[0]?.reference ?? '')), note: 'For us.' })
  await newsroom.receiveUpdate({ update_id: 1, strange: 'kept as it came' })
  const encrypted = await createEncrypted(newsroom)
  const theirs = await newsroom.keysOf(second)
  assert.equal((await encrypted.openedBy(theirs)).length, (await encrypted.all()).length)

  const removed = await newsroom.act('/desk/team/remove', { email: second })
  assert.equal(removed.status, 303, removed.text)
  await settled(newsroom)
  assert.equal((await newsroom.application.reEncryption.progress()).left, 0)
  assert.deepEqual(await encrypted.openedBy(theirs), [], 'what they had opens nothing any more')
  const ours = await newsroom.keysOf(editorAddress)
  assert.equal((await encrypted.openedBy(ours)).length, (await encrypted.all()).length)
  for (const { receipt } of sent) assert.ok((await newsroom.status(receipt)).messages[0].body.length > 10)
  assert.deepEqual(await newsroom.openedFiles(), [png()])
  assert.match(await newsroom.deskPage(at), /For us\./)
  assert.match(await newsroom.deskPage('/desk/unread'), /kept as it came/)
})

test('sealing anew goes on after a restart, with whoever comes in, and is not held up by what is damaged', async (t) => {
  const newsroom = await openNewsroom(t, { EDITORS: `${editorAddress},${second}` })
  const sent = []
  for (let i = 0; i < 12; i++) sent.push(await newsroom.submit('expose'))
  const db = database(t, newsroom)
  const { id } = await newsroom.submission(sent[3]?.reference ?? '')
  db.prepare('update messages set content = ? where submission_id = ?').run('nothing that was sealed', id)
  // The shell removes somebody: nobody is there who could open anything.
  await removeEditor(newsroom.application.storage, second)
  const { id: gone } = db.prepare('select id from editors where email = ?').get(second) as { id: string }
  await newsroom.application.keyRing.together((step) => step.expel(gone))
  await newsroom.restart()
  const { reEncryption } = newsroom.application
  assert.deepEqual(await reEncryption.progress(), { left: 12, isMore: false, isRunning: false })
  const cookie = await newsroom.signIn()
  const page = await newsroom.http().get('/desk/keys').set('cookie', cookie)
  assert.match(page.text, /sealed anew just now|12<\/strong> pieces are/)
  await newsroom.restart()
  assert.ok((await newsroom.application.reEncryption.progress()).left > 0, 'it was broken off')
  await newsroom.signIn()
  await settled(newsroom)
  assert.equal((await newsroom.application.reEncryption.progress()).left, 1, 'all but the damaged one')
  assert.match(await newsroom.deskPage('/desk/keys'), /<strong>1<\/strong> piece is/)
})

test('a file that is missing holds up nothing, and a removal while it goes on is not missed', async (t) => {
  const third = 'third@newsroom.test'
  const newsroom = await openNewsroom(t, { EDITORS: `${editorAddress},${second},${third}` })
  for (let i = 0; i < 6; i++) await newsroom.submit('expose', tip(), [{ name: 'a.png', content: png() }])
  const [lost] = await newsroom.storedFiles()
  await rm(lost ?? '')
  const encrypted = await createEncrypted(newsroom)
  await newsroom.act('/desk/team/remove', { email: second })
  const theirs = await newsroom.keysOf(third)
  await newsroom.act('/desk/team/remove', { email: third })
  await settled(newsroom)
  await newsroom.signIn()
  await settled(newsroom)
  assert.equal((await newsroom.application.reEncryption.progress()).left, 0)
  assert.deepEqual(await encrypted.openedBy(theirs), [])
})

test('a sender deletes their side: the receipt opens nothing, and the desk reads on', async (t) => {
  const newsroom = await openNewsroom(t)
  const { reference, receipt } = await newsroom.submit(
    'expose',
    { ...tip(), email: 'source@contributor.test' },
    [{ name: 'a.png', content: png() }],
  )
  await newsroom.writeAgain(receipt, 'One more thing for you.')
  const at = `/desk/submissions/${reference}`
  await newsroom.act(`${at}/answer`, { ...(await newsroom.seen(reference)), body: 'Thank you for that.' })
  const encrypted = await createEncrypted(newsroom)
  const theirs = encrypted.keysOfReceipt(receipt)
  assert.ok((await encrypted.openedBy(theirs)).length >= 5)
  const shown = await newsroom.http().post('/status').type('form').send({ receipt })
  assert.match(shown.text, /Delete my side/)

  const left = await newsroom.http().post('/status/leave').type('form').send({ receipt }).expect(200)
  assert.match(left.text, /Your side is deleted/)
  assert.deepEqual(await encrypted.openedBy(theirs), [])
  await newsroom.http().post('/status').type('form').send({ receipt }).expect(404)
  await newsroom.http().post('/status/leave').type('form').send({ receipt }).expect(404)
  const mails = newsroom.mailServer.mails.length
  await newsroom.pause(60_000)
  assert.equal(
    newsroom.mailServer.mails.slice(mails).filter(({ recipient }) => recipient.includes('source')).length,
    0,
  )

  const page = await newsroom.deskPage(at)
  assert.match(page, /One more thing for you/)
  assert.match(page, /The sender deleted their side/)
  assert.ok(!page.includes(`action="${at}/answer"`))
  const seen = await newsroom.seen(reference)
  assert.equal((await newsroom.act(`${at}/answer`, { ...seen, body: 'Are you there?' })).status, 409)
  const silent = { ...seen, decision: 'accepted', way: 'silent' }
  assert.equal((await newsroom.act(`${at}/letter`, silent)).status, 303)
  assert.deepEqual(await newsroom.openedFiles(), [png()])
  // Sealed anew it still is for the desk only.
  await newsroom.signIn()
  await settled(newsroom)
  assert.equal((await newsroom.application.reEncryption.progress()).left, 0)
  assert.deepEqual(await encrypted.openedBy(theirs), [])
})

test('only the side of a confidential piece can be deleted', async (t) => {
  const newsroom = await openNewsroom(t)
  const { receipt } = await newsroom.submit('guest-post')
  const shown = await newsroom.http().post('/status').type('form').send({ receipt })
  assert.ok(!shown.text.includes('Delete my side'))
  await newsroom.http().post('/status/leave').type('form').send({ receipt }).expect(409)
  assert.ok(await newsroom.status(receipt))
})

test('a header that was written anew opens with the age command as the file did', withAge, async (t) => {
  const newsroom = await openNewsroom(t, { EDITORS: `${editorAddress},${second}` })
  const { receipt } = await newsroom.submit('expose', tip(), [{ name: 'a.png', content: png(60, 60) }])
  const [path] = await newsroom.storedFiles()
  const before = await readFile(path ?? '')
  await newsroom.act('/desk/team/remove', { email: second })
  await settled(newsroom)
  const after = await readFile(path ?? '')
  assert.equal(after.length, before.length)
  assert.notDeepEqual(after.subarray(0, 266), before.subarray(0, 266))
  assert.deepEqual(after.subarray(266), before.subarray(266), 'only the header is another one')
  const openWith = await opener(t)
  const [desk = ''] = (await newsroom.keysOf(editorAddress)).slice(-1)
  assert.deepEqual(await openWith(after, desk), png(60, 60))
  assert.deepEqual(await openWith(after, receiptIdentity(receipt)), png(60, 60))
})

test('what comes while a piece is being sealed anew is not passed over', async (t) => {
  const { newsroom, reference, receipt, held, send } = await withHeldFile(t)
  const { files, storage } = newsroom.application
  const { id } = await newsroom.submission(reference)
  const encrypted = await createEncrypted(newsroom)
  const sender = encrypted.keysOfReceipt(receipt)
  const before = (await encrypted.openedBy(sender)).length
  await send(held)
  await settled(newsroom)
  const editor = await storage.editors.byEmail(editorAddress)
  const takeBack = async () => {
    const act = await storage.work.lastAct(id, editor?.id ?? '', newsroom.now())
    await storage.work.takeBack(act ?? assert.fail('there is nothing to take back'))
  }
  // Just when its file has been sealed for the sender again.
  let isUndone = false
  const reEncryption = createReEncryption({
    store: storage.reEncryption,
    files: {
      async reEncrypt(...given: Parameters<typeof files.reEncrypt>) {
        const done = await files.reEncrypt(...given)
        if (!isUndone) {
          isUndone = true
          await takeBack()
        }
        return done
      },
    },
    onError: assert.ifError,
    pace: createPace({ rest: 0 }),
  })
  database(t, newsroom).exec('update submissions set encrypted_for = null')
  await reEncryption.begin(newsroom.keys)
  await reEncryption.settled()
  await settled(newsroom)
  assert.equal(await storage.reEncryption.left(1), 0)
  const [words] = (await storage.submissions.conversation(id, newsroom.keys)).filter((one) => one.isWithdrawn)
  assert.ok(words)
  assert.equal((await encrypted.openedBy(sender)).length, before + 1, 'the words that were taken back')
})

test('what is to be sealed anew behind where it is already is not left for the next editor', async () => {
  const left = new Set(['a', 'b'])
  const reEncryption = createReEncryption({
    store: {
      left: async () => left.size,
      submissions: async (after, most) =>
        [...left]
          .filter((id) => id > (after?.id ?? ''))
          .sort()
          .slice(0, most)
          .map((id) => ({ id, encryptedFor: null })),
      files: async () => ({ revision: 1, files: [], recipients: { contextId: '', desk: '', sender: null } }),
      async reEncrypt(id) {
        left.delete(id)
        if (id !== 'b') return 'done'
        left.add('a')
        await reEncryption.begin(async () => ['AGE-SECRET-KEY-1'])
        return 'done'
      },
      deadLetters: async () => ({ last: undefined, count: 0 }),
    },
    files: { reEncrypt: async () => true },
    onError: assert.ifError,
    pace: createPace({ rest: 0 }),
  })
  await reEncryption.begin(async () => ['AGE-SECRET-KEY-1'])
  await reEncryption.settled()
  assert.deepEqual([...left], [])
})

test('of what was sent on and taken back, the receipt of a sender who left opens nothing', async (t) => {
  const { newsroom, receipt, held, send, undo } = await withHeldFile(t)
  await send(held)
  await settled(newsroom)
  // Not sealed anew: that is what an editor's session does.
  await newsroom.application.reEncryption.stop()
  await undo()
  const encrypted = await createEncrypted(newsroom)
  assert.ok((await encrypted.openedBy(encrypted.keysOfReceipt(receipt))).length > 0)
  await newsroom.http().post('/status/leave').type('form').send({ receipt }).expect(200)
  assert.deepEqual(await encrypted.openedBy(encrypted.keysOfReceipt(receipt)), [])
})

test('what a stranger’s held mail brings opens for editors only, until one of them sends it on', async (t) => {
  const { newsroom, receipt, held, send, undo } = await withHeldFile(t)
  const encrypted = await createEncrypted(newsroom)
  const sender = encrypted.keysOfReceipt(receipt)
  // What they sent themselves, in words.
  assert.equal((await encrypted.openedBy(sender)).length, 1)
  assert.equal((await encrypted.openedBy(await newsroom.keys())).length, (await encrypted.all()).length)

  // Sealed anew for any other reason, it stays so.
  database(t, newsroom).exec('update submissions set encrypted_for = null')
  await newsroom.application.reEncryption.begin(newsroom.keys)
  await settled(newsroom)
  assert.equal(await newsroom.application.storage.reEncryption.left(1), 0)
  assert.equal((await encrypted.openedBy(sender)).length, 1)

  await send(held)
  await settled(newsroom)
  // The answer’s words, the file, and what it is.
  assert.equal((await encrypted.openedBy(sender)).length, 4)

  // Taken back, the file is not theirs any more.
  await undo()
  await settled(newsroom)
  assert.equal((await encrypted.openedBy(sender)).length, 2)

  await send(held)
  await settled(newsroom)
  newsroom.passTime(11_000)
  const { messages } = await newsroom.status(receipt)
  assert.equal(messages[1].body, 'See what came.')
  assert.equal(messages[1].files[0].name, 'theirs.txt')
})
