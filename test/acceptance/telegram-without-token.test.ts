import assert from 'node:assert/strict'
import { test } from 'node:test'
import { openNewsroom } from '../support/newsroom.ts'
import { messageFrame, photoUpdate, textUpdate } from '../support/submissions.ts'

const receiptIn = (text: string) =>
  /Receipt: ([\dA-Z-]{29})/.exec(text)?.[1] ?? assert.fail('no receipt in the answer')

/** Without a token the bot cannot speak by itself: each message is a piece, received at once. */
const withoutToken = { TELEGRAM_BOT_TOKEN: '' }

test('words become a news tip, and the answer comes in the webhook’s reply', async (t) => {
  const newsroom = await openNewsroom(t, withoutToken)
  const words = 'Karibu sana 🎉 سلام — the clinic has had no oxygen since Monday.'
  const { body } = await newsroom.receiveUpdate(textUpdate(1, words)).expect(200)
  assert.equal(body.method, 'sendMessage')
  assert.equal(body.chat_id, 7001)
  assert.match(body.text, /Reference: [\dA-Z]{4}-[\dA-Z]{4}\n/)
  const status = await newsroom.status(receiptIn(body.text))
  assert.equal(status.kind, 'news-tip')
  assert.equal(status.messages[0].body, words)
})

test('document, video, voice, audio, animation and video note come with their files; no words are needed', async (t) => {
  const newsroom = await openNewsroom(t, withoutToken)
  const files = {
    document: { file_id: 'd', file_unique_id: 'd', file_name: '../list of plates.csv' },
    video: { file_id: 'v', file_unique_id: 'v', width: 1, height: 1, duration: 1, file_name: 'clip.mp4' },
    voice: { file_id: 'o', file_unique_id: 'o', duration: 3 },
    audio: { file_id: 'a', file_unique_id: 'a', duration: 3 },
    animation: { file_id: 'g', file_unique_id: 'g', width: 1, height: 1, duration: 1 },
    video_note: { file_id: 'n', file_unique_id: 'n', length: 1, duration: 1 },
  }
  const names: string[] = []
  for (const [index, [field, file]] of Object.entries(files).entries()) {
    const { body } = await newsroom.receiveUpdate({
      update_id: 30 + index,
      message: { ...messageFrame(30 + index, 7001), [field]: file },
    })
    const { messages } = await newsroom.status(receiptIn(body.text))
    names.push(...messages[0].files.map((one: { name: string }) => one.name))
  }
  assert.deepEqual(names, [
    'list of plates.csv',
    'clip.mp4',
    'voice.ogg',
    'audio.mp3',
    'animation.mp4',
    'video.mp4',
  ])
})

test('a link behind words is written out', async (t) => {
  const newsroom = await openNewsroom(t, withoutToken)
  const update = textUpdate(4, '🎉 see the tender and the map')
  Object.assign(update.message, {
    entities: [
      { type: 'text_link', offset: 7, length: 10, url: 'https://tender.example' },
      { type: 'bold', offset: 0, length: 2 },
      { type: 'text_link', offset: 22, length: 7, url: 'https://map.example' },
    ],
  })
  const { body } = await newsroom.receiveUpdate(update)
  const { messages } = await newsroom.status(receiptIn(body.text))
  assert.equal(
    messages[0].body,
    '🎉 see [the tender](https://tender.example) and [the map](https://map.example)',
  )
})

test('what is no piece is acknowledged or kept raw, and makes none', async (t) => {
  const newsroom = await openNewsroom(t, withoutToken)
  const frame = messageFrame(5, 7001)
  const group = { ...frame, chat: { id: -5, type: 'supergroup', title: 'Neighbours' } }
  const updates: [update: object, kept?: string][] = [
    [{ edited_message: { ...frame, text: 'changed' } }, 'edit-of-nothing-known'],
    [{ edited_message: { ...frame, location: { latitude: 1, longitude: 2 } } }],
    [{ channel_post: { ...frame, text: 'post' } }, 'not-said-to-the-bot'],
    [{ message: { ...frame, chat: { id: -6, type: 'galaxy' }, text: 'out there' } }, 'not-said-to-the-bot'],
    [{ my_chat_member: { chat: frame.chat, from: frame.from, date: 1 } }],
    [{ message_reaction: { chat: frame.chat, message_id: 1, date: 1, old_reaction: [], new_reaction: [] } }],
    [{ poll: { id: '1', question: 'q', options: [] } }],
    [{ callback_query: { id: '1', from: frame.from, chat_instance: 'c' } }],
    [{ message: { ...group, text: 'said among neighbours' } }],
    [{ message: { ...frame, text: '/start' } }],
    [{ message: { ...frame, pinned_message: { message_id: 1 } } }],
    [{ message: frame }, 'no-words-or-files'],
    [{ something_of_next_year: { words: 'unknown' } }, 'unknown-update'],
    [{ message: 'no message at all' }, 'not-an-update'],
    [{ message: { ...frame, chat: 7001 } }, 'not-an-update'],
    [{}, 'unknown-update'],
  ]
  for (const [index, [update]] of updates.entries())
    await newsroom.receiveUpdate({ update_id: 500 + index, ...update }).expect(200)
  await newsroom.receiveUpdate('[1, 2]').expect(200)
  await newsroom.receiveUpdate('null').expect(200)
  assert.equal(await newsroom.submissionCount(), 0)
  const kept = await newsroom.application.storage.deadLetters.latest(50, newsroom.keys)
  assert.deepEqual(
    kept.map((one) => one.reason).toSorted(),
    [...updates.flatMap(([, reason]) => reason ?? []), 'not-an-update', 'not-an-update'].toSorted(),
  )
  assert.ok(kept.some((one) => one.raw.includes('something_of_next_year')))
  assert.ok((await newsroom.deskPage('/desk/unread')).includes('something_of_next_year'))
})

test('an edit joins the piece that its message became, with a file only where that is another one', async (t) => {
  const newsroom = await openNewsroom(t, withoutToken)
  const original = photoUpdate(60, 'gate', 'The gate')
  const { body } = await newsroom.receiveUpdate(original).expect(200)
  const edit = (updateId: number, said: object) => ({
    update_id: updateId,
    edited_message: { ...original.message, edit_date: updateId, ...said },
  })
  const other = [{ file_id: 'mill', file_unique_id: 'mill', width: 9, height: 9 }]
  const edits = [
    edit(61, { caption: 'The gate of the mill' }),
    edit(61, { caption: 'The gate of the mill' }),
    edit(62, { caption: 'The mill', photo: other }),
    edit(63, { caption: undefined, photo: other }),
  ]
  for (const update of edits) {
    const answer = await newsroom.receiveUpdate(update).expect(200)
    assert.deepEqual(answer.body, {})
  }
  assert.equal(await newsroom.submissionCount(), 1)
  const { messages, reference } = await newsroom.status(receiptIn(body.text))
  assert.deepEqual(
    messages.map((one: { body: string; files: object[] }) => [one.body, one.files.length]),
    [
      ['The gate', 1],
      ['The gate of the mill', 0],
      ['The mill', 1],
      ['[The words were removed.]', 0],
    ],
  )
  const page = await newsroom.deskPage(`/desk/submissions/${reference}`)
  assert.ok(page.includes('Edit of an earlier message'))
})

test('what could not be read of a message is kept with its piece', async (t) => {
  const newsroom = await openNewsroom(t, withoutToken)
  const update = textUpdate(70, 'Words beside it')
  Object.assign(update.message, { hologram: 'HIDDEN' })
  const { body } = await newsroom.receiveUpdate(update).expect(200)
  const { reference } = await newsroom.status(receiptIn(body.text))
  assert.ok((await newsroom.deskPage(`/desk/submissions/${reference}`)).includes('HIDDEN'))
  const { body: answer } = await newsroom.receiveUpdate({
    update_id: 71,
    message: { ...messageFrame(71, 7001), hologram: 'ALONE' },
  })
  assert.match(answer.text, /Receipt: [\s\S]*cannot be read here, but it has been kept/)
})

test('a wrong or missing secret gets 401 and stores nothing', async (t) => {
  const newsroom = await openNewsroom(t, withoutToken)
  const update = textUpdate(6, 'Somebody pretends to be Telegram.')
  await newsroom.receiveUpdate(update, 'wrong').expect(401)
  await newsroom.http().post('/webhooks/telegram').send(update).expect(401)
  assert.equal(await newsroom.submissionCount(), 0)
  assert.deepEqual(await newsroom.application.storage.deadLetters.latest(1, newsroom.keys), [])
})

test('a body that is no JSON gets 400, one that is too large 413, a deep one is kept', async (t) => {
  const newsroom = await openNewsroom(t, withoutToken)
  await newsroom.receiveUpdate('{"update_id": 1,').expect(400)
  await newsroom.receiveUpdate('').expect(400)
  await newsroom.receiveUpdate(`{"update_id":1,"x":"${'y'.repeat(5_000_000)}"}`).expect(413)
  await newsroom.receiveUpdate(`{"update_id":1,"x":${'['.repeat(200_000)}${']'.repeat(200_000)}}`).expect(200)
  assert.equal((await newsroom.application.storage.deadLetters.latest(9, newsroom.keys)).length, 1)
})

test('what follows a command is not lost with it', async (t) => {
  const newsroom = await openNewsroom(t, withoutToken)
  const texts = [
    '/start My boss takes the hospital’s money',
    '/help-desk staff take bribes',
    '/start\nTwo lines of it',
  ]
  for (const [index, text] of texts.entries()) {
    const { body } = await newsroom.receiveUpdate(textUpdate(700 + index, text)).expect(200)
    assert.equal((await newsroom.status(receiptIn(body.text))).messages[0].body, text)
  }
  await newsroom.receiveUpdate(textUpdate(710, '/start@the_bot deep-link_1')).expect(200)
  assert.equal(await newsroom.submissionCount(), texts.length)
})

test('one update id from two chats is two submissions; a changed repeat keeps both wordings', async (t) => {
  const newsroom = await openNewsroom(t, withoutToken)
  const first = await newsroom.receiveUpdate(textUpdate(800, 'From one chat', 1)).expect(200)
  const second = await newsroom.receiveUpdate(textUpdate(800, 'From another chat', 2)).expect(200)
  const changed = await newsroom.receiveUpdate(textUpdate(800, 'From one chat, changed', 1)).expect(200)
  assert.match(changed.body.text, /^Received, with what you sent before/)
  assert.equal(await newsroom.submissionCount(), 2)
  const said = async (text: string) =>
    (await newsroom.status(receiptIn(text))).messages.map((one: { body: string }) => one.body)
  assert.deepEqual(await said(first.body.text), ['From one chat', 'From one chat, changed'])
  assert.deepEqual(await said(second.body.text), ['From another chat'])
})

test('odd characters keep no piece out', async (t) => {
  const newsroom = await openNewsroom(t, withoutToken)
  const texts = ['A \ud800 lone surrogate', 'A \ufffd that was there before', 'A \0 NUL and a \u0007 bell']
  for (const [index, text] of texts.entries()) {
    const update = textUpdate(900 + index, text)
    Object.assign(update.message, { from: { id: 1, first_name: `Juma \ud83c ${'x'.repeat(300)}\n` } })
    const { body } = await newsroom.receiveUpdate(update).expect(200)
    assert.ok((await newsroom.status(receiptIn(body.text))).messages[0].body.startsWith('A '), text)
  }
  const { body } = await newsroom.receiveUpdate(textUpdate(910, ' \n ')).expect(200)
  assert.match(body.text, /cannot be read here, but it has been kept/)
  await newsroom.receiveUpdate(textUpdate(910, ' \n ')).expect(200)
  assert.equal(
    (await newsroom.application.storage.deadLetters.latest(9, newsroom.keys)).length,
    1,
    'kept once, however often it comes',
  )
})

test('an album is one piece with one receipt, and a message for each of its files', async (t) => {
  const newsroom = await openNewsroom(t, withoutToken)
  const receipts = new Set<string>()
  for (const [index, id] of ['a', 'b', 'c', 'b'].entries()) {
    const update = photoUpdate(id === 'b' ? 51 : 50 + index, id)
    Object.assign(update.message, { media_group_id: 'album' })
    const { body } = await newsroom.receiveUpdate(update).expect(200)
    if (index === 0) receipts.add(receiptIn(body.text))
    else assert.match(body.text, index === 3 ? /^Received before/ : /^Received, with what/)
  }
  assert.equal(receipts.size, 1)
  assert.equal(await newsroom.submissionCount(), 1)
  assert.equal((await newsroom.status([...receipts][0] as string)).messages.length, 3)
})
