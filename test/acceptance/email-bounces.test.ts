import assert from 'node:assert/strict'
import { test } from 'node:test'
import { inboundMail, replyTo } from '../support/mail.ts'
import type { ReceivedMail } from '../support/mail-server.ts'
import { editorAddress, type Newsroom, openNewsroom } from '../support/newsroom.ts'
import { storyAngle } from '../support/submissions.ts'

const sender = 'amina@example.org'

/** A delivery status notification as servers send it: https://www.rfc-editor.org/rfc/rfc3464 */
function report(
  about: ReceivedMail,
  { action = 'failed', status = '5.1.1', to = about.returnPath } = {},
): string {
  return [
    'Return-Path: <>',
    'From: Mail Delivery System <MAILER-DAEMON@mx.example.org>',
    `To: ${to}`,
    'Subject: Undelivered Mail Returned to Sender',
    'Auto-Submitted: auto-replied',
    'MIME-Version: 1.0',
    'Content-Type: multipart/report; report-type=delivery-status; boundary="q"',
    '',
    '--q',
    'Content-Type: text/plain',
    '',
    'I am sorry.',
    '--q',
    'Content-Type: message/delivery-status',
    '',
    'Reporting-MTA: dns; mx.example.org',
    '',
    `Final-Recipient: rfc822; ${about.recipient}`,
    `Action: ${action}`,
    `Status: ${status}`,
    'Diagnostic-Code: smtp; 550 5.1.1 No such user',
    '',
    '--q',
    'Content-Type: text/rfc822-headers',
    '',
    `Subject: ${about.subject}`,
    `Message-ID: ${about.messageId}`,
    '',
    '--q--',
    '',
  ].join('\r\n')
}

async function answered(newsroom: Newsroom) {
  const { reference } = await newsroom.submit('story-angle', { ...storyAngle(), email: sender })
  const { revision } = await newsroom.seen(reference)
  await newsroom.act(`/desk/submissions/${reference}/answer`, { body: 'May we call you?', revision })
  newsroom.passTime(11_000)
  await newsroom.workOff()
  const answer = newsroom.mailsTo(sender).find(({ text }) => text?.startsWith('May we call you?'))
  assert.ok(answer)
  return { reference, answer }
}

async function fateOf(newsroom: Newsroom, reference: string) {
  const { id } = await newsroom.submission(reference)
  const jobs = await newsroom.application.storage.jobs.ofSubmission(id)
  const { state, errorCode } = jobs.find(({ type }) => type === 'answer-mail') ?? {}
  return [state, errorCode]
}

test('a bounce is matched to its delivery by the return path, and shown where the answer is', async (t) => {
  const newsroom = await openNewsroom(t, inboundMail)
  const { reference, answer } = await answered(newsroom)
  assert.match(answer.returnPath, /^barua\+b[\da-f]{45}@newsroom\.test$/)
  const bounce = report(answer)
  assert.equal(await newsroom.receiveMail(bounce, { from: '', to: [answer.returnPath] }), 'bounce')
  assert.equal(await newsroom.receiveMail(bounce, { from: '', to: [answer.returnPath] }), 'bounce')
  assert.deepEqual(await fateOf(newsroom, reference), ['failed', 'bounced-5.1.1'])
  const page = await newsroom.deskPage(`/desk/submissions/${reference}`)
  assert.match(page, /did not reach the sender, bounced-5\.1\.1/)
  assert.equal(await newsroom.submissionCount(), 1)
  // It can be tried again, and then it is as new.
  const { id } = await newsroom.submission(reference)
  const { jobs } = newsroom.application.storage
  const failed = (await jobs.ofSubmission(id)).find(({ state }) => state === 'failed')
  await newsroom.act(`/desk/deliveries/${failed?.id}/retry`, { back: reference })
  await newsroom.workOff()
  assert.deepEqual(await fateOf(newsroom, reference), ['sent', null])
})

test('a bounce that went elsewhere is matched by the name of the mail it is about', async (t) => {
  const newsroom = await openNewsroom(t, inboundMail)
  const { reference, answer } = await answered(newsroom)
  const bounce = report(answer, { status: '5.2.2', to: 'barua@newsroom.test' })
  assert.equal(await newsroom.receiveMail(bounce, { from: '', to: ['barua@newsroom.test'] }), 'bounce')
  assert.deepEqual(await fateOf(newsroom, reference), ['failed', 'bounced-5.2.2'])
})

test('a delay is no bounce, and neither is an out-of-office reply, which joins the conversation', async (t) => {
  const newsroom = await openNewsroom(t, inboundMail)
  const { reference, answer } = await answered(newsroom)
  const to = [answer.returnPath]
  assert.equal(await newsroom.receiveMail(report(answer, { action: 'delayed' }), { from: '', to }), 'bounce')
  const away = {
    from: sender,
    to: answer.returnPath,
    text: 'I am away.',
    headers: { 'Auto-Submitted': 'auto-replied' },
  }
  const told = newsroom.mailsTo(editorAddress).length
  assert.equal(await newsroom.receiveMail(away, { from: '', to }), 'joined')
  assert.deepEqual(await fateOf(newsroom, reference), ['sent', null])
  // So does one that comes to the address for replies; nobody is mailed of either.
  const reply = replyTo(answer, 'I am away until May.', { headers: { 'Auto-Submitted': 'auto-replied' } })
  assert.equal(await newsroom.receiveMail(reply), 'joined')
  newsroom.passTime(3_600_000)
  await newsroom.workOff()
  assert.equal(newsroom.mailsTo(editorAddress).length, told)
  assert.match(await newsroom.deskPage(`/desk/submissions/${reference}`), /Automatic reply/)
})

test('bounces in words only, and those of mail that is not ours, never become a piece', async (t) => {
  const newsroom = await openNewsroom(t, inboundMail)
  const { reference, answer } = await answered(newsroom)
  const daemon =
    'From: <MAILER-DAEMON@old.example.org>\r\nSubject: failure notice\r\n\r\nHi. This is the qmail-send program.'
  assert.equal(await newsroom.receiveMail(daemon, { from: '', to: ['tips@newsroom.test'] }), 'kept')
  const other = { ...answer, messageId: '<someone@else.example>' } as ReceivedMail
  const foreign = report(other, { to: 'tips@newsroom.test' })
  assert.equal(await newsroom.receiveMail(foreign, { from: '', to: ['tips@newsroom.test'] }), 'kept')
  assert.equal(await newsroom.submissionCount(), 1)
  const unread = await newsroom.deskPage('/desk/unread')
  assert.match(unread, /bounce-of-nothing-ours/)
  assert.match(unread, /qmail-send/)
  const replyAddress = answer.replyTo?.value[0]?.address ?? ''
  assert.equal(await newsroom.receiveMail(daemon, { from: '', to: [replyAddress] }), 'bounce')
  assert.deepEqual(await fateOf(newsroom, reference), ['failed', 'bounced'])
})

test('a made-up return path bounces nothing', async (t) => {
  const newsroom = await openNewsroom(t, inboundMail)
  const { reference, answer } = await answered(newsroom)
  const reply = answer.replyTo?.value[0]?.address ?? ''
  // The token for replies is known to the sender; it is none for bounces.
  const madeUp = reply.replace('barua+', 'barua+b')
  const foreign = report({ ...answer, messageId: '<x@else.example>' } as ReceivedMail, { to: madeUp })
  assert.equal(await newsroom.receiveMail(foreign, { from: '', to: [madeUp] }), 'kept')
  assert.deepEqual(await fateOf(newsroom, reference), ['sent', null])
})

test('two programs that answer each other stop', async (t) => {
  const newsroom = await openNewsroom(t, inboundMail)
  // The other side answers everything it gets, to the address it came from, and says nothing of being a program.
  const robot = { from: 'robot@example.org', to: 'stories@newsroom.test' }
  await newsroom.receiveMail({ ...robot, text: 'Turn 0.' })
  let seen = 0
  for (let turn = 1; turn <= 20; turn++) {
    await newsroom.workOff()
    const mails = newsroom.mailsTo('robot@example.org')
    if (mails.length === seen) break
    seen = mails.length
    await newsroom.receiveMail({ ...robot, text: `Turn ${turn}.` })
  }
  assert.equal(seen, 3)
  // To the address for replies it goes on in one conversation, which we do not answer.
  const [first] = newsroom.mailsTo('robot@example.org')
  assert.ok(first)
  for (let turn = 0; turn < 3; turn++) {
    assert.equal(await newsroom.receiveMail(replyTo(first, `Reply ${turn}.`)), 'joined')
    await newsroom.workOff()
  }
  assert.equal(newsroom.mailsTo('robot@example.org').length, 3)
})

test('a receipt that is passed on to us by itself, or quoted by hand, goes to its conversation', async (t) => {
  const newsroom = await openNewsroom(t, inboundMail)
  await newsroom.receiveMail({ to: 'tips@newsroom.test', from: sender, text: 'A tip.' })
  await newsroom.workOff()
  for (let turn = 0; turn < 5; turn++) {
    const receipt = newsroom.mailsTo(sender).at(-1)
    const forwarded = {
      to: 'tips@newsroom.test',
      from: sender,
      subject: `Fwd ${turn}`,
      text: `Passed on.\n\n${receipt?.text}`,
    }
    assert.equal(await newsroom.receiveMail(forwarded), 'joined')
    await newsroom.workOff()
  }
  assert.equal(newsroom.mailsTo(sender).length, 1)
  assert.equal(await newsroom.submissionCount(), 1)
  const code = /Receipt: (\S+)/.exec(newsroom.mailsTo(sender)[0]?.text ?? '')?.[1] ?? ''
  const told = await newsroom.status(code)
  assert.equal(told.messages.length, 6)
  const { id } = await newsroom.submission(told.reference)
  const kept = JSON.stringify(await newsroom.application.storage.submissions.conversation(id, newsroom.keys))
  assert.ok(!kept.includes(code), 'a receipt that is quoted is kept')
  const madeUp = { to: 'tips@newsroom.test', text: 'My receipt is 0000-1111-2222-3333-4444-5555.' }
  assert.equal(await newsroom.receiveMail(madeUp), 'received')
})

test('a mail that has come through too many servers runs in circles, and is refused', async (t) => {
  const newsroom = await openNewsroom(t, inboundMail)
  const hops = 'Received: from a by b; Mon, 3 Mar 2025 10:00:00 +0300\r\n'.repeat(60)
  const mail = `${hops}From: a@example.org\r\n\r\nRound and round.`
  await assert.rejects(newsroom.receiveMail(mail, { to: ['tips@newsroom.test'] }), { code: 'forbidden' })
  assert.equal(await newsroom.submissionCount(), 0)
  assert.deepEqual(await newsroom.storedFiles(), [])
})
