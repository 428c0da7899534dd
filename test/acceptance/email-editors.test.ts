import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { removeEditor } from '../support/accounts.ts'
import { compose, inboundMail, replyTo } from '../support/mail.ts'
import type { ReceivedMail } from '../support/mail-server.ts'
import { editorAddress, type Newsroom, openNewsroom } from '../support/newsroom.ts'
import { storyAngle } from '../support/submissions.ts'

const sender = 'amina@example.org'
const second = 'otto@newsroom.test'

/** A newsroom with a piece that came by the form, and the notice of it that the editor got. */
async function noticed(t: TestContext, env: Record<string, string> = {}) {
  const newsroom = await openNewsroom(t, { ...inboundMail, ...env })
  const { reference, receipt } = await newsroom.submit('story-angle', { ...storyAngle(), email: sender })
  await newsroom.workOff()
  const notice = newsroom.mailsTo(editorAddress).find(({ subject }) => subject?.startsWith('Story angle'))
  assert.ok(notice)
  return { newsroom, reference, receipt, notice }
}

async function messagesOf(newsroom: Newsroom, reference: string) {
  const { id } = await newsroom.submission(reference)
  return newsroom.application.storage.submissions.conversation(id, newsroom.keys)
}

const undone = 121_000

function answersTo(newsroom: Newsroom, address: string): ReceivedMail[] {
  return newsroom.mailsTo(address).filter(({ subject }) => !/^We received/.test(subject ?? ''))
}

function confirmations(newsroom: Newsroom): ReceivedMail[] {
  return newsroom
    .mailsTo(editorAddress)
    .filter(({ text }) => /^(Story angle|News tip) [\dA-Z-]{9}: /m.test(text ?? ''))
}

test('an editor replies to a notice: what stands above the line goes to the sender as the newsroom, with its files', async (t) => {
  const { newsroom, reference, receipt, notice } = await noticed(t)
  assert.match(notice.text ?? '', /^--- Write above this line to answer the sender ---/)
  assert.ok(notice.replyTo?.value[0]?.address?.startsWith('barua+'))
  const reply = replyTo(
    notice,
    'Thank you, Amina. May we call you?\n\nTomorrow at nine?\n\n-- \nOtto Editor\n+254 700 000 000',
    {
      attachments: [{ filename: 'questions.txt', content: 'Who else saw it?' }],
    },
  )
  const raw = await compose(reply)
  assert.equal(await newsroom.receiveMail(raw, { to: [reply.to] }), 'done')
  assert.equal(await newsroom.receiveMail(raw, { to: [reply.to] }), 'repeat')
  await newsroom.pause(undone)
  const [answer, ...others] = answersTo(newsroom, sender)
  assert.ok(answer)
  assert.deepEqual(others, [])
  assert.match(
    answer.text ?? '',
    /^Thank you, Amina\. May we call you\?\n\nTomorrow at nine\?\n\n\n?--\nReference/,
  )
  assert.ok(!/Otto|254|editor@|Write above|story angle has come/.test(answer.raw))
  assert.deepEqual(
    answer.attachments.map(({ filename, content }) => [filename, content.toString()]),
    [['questions.txt', 'Who else saw it?']],
  )
  const [, message] = await messagesOf(newsroom, reference)
  assert.equal(message?.author, 'editor')
  const { storage } = newsroom.application
  assert.equal(message?.editorId, (await storage.editors.byEmail(editorAddress))?.id)
  // The status page has it too, with the file.
  const told = (await newsroom.status(receipt)).messages[1]
  assert.equal(told.body, 'Thank you, Amina. May we call you?\n\nTomorrow at nine?')
  const asked = newsroom.http().post('/status/file').type('form')
  const file = await asked.send({ receipt, file: told.files[0].id }).expect(200)
  assert.equal(file.text, 'Who else saw it?')
  assert.match(file.headers['content-disposition'] ?? '', /attachment; filename=questions\.txt/)
  const page = await newsroom.http().post('/status').type('form').send({ receipt }).expect(200)
  assert.match(page.text, /action="\/status\/file"[\s\S]*questions\.txt/)
})

test('a file of an answer is given to nobody without the receipt of its conversation', async (t) => {
  const { newsroom, reference, notice } = await noticed(t)
  await newsroom.receiveMail(
    replyTo(notice, 'See this.', { attachments: [{ filename: 'a.txt', content: 'secret' }] }),
  )
  const other = await newsroom.submit('news-tip')
  const opening = await newsroom.submit('story-angle', storyAngle(), [
    { name: 'own.txt', content: 'my own file' },
  ])
  const [, message] = await messagesOf(newsroom, reference)
  const ask = (receipt: string, file: string) =>
    newsroom.http().post('/status/file').type('form').send({ receipt, file })
  const id = message?.attachments[0]?.id ?? ''
  assert.ok(id)
  await ask(other.receipt, id).expect(404)
  await ask('', id).expect(404)
  const [own] = await messagesOf(newsroom, opening.reference)
  await ask(opening.receipt, own?.attachments[0]?.id ?? '').expect(404)
})

test('an HTML reply, and one whose program breaks the line of attribution, come to the same', async (t) => {
  const { newsroom, reference, notice } = await noticed(t)
  const html = `<div dir="ltr">Please send <b>more</b>.<br></div><br><div class="gmail_quote"><div class="gmail_attr">On Mon, 3 Mar 2025 at 10:00, Barua &lt;<a href="mailto:barua@newsroom.test">barua@newsroom.test</a>&gt; wrote:<br></div><blockquote class="gmail_quote">${notice.html}</blockquote></div>`
  assert.equal(await newsroom.receiveMail(replyTo(notice, '', { text: undefined, html })), 'done')
  const quoted = (notice.text ?? '').replace(/^/gm, '> ')
  const outlook = `And photos.\r\n\r\n-----Original Message-----\r\nFrom: Barua\r\nSent: Monday\r\nTo: Editor\r\nSubject: x\r\n\r\n${notice.text}`
  assert.equal(await newsroom.receiveMail(replyTo(notice, '', { text: outlook })), 'done')
  const broken = `And names.\n\nOn Mon, 3 Mar 2025 at 10:00, Barua <\nbarua+0123456789@newsroom.test> wrote:\n${quoted}`
  assert.equal(await newsroom.receiveMail(replyTo(notice, '', { text: broken })), 'done')
  const answers = (await messagesOf(newsroom, reference)).filter(({ author }) => author === 'editor')
  const said = answers.map(({ content }) => content.fields.body)
  assert.deepEqual(said, ['Please send **more**.', 'And photos.', 'And names.'])
})

test('short commands in the first line do what they say, once, and are confirmed', async (t) => {
  const { newsroom, reference, notice } = await noticed(t)
  const state = async () => {
    const { state, assigneeId } = await newsroom.submission(reference)
    return [state, assigneeId !== null]
  }
  assert.equal(await newsroom.receiveMail(replyTo(notice, '/claim')), 'done')
  assert.deepEqual(await state(), ['in-review', true])
  assert.equal(
    await newsroom.receiveMail(replyTo(notice, '/note Her brother works there.\nCareful.')),
    'done',
  )
  assert.equal(await newsroom.receiveMail(replyTo(notice, '/Accept')), 'done')
  assert.deepEqual(await state(), ['accepted', true])
  await newsroom.pause(undone)
  const [letter, ...others] = answersTo(newsroom, sender)
  assert.match(letter?.subject ?? '', /We are taking/)
  assert.match(letter?.text ?? '', /We are glad to take it/)
  assert.deepEqual(others, [])
  assert.ok(
    !/brother/.test(
      newsroom
        .mailsTo(sender)
        .map(({ raw }) => raw)
        .join(),
    ),
  )
  const told = confirmations(newsroom).map(
    ({ text }) => /: (You[^.]*\.)|: (Your[^.]*\.)/.exec(text ?? '')?.[0],
  )
  assert.deepEqual(told, [': You have claimed it.', ': Your note is kept.', ': You accepted it.'])
  const { id } = await newsroom.submission(reference)
  const [note] = await newsroom.application.storage.notes.of(id, newsroom.keys)
  assert.equal(note?.body, 'Her brother works there.\nCareful.')
  const history = (await newsroom.application.storage.history.of(id)).map(({ action }) => action)
  assert.deepEqual(history, ['claimed', 'moved', 'noted', 'moved', 'answered'])
})

test('a decision with words sends these as its letter', async (t) => {
  const { newsroom, reference, notice } = await noticed(t)
  await newsroom.receiveMail(replyTo(notice, '/decline\n\nDear Amina,\nwe have run this story already.'))
  assert.equal((await newsroom.submission(reference)).state, 'declined')
  await newsroom.pause(undone)
  const [letter] = answersTo(newsroom, sender)
  assert.match(letter?.text ?? '', /^Dear Amina,\nwe have run this story already\./)
})

test('what cannot be done is not done in part, is told, and is held to be sent from the desk', async (t) => {
  const { newsroom, reference, notice } = await noticed(t, { EDITORS: `${editorAddress},${second}` })
  const quoted = (notice.text ?? '').replace(/^/gm, '> ')
  assert.equal(await newsroom.receiveMail(replyTo(notice, '/publish now')), 'quarantined')
  assert.equal(
    await newsroom.receiveMail(replyTo(notice, '', { text: `${quoted}\n\nWritten below.` })),
    'quarantined',
  )
  const exe = { filename: 'a.exe', content: Buffer.concat([Buffer.from('MZ'), Buffer.alloc(300, 1)]) }
  assert.equal(
    await newsroom.receiveMail(replyTo(notice, 'See this.', { attachments: [exe] })),
    'quarantined',
  )
  const other = await newsroom.signIn(second)
  await newsroom.act(
    `/desk/submissions/${reference}/move`,
    { state: 'declined', ...(await newsroom.seen(reference)) },
    other,
  )
  assert.equal(await newsroom.receiveMail(replyTo(notice, '/accept')), 'quarantined')
  assert.equal((await newsroom.submission(reference)).state, 'declined')
  await newsroom.pause(undone)
  assert.deepEqual(answersTo(newsroom, sender), [])
  assert.equal(confirmations(newsroom).length, 4)
  const page = await newsroom.deskPage(`/desk/submissions/${reference}`)
  assert.match(page, /Its first line is a command that is not known/)
  assert.match(page, /more words below the line[\s\S]*>\nWritten below\.</)
  assert.match(page, /not taken here/)
  assert.match(page, /not possible any more/)
})

test('a notice that was passed on: whoever replies to it is neither the editor nor the sender', async (t) => {
  const { newsroom, reference, receipt, notice } = await noticed(t)
  const friend = replyTo(notice, 'I know this woman, do not trust her.', {
    from: 'friend@example.net',
    attachments: [{ filename: 'proof.txt', content: 'proof' }],
  })
  const raw = await compose(friend)
  assert.equal(await newsroom.receiveMail(raw, { to: [friend.to] }), 'quarantined')
  assert.equal(await newsroom.receiveMail(raw, { to: [friend.to] }), 'repeat')
  await newsroom.pause(undone)
  assert.deepEqual(answersTo(newsroom, sender), [])
  assert.equal((await newsroom.status(receipt)).messages.length, 1)
  assert.match(confirmations(newsroom)[0]?.text ?? '', /Somebody replied to a mail that was sent to you/)
  const [, held] = await messagesOf(newsroom, reference)
  assert.equal(held?.author, 'unverified')
  const page = await newsroom.deskPage(`/desk/submissions/${reference}`)
  assert.match(page, /comes from another address/)
  assert.match(page, /From friend@example\.net/)
  // One press sends none of a stranger's words, and none of their files.
  assert.match(page, /I know this woman, do not trust her/)
  assert.doesNotMatch(page, /<textarea id="held-[^>]*>\s*I know/)
  assert.match(page, /<textarea id="held-[^>]*>\s*<\/textarea>/)
  assert.doesNotMatch(page, /name="file" form="work" value="[^"]*" checked/)
  const pressed = { ...(await newsroom.seen(reference)), [`held-${held?.id}`]: '', way: 'send' }
  const path = `/desk/submissions/${reference}/held?quarantined=${held?.id}`
  assert.equal((await newsroom.act(path, pressed)).status, 422)
  const proof = held?.attachments.find(({ id }) => held.content.files[id]?.name === 'proof.txt')?.id ?? ''
  // An editor may make the words their own.
  const { revision } = await newsroom.seen(reference)
  const offered = { held: held?.id ?? '', offers: held?.id ?? '', file: proof }
  const way = { revision, ...offered, way: 'send', body: 'Can you prove it?' }
  assert.equal((await newsroom.act(`/desk/submissions/${reference}/held`, way)).status, 303)
  await newsroom.pause(undone)
  const [answer] = answersTo(newsroom, sender)
  assert.match(answer?.text ?? '', /^Can you prove it\?/)
  assert.deepEqual(
    answer?.attachments.map(({ filename }) => filename),
    ['proof.txt'],
  )
  const again = { ...way, revision: (await newsroom.seen(reference)).revision }
  assert.equal((await newsroom.act(`/desk/submissions/${reference}/held`, again)).status, 409)
})

test('a held reply can be set aside, and is gone from nobody’s sight', async (t) => {
  const { newsroom, reference, notice } = await noticed(t)
  await newsroom.receiveMail(replyTo(notice, 'Not mine.', { from: 'friend@example.net' }))
  const [, held] = await messagesOf(newsroom, reference)
  const { revision } = await newsroom.seen(reference)
  await newsroom.act(`/desk/submissions/${reference}/held`, { revision, held: held?.id ?? '', way: 'drop' })
  const page = await newsroom.deskPage(`/desk/submissions/${reference}`)
  assert.match(page, /Dealt with/)
  assert.match(page, /Not mine\./)
  assert.match(page, /set a mail aside that was held/)
})

test('only with the right token: the editor’s address alone is believed nothing', async (t) => {
  const { newsroom, reference, notice } = await noticed(t, { EDITORS: `${editorAddress},${second}` })
  const address = notice.replyTo?.value[0]?.address ?? ''
  const forged = address.replace(/[\da-f](?=@)/, (digit) => (digit === '0' ? '1' : '0'))
  // Without a token it names our mail all the same, and is held for its editor to look at.
  for (const to of [forged, 'barua@newsroom.test']) {
    assert.equal(await newsroom.receiveMail(replyTo(notice, `To ${to}`, { to })), 'quarantined')
  }
  const colleague = replyTo(notice, 'With a token that is not mine.', { from: second })
  assert.equal(await newsroom.receiveMail(colleague), 'quarantined')
  await removeEditor(newsroom.application.storage, second)
  assert.equal(await newsroom.receiveMail(replyTo(notice, 'As nobody.', { from: second })), 'quarantined')
  await newsroom.pause(undone)
  assert.deepEqual(answersTo(newsroom, sender), [])
  assert.equal(
    (await messagesOf(newsroom, reference)).every(({ author }) => author !== 'editor'),
    true,
  )
})

test('an out-of-office reply of an editor reaches nobody', async (t) => {
  const { newsroom, reference, notice } = await noticed(t)
  for (const headers of [
    { 'Auto-Submitted': 'auto-replied' },
    { Precedence: 'auto_reply' },
    { 'X-Autoreply': 'yes' },
  ]) {
    assert.equal(await newsroom.receiveMail(replyTo(notice, 'I am away.', { headers })), 'ignored')
  }
  assert.equal(await newsroom.receiveMail(replyTo(notice, 'I am away.'), { from: '' }), 'ignored')
  assert.equal((await messagesOf(newsroom, reference)).length, 1)
})

test('an editor’s mailbox that passes everything on to the tips makes no circle', async (t) => {
  const { newsroom, notice } = await noticed(t)
  const before = await newsroom.submissionCount()
  const redirected = newsroom.mailServer.mails.at(-1)?.raw ?? ''
  assert.equal(await newsroom.receiveMail(redirected, { to: ['tips@newsroom.test'] }), 'ignored')
  const forwarded = {
    from: editorAddress,
    to: 'tips@newsroom.test',
    subject: `Fwd: ${notice.subject}`,
    text: `---------- Forwarded message ---------\nFrom: Barua\n\n${notice.text}`,
  }
  // It was sent to an address for tips, and the story is not confidential: nothing of it stands there.
  assert.equal(await newsroom.receiveMail(forwarded), 'kept')
  assert.equal(await newsroom.receiveMail({ ...forwarded, to: 'stories@newsroom.test' }), 'quarantined')
  assert.equal(await newsroom.submissionCount(), before)
  await newsroom.workOff()
  const told = newsroom.mailServer.mails.length
  await newsroom.workOff()
  assert.equal(newsroom.mailServer.mails.length, told)
})

test('whoever knows a reference plants nothing in its conversation by writing the line themselves', async (t) => {
  const { newsroom, reference, notice } = await noticed(t)
  const line = /^--- Write above this line.*$/m.exec(notice.text ?? '')?.[0] ?? ''
  const signed = line.slice(line.indexOf(reference) + reference.length + 1)
  assert.match(signed, /^[\da-f]{13}$/)
  const other = await newsroom.submit('story-angle', { ...storyAngle(), email: 'other@example.org' })
  const planted = [
    `--- Write above this line to answer the sender --- ${reference}`,
    `--- Write above this line to answer the sender --- ${reference}-0123456789abc`,
    `--- Write above this line to answer the sender --- ${other.reference}-${signed}`,
  ]
  for (const [i, forged] of planted.entries()) {
    const mail = { from: `${i}@evil.example`, to: 'stories@newsroom.test', subject: `No ${i}` }
    assert.equal(
      await newsroom.receiveMail({ ...mail, text: `Pay us first.\n\n${forged}` }),
      'received',
      forged,
    )
  }
  for (const one of [reference, other.reference])
    assert.equal((await messagesOf(newsroom, one)).length, 1, 'nothing is held there')
  const real = { from: 'friend@example.net', to: 'stories@newsroom.test', text: `See this.\n\n> ${line}` }
  assert.equal(await newsroom.receiveMail(real), 'quarantined')
  assert.equal((await messagesOf(newsroom, reference)).length, 2)
})

test('an answer by mail reaches a sender in Telegram, with its file', async (t) => {
  const newsroom = await openNewsroom(t, inboundMail)
  const chat = newsroom.chat()
  await chat.send('The bridge at the mill has been closed since Friday.')
  await newsroom.workOff()
  const notice = newsroom.mailsTo(editorAddress).at(-1)
  assert.ok(notice)
  const attachments = [{ filename: 'map.txt', content: 'Here?' }]
  assert.equal(await newsroom.receiveMail(replyTo(notice, 'Which mill?', { attachments })), 'done')
  await newsroom.pause(undone)
  assert.equal(chat.last(), 'Which mill?')
  assert.deepEqual(newsroom.telegram.documents, [{ chat_id: chat.id, name: 'map.txt', content: 'Here?' }])
})
