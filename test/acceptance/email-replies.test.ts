import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { inboundMail, replyTo } from '../support/mail.ts'
import type { ReceivedMail } from '../support/mail-server.ts'
import { editorAddress, type Newsroom, openNewsroom } from '../support/newsroom.ts'
import { png, storyAngle, tip } from '../support/submissions.ts'
import { packed } from '../support/zip.ts'

const sender = 'amina@example.org'
const minute = 60_000

async function noticed(t: TestContext, kind: 'story-angle' | 'news-tip' = 'story-angle') {
  const newsroom = await openNewsroom(t, inboundMail)
  const fields = kind === 'story-angle' ? storyAngle() : tip()
  const { reference, receipt } = await newsroom.submit(kind, { ...fields, email: sender })
  await newsroom.workOff()
  const notice = newsroom.mailsTo(editorAddress).find(({ text }) => /Write above this line/.test(text ?? ''))
  return { newsroom, reference, receipt, notice: notice ?? assert.fail('no notice') }
}

async function messagesOf(newsroom: Newsroom, reference: string) {
  const { id } = await newsroom.submission(reference)
  return newsroom.application.storage.submissions.conversation(id, newsroom.keys)
}

function answersTo(newsroom: Newsroom): ReceivedMail[] {
  return newsroom.mailsTo(sender).filter(({ subject }) => !/^We received/.test(subject ?? ''))
}

function linkIn(mail: ReceivedMail | undefined, about: 'stop it' | 'send it now'): string {
  return (
    new RegExp(`${about}: \\S*?(/desk/replies/\\S+)`).exec(mail?.text ?? '')?.[1] ?? assert.fail('no link')
  )
}

async function confirmed(newsroom: Newsroom): Promise<ReceivedMail> {
  await newsroom.workOff()
  return newsroom.mailsTo(editorAddress).at(-1) ?? assert.fail('no confirmation')
}

test('what will be sent is told to its editor at once, word for word, and waits two minutes', async (t) => {
  const { newsroom, reference, receipt, notice } = await noticed(t)
  const words = 'Thank you, Amina.\n\n---\n\nMay we call you?\n\nKind regards,\nOtto'
  const attachments = [
    { filename: 'questions.txt', content: 'Who else saw it?' },
    { filename: 'otto.vcf', content: 'BEGIN:VCARD\r\nFN:Otto\r\nEND:VCARD', contentType: 'text/vcard' },
  ]
  const signed = replyTo(notice, `${words}\n\n-- \nOtto Editor\n+254 700 000 000`, { attachments })
  assert.equal(await newsroom.receiveMail(signed), 'done')
  const confirmation = await confirmed(newsroom)
  const [, shown = '', left = ''] = (confirmation.text ?? '').split(/This will be sent:|will not be sent:/)
  assert.ok(shown.includes(words) && shown.includes('questions.txt'), shown)
  assert.ok(!/254|vcf|Write above|wrote:/.test(shown), shown)
  assert.ok(/Otto Editor\n\+254 700 000 000/.test(left) && left.includes('otto.vcf'), left)
  assert.match(confirmation.html || '', /stop it/)
  await newsroom.pause(1.9 * minute)
  assert.deepEqual(answersTo(newsroom), [])
  assert.equal((await newsroom.status(receipt)).messages.length, 1)
  await newsroom.pause(0.2 * minute)
  const [answer] = answersTo(newsroom)
  assert.ok(answer?.text?.startsWith(words))
  assert.deepEqual(
    answer?.attachments.map(({ filename }) => filename),
    ['questions.txt'],
  )
  assert.equal((await newsroom.status(receipt)).messages[1].body, words)
  // What was left out is kept, for the desk alone.
  const original = (await messagesOf(newsroom, reference)).find(({ author }) => author === 'unverified')
  assert.deepEqual(
    Object.values(original?.content.files ?? {}).map(({ name }) => name),
    ['mail.eml', 'otto.vcf', 'questions.txt'],
  )
  const page = await newsroom.deskPage(`/desk/submissions/${reference}`)
  assert.match(
    page,
    /This reply came by email[\s\S]*254 700 000 000[\s\S]*otto\.vcf[\s\S]*The email as it came/,
  )
  assert.ok(!/otto\.vcf|254/.test(JSON.stringify(await newsroom.status(receipt))))
})

test('a link stops a reply, with a decision and its files; nothing is lost, and it can be sent from the desk', async (t) => {
  const { newsroom, reference, receipt, notice } = await noticed(t)
  const attachments = [{ filename: 'contract.txt', content: 'The contract' }]
  await newsroom.receiveMail(replyTo(notice, '/accept\nWe take it, Amina.', { attachments }))
  assert.equal((await newsroom.submission(reference)).state, 'accepted')
  assert.equal((await newsroom.status(receipt)).state, 'waiting', 'the sender is told nothing yet')
  const path = linkIn(await confirmed(newsroom), 'stop it')
  // To open the link does nothing: programs open links too.
  for (let time = 0; time < 3; time++) {
    const shown = await newsroom.http().get(path).expect(200)
    assert.match(shown.text, /Stop this reply\?/)
    assert.ok(!/Amina|take it/.test(shown.text))
  }
  await newsroom.http().post(path).type('form').send({ do: 'stop' }).expect(303)
  assert.match((await newsroom.http().get(path)).text, /This reply was stopped/)
  assert.equal((await newsroom.submission(reference)).state, 'waiting')
  await newsroom.pause(5 * minute)
  assert.deepEqual(answersTo(newsroom), [])
  const page = await newsroom.deskPage(`/desk/submissions/${reference}`)
  assert.match(
    page,
    /Its editor stopped it before it was sent[\s\S]*\/accept\nWe take it, Amina\.<\/textarea>/,
  )
  const held = (await messagesOf(newsroom, reference)).find(({ author }) => author === 'unverified')
  assert.match(page, /name="file"[^>]* checked> contract\.txt/)
  const { revision } = await newsroom.seen(reference)
  const [chosen = ''] = Object.entries(held?.content.files ?? {}).find(([, { isRaw }]) => !isRaw) ?? []
  const file = { offers: held?.id ?? '', file: chosen }
  const way = { revision, held: held?.id ?? '', way: 'send', body: 'We take it.', ...file }
  assert.equal((await newsroom.act(`/desk/submissions/${reference}/held`, way)).status, 303)
  await newsroom.pause(minute)
  const [answer] = answersTo(newsroom)
  assert.match(answer?.text ?? '', /^We take it\./)
  assert.deepEqual(
    answer?.attachments.map(({ filename }) => filename),
    ['contract.txt'],
  )
})

test('another link sends it at once, and then it is too late to stop it', async (t) => {
  const { newsroom, notice } = await noticed(t)
  await newsroom.receiveMail(replyTo(notice, 'May we call you?'))
  const path = linkIn(await confirmed(newsroom), 'send it now')
  assert.match((await newsroom.http().get(path)).text, /Send this reply now\?/)
  const [send, stop] = [{ do: 'send' }, { do: 'stop' }]
  await newsroom.http().post(path).type('form').send(send).expect(303)
  await newsroom.workOff()
  assert.match(answersTo(newsroom)[0]?.text ?? '', /^May we call you\?/)
  await newsroom.http().post(path).type('form').send(stop).expect(303)
  assert.match((await newsroom.http().get(path)).text, /has been sent/)
  await newsroom.pause(5 * minute)
  assert.equal(answersTo(newsroom).length, 1)
})

test('no other link opens or stops anything, and an old one is not valid any more', async (t) => {
  const { newsroom, notice } = await noticed(t)
  await newsroom.receiveMail(replyTo(notice, 'May we call you?'))
  const path = linkIn(await confirmed(newsroom), 'stop it').replace(/\?.*/, '')
  const last = path.at(-1) === 'A' ? 'B' : 'A'
  for (const forged of [`${path.slice(0, -1)}${last}`, '/desk/replies/x', `${path}x`]) {
    await newsroom.http().post(forged).type('form').send({ do: 'stop' }).expect(404)
  }
  await newsroom.pause(26 * 60 * minute)
  await newsroom.http().get(path).expect(404)
  assert.equal(answersTo(newsroom).length, 1)
})

test('the newsroom chooses how long replies wait', async (t) => {
  const { newsroom, notice } = await noticed(t)
  const refused = await newsroom.act('/desk/settings/reply-wait', { seconds: '1e9', revision: '0' })
  assert.equal(refused.status, 422)
  await newsroom.act('/desk/settings/reply-wait', { seconds: '600', revision: '0' })
  await newsroom.receiveMail(replyTo(notice, 'May we call you?'))
  await newsroom.pause(9 * minute)
  assert.equal(answersTo(newsroom).length, 0)
  await newsroom.pause(2 * minute)
  assert.equal(answersTo(newsroom).length, 1)
})

test('a confirmation about a confidential submission holds no word, and its reply is encrypted', async (t) => {
  const { newsroom, reference, receipt, notice } = await noticed(t, 'news-tip')
  const attachments = [
    { filename: 'map.txt', content: 'MAPWORDS' },
    { filename: 'otto.vcf', content: 'CARDWORDS', contentType: 'text/vcard' },
  ]
  await newsroom.receiveMail(replyTo(notice, 'SECRETWORDS, please.\n\n-- \nLEFTWORDS', { attachments }))
  const confirmation = await confirmed(newsroom)
  assert.ok(!/WORDS|map\.txt|otto\.vcf/.test(confirmation.raw), confirmation.raw)
  assert.match(confirmation.text ?? '', /stop it: /)
  await newsroom.http().post(linkIn(confirmation, 'stop it')).type('form').send({ do: 'stop' }).expect(303)
  const held = (await messagesOf(newsroom, reference)).find(({ author }) => author === 'unverified')
  assert.equal(held?.content.fields.body, 'SECRETWORDS, please.')
  assert.match(held?.content.email?.quoted ?? '', /^-- \nLEFTWORDS\n/)
  const { revision } = await newsroom.seen(reference)
  const way = { revision, held: held?.id ?? '', way: 'send', body: 'SECRETWORDS, please.' }
  assert.equal((await newsroom.act(`/desk/submissions/${reference}/held`, way)).status, 303)
  await newsroom.pause(minute)
  const [, told] = (await newsroom.status(receipt)).messages
  assert.equal(told.body, 'SECRETWORDS, please.')
  assert.deepEqual(
    told.files.map(({ name }: { name: string }) => name),
    ['map.txt'],
  )
})

const publicKey = '-----BEGIN PGP PUBLIC KEY BLOCK-----\n\nxjMEZ\n-----END PGP PUBLIC KEY BLOCK-----'
const logo = {
  cid: 'logo@x',
  filename: 'image001.png',
  content: png(),
  contentDisposition: 'inline' as const,
}

test('files that mail programs add do not go; files that tell of editors wait for one to look', async (t) => {
  const { newsroom, reference, notice } = await noticed(t)
  const html = (words: string, more = '') =>
    `<div>${words}</div>${more}<div class="gmail_quote"><blockquote>${notice.html}</blockquote></div>`
  const office = await packed({
    'word/document.xml': '<w:t>Please sign.</w:t>',
    'docProps/core.xml': `<dc:creator>${editorAddress}</dc:creator>`,
  })
  type Sent = Parameters<typeof replyTo>[2]
  const cases: [about: string, more: Sent, outcome: string, sent?: string[]][] = [
    ['a key', { attachments: [{ filename: 'OpenPGP_0x1.asc', content: publicKey }] }, 'done', []],
    ['a card', { attachments: [{ filename: 'otto.vcf', content: 'BEGIN:VCARD' }] }, 'done', []],
    [
      'the notice itself',
      { attachments: [{ filename: 'notice.eml', content: notice.raw, contentType: 'message/rfc822' }] },
      'done',
      [],
    ],
    [
      'the logo of a signature',
      {
        html: html('Thank you.', '<div class="gmail_signature"><img src="cid:logo@x"></div>'),
        attachments: [logo],
      },
      'done',
      [],
    ],
    [
      'a picture of what is quoted',
      {
        html: html('Thank you.').replace('<blockquote>', '<blockquote><img src="cid:logo@x">'),
        attachments: [logo],
      },
      'done',
      [],
    ],
    [
      'a picture among the words',
      { html: html('Is it <img src="cid:logo@x"> this one?'), text: undefined, attachments: [logo] },
      'done',
      ['image001.png'],
    ],
    [
      'a picture behind the words',
      { html: html('Thank you.<img src="cid:logo@x">'), attachments: [logo] },
      'quarantined',
    ],
    ['a file', { attachments: [{ filename: 'a.txt', content: 'A question' }] }, 'done', ['a.txt']],
    [
      'a file that tells',
      { attachments: [{ filename: 'a.txt', content: `Ask ${editorAddress}` }] },
      'quarantined',
    ],
    ['a document that tells', { attachments: [{ filename: 'form.docx', content: office }] }, 'quarantined'],
  ]
  let answers = 0
  for (const [about, more, outcome, sent] of cases) {
    assert.equal(await newsroom.receiveMail(replyTo(notice, `Thank you, ${about}.`, more)), outcome, about)
    await newsroom.pause(3 * minute)
    if (outcome === 'done') answers += 1
    const all = answersTo(newsroom)
    assert.equal(all.length, answers, about)
    const names = all.at(-1)?.attachments.map(({ filename }) => filename)
    if (sent) assert.deepEqual(names, sent, about)
  }
  const held = (await messagesOf(newsroom, reference)).filter(({ content }) => content.email?.quarantined)
  const reasons = held
    .map(({ content }) => content.email?.quarantined)
    .filter((reason) => reason !== 'stopped')
  assert.deepEqual(reasons, ['unsure', 'file-tells-of-us', 'file-tells-of-us'])
})

test('an editor’s whole name, a signature without its line, words below the mark: an editor has to look', async (t) => {
  const { newsroom, notice } = await noticed(t)
  const quoted = (notice.text ?? '').replace(/^/gm, '> ')
  const cases: [reply: ReturnType<typeof replyTo>, why: RegExp][] = [
    [
      replyTo(notice, 'Thank you.\n\nOtto Editor | The Newsroom', { from: `Otto Editor <${editorAddress}>` }),
      /name or the address of an editor/,
    ],
    [replyTo(notice, 'Thank you.\n\n--\nO.\n0722'), /not certain/],
    [replyTo(notice, '', { text: `Yes.\n\n${quoted}\n\nAnd no.` }), /words of yours below the line/],
    [replyTo(notice, 'Thank you.\n\nSent, as ever, by way of my iPhone'), /^(?!.*not certain)/],
    [replyTo(notice, 'Thank you.\n\nMon iPhone vous salue'), /not certain/],
  ]
  for (const [reply, why] of cases) {
    const outcome = await newsroom.receiveMail(reply)
    const { text = '' } = await confirmed(newsroom)
    assert.match(text, why)
    assert.equal(outcome, /so nothing was sent/.test(text) ? 'quarantined' : 'done')
  }
})

test('programs that answer for an editor reach no sender', async (t) => {
  const { newsroom, notice } = await noticed(t)
  const marked = [
    { 'X-Apple-Action': 'Vacation' },
    { 'X-Mail-Autoreply': 'yes' },
    { 'X-Autogenerated': 'Reply' },
    { 'X-Autorespond': 'away' },
    { 'Auto-Submitted': 'auto-replied (vacation)' },
    { Precedence: 'auto-reply' },
  ]
  for (const headers of marked) {
    assert.equal(await newsroom.receiveMail(replyTo(notice, 'I am away.', { headers })), 'ignored')
  }
  const subject = notice.subject ?? ''
  const subjects = [
    `Automatic reply: ${subject}`,
    `Automatische Antwort: ${subject}`,
    `Réponse automatique : ${subject}`,
    `自動返信: ${subject}`,
    `Out of office Re: ${subject}`,
    `Sijambo leo nitarudi kesho: ${subject}`,
  ]
  for (const one of subjects) {
    assert.equal(
      await newsroom.receiveMail(replyTo(notice, `Away, ${one}`, { subject: one })),
      'quarantined',
      one,
    )
  }
  for (const one of [
    `Re: ${subject}`,
    `AW: ${subject}`,
    `Re: [EXTERNAL] ${subject}`,
    'A subject of my own',
  ]) {
    assert.equal(await newsroom.receiveMail(replyTo(notice, `Yes, ${one}`, { subject: one })), 'done', one)
  }
})
