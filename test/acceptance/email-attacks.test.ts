import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { compose, inboundMail, replyTo } from '../support/mail.ts'
import { editorAddress, type Newsroom, openNewsroom } from '../support/newsroom.ts'
import { storyAngle } from '../support/submissions.ts'

const victim = 'victim@example.org'
const sender = 'amina@example.org'
/** A reply by mail waits two minutes. */
const undone = 121_000

async function noticed(t: TestContext) {
  const newsroom = await openNewsroom(t, inboundMail)
  const { reference, receipt } = await newsroom.submit('story-angle', { ...storyAngle(), email: sender })
  await newsroom.workOff()
  const notice = newsroom.mailsTo(editorAddress).at(-1)
  assert.ok(notice)
  return { newsroom, reference, receipt, notice }
}

async function heldIn(newsroom: Newsroom, reference: string): Promise<(string | undefined)[]> {
  const { id } = await newsroom.submission(reference)
  const messages = await newsroom.application.storage.submissions.conversation(id, newsroom.keys)
  return messages
    .filter(({ author, isWithdrawn }) => author === 'unverified' && !isWithdrawn)
    .map(({ content }) => content.email?.quarantined)
}

test('a full disk while the files of a mail are kept: put off, the process goes on, and nothing is left over', {
  skip: process.getuid?.() === 0 ? false : 'a small disk is made by root only',
}, async (t) => {
  const small = join('/tmp', `barua-small-${process.pid}`)
  await mkdir(small)
  execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=24m', 'tmpfs', small])
  t.after(() => execFileSync('umount', ['-l', small]))
  const newsroom = await openNewsroom(t, { ...inboundMail, UPLOADS_DIR: join(small, 'uploads') })
  const attachments = [1, 2, 3, 4].map((n) => ({ filename: `${n}.txt`, content: 'x'.repeat(3_000_000) }))
  const mail = await compose({ to: 'stories@newsroom.test', text: 'Four files.', attachments })
  await assert.rejects(newsroom.receiveMail(mail, { to: ['stories@newsroom.test'] }), { code: 'unavailable' })
  assert.deepEqual(await newsroom.storedFiles(), [])
  assert.equal(await newsroom.receiveMail({ to: 'stories@newsroom.test', text: 'Small.' }), 'received')
})

test('nobody can lay a thread for somebody else: what a victim writes is not read with another’s receipt', async (t) => {
  const newsroom = await openNewsroom(t, inboundMail)
  await newsroom.receiveMail({
    from: victim,
    replyTo: 'attacker@example.net',
    to: 'stories@newsroom.test',
    messageId: '<newsletter@newsroom.test>',
    text: 'Laid.',
  })
  await newsroom.workOff()
  assert.deepEqual(newsroom.mailsTo('attacker@example.net'), [], 'no receipt for who is only named')
  const tip = {
    from: victim,
    to: 'tips@newsroom.test',
    references: '<newsletter@newsroom.test>',
    text: 'The tip.',
  }
  assert.equal(await newsroom.receiveMail(tip), 'received')
})

test('what is told in confidence does not join a conversation whose mails hold every word', async (t) => {
  const newsroom = await openNewsroom(t, inboundMail)
  await newsroom.receiveMail({
    to: 'stories@newsroom.test',
    messageId: '<one@example.org>',
    text: 'A story.',
  })
  const tip = { to: 'tips+expose@newsroom.test', references: '<one@example.org>', text: 'TOPSECRET' }
  assert.equal(await newsroom.receiveMail(tip), 'received')
  // To two addresses in two deliveries, the headers tell of both at the first one.
  const both = { from: victim, to: 'stories@newsroom.test', cc: 'tips@newsroom.test', text: 'ALSOSECRET' }
  const raw = await compose(both)
  assert.equal(await newsroom.receiveMail(raw, { to: ['stories@newsroom.test'] }), 'received')
  assert.equal(await newsroom.receiveMail(raw, { to: ['tips@newsroom.test'] }), 'repeat')
  await newsroom.workOff()
  assert.ok(!/TOPSECRET|ALSOSECRET/.test(newsroom.mailServer.mails.map((mail) => mail.raw).join()))
})

test('an editor’s address goes to no sender, in whatever language a mail program quotes', async (t) => {
  const { newsroom, reference, notice } = await noticed(t)
  const heads = [
    `Od: Barua <barua@newsroom.test>\nWysłano: poniedziałek\nDo: Editor <${editorAddress}>\nTemat: Re`,
    `От: Barua <barua@newsroom.test>\nОтправлено: понедельник\nКому: ${editorAddress}\nТема: Re`,
    `**From:** Barua <barua@newsroom.test>\n**Sent:** Monday\n**To:** Editor <${editorAddress}>\n**Subject:** Re`,
  ]
  for (const head of heads) {
    assert.equal(
      await newsroom.receiveMail(replyTo(notice, '', { text: `Thank you.\n\n${head}\n\n${notice.text}` })),
      'done',
    )
  }
  const telling = [
    `Write to ${editorAddress.toUpperCase()} please, and say when.`,
    'See http://localhost:3000/desk/submissions/X for it.',
    `It is at ${notice.replyTo?.value[0]?.address}.`,
    `Call me.\n\nOtto Editor\nE: ${editorAddress}`,
  ]
  for (const words of telling)
    assert.equal(await newsroom.receiveMail(replyTo(notice, words)), 'quarantined', words)
  assert.deepEqual(
    await heldIn(newsroom, reference),
    telling.map(() => 'tells-of-us'),
  )
  await newsroom.pause(undone)
  for (const { raw, recipient } of newsroom.mailServer.mails) {
    if (recipient === sender) assert.ok(!/editor@|\/desk\//i.test(raw), raw)
  }
})

test('what only looks like a command goes to no sender', async (t) => {
  const { newsroom, reference, notice } = await noticed(t)
  const odd = [
    '/ note x',
    '／note x',
    '//note x',
    '\\note x',
    '*/note* x',
    '"/note x"',
    'Hello\n/note x',
    '/note x\n/accept',
    '/noted x',
  ]
  for (const words of odd)
    assert.equal(await newsroom.receiveMail(replyTo(notice, words)), 'quarantined', words)
  assert.deepEqual(
    await heldIn(newsroom, reference),
    odd.map(() => 'no-such-command'),
  )
  assert.equal(await newsroom.receiveMail(replyTo(notice, '\u200B/note hidden')), 'done')
  const html = replyTo(notice, '', { text: undefined, html: `<b>/note bold</b><br>${notice.html}` })
  assert.equal(await newsroom.receiveMail(html), 'quarantined')
  await newsroom.pause(undone)
  assert.equal(newsroom.mailsTo(sender).length, 1)
})

test('an editor is named once and alone', async (t) => {
  const { newsroom, notice } = await noticed(t)
  const from = [
    `${editorAddress}, friend@example.net`,
    `Editors: ${editorAddress}, a@b.example;`,
    'friend@example.net',
  ]
  for (const one of from)
    assert.equal(await newsroom.receiveMail(replyTo(notice, 'Not me.', { from: one })), 'quarantined', one)
  const raw = (await compose(replyTo(notice, 'Nor me.'))).toString()
  const twice = `From: friend@example.net\r\n${raw}`
  assert.equal(
    await newsroom.receiveMail(twice, { to: [notice.replyTo?.value[0]?.address ?? ''] }),
    'quarantined',
  )
})

test('an editor’s words that a list or a gateway marked are held, not thrown away', async (t) => {
  const { newsroom, reference, notice } = await noticed(t)
  for (const headers of [{ 'X-Loop': 'x' }, { 'List-Id': '<a.b>' }, { Precedence: 'bulk' }])
    assert.equal(
      await newsroom.receiveMail(replyTo(notice, `With ${JSON.stringify(headers)}`, { headers })),
      'quarantined',
    )
  assert.deepEqual(await heldIn(newsroom, reference), ['automatic', 'automatic', 'automatic'])
})

test('a mailbox that redirects all to the tips ends, whatever it redirects', async (t) => {
  const newsroom = await openNewsroom(t, inboundMail)
  for (let i = 0; i < 25; i++) await newsroom.submit('news-tip')
  let redirected = 0
  for (let turn = 0; turn < 6; turn++) {
    await newsroom.pause(3_600_000)
    const fresh = newsroom.mailServer.mails.slice(redirected)
    redirected = newsroom.mailServer.mails.length
    for (const { raw, text, recipient, subject } of fresh) {
      if (recipient !== editorAddress) continue
      await newsroom.receiveMail(raw, { to: ['tips@newsroom.test'] })
      await newsroom.receiveMail({
        from: editorAddress,
        to: 'tips@newsroom.test',
        subject: `FW: ${subject}`,
        text: text ?? '',
      })
    }
  }
  assert.equal(await newsroom.submissionCount(), 25)
  const settled = newsroom.mailServer.mails.length
  await newsroom.pause(3_600_000)
  assert.equal(newsroom.mailServer.mails.length, settled)
  assert.ok(!/\/desk\/sign-in\/\w/.test(JSON.stringify(await newsroom.all())))
})

test('a person who writes to the return path is heard; one who may reply reports no bounce', async (t) => {
  const { newsroom, reference } = await noticed(t)
  const { revision } = await newsroom.seen(reference)
  await newsroom.act(`/desk/submissions/${reference}/answer`, { body: 'May we call you?', revision })
  await newsroom.pause(undone)
  const answer = newsroom.mailsTo(sender).at(-1)
  assert.ok(answer)
  assert.equal(
    await newsroom.receiveMail({ from: sender, to: answer.returnPath, text: 'Yes, call me.' }),
    'joined',
  )
  const report = `From: x@example.net\r\nContent-Type: multipart/report; boundary=q\r\n\r\n--q\r\nContent-Type: message/delivery-status\r\n\r\nAction: failed\r\nStatus: 5.1.1\r\n\r\n--q\r\nContent-Type: text/rfc822-headers\r\n\r\nMessage-ID: ${answer.messageId}\r\n--q--\r\n`
  assert.equal(await newsroom.receiveMail(report, { from: sender, to: ['tips@newsroom.test'] }), 'kept')
  const { id } = await newsroom.submission(reference)
  const jobs = await newsroom.application.storage.jobs.ofSubmission(id)
  assert.equal(jobs.find(({ type }) => type === 'answer-mail')?.state, 'sent')
})

test('a server’s word under any name is no piece', async (t) => {
  const newsroom = await openNewsroom(t, inboundMail)
  const names = [
    'MAILER-DAEMON@x.example',
    'mail-daemon@x.example',
    'MAILER_DAEMON@x.example',
    'postmaster@x.example',
  ]
  for (const name of names)
    assert.equal(
      await newsroom.receiveMail({ from: name, to: 'tips@newsroom.test', text: name }, { from: '' }),
      'kept',
      name,
    )
  const unnamed = 'Subject: x\r\n\r\nCould not be delivered.'
  assert.equal(await newsroom.receiveMail(unnamed, { from: '', to: ['tips@newsroom.test'] }), 'kept')
  const subject = 'Undelivered Mail Returned to Sender'
  const plain = { from: 'noreply@x.example', to: 'tips@newsroom.test', subject, text: 'No.' }
  assert.equal(await newsroom.receiveMail(plain, { from: '' }), 'kept')
  assert.equal(await newsroom.submissionCount(), 0)
})

test('our receipts carry nobody’s words to somebody else', async (t) => {
  const newsroom = await openNewsroom(t, inboundMail)
  for (let i = 0; i < 6; i++)
    await newsroom.receiveMail({
      from: `victim+${i}@example.org`,
      to: 'stories@newsroom.test',
      subject: 'BUY PILLS',
      text: `${i}`,
    })
  await newsroom.workOff()
  const sent = newsroom.mailServer.mails.filter(({ recipient }) => recipient.startsWith('victim'))
  assert.equal(sent.length, 3)
  assert.ok(sent.every(({ raw }) => !raw.includes('PILLS')))
})

test('a held reply that was sent and taken back is held again, with its files', async (t) => {
  const { newsroom, reference, notice } = await noticed(t)
  const attachments = [{ filename: 'a.txt', content: 'a' }]
  await newsroom.receiveMail(replyTo(notice, 'From elsewhere.', { from: 'friend@example.net', attachments }))
  const { id } = await newsroom.submission(reference)
  const conversation = () => newsroom.application.storage.submissions.conversation(id, newsroom.keys)
  const before = await conversation()
  const held = before.at(-1)
  const cookie = await newsroom.signIn()
  const labels = Object.entries(held?.content.files ?? {})
  const file = labels.filter(([, { isRaw }]) => !isRaw).map(([id]) => id)
  const offered = { held: held?.id ?? '', offers: held?.id ?? '', file }
  const way = { ...offered, way: 'send', body: 'Mine now.', ...(await newsroom.seen(reference)) }
  await newsroom.act(`/desk/submissions/${reference}/held`, way, cookie)
  await newsroom.act('/desk/undo', { references: reference }, cookie)
  const after = await conversation()
  assert.deepEqual(
    after.find((one) => one.id === held?.id),
    held,
  )
  assert.equal(after.at(-1)?.isWithdrawn, true)
  assert.deepEqual(after.at(-1)?.attachments, [])
})

test('an archive with an editor’s old reply does nothing again, and mails nobody', async (t) => {
  const { newsroom, reference, notice } = await noticed(t)
  const told = newsroom.mailServer.mails.length
  assert.equal(await newsroom.receiveMail(replyTo(notice, '/decline'), { isImported: true }), 'quarantined')
  assert.equal((await newsroom.submission(reference)).state, 'waiting')
  await newsroom.pause(undone)
  assert.equal(newsroom.mailServer.mails.length, told)
})

test('a sender with an unusual address is answered; one with a useless Reply-To too', async (t) => {
  const newsroom = await openNewsroom(t, inboundMail)
  const addresses = {
    // The mail server of the test tells names of domains in letters.
    'jane@xn--e1afmkfd.xn--p1ai': 'jane@пример.рф',
    'a=b@example.org': 'a=b@example.org',
    "o'neil@example.org": "o'neil@example.org",
  }
  for (const [from, heard] of Object.entries(addresses)) {
    await newsroom.receiveMail({ from, to: 'stories@newsroom.test', text: `From ${from}` })
    await newsroom.workOff()
    assert.equal(newsroom.mailsTo(heard).length, 1, from)
  }
  const useless = `From: ${sender}\r\nReply-To: foo@localhost\r\n\r\nAnswer me.`
  await newsroom.receiveMail(useless, { from: sender, to: ['stories@newsroom.test'] })
  await newsroom.workOff()
  assert.equal(newsroom.mailsTo(sender).length, 1)
})

test('a sender is told nothing of what is held, not even when', async (t) => {
  const { newsroom, receipt, notice } = await noticed(t)
  const before = await newsroom.status(receipt)
  newsroom.passTime(60_000)
  const exe = { filename: 'internal.exe', content: Buffer.concat([Buffer.from('MZ'), Buffer.alloc(300, 1)]) }
  await newsroom.receiveMail(replyTo(notice, 'Held.', { from: 'friend@example.net', attachments: [exe] }))
  assert.deepEqual(await newsroom.status(receipt), before)
})
