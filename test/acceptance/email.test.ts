import assert from 'node:assert/strict'
import { test } from 'node:test'
import { writtenOut } from '../../src/submissions/formatted-text.ts'
import type { Message } from '../../src/submissions/model.ts'
import { openDocument, paragraph, run, wordDocument } from '../support/documents.ts'
import { compose, inboundMail, replyTo } from '../support/mail.ts'
import { editorAddress, type Newsroom, openNewsroom } from '../support/newsroom.ts'

const sender = 'jane@example.org'

async function latest(newsroom: Newsroom) {
  const [listed] = await newsroom.all()
  assert.ok(listed, 'nothing has come in')
  const messages = await newsroom.application.storage.submissions.conversation(listed.id, newsroom.keys)
  return { ...listed, messages, opening: messages[0] as Message }
}

function namesOf({ content, attachments }: Message): string[] {
  return attachments.map(({ id }) => content.files[id]?.name ?? '')
}

const ferryman = {
  to: 'stories@newsroom.test',
  subject: 'The last ferryman of Kisumu 🛶',
  text: 'He has rowed for fifty years, and nobody has written it down yet. Somebody should, before he is gone.\n\n-- \nJane\n0722 000 000',
  date: new Date('2026-11-20T10:00:00Z'),
}

test('a mail becomes a piece: title, words, files, sender, date, language; the mail itself is kept', async (t) => {
  const newsroom = await openNewsroom(t, inboundMail)
  const attachments = [{ filename: 'ferry.txt', content: 'Notes about the ferry.' }]
  const raw = await compose({ ...ferryman, attachments })
  assert.equal(await newsroom.receiveMail(raw, { to: [ferryman.to] }), 'received')
  const submission = await latest(newsroom)
  assert.equal(submission.kind, 'story-angle')
  assert.equal(submission.channel, 'email')
  assert.equal(submission.summary.attachments, 1)
  const { fields, email } = submission.opening.content
  assert.deepEqual(fields, {
    title: ferryman.subject,
    body: 'He has rowed for fifty years, and nobody has written it down yet. Somebody should, before he is gone.',
    name: 'Jane Mwangi',
    email: sender,
    language: 'English',
  })
  assert.equal(email?.quoted, '-- \nJane\n0722 000 000')
  assert.equal(email?.sentAt, ferryman.date.getTime())
  assert.deepEqual(namesOf(submission.opening), ['mail.eml', 'ferry.txt'])
  const page = await newsroom.deskPage(`/desk/submissions/${submission.reference}`)
  assert.match(page, /The mail as it came/)
  assert.match(page, /quoted mail, signature<\/summary><div class="words">-- \nJane/)
  const [original] = submission.opening.attachments
  const path = `/desk/attachments/${original?.id}`
  assert.match(await newsroom.deskPage(path), /Not cleaned: it is the mail as it came/)
  const file = await newsroom.original(path)
  assert.deepEqual(file.body, raw)
})

test('the kind comes from the address: listed, tagged, or ours at all', async (t) => {
  const newsroom = await openNewsroom(t, inboundMail)
  const kinds: Record<string, string> = {
    'tips@newsroom.test': 'news-tip',
    'TIPS@Newsroom.TEST': 'news-tip',
    'tips+expose@newsroom.test': 'expose',
    'tips+whatever@newsroom.test': 'news-tip',
    'opinion@newsroom.test': 'guest-post',
    'barua@newsroom.test': 'news-tip',
    'postmaster@newsroom.test': 'news-tip',
  }
  for (const [to, kind] of Object.entries(kinds)) {
    newsroom.passTime(60_000)
    await newsroom.receiveMail({ to, subject: `To ${to}`, text: 'Something happened.' })
    assert.equal((await latest(newsroom)).kind, kind, to)
  }
  // Of several addresses the confidential one is meant; where only headers say, they say it.
  newsroom.passTime(60_000)
  await newsroom.receiveMail(
    { to: 'opinion@newsroom.test', text: 'To both.' },
    { to: ['opinion@newsroom.test', 'tips@newsroom.test'] },
  )
  assert.equal((await latest(newsroom)).kind, 'news-tip')
  const headers = await compose({
    to: 'friend@example.org',
    cc: 'Opinion <opinion@newsroom.test>',
    text: 'By Cc.',
  })
  await newsroom.receiveMail(headers, { from: undefined })
  assert.equal((await latest(newsroom)).kind, 'guest-post')
})

test('HTML becomes text with its headings, lists and links; the picture in it becomes a file', async (t) => {
  const newsroom = await openNewsroom(t, inboundMail)
  await newsroom.receiveMail({
    to: 'opinion@newsroom.test',
    subject: 'Why the mill must stay',
    html: '<style>p{color:red}</style><h2>The <b>mill</b></h2><p>It feeds <a href="https://example.org/mill">the town</a>.</p><ul><li>bread</li><li>work</li></ul><img src="cid:mill"><script>alert(1)</script>',
    attachments: [{ filename: 'mill.png', content: onePixel, cid: 'mill', contentDisposition: 'inline' }],
  })
  const { opening, reference } = await latest(newsroom)
  assert.equal(
    opening.content.fields.body,
    '## The **mill**\n\nIt feeds [the town](https://example.org/mill).\n\n- bread\n- work\n\n[picture]',
  )
  assert.equal(opening.content.fields.byline, 'Jane Mwangi')
  assert.deepEqual(namesOf(opening), ['mail.eml', 'mill.png'])
  const page = await newsroom.deskPage(`/desk/submissions/${reference}`)
  assert.match(page, /<h2 dir="auto">The <strong>mill<\/strong><\/h2>/)
  assert.match(
    page,
    /<p dir="auto">It feeds <a href="https:\/\/example\.org\/mill"[^>]*>the town<\/a>\.<\/p>/,
  )
})

test('charsets and languages', async (t) => {
  const newsroom = await openNewsroom(t, inboundMail)
  const cases: [name: string, raw: Buffer, title: string, body: string][] = [
    [
      'ISO-8859-1',
      Buffer.from(
        'Subject: =?iso-8859-1?Q?Caf=E9?=\r\nContent-Type: text/plain; charset=iso-8859-1\r\n\r\ncr\xe8me br\xfbl\xe9e',
        'latin1',
      ),
      'Café',
      'crème brûlée',
    ],
    [
      'Windows-1252',
      Buffer.from(
        'Subject: =?windows-1252?Q?=93Fair=94_=80?=\r\nContent-Type: text/plain; charset=windows-1252\r\n\r\n\x93quoted\x94 \x80 5',
        'latin1',
      ),
      '“Fair” €',
      '“quoted” € 5',
    ],
    [
      'quoted-printable',
      Buffer.from(
        'Subject: Long\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\nOne long line that goes=\r\n on, caf=C3=A9 = ok',
      ),
      'Long',
      'One long line that goes on, café = ok',
    ],
    [
      'format=flowed',
      Buffer.from(
        'Subject: Flowed\r\nContent-Type: text/plain; charset=utf-8; format=flowed\r\n\r\nThis line flows \r\non into this one.\r\n\r\nA new paragraph.',
      ),
      'Flowed',
      'This line flows on into this one.\n\nA new paragraph.',
    ],
    [
      'Arabic',
      Buffer.from(
        'Subject: =?utf-8?B?2YHYs9in2K8=?=\r\nContent-Type: text/plain; charset=windows-1256\r\nContent-Transfer-Encoding: base64\r\n\r\n1eHH4w==',
      ),
      'فساد',
      'صلام',
    ],
    [
      'Chinese',
      Buffer.concat([
        Buffer.from('Subject: =?gb2312?B?0MLOxQ==?=\r\nContent-Type: text/plain; charset=gb18030\r\n\r\n'),
        Buffer.from('d0c2cec5cffbcfa2', 'hex'),
      ]),
      '新闻',
      '新闻消息',
    ],
    [
      'emoji across two encoded words',
      Buffer.from('Subject: =?utf-8?B?8J+bgSBi?=\r\n =?utf-8?B?b2F0?=\r\n\r\nx'),
      '🛁 boat',
      'x',
    ],
    [
      'an unknown charset',
      Buffer.from('Subject: Odd\r\nContent-Type: text/plain; charset=x-unknown\r\n\r\nplain words'),
      'Odd',
      'plain words',
    ],
  ]
  for (const [name, raw, title, body] of cases) {
    const whole = Buffer.concat([Buffer.from('From: a@example.org\r\n'), raw])
    assert.equal(await newsroom.receiveMail(whole, { to: ['stories@newsroom.test'] }), 'received', name)
    const { fields } = (await latest(newsroom)).opening.content
    assert.equal(fields.title, title, name)
    assert.equal(fields.body, body, name)
  }
  const swahili =
    'Bei ya mahindi katika soko la Kisumu imepanda sana mwezi huu, na wakulima wanasema hawajui kwa nini.'
  await newsroom.receiveMail({ to: 'stories@newsroom.test', subject: 'Bei', text: swahili })
  assert.equal((await latest(newsroom)).opening.content.fields.language, 'Swahili')
})

test('a document sent to the opinion address is the article, and what the mail said stands beside it', async (t) => {
  const newsroom = await openNewsroom(t, inboundMail)
  for (const [filename, content] of [
    ['article.docx', await wordArticle()],
    ['article.odt', await openArticle()],
  ] as const) {
    await newsroom.receiveMail({
      to: 'opinion@newsroom.test',
      subject: `My ${filename}`,
      text: 'Dear editor, please find my article attached.',
      attachments: [{ filename, content }],
    })
    const { opening, reference } = await latest(newsroom)
    assert.equal(opening.content.fields.body, '# The mill\n\nIt **must** stay.\n\n- bread\n- work', filename)
    assert.equal(opening.content.email?.cover, 'Dear editor, please find my article attached.')
    assert.deepEqual(namesOf(opening), ['mail.eml', filename])
    const page = await newsroom.deskPage(`/desk/submissions/${reference}`)
    assert.match(page, /What the mail itself said/)
    assert.match(page, /<h2 dir="auto">The mill<\/h2>\s*<p dir="auto">It <strong>must<\/strong> stay\.<\/p>/)
  }
  // A document that is none leaves the mail as it is.
  const broken = { filename: 'broken.docx', content: (await wordArticle()).subarray(0, 200) }
  await newsroom.receiveMail({ to: 'opinion@newsroom.test', text: 'Attached.', attachments: [broken] })
  assert.equal((await latest(newsroom)).opening.content.fields.body, 'Attached.')
})

test('what was struck, raised, tabled or drawn is told wherever the words are shown', async (t) => {
  const newsroom = await openNewsroom(t, inboundMail)
  const html =
    '<p>It is <s>not</s> safe: 10<sup>6</sup> a day.</p><p># of dead: 5</p><table><tr><td>Ward</td><td>Votes</td></tr><tr><td></td><td>7</td></tr></table><img src="https://example.org/a.png" alt="the bridge">'
  const cell = (text: string) => `<w:tc>${paragraph(text)}</w:tc>`
  const document = await wordDocument({
    body: [
      paragraph(
        run('It is ') +
          run('not', '<w:strike/>') +
          run(' safe: 10') +
          run('6', '<w:vertAlign w:val="superscript"/>') +
          run(' a day.'),
      ),
      paragraph('# of dead: 5'),
      `<w:tbl><w:tr>${cell('Ward')}${cell('Votes')}</w:tr><w:tr>${cell('')}${cell('7')}</w:tr></w:tbl>`,
      paragraph('<w:r><w:drawing><wp:docPr descr="the bridge"/><pic:pic/></w:drawing></w:r>'),
    ].join(''),
  })
  const attachments = [{ filename: 'article.docx', content: document }]
  for (const mail of [
    { to: 'opinion@newsroom.test', subject: 'By mail', html },
    { to: 'stories@newsroom.test', subject: 'A story', html },
    { to: 'opinion@newsroom.test', subject: 'By document', text: 'Attached.', attachments },
  ]) {
    await newsroom.receiveMail({ ...mail, from: sender })
    await newsroom.workOff()
    const { opening, reference } = await latest(newsroom)
    const notice = newsroom.mailsTo(editorAddress).find(({ subject }) => subject?.includes(mail.subject))
    const page = await newsroom.deskPage(`/desk/submissions/${reference}`)
    const receipt = /Receipt: (\S+)/.exec(newsroom.mailsTo(sender).at(-1)?.text ?? '')?.[1] ?? ''
    const [told] = (await newsroom.status(receipt)).messages
    for (const text of [opening.content.fields.body, notice?.text, page.replace(/<[^>]*>/g, ''), told.body]) {
      for (const words of ['It is ~~not~~ safe: 10⁶ a day.', '# of dead: 5', '[picture: the bridge]'])
        assert.ok(text?.includes(words), `${words} in ${text}`)
    }
    assert.match(opening.content.fields.body, /\| Ward \| Votes \|\n\| {2}\| 7 \|/)
  }
})

test('what stands below an article is not shown as a part of it, and what may be a receipt is not kept', async (t) => {
  const newsroom = await openNewsroom(t, inboundMail)
  const receipt = 'ABCD-EFGH-JKMN-PQRS-TVWX-YZ23'
  await newsroom.receiveMail({
    to: 'opinion@newsroom.test',
    subject: 'The mill',
    html: `<h2>The mill</h2><p>It must <b>stay</b>. ${receipt}</p><ul><li>bread</li></ul><div>-- <br>Jane Mwangi<br>Editor at large</div>`,
  })
  const { opening } = await latest(newsroom)
  const { formatted = [], quoted } = opening.content.email ?? {}
  assert.equal(writtenOut(formatted), '## The mill\n\nIt must **stay**. (receipt)\n\n- bread')
  assert.equal(writtenOut(formatted), opening.content.fields.body)
  assert.match(quoted ?? '', /Editor at large/)
})

test('files that are not taken are named, and stay in the mail', async (t) => {
  const newsroom = await openNewsroom(t, inboundMail)
  const attachments = [
    { filename: 'run.exe', content: Buffer.concat([Buffer.from('MZ'), Buffer.alloc(300, 1)]) },
    { filename: '../../etc/passwd', content: 'just text' },
    { filename: 'nothing.txt', content: '' },
  ]
  await newsroom.receiveMail({ to: 'stories@newsroom.test', text: 'See the files.', attachments })
  const { opening, reference } = await latest(newsroom)
  const states = opening.attachments.map(({ id, state }) => [opening.content.files[id]?.name, state])
  assert.deepEqual(states, [
    ['mail.eml', 'kept'],
    ['passwd', 'kept'],
    ['run.exe', 'failed'],
    ['nothing.txt', 'failed'],
  ])
  assert.match(await newsroom.deskPage(`/desk/submissions/${reference}`), /it is in the mail as it came/)
})

test('once: the same mail by another way is the same piece; another mail of the same name is another', async (t) => {
  const newsroom = await openNewsroom(t, inboundMail)
  const raw = await compose({ ...ferryman, messageId: '<one@example.org>' })
  assert.equal(await newsroom.receiveMail(raw, { to: [ferryman.to] }), 'received')
  const fetched = Buffer.concat([
    Buffer.from(
      'Return-Path: <jane@example.org>\r\nReceived: from a by b; Mon, 3 Mar 2025 10:00:00 +0300\r\nDelivered-To: stories@newsroom.test\r\n',
    ),
    Buffer.from(raw.toString().replaceAll('\r\n', '\n')),
  ])
  assert.equal(await newsroom.receiveMail(fetched, { from: undefined, to: undefined }), 'repeat')
  assert.equal(await newsroom.submissionCount(), 1)
  const other = await compose({ ...ferryman, text: 'Something else.', messageId: '<one@example.org>' })
  assert.equal(await newsroom.receiveMail(other, { to: [ferryman.to] }), 'received')
  // Names that name nothing.
  for (const name of ['', '<>', 'no brackets', '<a b@c>']) {
    const nameless = Buffer.from(`From: a@example.org\r\nMessage-ID: ${name}\r\n\r\nWords under “${name}”.`)
    assert.equal(await newsroom.receiveMail(nameless, { to: [ferryman.to] }), 'received', name)
    assert.equal(await newsroom.receiveMail(nameless, { to: [ferryman.to] }), 'repeat', name)
  }
  assert.equal(await newsroom.submissionCount(), 6)
  assert.equal((await newsroom.storedFiles()).length, 6)
  // Mails that say nothing at all are told apart by their bytes.
  for (const nothing of ['X-One: 1\r\n', 'X-Two: 2\r\n', ''])
    assert.equal(await newsroom.receiveMail(nothing, { to: [ferryman.to] }), 'received', nothing)
  const both = await Promise.all(
    [1, 2, 3].map(() => newsroom.receiveMail({ ...ferryman, messageId: '<two@example.org>' })),
  )
  assert.deepEqual(both.toSorted(), ['received', 'repeat', 'repeat'])
})

test('the sender is answered once, and can reply, be answered and reply again: one conversation', async (t) => {
  const newsroom = await openNewsroom(t, inboundMail)
  await newsroom.receiveMail({ ...ferryman, messageId: '<one@example.org>' })
  await newsroom.workOff()
  const [receipt, ...others] = newsroom.mailsTo(sender)
  assert.ok(receipt)
  assert.deepEqual(others, [])
  assert.equal(receipt.returnPath, '')
  assert.equal(receipt.inReplyTo, '<one@example.org>')
  assert.equal(receipt.headers.get('auto-submitted'), 'auto-replied')
  const { reference } = await latest(newsroom)
  assert.match(receipt.text ?? '', new RegExp(`Reference: ${reference}`))
  const code = /Receipt: (\S+)/.exec(receipt.text ?? '')?.[1] ?? ''
  assert.equal((await newsroom.status(code)).reference, reference)

  assert.equal(await newsroom.receiveMail(replyTo(receipt, 'His name is Ouma.')), 'joined')
  const { revision } = await newsroom.seen(reference)
  await newsroom.act(`/desk/submissions/${reference}/answer`, { body: 'May we call you?', revision })
  await newsroom.pause(11_000)
  const answer = newsroom.mailsTo(sender).at(-1)
  assert.ok(answer)
  assert.equal(answer.from?.text, '"Barua" <barua@newsroom.test>')
  assert.equal(answer.subject, `Re: ${ferryman.subject}`)
  assert.ok(answer.references?.includes('<one@example.org>'))
  assert.equal(answer.headers.get('auto-submitted'), undefined)
  // A mail program that knows no Reply-To still names what it answers.
  const plain = { ...replyTo(answer, 'Yes, in the morning.'), to: 'barua@newsroom.test' }
  assert.equal(await newsroom.receiveMail(plain), 'joined')
  // What it quotes is longer than what it says: then nothing is folded.
  const said = (await latest(newsroom)).messages.map(({ author, content }) => [
    author,
    content.fields.body.split('\n')[0],
  ])
  assert.deepEqual(said.slice(1), [
    ['sender', 'His name is Ouma.'],
    ['editor', 'May we call you?'],
    ['sender', 'Yes, in the morning.'],
  ])
  assert.equal(await newsroom.submissionCount(), 1)
  await newsroom.workOff()
  assert.equal(newsroom.mailsTo(sender).length, 2)
})

test('only who wrote before goes on: never by subject, never by a quoted name alone', async (t) => {
  const newsroom = await openNewsroom(t, inboundMail)
  await newsroom.receiveMail({ ...ferryman, messageId: '<one@example.org>' })
  const unverified = {
    from: 'stranger@example.net',
    to: ferryman.to,
    subject: `Re: ${ferryman.subject}`,
    text: 'I was there too.',
    inReplyTo: '<one@example.org>',
    references: '<one@example.org>',
  }
  assert.equal(await newsroom.receiveMail(unverified), 'received')
  const sameSubject = { to: ferryman.to, subject: `Re: ${ferryman.subject}`, text: 'Another story.' }
  assert.equal(await newsroom.receiveMail(sameSubject), 'received')
  const itself = { ...sameSubject, text: 'One more thing.', inReplyTo: '<one@example.org>' }
  assert.equal(await newsroom.receiveMail(itself), 'joined')
  const forged = {
    ...ferryman,
    to: 'barua+0123456789abcdef0123456789abcdef0123456789abc@newsroom.test',
    text: 'Forged.',
  }
  assert.equal(await newsroom.receiveMail(forged), 'received')
  assert.equal(await newsroom.submissionCount(), 4)
})

test('a confidential mail: the receipt can be read nowhere else, so it is mailed; the answer is not', async (t) => {
  const newsroom = await openNewsroom(t, inboundMail)
  await newsroom.receiveMail({
    to: 'tips@newsroom.test',
    subject: 'The minister’s bridge',
    text: 'It was never built.',
  })
  await newsroom.workOff()
  const { reference } = await latest(newsroom)
  const [receipt] = newsroom.mailsTo(sender)
  assert.match(receipt?.text ?? '', /Receipt: \S+/)
  assert.ok(!/bridge|built/.test(receipt?.raw ?? ''))
  const [notice] = newsroom.mailsTo(editorAddress).slice(-1)
  assert.ok(!/bridge|built|jane/i.test(notice?.raw ?? ''))
  const { revision } = await newsroom.seen(reference)
  await newsroom.act(`/desk/submissions/${reference}/answer`, { body: 'Which bridge is it?', revision })
  await newsroom.pause(11_000)
  const answer = newsroom.mailsTo(sender).at(-1)
  assert.match(answer?.subject ?? '', /There is an answer/)
  assert.ok(!/Which bridge/.test(answer?.raw ?? ''))
  const code = /Receipt: (\S+)/.exec(receipt?.text ?? '')?.[1] ?? ''
  assert.equal((await newsroom.status(code)).messages[1].body, 'Which bridge is it?')
})

test('mail that nobody waits at the other end of is never answered, and few are answered a day', async (t) => {
  const newsroom = await openNewsroom(t, inboundMail)
  const automatic: Record<string, string>[] = [
    { 'Auto-Submitted': 'auto-generated' },
    { 'Auto-Submitted': 'auto-replied; owner-email="x"' },
    { Precedence: 'bulk' },
    { Precedence: 'list' },
    { 'List-Id': '<news.example.org>' },
    { 'List-Unsubscribe': '<mailto:leave@example.org>' },
    { 'X-Auto-Response-Suppress': 'All' },
  ]
  for (const headers of automatic) {
    const text = JSON.stringify(headers)
    assert.equal(await newsroom.receiveMail({ to: ferryman.to, text, headers }), 'received', text)
  }
  await newsroom.receiveMail({ to: ferryman.to, text: 'With an empty return path.' }, { from: '' })
  await newsroom.receiveMail({ to: ferryman.to, from: 'tips@newsroom.test', text: 'From ourselves.' })
  await newsroom.receiveMail({ to: ferryman.to, text: 'Brought in.' }, { isImported: true })
  await newsroom.workOff()
  assert.equal(newsroom.mailsTo(sender).length, 0)
  assert.equal(newsroom.mailsTo('tips@newsroom.test').length, 0)
  for (let i = 1; i <= 6; i++) await newsroom.receiveMail({ to: ferryman.to, text: `Piece ${i} of today.` })
  await newsroom.workOff()
  assert.equal(newsroom.mailsTo(sender).length, 3)
  newsroom.passTime(25 * 3_600_000)
  await newsroom.receiveMail({ to: ferryman.to, text: 'The next day.' })
  await newsroom.workOff()
  assert.equal(newsroom.mailsTo(sender).length, 4)
  const plainAnswer = { 'Auto-Submitted': 'no' }
  await newsroom.receiveMail({
    to: ferryman.to,
    from: 'other@example.org',
    text: 'By hand.',
    headers: plainAnswer,
  })
  await newsroom.workOff()
  assert.equal(newsroom.mailsTo('other@example.org').length, 1)
})

test('a mail that cannot be read is kept as it came, and shown as such', async (t) => {
  const newsroom = await openNewsroom(t, inboundMail)
  const parts = '--q\r\n\r\nx\r\n'.repeat(2000)
  const raw = Buffer.from(
    `From: a@example.org\r\nContent-Type: multipart/mixed; boundary=q\r\n\r\n${parts}--q--\r\n`,
  )
  assert.equal(await newsroom.receiveMail(raw, { to: ['tips@newsroom.test'] }), 'received')
  assert.equal(await newsroom.receiveMail(raw, { to: ['tips@newsroom.test'] }), 'repeat')
  await newsroom.workOff()
  const { opening, reference } = await latest(newsroom)
  assert.equal(opening.content.email?.unreadable, 'past-limits')
  assert.equal(opening.attachments[0]?.size, raw.length)
  assert.match(
    await newsroom.deskPage(`/desk/submissions/${reference}`),
    /could not be read: it has too many parts/,
  )
  await newsroom.workOff()
  assert.equal(
    newsroom.mailsTo(editorAddress).filter(({ subject }) => subject?.includes(reference)).length,
    1,
  )
})

/** An article of a heading, a paragraph and a list, in either form. */
function wordArticle(): Promise<Buffer> {
  const item = '<w:numPr><w:ilvl w:val="0"/><w:numId w:val="1"/></w:numPr>'
  return wordDocument({
    body: [
      paragraph('The mill', '<w:pStyle w:val="Heading1"/>'),
      paragraph(run('It ') + run('must', '<w:b/>') + run(' stay.')),
      paragraph('bread', item),
      paragraph('work', item),
    ].join(''),
    styles: '<w:style w:type="paragraph" w:styleId="Heading1"><w:name w:val="heading 1"/></w:style>',
    numbering:
      '<w:abstractNum w:abstractNumId="0"><w:lvl w:ilvl="0"><w:numFmt w:val="bullet"/></w:lvl></w:abstractNum><w:num w:numId="1"><w:abstractNumId w:val="0"/></w:num>',
  })
}

function openArticle(): Promise<Buffer> {
  return openDocument({
    text: '<text:h text:style-name="H" text:outline-level="1">The mill</text:h><text:p text:style-name="P">It <text:span text:style-name="T1">must</text:span> stay.</text:p><text:list><text:list-item><text:p>bread</text:p></text:list-item><text:list-item><text:p>work</text:p></text:list-item></text:list>',
    styles:
      '<style:style style:name="T1" style:family="text"><style:text-properties fo:font-weight="bold"/></style:style>',
  })
}

/** One transparent pixel. */
const onePixel = Buffer.from(
  'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==',
  'base64',
)

test('of a first mail only a short signature is folded; it is in the notice, found, exported and shown to its sender', async (t) => {
  const newsroom = await openNewsroom(t, inboundMail)
  const ends = [
    'The end.\n\n---\n\nPart two.',
    'The end.\n____\n[1] The register.',
    'Dear editor,\n\nKind regards,\nJane\n\nWhy the mill must stay',
    'On Friday the mayor wrote:\n\n"No."\n\nNothing more.',
    'From: Office <office@example.org>\nTo: Contractor <c@example.org>\nSubject: Share\n\nPay.',
    'Sent from my father’s house, where I live.',
    '> He said so\n\n> and so.',
    `Look:\n-- \n${'A line.\n'.repeat(9)}`,
    'Two\n--\nthree',
    '**From:** me',
  ]
  for (const [n, words] of ends.entries()) {
    await newsroom.receiveMail({
      to: 'stories@newsroom.test',
      subject: `Story ${n}`,
      text: `Words.\n\n${words}`,
    })
    const { content } = (await latest(newsroom)).opening
    assert.equal(content.fields.body.replace(/ +$/gm, ''), `Words.\n\n${words}`.replace(/ +$/gm, '').trim())
    assert.equal(content.email?.quoted, undefined)
  }
  const from = 'signed@example.org'
  const signed = 'The bridge fell.\n\n-- \nJane Mwangi\nZebrastrasse 4'
  await newsroom.receiveMail({ to: 'stories@newsroom.test', subject: 'Signed', text: signed, from })
  const { reference } = await latest(newsroom)
  await newsroom.pause(60_000)
  const notice = newsroom.mailsTo(editorAddress).find(({ text }) => text?.includes('The bridge fell.'))
  assert.match(notice?.text ?? '', /folded at the desk:\n\n-- \nJane Mwangi\nZebrastrasse 4/)
  assert.match(notice?.html || '', /folded at the desk:[\s\S]*Zebrastrasse 4/)
  assert.match(await newsroom.deskPage('/desk?q=zebrastrasse'), new RegExp(reference))
  const receipt = /Receipt: (\S+)/.exec(newsroom.mailsTo(from).at(-1)?.text ?? '')?.[1] ?? ''
  assert.match((await newsroom.status(receipt)).messages[0].folded, /Zebrastrasse/)
  const page = await newsroom.http().post('/status').type('form').send({ receipt }).expect(200)
  assert.match(page.text, /Below it in your email[\s\S]*Zebrastrasse/)
})
