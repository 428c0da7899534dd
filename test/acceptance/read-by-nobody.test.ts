import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isReadByNobody } from '../../src/core/no-reply-address.ts'
import { inboundMail } from '../support/mail.ts'
import { openNewsroom } from '../support/newsroom.ts'
import { storyAngle } from '../support/submissions.ts'

const readByNobody = [
  'noreply@shop.example',
  'No-Reply@shop.example',
  'no.reply@shop.example',
  'no_reply+4711@shop.example',
  'noreply-accounts@shop.example',
  'orders-noreply@shop.example',
  'do-not-reply@shop.example',
  'donotreply@shop.example',
  'ne-pas-repondre@boutique.example',
  'no-responder@tienda.example',
  'nicht-antworten@laden.example',
  'usijibu@duka.example',
  'auto-reply@shop.example',
  'autoresponder@shop.example',
  'MAILER-DAEMON@mx.example.org',
  'mailer_daemon@mx.example.org',
  'postmaster@example.org',
  'bounce@shop.example',
  'bounces+17-4711@shop.example',
  'bounce-4711@shop.example',
  'bounce-4711=jane=example.org@shop.example',
  'choir-bounces@lists.example.org',
  'owner-choir@lists.example.org',
  'choir-owner@lists.example.org',
  'choir-request@lists.example.org',
  'choir-unsubscribe@lists.example.org',
  'majordomo@lists.example.org',
  'www-data@web.example.org',
  'nobody@example.org',
  'jane@users.noreply.code.example',
  '4711@bounce.shop.example',
]
const readBySomebody = [
  'jane@example.org',
  'jane.mwangi+stories@example.org',
  'reply@example.org',
  'norey@example.org',
  'bouncer@club.example',
  'bounce-house@fun.example',
  'owner@shop.example',
  'requests@example.org',
  'info@example.org',
  'abuse@example.org',
  'root.canal@dentist.example',
  'newsletter@example.org',
  'jane@noreplyish.example',
]

test('addresses that no person reads are told from those that somebody reads', () => {
  for (const address of readByNobody) assert.equal(isReadByNobody(address), true, address)
  for (const address of readBySomebody) assert.equal(isReadByNobody(address), false, address)
})

test('nothing is mailed by itself to an address that nobody reads, whichever way the piece came', async (t) => {
  const newsroom = await openNewsroom(t, inboundMail)
  for (const from of readByNobody) {
    const mail = `From: Shop <${from}>\r\nSubject: ${from}\r\n\r\nSomething has happened.`
    assert.equal(await newsroom.receiveMail(mail, { to: ['stories@newsroom.test'] }), 'received')
  }
  await newsroom.submit('story-angle', { ...storyAngle(), email: 'no-reply@shop.example' })
  await newsroom.workOff()
  const written = newsroom.mailServer.mails.map(({ recipient }) => recipient)
  assert.deepEqual(
    written.filter((to) => !to.endsWith('@newsroom.test')),
    [],
  )
  assert.equal(await newsroom.submissionCount(), readByNobody.length + 1)
})

test('an editor may answer there all the same', async (t) => {
  const newsroom = await openNewsroom(t)
  const email = 'choir-request@lists.example.org'
  const { reference } = await newsroom.submit('story-angle', { ...storyAngle(), email })
  const { revision } = await newsroom.seen(reference)
  await newsroom.act(`/desk/submissions/${reference}/answer`, { body: 'May we call you?', revision })
  await newsroom.pause(11_000)
  assert.match(newsroom.mailsTo(email)[0]?.text ?? '', /^May we call you\?/)
})
