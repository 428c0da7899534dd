import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect } from 'node:net'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { type TestContext, test } from 'node:test'
import { createTransport } from 'nodemailer'
import { listenForMail } from '../../src/channels/email/smtp-listener.ts'
import { inboundMail } from '../support/mail.ts'
import { editorAddress, type Newsroom, openNewsroom } from '../support/newsroom.ts'
import { openSmtpClient } from '../support/smtp-client.ts'

async function opened(t: TestContext, env: Record<string, string> = {}) {
  const newsroom = await openNewsroom(t, { ...inboundMail, ...env })
  const port = await newsroom.openMailDoor()
  return { newsroom, port }
}

const mail = 'From: Jane <jane@example.org>\r\nSubject: Hello\r\n\r\nSomething happened.\r\n'

async function bodies(newsroom: Newsroom): Promise<string[]> {
  const { submissions } = newsroom.application.storage
  const openings = await Promise.all(
    (await newsroom.all()).map(({ id }) => submissions.opening(id, newsroom.keys)),
  )
  return openings.map((one) => one?.content.fields.body ?? '')
}

test('mail comes in by SMTP and by LMTP, and 250 is said when it is durable', async (t) => {
  const { newsroom, port } = await opened(t)
  const transport = createTransport({ host: '127.0.0.1', port, ignoreTLS: true })
  const info = await transport.sendMail({
    from: 'jane@example.org',
    to: 'tips@newsroom.test',
    subject: 'By SMTP',
    text: 'Over the wire.',
  })
  assert.match(info.response, /^250 .*Received, and safe\./)
  assert.equal(await newsroom.submissionCount(), 1)
  const lmtp = await opened(t, { EMAIL_LISTEN: 'lmtp://127.0.0.1:0' })
  const client = await openSmtpClient(lmtp.port)
  await client.reply()
  await client.say('LHLO mx.example.org')
  await client.say('MAIL FROM:<jane@example.org>')
  await client.say('RCPT TO:<tips@newsroom.test>')
  await client.say('RCPT TO:<opinion@newsroom.test>')
  assert.match(await client.say('RCPT TO:<nobody@newsroom.test>'), /^550/)
  assert.match(await client.say('DATA'), /^354/)
  client.send(`${mail}.\r\n`)
  // One reply for each recipient (RFC 2033, 4.2).
  assert.match(await client.reply(), /^250/)
  assert.match(await client.reply(), /^250/)
  assert.match(await client.say('QUIT'), /^221/)
  assert.equal(await lmtp.newsroom.submissionCount(), 1)
})

test('only our own addresses are taken: nobody passes mail on through us', async (t) => {
  const { port } = await opened(t)
  const client = await openSmtpClient(port)
  await client.reply()
  await client.say('EHLO client.example.org')
  assert.match(await client.say('MAIL FROM:<>'), /^250/)
  for (const other of [
    'someone@example.org',
    'nobody@newsroom.test',
    'tips@newsroom.test.example.org',
    'tips%example.org@newsroom.test',
    '@newsroom.test:someone@example.org',
  ])
    assert.match(await client.say(`RCPT TO:<${other}>`), /^55\d|^501/, other)
  assert.match(await client.say('RCPT TO:<tips@newsroom.test>'), /^250/)
  assert.match(await client.say('VRFY editor'), /^252|^502/)
  assert.match(await client.say('AUTH PLAIN AGEAYg=='), /^50\d/)
  client.cut()
})

test('no second mail is smuggled behind a lone line feed', async (t) => {
  const { newsroom, port } = await opened(t)
  const second =
    'MAIL FROM:<x@example.org>\r\nRCPT TO:<tips@newsroom.test>\r\nDATA\r\nFrom: x@example.org\r\n\r\nSmuggled.\r\n.\r\n'
  const ends = [
    '\n.\n',
    '\n.\r\n',
    '\r\n.\n',
    '\r.\r',
    '\r\n.\r',
    '\n\n.\r\n',
    '\r\n\x00.\r\n',
    '\r.\r\n',
    '\n.\r',
  ]
  for (const end of ends) {
    const client = await openSmtpClient(port)
    assert.match(await client.begin('tips@newsroom.test'), /^354/)
    client.send(`${mail}End ${JSON.stringify(end)}${end}${second}\r\n.\r\n`)
    assert.match(await client.reply(), /^250/, JSON.stringify(end))
    client.cut()
  }
  const said = await bodies(newsroom)
  // The smuggled one stands within the words of the first, and is no mail.
  assert.equal(said.filter((body) => body.startsWith('Smuggled')).length, 0)
  assert.equal(said.length, ends.length)
})

test('dots at the beginning of lines come back as they were sent', async (t) => {
  const { newsroom, port } = await opened(t)
  const client = await openSmtpClient(port)
  await client.begin('tips@newsroom.test')
  client.send('From: a@example.org\r\n\r\n..one dot\r\n...two dots\r\nno dot\r\n.\r\n')
  assert.match(await client.reply(), /^250/)
  assert.deepEqual(await bodies(newsroom), ['.one dot\n..two dots\nno dot'])
  client.cut()
})

/** How servers write whom a mail is from; every one of them has sent a mail that somebody wrote. */
const senders = [
  'MAIL FROM:<jane@my_host.example.org>',
  'MAIL FROM:<jane@_dmarc_.example.org>',
  'MAIL FROM:<jane@example.org.>',
  'MAIL FROM:<jane@-example-.org>',
  'MAIL FROM:<jane@example..org>',
  'MAIL FROM:<.jane.@example.org>',
  'MAIL FROM:<jane..doe@example.org>',
  'MAIL FROM:<"jane doe"@example.org>',
  'MAIL FROM:<"jane@home"@example.org>',
  'MAIL FROM:<"jane>\\"doe"@example.org>',
  'MAIL FROM:<jane"doe@example.org>',
  'MAIL FROM:<jane@[192.0.2.1]>',
  'MAIL FROM:<jane@[IPv6:2001:db8::1]>',
  'MAIL FROM:<jane@[192.0.2.999]>',
  'MAIL FROM:<jane@192.0.2.1>',
  'MAIL FROM:<jane@localhost>',
  'MAIL FROM:<MAILER-DAEMON>',
  'MAIL FROM:<jane@home@example.org>',
  'MAIL FROM:<Jürgen@exämple.org>',
  'MAIL FROM:<Jürgen@exämple.org> SMTPUTF8',
  'MAIL FROM:<Jürgen@exämple.org> BODY=8BITMIME SMTPUTF8 SIZE=1000',
  'MAIL FROM:<жанна@пример.рф>',
  'MAIL FROM:<jane@xn--exmple-cua.org>',
  'MAIL FROM:<jane@xn--.org>',
  `MAIL FROM:<${'long'.repeat(40)}@example.org>`,
  'MAIL FROM:<SRS0=Zx1=Q2=example.org=jane@relay.example.net>',
  "MAIL FROM:<prvs=12='jane/o=x'@example.org>",
  'MAIL FROM:<@relay.example.net:jane@example.org>',
  'MAIL FROM:<@a.example,@b.example:jane@example.org>',
  'MAIL FROM: <jane@example.org>',
  'MAIL FROM:  <jane@example.org>  SIZE=1000 ',
  'MAIL FROM :<jane@example.org>',
  'MAIL  FROM:<jane@example.org>',
  'mail from:<jane@example.org> size=1000 body=8bitmime',
  'MAIL FROM:jane@example.org',
  'MAIL FROM: jane@example.org SIZE=1000 AUTH=<>',
  'MAIL FROM:< jane@example.org >',
  'MAIL FROM:<<jane@example.org>>',
  'MAIL FROM:<jane@example.org',
  'MAIL FROM:Jane Mwangi <jane@example.org>',
  'MAIL FROM:<jane@example.org> BODY=7BIT RET=HDRS ENVID=QQ314159',
  'MAIL FROM:<jane@example.org> X-UNKNOWN=1 AUTH=<>',
]

test('no mail is refused for how another server writes whom it is from', async (t) => {
  const { newsroom, port } = await opened(t)
  const client = await openSmtpClient(port)
  await client.reply()
  await client.say('EHLO client.example.org')
  for (const [i, sender] of senders.entries()) {
    assert.match(await client.say(sender), /^250/, sender)
    assert.match(await client.say('RCPT TO:<tips@newsroom.test>'), /^250/, sender)
    assert.match(await client.say('DATA'), /^354/)
    client.send(`From: Jane <jane@example.org>\r\n\r\nMail ${i}.\r\n.\r\n`)
    assert.match(await client.reply(), /^250/, sender)
  }
  // In the letters that were usual before UTF-8.
  client.send(Buffer.from('MAIL FROM:<J\xfcrgen@example.org>\r\n', 'latin1'))
  assert.match(await client.reply(), /^250/)
  assert.match(await client.say('RSET'), /^250/)
  assert.equal(await newsroom.submissionCount(), senders.length)
  const refused = ['MAIL FROM:<a\x01@b>', 'MAIL FORM:<a@b>', 'MAIL <a@b>', 'MAIL FROM:<a@b> SIZE=much']
  for (const line of refused) assert.match(await client.say(line), /^501/, line)
  client.cut()
})

test('mail without a sender is known for what it is, however it is written', async (t) => {
  const { newsroom, port } = await opened(t)
  const client = await openSmtpClient(port)
  await client.reply()
  await client.say('EHLO client.example.org')
  const nobody = ['MAIL FROM:<>', 'MAIL FROM: <>', 'mail from:< >', 'MAIL FROM:<> SIZE=1000 BODY=8BITMIME']
  for (const [i, line] of nobody.entries()) {
    assert.match(await client.say(line), /^250/, line)
    await client.say('RCPT TO:<stories@newsroom.test>')
    await client.say('DATA')
    client.send(`From: Jane <jane@example.org>\r\n\r\nMail ${i}.\r\n.\r\n`)
    assert.match(await client.reply(), /^250/, line)
  }
  await newsroom.workOff()
  assert.equal(await newsroom.submissionCount(), nobody.length)
  assert.deepEqual(newsroom.mailsTo('jane@example.org'), [], 'nobody is answered')
  client.cut()
})

test('whoever writes from such a domain is answered, at an address that other servers take', async (t) => {
  const { newsroom } = await opened(t)
  for (const from of ['jane@my_host.example.org', 'ali@example.org.', 'amina@example.рф'])
    await newsroom.receiveMail(`From: ${from}\r\n\r\nMy story.`, { to: ['stories@newsroom.test'] })
  await newsroom.workOff()
  for (const to of ['jane@my_host.example.org', 'ali@example.org', 'amina@example.рф'])
    assert.equal(newsroom.mailsTo(to).length, 1, to)
})

test('our addresses are known however another server writes them', async (t) => {
  const EMAIL_ADDRESSES = 'tips@newsroom.test=news-tip,stories@xn--mller-kva.example=story-angle'
  const { port } = await opened(t, { EMAIL_ADDRESSES })
  const client = await openSmtpClient(port)
  await client.reply()
  await client.say('EHLO client.example.org')
  await client.say('MAIL FROM:<>')
  for (const ours of [
    '<tips@newsroom.test>',
    '<TIPS@NewsRoom.TEST>',
    '<tips@newsroom.test.>',
    '<"tips"@newsroom.test>',
    '<tips+expose@newsroom.test>',
    '<@relay.example.net:tips@newsroom.test>',
    ' <tips@newsroom.test>',
    'tips@newsroom.test',
    '< tips@newsroom.test >',
    '<tips@newsroom.test> NOTIFY=NEVER ORCPT=rfc822;tips@newsroom.test',
    '<stories@xn--mller-kva.example>',
    '<stories@müller.example>',
    '<postmaster>',
    '<Postmaster@newsroom.test>',
  ])
    assert.match(await client.say(`RCPT TO:${ours}`), /^250/, ours)
  for (const other of ['<>', '', '<nobody@newsroom.test>', '<"tips@newsroom.test"@example.org>', '<tips>'])
    assert.match(await client.say(`RCPT TO:${other}`), /^550|^501/, other)
  client.cut()
})

test('commands may come all at once, and mail after mail on one connection', async (t) => {
  const { newsroom, port } = await opened(t)
  const client = await openSmtpClient(port)
  await client.reply()
  client.send('EHLO c.example.org\r\nMAIL FROM:<a@example.org>\r\nRCPT TO:<tips@newsroom.test>\r\nDATA\r\n')
  for (const code of ['250', '250', '250', '354']) assert.equal((await client.reply()).slice(0, 3), code)
  client.send(`${mail}First.\r\n.\r\nMAIL FROM:<a@example.org>\r\nRCPT TO:<tips@newsroom.test>\r\nDATA\r\n`)
  for (const code of ['250', '250', '250', '354']) assert.equal((await client.reply()).slice(0, 3), code)
  client.send(`${mail}Second.\r\n.\r\n`)
  assert.match(await client.reply(), /^250/)
  assert.equal(await newsroom.submissionCount(), 2)
  client.cut()
})

test('too large a mail is refused, whether or not it says so before; the next one is taken', async (t) => {
  const { newsroom, port } = await opened(t, { MAX_SUBMISSION_BYTES: '100000', MAX_FILE_BYTES: '100000' })
  const client = await openSmtpClient(port)
  await client.reply()
  await client.say('EHLO c.example.org')
  assert.match(await client.say('MAIL FROM:<a@example.org> SIZE=90000000'), /^552/)
  await client.say('MAIL FROM:<a@example.org>')
  await client.say('RCPT TO:<tips@newsroom.test>')
  await client.say('DATA')
  client.send(`${mail}${'x'.repeat(70)}\r\n`.concat(`${'y'.repeat(70)}\r\n`.repeat(40_000)))
  client.send('.\r\n')
  assert.match(await client.reply(), /^552/)
  assert.equal(await newsroom.submissionCount(), 0)
  assert.deepEqual(await newsroom.storedFiles(), [])
  await client.say('MAIL FROM:<a@example.org>')
  await client.say('RCPT TO:<tips@newsroom.test>')
  await client.say('DATA')
  client.send(`${mail}.\r\n`)
  assert.match(await client.reply(), /^250/)
  client.cut()
})

test('a client that goes away in the middle of a mail leaves nothing', async (t) => {
  const { newsroom, port } = await opened(t)
  const client = await openSmtpClient(port)
  await client.begin('tips@newsroom.test')
  client.send(`${mail}and then`)
  await until(async () => (await newsroom.storedFiles()).length > 0)
  client.cut()
  await until(async () => (await newsroom.storedFiles()).length === 0)
  assert.equal(await newsroom.submissionCount(), 0)
})

test('500 slow clients hold up nobody', async (t) => {
  const { newsroom, port } = await opened(t)
  const slow = await Promise.all(Array.from({ length: 500 }, () => openSmtpClient(port)))
  await Promise.all(slow.map((client) => client.begin('tips@newsroom.test')))
  for (const [i, client] of slow.entries()) client.send(`From: slow${i}@example.org\r\nSubj`)
  const quick = await openSmtpClient(port)
  await quick.begin('tips@newsroom.test')
  quick.send(`${mail}.\r\n`)
  assert.match(await quick.reply(), /^250/)
  assert.equal(await newsroom.submissionCount(), 1)
  for (const [i, client] of slow.entries()) client.send(`ect: ${i}\r\n\r\nSlow ${i}.\r\n.\r\n`)
  const replies = await Promise.all(slow.map((client) => client.reply()))
  assert.ok(replies.every((reply) => reply.startsWith('250')))
  assert.equal(await newsroom.submissionCount(), 501)
  for (const client of [quick, ...slow]) client.cut()
})

test('451 while the database is locked, and what the other server sends again lands once', async (t) => {
  const { newsroom, port } = await opened(t)
  const lock = new DatabaseSync(join(newsroom.settings.DATA_DIR, 'barua.db'))
  lock.exec('begin immediate')
  const client = await openSmtpClient(port)
  await client.begin('tips@newsroom.test')
  client.send(`${mail}.\r\n`)
  assert.match(await client.reply(), /^451/)
  lock.exec('rollback')
  lock.close()
  for (let sent = 0; sent < 2; sent++) {
    await client.say('MAIL FROM:<a@example.org>')
    await client.say('RCPT TO:<tips@newsroom.test>')
    await client.say('DATA')
    client.send(`${mail}.\r\n`)
    assert.match(await client.reply(), /^250/)
  }
  assert.equal(await newsroom.submissionCount(), 1)
  assert.equal((await newsroom.storedFiles()).length, 1)
  client.cut()
})

test('451 while the disk takes nothing', async (t) => {
  const { newsroom, port } = await opened(t)
  const { rename } = await import('node:fs/promises')
  const staging = join(newsroom.uploadsFolder, 'staging')
  await rename(staging, `${staging}-away`)
  const client = await openSmtpClient(port)
  await client.begin('tips@newsroom.test')
  client.send(`${mail}.\r\n`)
  assert.match(await client.reply(), /^451/)
  await rename(`${staging}-away`, staging)
  await client.say('MAIL FROM:<a@example.org>')
  await client.say('RCPT TO:<tips@newsroom.test>')
  await client.say('DATA')
  client.send(`${mail}.\r\n`)
  assert.match(await client.reply(), /^250/)
  assert.equal(await newsroom.submissionCount(), 1)
  client.cut()
})

test('what a mail says in any header stands in no header of ours', async (t) => {
  const { newsroom } = await opened(t)
  const hostile = '=?utf-8?Q?Hello=0D=0ABcc:_victim@example.org=0D=0AX-Evil:_yes?='
  const raw = [
    'From: =?utf-8?Q?Jane=0D=0AX-Evil:_yes?= <jane@example.org>',
    `Subject: ${hostile}`,
    'Message-ID: <a@b>\r\n\tX-Evil: folded',
    `Reply-To: ${hostile} <jane@example.org>`,
    'References: <x@y>\r\n X-Evil: more',
    '',
    'Words.',
  ].join('\r\n')
  assert.equal(await newsroom.receiveMail(raw, { to: ['stories@newsroom.test'] }), 'received')
  await newsroom.workOff()
  const mails = newsroom.mailServer.mails
  assert.ok(mails.some(({ recipient }) => recipient === 'jane@example.org'))
  assert.ok(mails.some(({ recipient }) => recipient === editorAddress))
  for (const { headers, recipient } of mails) {
    assert.ok(['jane@example.org', editorAddress].includes(recipient))
    for (const name of ['bcc', 'x-evil']) assert.equal(headers.has(name), false, name)
  }
})

test('one server may bring so much an hour, and open so many connections; those on this machine are not counted', async () => {
  const { mailLimits } = await import('../../src/channels/email/rate-limit.ts')
  let now = 0
  const limits = mailLimits(3, () => now)
  const mayWrite = (address: string, times: number) =>
    Array.from({ length: times }, () => limits.mayWrite(address))
  assert.deepEqual(mayWrite('203.0.113.7', 5), [true, true, true, false, false])
  assert.deepEqual(mayWrite('203.0.113.8', 1), [true])
  assert.ok(mayWrite('127.0.0.1', 50).every(Boolean))
  assert.ok(mayWrite('::ffff:127.0.0.1', 50).every(Boolean))
  now = 3_600_000
  assert.deepEqual(mayWrite('203.0.113.7', 1), [true])
  const connected = Array.from({ length: 31 }, () => limits.connected('203.0.113.7'))
  assert.deepEqual(connected.indexOf(false), 30)
  limits.closed('203.0.113.7')
  limits.closed('203.0.113.7')
  assert.equal(limits.connected('203.0.113.7'), true)
  // In IPv6 a server has a whole /64, and may come from any address of it.
  const inOneNetwork = (count: number) =>
    Array.from({ length: count }, (_, i) => `2001:db8:7:1::${(i + 1).toString(16)}`)
  assert.equal(inOneNetwork(9).filter((address) => limits.mayWrite(address)).length, 3)
  assert.equal(limits.mayWrite('2001:db8:7:2::1'), true, 'another network')
  assert.equal(inOneNetwork(40).filter((address) => limits.connected(address)).length, 30)
  for (const address of inOneNetwork(40)) limits.closed(address)
  assert.equal(limits.connected('2001:db8:7:1::ffff'), true)
})

test('whoever is gone before they are asked anything leaves nothing behind, and stops nothing', async (t) => {
  const { newsroom, port } = await opened(t)
  const gone = Array.from({ length: 200 }, async () => {
    const socket = connect(port, '127.0.0.1').on('error', () => undefined)
    socket.once('connect', () => socket.resetAndDestroy())
    await once(socket, 'close')
  })
  await Promise.all(gone)
  const client = await openSmtpClient(port)
  await client.begin('tips@newsroom.test')
  client.send(`${mail}.\r\n`)
  assert.match(await client.reply(), /^250/)
  client.cut()
  assert.equal(await newsroom.submissionCount(), 1)
})

test('a mistake of the program while a server is answered is 451, and ends nothing', async (t) => {
  const mistake = (): never => {
    throw new TypeError('on purpose')
  }
  const errors: string[] = []
  const { port, stop } = await listenForMail({
    url: 'smtp://127.0.0.1:0',
    name: 'newsroom.test',
    take: async () => mistake(),
    addresses: { destinationOf: mistake },
    maxMailBytes: 1000,
    limit: 0,
    tls: undefined,
    onError: (name) => errors.push(name),
    now: Date.now,
  })
  t.after(stop)
  const client = await openSmtpClient(port)
  assert.match(await client.reply(), /^220/)
  assert.match(await client.say('EHLO client.example.org'), /^250/)
  assert.match(await client.say('MAIL FROM:<sender@example.org>'), /^250/)
  assert.match(await client.say('RCPT TO:<tips@newsroom.test>'), /^451/)
  assert.match(await client.say('NOOP'), /^250/)
  assert.deepEqual(errors, ['TypeError'])
  client.cut()
})

async function until(isSo: () => Promise<boolean>): Promise<void> {
  for (let attempts = 0; attempts < 500; attempts++) {
    if (await isSo()) return
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
  assert.fail('it did not come to that')
}
