import assert from 'node:assert/strict'
import { rm } from 'node:fs/promises'
import { test } from 'node:test'
import { inboundMail } from '../support/mail.ts'
import { openNewsroom } from '../support/newsroom.ts'
import { guestPost, photoUpdate, png, textUpdate } from '../support/submissions.ts'

let count = 0
const canary = () => `canary${String(++count).padStart(4, '0')}`

/** A guest post with a canary in every field that takes words. */
function canaryFields() {
  return Object.fromEntries(
    Object.keys(guestPost()).map((name) => {
      if (name === 'email') return [name, `${canary()}@canary.test`]
      if (name === 'links' || name === 'website') return [name, `https://${canary()}.test/`]
      if (name === 'consent') return [name, 'yes']
      return [name, `Some words with ${canary()} in them`]
    }),
  )
}

test('nothing that a sender sends is ever logged, whatever goes wrong', async (t) => {
  const newsroom = await openNewsroom(t, inboundMail)
  const headers = {
    'user-agent': canary(),
    'x-forwarded-for': canary(),
    referer: `https://${canary()}.test`,
    cookie: `a=${canary()}`,
  }

  const sent = await newsroom.submit('guest-post', canaryFields(), [
    { name: `${canary()}.png`, content: png() },
  ])
  await newsroom
    .post('guest-post', { ...canaryFields(), title: '' }, [
      { name: `${canary()}.bin`, content: Buffer.alloc(9) },
    ])
    .set(headers)
  await newsroom.post('expose', { [canary()]: canary() }).set(headers)
  await newsroom.http().get(`/${canary()}?${canary()}`).set(headers)
  await newsroom.http().post('/status').type('form').send({ receipt: canary(), message: canary() })
  await newsroom.http().post('/status').type('form').send({ receipt: sent.receipt, message: canary() })
  await newsroom.http().post(`/desk/sign-in/${canary()}`)
  await newsroom
    .http()
    .post('/desk/sign-in')
    .type('form')
    .send({ email: `${canary()}@canary.test` })
  newsroom.telegram.files.set('file', png())
  await newsroom.receiveUpdate(textUpdate(1, canary()))
  await newsroom.receiveUpdate(photoUpdate(2, 'file', canary()))
  await newsroom.receiveUpdate(photoUpdate(3, canary(), canary()))
  await newsroom.receiveUpdate({ update_id: 4, [canary()]: canary() })
  await newsroom.receiveUpdate(`{"${canary()}`)
  await newsroom.receiveUpdate(textUpdate(5, canary()), canary())
  for (const to of ['stories@newsroom.test', 'tips@newsroom.test', `${canary()}@newsroom.test`]) {
    const from = `${canary()} <${canary()}@canary.test>`
    const attachments = [{ filename: `${canary()}.exe`, content: canary() }]
    const mail = {
      from,
      to,
      subject: canary(),
      text: canary(),
      messageId: `<${canary()}@canary.test>`,
      attachments,
    }
    await newsroom.receiveMail(mail, { from: `${canary()}@canary.test` })
  }
  await newsroom.receiveMail(
    `From: ${canary()}@canary.test\r\nContent-Type: multipart/mixed; boundary=q\r\n\r\n${'--q\r\n\r\nx\r\n'.repeat(2000)}`,
    { to: ['tips@newsroom.test'] },
  )
  await newsroom.receiveMail(`From: MAILER-DAEMON@canary.test\r\n\r\n${canary()}`, {
    from: '',
    to: ['tips@newsroom.test'],
  })
  await newsroom.pause(11 * 60_000)
  newsroom.mailServer.refuse.recipient = 550
  await newsroom.workOff()

  // Storage that fails under the request: the file store is gone, then the database.
  await rm(newsroom.uploadsFolder, { recursive: true })
  const lost = await newsroom.post('guest-post', canaryFields(), [
    { name: `${canary()}.png`, content: png() },
  ])
  assert.ok(lost.status >= 500 && lost.status < 600)
  await newsroom.application.storage.close()
  assert.equal((await newsroom.post('guest-post', canaryFields())).status, 503)
  assert.equal((await newsroom.receiveUpdate(textUpdate(6, canary()))).status, 503)
  assert.equal(
    (await newsroom.http().post('/status').type('form').send({ receipt: sent.receipt, message: canary() }))
      .status,
    503,
  )

  const log = newsroom.logged.join('')
  assert.ok(log.includes(sent.reference) && log.includes('"channel":"telegram"') && log.includes('smtp-550'))
  assert.ok(log.includes('"msg":"unavailable"'), 'the faults were logged')
  assert.deepEqual(log.match(/canary\d+/g) ?? [], [])
  for (const secret of [sent.receipt, 'test-token_AAAA', '127.0.0.1', 'amina'])
    assert.ok(!log.includes(secret), secret)
})
