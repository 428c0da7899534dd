import assert from 'node:assert/strict'
import { hash } from 'node:crypto'
import { test } from 'node:test'
import { asData, type HostileMail, hostileMails } from '../support/hostile-mail.ts'
import { inboundMail } from '../support/mail.ts'
import { type Newsroom, openNewsroom } from '../support/newsroom.ts'
import { openSmtpClient, type SmtpClient } from '../support/smtp-client.ts'

const addresses = ['tips@newsroom.test', 'opinion@newsroom.test', 'stories@newsroom.test']

async function send(client: SmtpClient, to: string, raw: Buffer): Promise<string> {
  await client.say('MAIL FROM:<sender@example.org>')
  await client.say(`RCPT TO:<${to}>`)
  assert.match(await client.say('DATA'), /^354/)
  client.send(asData(raw))
  return client.reply()
}

async function greeted(port: number): Promise<SmtpClient> {
  const client = await openSmtpClient(port)
  await client.reply()
  await client.say('EHLO client.example.org')
  return client
}

/** Says of a mail whether it is kept as it came: as a file, or, where nothing could be made of it, among what was not read. */
async function keptIn(newsroom: Newsroom): Promise<(mail: HostileMail) => boolean> {
  const files = new Set<string>()
  for (const content of await newsroom.openedFiles()) files.add(hash('sha256', content))
  const unread = await newsroom.application.storage.deadLetters.latest(2000, newsroom.keys)
  return ({ raw, mark }) => {
    const ended = raw.toString('latin1').endsWith('\r\n') ? raw : Buffer.concat([raw, Buffer.from('\r\n')])
    return files.has(hash('sha256', ended)) || unread.some((one) => one.raw.includes(mark))
  }
}

test('a thousand hostile mails: each is refused with a code, or is kept as it came', async (t) => {
  const newsroom = await openNewsroom(t, inboundMail)
  const port = await newsroom.openMailDoor()
  const mails = hostileMails(1000)
  const accepted: HostileMail[] = []
  let refused = 0
  // Each takes the next mail when it has sent one.
  const sender = async (to: string) => {
    const client = await greeted(port)
    for (const mail of mails) {
      const reply = await send(client, to, mail.raw)
      assert.match(reply, /^(?:250|55[24]) /, mail.what)
      if (reply.startsWith('250')) accepted.push(mail)
      else refused += 1
    }
    client.cut()
  }
  await Promise.all([...addresses, ...addresses].map(sender))
  assert.equal(accepted.length + refused, 1000)
  assert.ok(refused > 0 && refused < 50, `${refused} were refused`)
  const isKept = await keptIn(newsroom)
  for (const mail of accepted) assert.ok(isKept(mail), `${mail.what} was accepted and is not there`)
  // The desk can show them all, and after all that an ordinary mail is taken as ever.
  for (const { reference } of (await newsroom.all()).slice(0, 100))
    await newsroom.deskPage(`/desk/submissions/${reference}`)
  const client = await greeted(port)
  assert.match(
    await send(client, 'tips@newsroom.test', Buffer.from('From: a@example.org\r\n\r\nAll well?')),
    /^250/,
  )
  client.cut()
})

test('a header of 50 MB is kept as it came', async (t) => {
  const newsroom = await openNewsroom(t, inboundMail)
  const port = await newsroom.openMailDoor()
  const raw = Buffer.concat([
    Buffer.from('From: a@example.org\r\nX-Long: '),
    Buffer.alloc(50 * 1024 * 1024, 'a'),
    Buffer.from('\r\n\r\nbody\r\n'),
  ])
  const client = await greeted(port)
  assert.match(await send(client, 'tips@newsroom.test', raw), /^250/)
  client.cut()
  const isKept = await keptIn(newsroom)
  assert.ok(isKept({ what: 'a header of 50 MB', mark: 'none', raw }))
})
