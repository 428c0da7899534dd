import assert from 'node:assert/strict'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { buffer } from 'node:stream/consumers'
import { test } from 'node:test'
import { hashToken, newToken } from '../../src/accounts/api-token.ts'
import { inboundMail, replyTo } from '../support/mail.ts'
import { cookieOf, editorAddress, type Newsroom, openNewsroom } from '../support/newsroom.ts'
import { png, storyAngle } from '../support/submissions.ts'

/** Words that are in nothing else. */
const secret = 'Ferrugineous ledgers lie beneath the granary floor, and the clerk knows who put them there.'
const letters = /ferrugineous/i
const sender = 'wanjiru@example.org'

type Told = {
  /** What the answer says of it: undefined where it says nothing of that. */
  says: 'confidential' | 'clear' | 'refused' | undefined
  /** It is in the submission that was there before, or would be. */
  joined?: boolean
}

type Began = { reference: string; receipt: string }

/** What leads from a submission that is there to more words, and what it answers. */
type Path = {
  name: string
  /** How the submission begins. */
  begin: (newsroom: Newsroom, isConfidential: boolean) => Promise<Began & { more?: unknown }>
  /** Says the secret, in confidence or not. */
  tell: (newsroom: Newsroom, began: Began & { more?: unknown }, isAsked: boolean) => Promise<Told>
}

async function answer(newsroom: Newsroom, reference: string): Promise<void> {
  const seen = await newsroom.seen(reference)
  await newsroom.act(`/desk/submissions/${reference}/answer`, { ...seen, body: 'Tell us more, please.' })
}

const ticked = (isAsked: boolean) => (isAsked ? { confidential: 'yes' } : {})

async function byForm(newsroom: Newsroom, isConfidential: boolean) {
  const nonce = await newsroom.nonce('/submit/story-angle')
  const fields = { ...storyAngle(), email: sender, ...ticked(isConfidential), nonce }
  return { ...(await newsroom.submit('story-angle', fields)), more: nonce }
}

async function byMail(newsroom: Newsroom, isConfidential: boolean) {
  const to = isConfidential ? 'tips@newsroom.test' : 'stories@newsroom.test'
  const mail = { from: sender, to, subject: 'A beginning', text: 'Something about the harbour at night.' }
  assert.equal(await newsroom.receiveMail(mail), 'received')
  await newsroom.workOff()
  const told = newsroom.mailsTo(sender).at(-1)
  const [, reference = ''] = /Reference: (\S+)/.exec(told?.text ?? '') ?? []
  const [, receipt = ''] = /Receipt: (\S+)/.exec(told?.text ?? '') ?? []
  return { reference, receipt, more: told }
}

async function byChat(newsroom: Newsroom, isConfidential: boolean) {
  const chat = newsroom.chat()
  await chat.say(isConfidential ? '/expose' : '/story')
  const receipt = await chat.send('Something about the harbour at night.')
  const { reference } = await newsroom.status(receipt)
  return { reference, receipt, more: chat }
}

async function apiToken(newsroom: Newsroom): Promise<string> {
  const token = newToken()
  const given = { name: `bridge ${token}`, hourlyLimit: 0, hookUrl: null, tokenHash: hashToken(token) }
  await newsroom.application.storage.apiTokens.add(given, newsroom.now())
  return token
}

function mailTold(taken: string): Told {
  return { says: undefined, joined: taken === 'joined' }
}

const addressFor = (isAsked: boolean) => (isAsked ? 'tips@newsroom.test' : 'stories@newsroom.test')

const paths: Path[] = [
  {
    name: 'the form, after Back',
    begin: byForm,
    async tell(newsroom, { more }, isAsked) {
      const fields = { ...storyAngle(), email: sender, body: secret, ...ticked(isAsked), nonce: String(more) }
      const { body } = await newsroom.post('story-angle', fields).expect(201)
      return { says: body.confidential ? 'confidential' : 'clear' }
    },
  },
  {
    name: 'the form, after Back, with a file',
    begin: byForm,
    async tell(newsroom, { more }, isAsked) {
      const fields = { ...storyAngle(), email: sender, body: secret, ...ticked(isAsked), nonce: String(more) }
      const file = { name: 'ferrugineous.txt', content: secret }
      const { body } = await newsroom.post('story-angle', fields, [file]).expect(201)
      return { says: body.confidential ? 'confidential' : 'clear' }
    },
  },
  {
    name: 'the status page',
    begin: byForm,
    async tell(newsroom, { receipt }, isAsked) {
      const sent = newsroom.http().post('/status').set('accept', 'application/json').type('form')
      const { status } = await sent.send({ receipt, message: secret, ...ticked(isAsked) })
      return { says: status === 409 ? 'refused' : undefined, joined: status === 200 }
    },
  },
  {
    name: 'the API, a further message',
    begin: byForm,
    async tell(newsroom, { reference, receipt }, isAsked) {
      const { status } = await newsroom
        .http()
        .post(`/api/v1/submissions/${reference}/messages`)
        .set('authorization', `Bearer ${await apiToken(newsroom)}`)
        .set('barua-receipt', receipt)
        .send({ body: secret, ...(isAsked && { confidential: true }) })
      return { says: status === 409 ? 'refused' : undefined, joined: status === 201 }
    },
  },
  {
    name: 'the API, under a key that was used',
    async begin(newsroom, isConfidential) {
      const bearer = `Bearer ${await apiToken(newsroom)}`
      const { body } = await byApi(newsroom, bearer, storyAngle().body, isConfidential).expect(201)
      assert.equal(body.confidential ?? false, isConfidential)
      return { ...body, more: bearer }
    },
    async tell(newsroom, { more }, isAsked) {
      const { status } = await byApi(newsroom, String(more), secret, isAsked)
      return { says: status === 409 ? 'refused' : undefined }
    },
  },
  {
    name: 'a mail that holds the receipt',
    begin: byForm,
    async tell(newsroom, { receipt }, isAsked) {
      const text = `${secret}\n\nMy receipt is ${receipt}`
      return mailTold(
        await newsroom.receiveMail({ from: 'other@example.org', to: addressFor(isAsked), text }),
      )
    },
  },
  {
    name: 'a mail in the thread of ours',
    begin: byMail,
    async tell(newsroom, { more }, isAsked) {
      const receiptMail = more as ReturnType<Newsroom['mailsTo']>[number]
      const mail = replyTo(receiptMail, secret, { to: addressFor(isAsked) })
      return mailTold(await newsroom.receiveMail({ ...mail, text: secret }))
    },
  },
  {
    name: 'a mail to the token of ours, and to the address for tips',
    begin: byMail,
    async tell(newsroom, { more }, isAsked) {
      const mail = replyTo(more as ReturnType<Newsroom['mailsTo']>[number], secret)
      const to = isAsked ? `${mail.to}, tips@newsroom.test` : String(mail.to)
      return mailTold(await newsroom.receiveMail({ ...mail, to, text: secret }, { to: [String(mail.to)] }))
    },
  },
  {
    name: 'a mail to our return path, and to the address for tips',
    async begin(newsroom, isConfidential) {
      const began = await byMail(newsroom, isConfidential)
      await answer(newsroom, began.reference)
      await newsroom.workOff()
      return { ...began, more: newsroom.mailsTo(sender).at(-1) }
    },
    async tell(newsroom, { more }, isAsked) {
      // A receipt has none that could be written to: it is the mail of an answer.
      const { returnPath } = more as ReturnType<Newsroom['mailsTo']>[number]
      const to = isAsked ? `${returnPath}, tips@newsroom.test` : returnPath
      const mail = { from: sender, to, subject: 'More', text: secret }
      return mailTold(await newsroom.receiveMail(mail, { to: [returnPath] }))
    },
  },
  {
    name: 'the bot: a command with words, in reply to a message about it',
    begin: byChat,
    async tell(newsroom, { more }, isAsked) {
      const chat = more as ReturnType<Newsroom['chat']>
      const about = chat.heard().findLast(({ text }) => /Receipt: /.test(text))
      await chat.say({
        text: `${isAsked ? '/expose ' : ''}${secret}`,
        reply_to_message: {
          message_id: about?.message_id ?? 0,
          date: 1,
          chat: { id: chat.id, type: 'private' },
        },
      })
      await newsroom.pause(11 * 60_000)
      return { says: undefined, joined: !isAsked }
    },
  },
  {
    name: 'the bot: another kind chosen afterwards',
    begin: byChat,
    async tell(newsroom, { more }, isAsked) {
      const chat = more as ReturnType<Newsroom['chat']>
      await chat.say(isAsked ? '/expose' : '/story')
      await chat.say(secret)
      await chat.say('/story')
      await chat.say('The ferryman rows at dawn.')
      await newsroom.pause(11 * 60_000)
      return { says: undefined }
    },
  },
  ...(['while it is gathered', 'after it was sent', 'of a reply', 'of a caption'] as const).map(
    (when): Path => ({
      name: `the bot: an edit ${when}`,
      begin: byChat,
      async tell(newsroom, { reference, more }, isAsked) {
        const chat = more as ReturnType<Newsroom['chat']>
        if (when === 'of a reply') {
          await answer(newsroom, reference)
          await newsroom.pause(60_000)
        } else await chat.say('/story')
        const isCaption = when === 'of a caption'
        newsroom.telegram.files.set('p1', png())
        const place = { file_id: 'p1', file_unique_id: 'u1', width: 9, height: 9, file_size: 100 }
        const said = (text: string) => (isCaption ? { caption: text, photo: [place] } : { text })
        const first = await chat.say(said('The ferryman rows at dawn.'))
        if (when === 'after it was sent') await newsroom.pause(11 * 60_000)
        await chat.edit(first, said(`${isAsked ? '/expose ' : ''}${secret}`))
        await newsroom.pause(11 * 60_000)
        return { says: undefined }
      },
    }),
  ),
  {
    name: 'the bot: a reply that is made something new',
    begin: byChat,
    async tell(newsroom, { reference, more }, isAsked) {
      const chat = more as ReturnType<Newsroom['chat']>
      await answer(newsroom, reference)
      await newsroom.pause(60_000)
      await chat.say(secret)
      // What is made something new is a news tip, and that is confidential.
      if (isAsked) await chat.press(/new/i)
      await newsroom.pause(11 * 60_000)
      return { says: undefined, joined: !isAsked }
    },
  },
]

function byApi(newsroom: Newsroom, bearer: string, body: string, isAsked: boolean) {
  return newsroom
    .http()
    .post('/api/v1/submissions')
    .set('authorization', bearer)
    .set('idempotency-key', 'one')
    .send({ kind: 'story-angle', ...storyAngle(), body, ...(isAsked && { confidential: true }) })
}

/** The submissions that say the secret, in words or in a file. */
async function saying(newsroom: Newsroom) {
  const { storage, files } = newsroom.application
  const found: { reference: string; isConfidential: boolean; times: number }[] = []
  for (const { id, reference, isConfidential } of await newsroom.all()) {
    const messages = await storage.submissions.conversation(id, newsroom.keys)
    const said = messages.filter(({ content }) => letters.test(JSON.stringify(content)))
    if (said.length > 0) found.push({ reference, isConfidential, times: said.length })
    for (const one of messages.flatMap(({ attachments }) => attachments)) {
      const bytes = await buffer(await files.readFor(one, newsroom.keys))
      assert.ok(isConfidential || !letters.test(bytes.toString()) || found.length > 0)
    }
  }
  return found
}

for (const path of paths) {
  for (const isConfidential of [false, true]) {
    for (const isAsked of [false, true]) {
      const begun = isConfidential ? 'confidential' : 'clear'
      test(`${path.name}: what is ${isAsked ? 'asked in confidence' : 'just said'} of something ${begun}`, async (t) => {
        const newsroom = await openNewsroom(t, inboundMail)
        const began = await path.begin(newsroom, isConfidential)
        const told = await path.tell(newsroom, began, isAsked)
        await newsroom.workOff()
        const found = await saying(newsroom)
        if (told.says === 'refused') return assert.deepEqual(found, [])
        assert.equal(found.length, 1, 'it landed once')
        assert.equal(found[0]?.times, 1)
        const isStoredInConfidence = found[0]?.isConfidential
        if (isAsked || (isConfidential && told.joined)) assert.ok(isStoredInConfidence)
        if (told.says) assert.equal(told.says, isStoredInConfidence ? 'confidential' : 'clear')
        if (told.joined) assert.equal(found[0]?.reference, began.reference)
        const notices = newsroom.mailServer.mails.filter(({ raw, text }) => letters.test(`${raw}${text}`))
        if (isStoredInConfidence) assert.deepEqual(notices, [], 'no mail says a word of it')
        else if (told.says) assert.notEqual(notices.length, 0, 'editors are mailed of what is clear')
        const stored = letters.test(await newsroom.databaseText())
        assert.equal(stored, !isStoredInConfidence, 'the database, its search index and its log')
      })
    }
  }
}

test('an edit in confidence of what was sent in the clear is one submission, however often it comes and is changed', async (t) => {
  const newsroom = await openNewsroom(t)
  const chat = newsroom.chat()
  await chat.say('/story')
  const first = await chat.say('The ferryman rows at dawn.')
  await newsroom.pause(11 * 60_000)
  for (const words of [secret, secret, `${secret} He has keys.`, `${secret} He has keys.`])
    await chat.edit(first, { text: `/expose ${words}` })
  await newsroom.pause(11 * 60_000)
  const found = await saying(newsroom)
  assert.equal(found.length, 1)
  assert.deepEqual([found[0]?.isConfidential, found[0]?.times], [true, 2])
  assert.ok(!letters.test(await newsroom.databaseText()))
  assert.equal(chat.heard().filter(({ text }) => /Receipt: /.test(text)).length, 2, 'one for each submission')
})

const spellings: Record<string, (receipt: string) => string> = {
  'as it is': (receipt) => receipt,
  'in small letters': (receipt) => receipt.toLowerCase(),
  'without dashes': (receipt) => receipt.replaceAll('-', ''),
  'with blanks': (receipt) => receipt.replaceAll('-', ' '),
  'over two lines': (receipt) => `${receipt.slice(0, 14)}\n> ${receipt.slice(14)}`,
}

for (const [how, spelled] of Object.entries(spellings)) {
  test(`the receipt of a confidential submission, ${how}, is not kept beside words in the clear`, async (t) => {
    const newsroom = await openNewsroom(t, inboundMail)
    const { receipt, reference } = await newsroom.submit('expose')
    const clear = await newsroom.submit('story-angle')
    const body = `More about the granary. My receipt is ${spelled(receipt)}, thank you very much.`
    const form = await newsroom.post('story-angle', { ...storyAngle(), body })
    assert.deepEqual([form.status, Object.keys(form.body.error?.fields ?? {})], [422, ['body']])
    const page = await newsroom
      .http()
      .post('/status')
      .type('form')
      .send({ receipt: clear.receipt, message: body })
    assert.equal(page.status, 422)
    assert.match(page.text, /More about the granary/, 'the words are there still')
    const api = await byApi(newsroom, `Bearer ${await apiToken(newsroom)}`, body, false)
    assert.equal(api.status, 422)
    for (const mail of [
      { text: body },
      { text: 'More about it.', subject: `About ${spelled(receipt).replace(/\n> /, ' ')}` },
    ]) {
      const sent = { from: sender, to: 'stories@newsroom.test', subject: 'More', ...mail }
      assert.equal(await newsroom.receiveMail(sent), 'joined')
    }
    await newsroom.workOff()
    const { messages } = await newsroom.status(receipt)
    assert.equal(messages.length, 3, `of ${reference}`)
    const letters = receipt.replaceAll('-', '').toLowerCase()
    const stored = (await newsroom.databaseText()).replace(/[\s>-]/g, '').toLowerCase()
    assert.ok(!stored.includes(letters))
  })
}

test('the same words, ticked after Back, are a confidential submission of their own, and its repeats land once', async (t) => {
  const newsroom = await openNewsroom(t)
  const nonce = await newsroom.nonce('/submit/story-angle')
  const fields = { ...storyAngle(), nonce }
  const asked = { ...fields, confidential: 'yes' }
  const file = { name: 'typewriter.txt', content: 'An Olympia of 1958' }
  const clear = await newsroom.submit('story-angle', fields, [file])
  const first = await newsroom.submit('story-angle', asked, [file])
  const again = await Promise.all([1, 2, 3].map(() => newsroom.submit('story-angle', asked, [file])))
  for (const one of again) assert.deepEqual(one, first)
  assert.notEqual(first.receipt, clear.receipt)
  assert.equal(await newsroom.submissionCount(), 2)
  assert.equal((await newsroom.status(first.receipt)).messages.length, 1)
  assert.equal((await newsroom.status(clear.receipt)).messages.length, 1)
  // Words that are changed once more go on in confidence, whether or not the box is still ticked there.
  const changed = { ...asked, body: `${fields.body} She is called Achieng.` }
  assert.deepEqual(await newsroom.submit('story-angle', changed), first)
  assert.equal((await newsroom.status(first.receipt)).messages.length, 2)
  assert.deepEqual(await newsroom.submit('story-angle', fields, [file]), clear)
  const page = await newsroom.deskPage(`/desk/submissions/${first.reference}`)
  assert.match(page, new RegExp(`first wrote <a href="/desk/submissions/${clear.reference}"`))
})

test('the page of a receipt says what was stored, and that the first version was not confidential', async (t) => {
  const newsroom = await openNewsroom(t)
  const nonce = await newsroom.nonce('/submit/story-angle')
  const receiptPage = async (fields: object) => {
    const sent = await newsroom.http().post('/submit/story-angle').type('form').send(fields).expect(303)
    const cookie = cookieOf(sent.headers, 'barua-receipt')
    return (await newsroom.http().get('/receipt').set('cookie', cookie)).text
  }
  const fields = { ...storyAngle(), nonce }
  assert.match(await receiptPage(fields), /It is not encrypted/)
  const asked = await receiptPage({ ...fields, confidential: 'yes' })
  assert.match(asked, /That first version is not encrypted/)
  assert.match(asked, /What you sent is encrypted/)
  const other = { ...storyAngle(), nonce: await newsroom.nonce('/submit/story-angle') }
  assert.match(await receiptPage({ ...other, confidential: 'yes' }), /What you sent is encrypted/)
  // No longer ticked, it joins what is confidential, and that is what the page says.
  const unticked = await receiptPage({ ...other, body: `${other.body} And more.` })
  assert.match(unticked, /What you sent is encrypted/)
  assert.doesNotMatch(unticked, /not encrypted/)
})

test('sent both ways at the same moment, neither is lost and nothing asked in confidence is clear', async (t) => {
  const newsroom = await openNewsroom(t)
  const nonce = await newsroom.nonce('/submit/story-angle')
  const fields = { ...storyAngle(), nonce }
  const asked = { ...fields, body: secret, confidential: 'yes' }
  const send = (one: object) => newsroom.post('story-angle', one)
  const answers = await Promise.all([send(fields), send(asked), send(fields), send(asked)])
  for (const { status } of answers) assert.ok([201, 503].includes(status))
  await newsroom.submit('story-angle', asked)
  await newsroom.submit('story-angle', fields)
  assert.deepEqual(
    (await saying(newsroom)).map(({ isConfidential, times }) => [isConfidential, times]),
    [[true, 1]],
  )
  assert.doesNotMatch(await newsroom.databaseText(), letters)
})

test('what was asked in confidence before an upgrade is not doubled by its repeat', async (t) => {
  const newsroom = await openNewsroom(t)
  const fields = { ...storyAngle(), confidential: 'yes', nonce: await newsroom.nonce('/submit/story-angle') }
  const first = await newsroom.submit('story-angle', fields)
  const db = new DatabaseSync(join(newsroom.settings.DATA_DIR, 'barua.db'))
  db.exec("update idempotency_keys set digest = 'as it was made before'")
  db.close()
  assert.deepEqual(await newsroom.submit('story-angle', fields), first)
  assert.equal((await newsroom.status(first.receipt)).messages.length, 1)
  assert.equal(await newsroom.submissionCount(), 1)
})

test('a mail that came to an address for stories, and comes to the one for tips, is kept in confidence too, once', async (t) => {
  const newsroom = await openNewsroom(t, inboundMail)
  const mail = {
    from: sender,
    to: 'a-list@example.org',
    subject: 'Both',
    text: secret,
    messageId: '<both@example.org>',
    date: new Date('2026-11-20T10:00:00Z'),
  }
  const bring = (to: string) => newsroom.receiveMail(mail, { to: [to] })
  assert.equal(await bring('stories@newsroom.test'), 'received')
  assert.equal(await bring('tips@newsroom.test'), 'received')
  assert.equal(await bring('tips@newsroom.test'), 'repeat')
  assert.equal(await bring('stories@newsroom.test'), 'repeat')
  assert.deepEqual(
    (await saying(newsroom)).map(({ isConfidential, times }) => [isConfidential, times]).sort(),
    [
      [false, 1],
      [true, 1],
    ],
  )
})

test('what a stranger tells in confidence, with a notice of ours in it, stands in nothing clear', async (t) => {
  const newsroom = await openNewsroom(t, inboundMail)
  const { reference } = await newsroom.submit('story-angle')
  await newsroom.workOff()
  const notice = newsroom.mailsTo(editorAddress).find(({ subject }) => subject?.includes('typewriter'))
  assert.ok(notice)
  const passedOn = replyTo(notice, secret, { from: 'stranger@example.org', to: 'tips@newsroom.test' })
  assert.equal(await newsroom.receiveMail(passedOn), 'kept')
  const seen = await newsroom.submission(reference)
  const messages = await newsroom.application.storage.submissions.conversation(seen.id, newsroom.keys)
  assert.equal(messages.length, 1)
  assert.doesNotMatch(await newsroom.databaseText(), letters)
  assert.match(await newsroom.deskPage('/desk/unread'), letters)
})
