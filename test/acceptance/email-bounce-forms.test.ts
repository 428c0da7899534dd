import assert from 'node:assert/strict'
import { test } from 'node:test'
import { inboundMail } from '../support/mail.ts'
import type { ReceivedMail } from '../support/mail-server.ts'
import { editorAddress, type Newsroom, openNewsroom } from '../support/newsroom.ts'
import { storyAngle } from '../support/submissions.ts'

const sender = 'amina@example.org'

/** A mail that a server or a program sends: its header besides To, and what it says of the mail that we sent. */
type Sent = { header: string[]; body: (about: ReceivedMail) => string[] }

const daemon = 'From: Mail Delivery System <MAILER-DAEMON@mx.example.org>'

/** The header of our mail, as servers quote it. */
function quoted({ messageId, subject, returnPath }: ReceivedMail): string[] {
  return [
    'Received: from newsroom.test by mx.example.org; Mon, 3 Mar 2025 10:00:00 +0300',
    `Return-Path: <${returnPath}>`,
    'From: Barua <barua@newsroom.test>',
    `Subject: ${subject}`,
    `Message-ID: ${messageId}`,
  ]
}

/** A bounce in words only, as an own mail system writes it, with our header below. */
function words(subject: string, lines: string[], from = daemon): Sent {
  return {
    header: [from, `Subject: ${subject}`, 'Content-Type: text/plain; charset=utf-8'],
    body: (about) => [...lines, '', ...quoted(about), '', 'May we call you?'],
  }
}

/** App, each with the lines of its header, a blank one, and those of its body. */
function parted(type: string, parts: (about: ReceivedMail) => string[][], header = [daemon]): Sent {
  return {
    header: [
      ...header,
      'Subject: Undelivered Mail',
      'MIME-Version: 1.0',
      `Content-Type: ${type}; boundary=q`,
    ],
    body: (about) => [...parts(about).flatMap((lines) => ['--q', ...lines]), '--q--'],
  }
}

const sorry = ['Content-Type: text/plain', '', 'Your message could not be delivered.']
const status = (type: string, ...fields: string[]) => [
  `Content-Type: ${type}`,
  '',
  'Reporting-MTA: dns; mx.example.org',
  '',
  ...fields,
]
const failed = status('message/delivery-status', 'Final-Recipient: rfc822; x@example.org', 'Action: failed')
const original = (about: ReceivedMail) => ['Content-Type: message/rfc822', '', ...quoted(about), '', 'Words.']

/** Of each it is known that our mail did not arrive. */
const bounces: Record<string, Sent> = {
  'in the words of qmail': words('failure notice', [
    'Hi. This is the mail program at mx.example.org. I was not able to deliver your message.',
    'This is a permanent error; I have given up. Sorry it did not work out.',
    '',
    '<amina@example.org>:',
    'Sorry, no mailbox here by that name. (#5.1.1)',
    '',
    '--- Below this line is a copy of the message.',
  ]),
  'in the words of Exim': words('Mail delivery failed: returning message to sender', [
    'This message was created automatically by mail delivery software.',
    'A message that you sent could not be delivered to all of its recipients:',
    '  amina@example.org',
    '    Unrouteable address',
    '------ This is a copy of the message, including all the headers. ------',
  ]),
  'in the words of Sendmail, for which it was too late': words('Returned mail: see transcript for details', [
    '   ----- The following addresses had permanent fatal errors -----',
    '<amina@example.org>',
    '    (reason: 451 4.4.1 reply: read error)',
    'Message could not be delivered for 5 days',
    'Message will be deleted from queue',
    '   ----- Original message follows -----',
  ]),
  'in the words of Exchange': words(
    'Undeliverable: May we call you?',
    [
      'Your message did not reach some or all of the intended recipients.',
      'The e-mail account does not exist.',
    ],
    'From: System Administrator <admin@example.org>',
  ),
  'in the words of Notes': words(
    'DELIVERY FAILURE: User amina not listed in Domino Directory',
    ['Your message could not be delivered because:', 'User amina not listed in Domino Directory'],
    'From: Postmaster@example.org',
  ),
  'in the words of Google': {
    header: [
      'From: Mail Delivery Subsystem <mailer-daemon@googlemail.com>',
      `X-Failed-Recipients: ${sender}`,
      'Auto-Submitted: auto-replied',
      'Subject: Delivery Status Notification (Failure)',
    ],
    body: (about) => ['The email account that you tried to reach does not exist.', '', ...quoted(about)],
  },
  'in German': words('Unzustellbar: Ihre Nachricht', ['Die Nachricht konnte nicht zugestellt werden.']),
  'in French': words('Échec de la remise', ['Votre message n’a pas pu être remis à son destinataire.']),
  'in Spanish': words('Correo devuelto', ['No se ha podido entregar su mensaje al destinatario.']),
  'in Portuguese': words('Falha na entrega', ['A sua mensagem não pôde ser entregue.']),
  'in Italian': words('Mancato recapito', ['Non è stato possibile recapitare il messaggio.']),
  'in Dutch': words('Onbestelbaar', ['Uw bericht kon niet worden bezorgd.']),
  'in Polish': words('Poczta zwrócona', ['Wiadomość nie mogła zostać dostarczona.']),
  'in Russian': words('Письмо не доставлено', ['Ваше сообщение не может быть доставлено адресату.']),
  'in Chinese': words('系统退信', ['很抱歉，您的邮件无法投递到对方邮箱。']),
  'in Japanese': words('配信エラー', ['次のあて先へのメッセージは送信できませんでした。']),
  'in Korean': words('반송된 메일', ['메일이 배달되지 못했습니다.']),
  'in Swahili': words('Barua pepe', ['Ujumbe wako umeshindwa kufika.']),
  'from nobody, in one line that gives a code': {
    header: ['From: <>', 'Auto-Submitted: auto-replied'],
    body: ({ messageId }) => [`host mx.example.org said: 550 5.1.1 no; Message-ID ${messageId}`],
  },
  'with our return path, and no name of our mail': {
    header: [daemon, 'Subject: Returned mail'],
    body: ({ returnPath }) => ['User unknown', '', `>Return-Path: <${returnPath}>`, '>From: Barua'],
  },
  'that answers our mail by its header': {
    header: [
      daemon,
      'Subject: Undeliverable mail',
      'In-Reply-To: {id}',
      'References: <other@example.net> {id}',
    ],
    body: () => ['The recipient is unknown.'],
  },
  'in HTML only': {
    header: [daemon, 'Subject: Undeliverable', 'Content-Type: text/html'],
    body: ({ messageId }) => [
      '<html><body><p>Your message couldn&#39;t be delivered.</p>',
      `<pre>Message-ID: ${messageId?.replace('<', '&lt;').replace('>', '&gt;')}</pre></body></html>`,
    ],
  },
  'in base64': {
    header: [
      daemon,
      'Subject: =?utf-8?B?6YCA5L+h?=',
      'Content-Type: text/plain; charset=utf-8',
      'Content-Transfer-Encoding: base64',
    ],
    body: (about) => [Buffer.from(`退信\n\n${quoted(about).join('\n')}`).toString('base64')],
  },
  'as a report in capitals': parted('MULTIPART/REPORT; REPORT-TYPE=DELIVERY-STATUS', (about) => [
    sorry,
    status(
      'message/DELIVERY-STATUS',
      'Action: Failed',
      'Status: 5.0.0 (full)',
      'Final-recipient: rfc822;x@y',
    ),
    ['Content-Type: MESSAGE/RFC822', '', ...quoted(about), '', 'Words.'],
  ]),
  'as a report that does not say of what': parted('multipart/report', (about) => [
    sorry,
    failed,
    original(about),
  ]),
  'as a report without an action': parted('multipart/report; report-type=delivery-status', (about) => [
    sorry,
    status('message/delivery-status', 'Final-Recipient: rfc822; x@example.org', 'Status: 5.1.1'),
    original(about),
  ]),
  'as a report without a recipient, that says what failed in words only': parted(
    'multipart/report',
    (about) => [
      [
        'Content-Type: text/plain',
        '',
        'Delivery to the following recipients failed permanently: x@example.org',
      ],
      status('message/delivery-status'),
      original(about),
    ],
  ),
  'as a report with another action': parted('multipart/report; report-type=delivery-status', (about) => [
    sorry,
    status('message/delivery-status', 'Action: error', 'Status: 5.0.0'),
    original(about),
  ]),
  'as a report with the mail in base64': parted('multipart/report; report-type=delivery-status', (about) => [
    sorry,
    failed,
    [
      'Content-Type: message/rfc822',
      'Content-Transfer-Encoding: base64',
      '',
      Buffer.from(quoted(about).join('\r\n')).toString('base64'),
    ],
  ]),
  'as a report with the header as text': parted('multipart/report; report-type=delivery-status', (about) => [
    sorry,
    failed,
    ['Content-Type: text/plain; name=headers.txt', 'Content-Disposition: attachment', '', ...quoted(about)],
  ]),
  'as a report with an odd type for the header': parted(
    'multipart/report; report-type=delivery-status',
    (about) => [sorry, failed, ['Content-Type: message/rfc822-headers', '', ...quoted(about)]],
  ),
  'as a report in UTF-8': parted('multipart/report; report-type=global-delivery-status', (about) => [
    sorry,
    status('message/global-delivery-status', 'Final-Recipient: utf-8; ämina@example.org', 'Action: failed'),
    ['Content-Type: message/global-headers', '', ...quoted(about)],
  ]),
  'as a report that names our mail in a field': parted(
    'multipart/report; report-type=delivery-status',
    ({ messageId }) => [
      sorry,
      status('message/delivery-status', `X-Original-Message-ID: ${messageId}`, '', 'Action: failed'),
    ],
  ),
  'as a report that names our mail in its words': parted(
    'multipart/report; report-type=delivery-status',
    ({ messageId }) => [
      [
        'Content-Type: text/plain',
        '',
        'This is about a message with these fields:',
        `  Message-id: ${messageId}`,
      ],
      failed,
    ],
  ),
  'as a report inside another mail': parted('multipart/mixed', (about) => [
    [
      'Content-Type: multipart/report; report-type=delivery-status; boundary=r',
      '',
      ...[sorry, failed, original(about)].flatMap((lines) => ['--r', ...lines]),
      '--r--',
    ],
    ['Content-Type: text/plain', '', 'Scanned by a gateway.'],
  ]),
  'as parts that are no report': parted('multipart/mixed', (about) => [sorry, original(about)]),
  'as a notice of a mailbox that does not take it': parted(
    'multipart/report; report-type=disposition-notification',
    ({ messageId }) => [
      ['Content-Type: text/plain', '', 'Your message was automatically rejected: quota exceeded'],
      [
        'Content-Type: message/disposition-notification',
        '',
        `Original-Message-ID: ${messageId}`,
        'Disposition: automatic-action/MDN-sent-automatically; deleted',
      ],
    ],
  ),
}

/** Of each it is known which mail of ours it is about, and that nothing has failed, as yet. */
const notices: Record<string, Sent> = {
  'a delay in the words of Exim': words('Warning: message 1abc-00 delayed 24 hours', [
    'A message that you sent has not yet been delivered to all its recipients.',
    'No action is required on your part. Delivery attempts will continue for some time.',
    'Eventually the mail delivery software will give up, and the message will be returned to you.',
  ]),
  'a delay in the words of Sendmail': words('Warning: could not send message for past 4 hours', [
    '** THIS IS A WARNING MESSAGE ONLY **',
    '** YOU DO NOT NEED TO RESEND YOUR MESSAGE **',
    '451 4.4.1 amina@example.org... Deferred: Connection refused',
    'Warning: message still undelivered after 4 hours',
  ]),
  'a delay in the words of Postfix': words('Delayed Mail (still being retried)', [
    'Your message could not be delivered for more than 4 hours.',
    'It will be retried until it is 5 days old.',
  ]),
  'a delay in German': words('Zustellung verzögert', [
    'Die Nachricht konnte noch nicht zugestellt werden.',
    'Weitere Zustellversuche folgen.',
  ]),
  'a delay in Japanese': words('配信遅延', ['メールの配信が遅れています。']),
  'a delay as a report': parted('multipart/report; report-type=delivery-status', (about) => [
    sorry,
    status('message/delivery-status', 'Action: delayed', 'Status: 4.4.1'),
    original(about),
  ]),
  'a receipt of a server': parted('multipart/report; report-type=delivery-status', (about) => [
    ['Content-Type: text/plain', '', 'Your message was delivered.'],
    status('message/delivery-status', 'Action: relayed', 'Status: 2.0.0'),
    original(about),
  ]),
  'a receipt of whoever read it': parted(
    'multipart/report; report-type=disposition-notification',
    ({ messageId }) => [
      ['Content-Type: text/plain', '', 'Your message was displayed. That is no proof that it was read.'],
      [
        'Content-Type: message/disposition-notification',
        '',
        `Original-Message-ID: ${messageId}`,
        'Disposition: manual-action/MDN-sent-manually; displayed',
      ],
    ],
  ),
}

/** What people's programs say while they are away, or people themselves, and some of it sounds like a bounce. */
const people: Record<string, Sent> = {
  'a program that says so': {
    header: [`From: Amina <${sender}>`, 'Auto-Submitted: auto-replied', 'Subject: Re: May we call you?'],
    body: () => ['I am away until Monday. My answer may be delayed, and mail is not delivered to my phone.'],
  },
  'a program that says so in a custom header': {
    header: [`From: Amina <${sender}>`, 'X-Autoreply: yes', 'Subject: May we call you?'],
    body: () => ['I am not able to receive mail in room 512 before 4.5.2025. Tel: 555 1234'],
  },
  'a program that says so in its subject': {
    header: [`From: Amina <${sender}>`, 'Subject: Out of Office: May we call you?'],
    body: () => ['This mailbox is not read until May. If it fails to reach me, call the desk.'],
  },
  'a program that says so in French': {
    header: [`From: Amina <${sender}>`, 'Subject: Réponse automatique : May we call you?'],
    body: () => ['Je suis absente ; votre message n’a pas pu être lu.'],
  },
  'a program that does not say so': {
    header: [`From: Amina <${sender}>`, 'Subject: Re: Undelivered, the story of a post office'],
    body: () => [
      'Niko safarini hadi Jumatatu. Nitajibu baadaye.',
      '',
      '> May we call you?',
      '> (Sent from Android 5.1.1)',
    ],
  },
}

/** An answer to a new piece, and where it is to be looked up. */
async function answered(newsroom: Newsroom) {
  const { reference } = await newsroom.submit('story-angle', { ...storyAngle(), email: sender })
  const { revision } = await newsroom.seen(reference)
  await newsroom.act(`/desk/submissions/${reference}/answer`, { body: 'May we call you?', revision })
  await newsroom.pause(11_000)
  const answer = newsroom.mailsTo(sender).findLast(({ text }) => text?.startsWith('May we call you?'))
  return { reference, answer: answer ?? assert.fail('no answer was sent') }
}

async function answerJob(newsroom: Newsroom, reference: string) {
  const { id } = await newsroom.submission(reference)
  const jobs = await newsroom.application.storage.jobs.ofSubmission(id)
  return jobs.find(({ type: jobType }) => jobType === 'answer-mail') ?? assert.fail('there is no answer')
}

async function fateOf(newsroom: Newsroom, reference: string) {
  return (await answerJob(newsroom, reference)).state
}

/** The answer is sent once more, and is as new. */
async function sendAgain(newsroom: Newsroom, reference: string) {
  const { storage } = newsroom.application
  const editor = await storage.editors.byEmail(editorAddress)
  const { id } = await answerJob(newsroom, reference)
  await storage.failedJobs.retry(id, editor?.id ?? '', newsroom.now())
  await newsroom.workOff()
  assert.equal(await fateOf(newsroom, reference), 'sent')
}

async function messagesOf(newsroom: Newsroom, reference: string) {
  const { id } = await newsroom.submission(reference)
  return newsroom.application.storage.submissions.conversation(id, newsroom.keys)
}

function written({ header, body }: Sent, about: ReceivedMail, to: string): string {
  const lines = [...header, `To: ${to}`, '', ...body(about)]
  return `${lines.join('\r\n').replaceAll('{id}', String(about.messageId))}\r\n`
}

/** Where a bounce comes to: the return path of our mail, or our usual address. */
const ways = (answer: ReceivedMail) => [
  { to: answer.returnPath, from: '' },
  { to: 'barua@newsroom.test', from: '' },
]

test('a bounce is known in whatever form and words it comes', async (t) => {
  const newsroom = await openNewsroom(t, inboundMail)
  const { reference, answer } = await answered(newsroom)
  for (const [name, bounce] of Object.entries(bounces)) {
    for (const { to, from } of ways(answer)) {
      const became = await newsroom.receiveMail(written(bounce, answer, to), { from, to: [to] })
      assert.deepEqual([became, await fateOf(newsroom, reference)], ['bounce', 'failed'], `${name}, to ${to}`)
      await sendAgain(newsroom, reference)
    }
  }
  assert.equal(await newsroom.submissionCount(), 1)
})

test('a bounce that was fetched from a mailbox is known by who sends it', async (t) => {
  const newsroom = await openNewsroom(t, inboundMail)
  const { reference, answer } = await answered(newsroom)
  for (const name of ['in the words of qmail', 'in German', 'as parts that are no report']) {
    const bounce = written(bounces[name] ?? assert.fail(name), answer, 'barua@newsroom.test')
    assert.equal(await newsroom.receiveMail(bounce, { from: undefined, to: undefined }), 'bounce', name)
    assert.equal(await fateOf(newsroom, reference), 'failed', name)
    await sendAgain(newsroom, reference)
  }
})

test('a delay and a receipt of whoever got it mark nothing', async (t) => {
  const newsroom = await openNewsroom(t, inboundMail)
  const { reference, answer } = await answered(newsroom)
  for (const [name, notice] of Object.entries(notices)) {
    for (const { to, from } of ways(answer)) {
      assert.equal(
        await newsroom.receiveMail(written(notice, answer, to), { from, to: [to] }),
        'bounce',
        name,
      )
      assert.equal(await fateOf(newsroom, reference), 'sent', name)
    }
  }
  assert.equal(await newsroom.submissionCount(), 1)
})

test('whoever is away has not bounced: their words join the conversation, marked, and nobody is mailed', async (t) => {
  const newsroom = await openNewsroom(t, inboundMail)
  const { reference, answer } = await answered(newsroom)
  const told = newsroom.mailsTo(editorAddress).length
  const reply = answer.replyTo?.value[0]?.address ?? ''
  let joined = 0
  for (const [name, mail] of Object.entries(people)) {
    for (const to of [answer.returnPath, reply]) {
      const raw = `Message-ID: <away-${joined}@example.org>\r\n${written(mail, answer, to)}`
      assert.equal(await newsroom.receiveMail(raw, { from: '', to: [to] }), 'joined', name)
      assert.equal(await fateOf(newsroom, reference), 'sent', name)
      joined += 1
    }
  }
  const messages = (await messagesOf(newsroom, reference)).slice(2)
  assert.equal(messages.length, joined)
  assert.ok(messages.every(({ author, content }) => author === 'sender' && content.email?.isAutomatic))
  await newsroom.pause(3_600_000)
  assert.equal(newsroom.mailsTo(editorAddress).length, told)
})

test('a person who writes to the return path is heard, whatever they write of', async (t) => {
  const newsroom = await openNewsroom(t, inboundMail)
  const { reference, answer } = await answered(newsroom)
  const { raw } = {
    raw: written(bounces['in the words of qmail'] ?? assert.fail(), answer, answer.returnPath),
  }
  const passedOn = raw
    .replace(daemon, `From: Amina <${sender}>`)
    .replace('failure notice', 'Fwd: failure notice')
  const envelope = { from: sender, to: [answer.returnPath] }
  assert.equal(await newsroom.receiveMail(passedOn, envelope), 'joined')
  assert.equal(await fateOf(newsroom, reference), 'sent')
  assert.match(
    (await messagesOf(newsroom, reference)).at(-1)?.content.fields.body ?? '',
    /I was not able to deliver/,
  )
  // A mail system that has a return path is a person by all that is known, unless it tells of a mail of ours.
  const postmaster = 'From: postmaster@school.example\r\nSubject: Our lorry\r\n\r\nIt could not be delivered.'
  const toTips = { from: 'postmaster@school.example', to: ['tips@newsroom.test'] }
  assert.equal(await newsroom.receiveMail(postmaster, toTips), 'received')
})

test('what a mail system tells and nobody here understands is kept as it came', async (t) => {
  const newsroom = await openNewsroom(t, inboundMail)
  const { reference, answer } = await answered(newsroom)
  const odd = words('Ilmoitus', ['Tässä on ilmoitus viestistäsi.'])
  const complaint = parted('multipart/report; report-type=feedback-report', (about) => [
    ['Content-Type: text/plain', '', 'This is an abuse report. Delivery failed to please.'],
    ['Content-Type: message/feedback-report', '', 'Feedback-Type: abuse'],
    original(about),
  ])
  for (const mail of [odd, complaint]) {
    const raw = written(mail, answer, answer.returnPath)
    assert.equal(await newsroom.receiveMail(raw, { from: '', to: [answer.returnPath] }), 'kept')
  }
  assert.equal(await fateOf(newsroom, reference), 'sent')
  const unread = await newsroom.deskPage('/desk/unread')
  assert.match(unread, /bounce-not-understood/)
  assert.match(unread, /Tässä on ilmoitus/)
  assert.match(unread, /Feedback-Type: abuse/)
})

test('what an editor’s program says while they are away goes nowhere, and a bounce of a notice is seen', async (t) => {
  const newsroom = await openNewsroom(t, inboundMail)
  const { reference } = await newsroom.submit('story-angle', storyAngle())
  await newsroom.workOff()
  const notice = newsroom.mailsTo(editorAddress).at(-1) ?? assert.fail()
  const away = written(people['a program that says so'] ?? assert.fail(), notice, notice.returnPath)
  assert.equal(await newsroom.receiveMail(away, { from: '', to: [notice.returnPath] }), 'ignored')
  const unclear = written(
    people['a program that does not say so'] ?? assert.fail(),
    notice,
    notice.returnPath,
  )
  assert.equal(await newsroom.receiveMail(unclear, { from: '', to: [notice.returnPath] }), 'kept')
  const bounce = written(bounces['in French'] ?? assert.fail(), notice, notice.returnPath)
  assert.equal(await newsroom.receiveMail(bounce, { from: '', to: [notice.returnPath] }), 'bounce')
  const { id } = await newsroom.submission(reference)
  const jobs = await newsroom.application.storage.jobs.ofSubmission(id)
  assert.equal(jobs.find(({ type: jobType }) => jobType === 'editor-notice')?.state, 'failed')
  assert.equal((await messagesOf(newsroom, reference)).length, 1)
})
