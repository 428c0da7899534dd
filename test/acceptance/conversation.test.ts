import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Chat, editorAddress, type Newsroom, openNewsroom } from '../support/newsroom.ts'
import { png } from '../support/submissions.ts'

const minute = 60_000
const hour = 60 * minute

const photo = (id: string, more: object = {}) => ({
  photo: [{ file_id: id, file_unique_id: `u-${id}`, width: 9, height: 9, file_size: 100 }],
  ...more,
})

async function submitted(newsroom: Newsroom): Promise<{ kind: string; body: string; files: string[] }[]> {
  const { storage } = newsroom.application
  const all = await newsroom.all()
  return Promise.all(
    all.map(async ({ id, kind }) => {
      const opening = await storage.submissions.opening(id, newsroom.keys)
      const files = opening?.attachments.map((one) => opening.content.files[one.id]?.name ?? '') ?? []
      return { kind, body: opening?.content.fields.body ?? '', files }
    }),
  )
}

const buttons = (chat: Chat) =>
  chat
    .heard()
    .at(-1)
    ?.buttons.map(({ text }) => text) ?? []

test('what a person says in pieces is one piece, and one live message tells of it', async (t) => {
  const newsroom = await openNewsroom(t)
  const chat = newsroom.chat()
  for (const id of ['a', 'b', 'c']) newsroom.telegram.files.set(id, png())
  await chat.say('There has been no oxygen since Monday.')
  assert.equal(await newsroom.submissionCount(), 0, 'nothing is sent before the person says so')
  await chat.say(photo('a', { caption: 'The door of the ward' }))
  await chat.say(photo('b'))
  await chat.say({ voice: { file_id: 'c', file_unique_id: 'c', duration: 2 } })
  await chat.say('Tuesday, not Monday.')
  assert.equal(chat.heard().length, 1, 'the bot chatters')
  assert.match(chat.last(), /^Not sent yet: 2 messages, 2 photos, 1 voice message\. News tip\./)
  await chat.press('Add more')
  await chat.press('Send')
  await newsroom.workOff()
  assert.equal(chat.heard()[0]?.text, 'Sent: 2 messages, 2 photos, 1 voice message.')
  assert.deepEqual(chat.heard()[0]?.buttons, [])
  assert.equal(chat.heard().length, 2)
  const { kind, messages } = await newsroom.status(chat.receipt())
  assert.equal(kind, 'news-tip')
  assert.equal(messages.length, 1)
  assert.equal(
    messages[0].body,
    'There has been no oxygen since Monday.\n\nThe door of the ward\n\nTuesday, not Monday.',
  )
  assert.deepEqual(
    messages[0].files.map(({ name, state }: { name: string; state: string }) => [name, state]),
    [
      ['photo.jpg', 'kept'],
      ['photo-2.jpg', 'kept'],
      ['voice.ogg', 'kept'],
    ],
  )
  const notices = newsroom.mailsTo(editorAddress)
  assert.equal(notices.filter(({ subject }) => subject?.startsWith('News tip')).length, 1)
})

test('quiet for ten minutes, a piece is sent by itself, also when nobody worked meanwhile', async (t) => {
  const newsroom = await openNewsroom(t)
  const chat = newsroom.chat()
  await chat.say('The bridge is closed.')
  await newsroom.pause(9 * minute)
  await chat.say('Since yesterday.')
  await newsroom.pause(9 * minute)
  assert.equal(await newsroom.submissionCount(), 0, 'it did not wait for the second message')
  await newsroom.restart()
  newsroom.passTime(2 * minute)
  await newsroom.workOff()
  assert.deepEqual(
    (await submitted(newsroom)).map(({ body }) => body),
    ['The bridge is closed.\n\nSince yesterday.'],
  )
  await newsroom.status(chat.receipt())
})

test('a piece that was discarded can be had back for a while, and is then gone for good', async (t) => {
  const newsroom = await openNewsroom(t)
  const chat = newsroom.chat()
  await chat.say('Sorry, wrong chat')
  await chat.press('Discard')
  assert.match(chat.last(), /^Discarded: 1 message/)
  await chat.press('Have it back')
  assert.match(chat.last(), /^Not sent yet: 1 message/)
  await chat.press('Discard')
  const again = newsroom.telegram.press(chat.id, 'Have it back')
  await newsroom.pause(11 * minute)
  await chat.deliver(again)
  await newsroom.pause(24 * hour)
  assert.equal(await newsroom.submissionCount(), 0)
  await chat.say('Something else')
  assert.match((await newsroom.status(await sendOpen(newsroom, chat))).messages[0].body, /^Something else$/)
})

async function sendOpen(newsroom: Newsroom, chat: Chat): Promise<string> {
  await chat.press('Send')
  await newsroom.workOff()
  return chat.receipt()
}

test('/cancel discards, /start offers the kinds, and what is written without a command is taken in', async (t) => {
  const newsroom = await openNewsroom(t)
  const chat = newsroom.chat()
  await chat.say('/start')
  assert.deepEqual(buttons(chat), ['News tip', 'Exposé', 'Story angle', 'Human-interest story', 'Guest post'])
  await chat.press('Exposé')
  assert.match(chat.last(), /^Exposé: go on/)
  await chat.say('My boss takes the hospital’s money')
  await chat.say('/cancel')
  await newsroom.pause(24 * hour)
  assert.equal(await newsroom.submissionCount(), 0)
  await chat.say('/cancel')
  assert.equal(chat.last(), 'There is nothing here that has not been sent.')
  await chat.press('Exposé')
  await chat.say('It was the deputy.')
  await sendOpen(newsroom, chat)
  await chat.say('/story A girl of twelve mends typewriters')
  await sendOpen(newsroom, chat)
  await chat.say('/start My neighbour sells fuel at night')
  await sendOpen(newsroom, chat)
  // What is confidential stands where its minute began.
  assert.deepEqual((await submitted(newsroom)).map(({ kind, body }) => [kind, body]).toSorted(), [
    ['expose', 'It was the deputy.'],
    ['news-tip', '/start My neighbour sells fuel at night'],
    ['story-angle', 'A girl of twelve mends typewriters'],
  ])
})

test('another kind chosen while a piece is open makes it that kind', async (t) => {
  const newsroom = await openNewsroom(t)
  const chat = newsroom.chat()
  await chat.say('She has sung at the station for forty years.')
  await chat.say('/start')
  await chat.press('Human-interest story')
  await sendOpen(newsroom, chat)
  assert.deepEqual(
    (await submitted(newsroom)).map(({ kind }) => kind),
    ['human-interest'],
  )
})

test('an album is one message with all its files, whatever order and delay they come in', async (t) => {
  const newsroom = await openNewsroom(t)
  const chat = newsroom.chat()
  const { telegram } = newsroom
  for (const id of ['1', '2', '3', '4']) telegram.files.set(id, png())
  const items = ['1', '2', '3', '4'].map((id) =>
    telegram.message(chat.id, photo(id, { media_group_id: 'g', ...(id === '1' && { caption: 'Plates' }) })),
  )
  const [first, second, third, fourth] = items as [object, object, object, object]
  await chat.deliver(third)
  await chat.deliver(first)
  await chat.press('Send')
  await newsroom.workOff()
  const receipt = chat.receipt()
  await chat.deliver(fourth)
  await chat.deliver(second)
  await chat.deliver(second)
  await newsroom.pause(30 * minute)
  assert.equal(await newsroom.submissionCount(), 1)
  const { messages } = await newsroom.status(receipt)
  assert.equal(messages.length, 1)
  assert.equal(messages[0].body, 'Plates')
  assert.equal(messages[0].files.length, 4)
  assert.ok(messages[0].files.every((file: { state: string }) => file.state === 'kept'))
})

test('what was said with a photo stands beside it, however late the photo comes', async (t) => {
  const newsroom = await openNewsroom(t)
  const chat = newsroom.chat()
  const { telegram } = newsroom
  for (const id of ['1', '2', '3']) telegram.files.set(id, png())
  const [first, second, third] = ['1', '2', '3'].map((id) =>
    telegram.message(chat.id, photo(id, { media_group_id: 'g', caption: `Plate ${id}` })),
  ) as [object, object, object]
  await chat.deliver(first)
  await chat.deliver(second)
  await sendOpen(newsroom, chat)
  await chat.deliver(third)
  await newsroom.pause(30 * minute)
  const [draft] = await newsroom.all()
  const [message] = await newsroom.application.storage.submissions.conversation(
    draft?.id ?? '',
    newsroom.keys,
  )
  const captions = message?.attachments.map(({ id }) => message.content.files[id]?.caption)
  assert.deepEqual(captions, ['Plate 1', 'Plate 2', 'Plate 3'])
})

test('a part that comes late joins the piece it was said for', async (t) => {
  const newsroom = await openNewsroom(t)
  const chat = newsroom.chat()
  const { telegram } = newsroom
  const [one, two, three] = ['one', 'two', 'three'].map((text) => telegram.message(chat.id, { text })) as [
    object,
    object,
    object,
  ]
  await chat.deliver(one)
  await chat.deliver(three)
  const receipt = await sendOpen(newsroom, chat)
  await chat.deliver(two)
  await newsroom.pause(hour)
  assert.equal(await newsroom.submissionCount(), 1)
  const { messages } = await newsroom.status(receipt)
  assert.deepEqual(
    messages.map((message: { body: string }) => message.body),
    ['one\n\nthree', 'two'],
  )
})

test('an edit changes an open piece; after sending it is a message of its own, and the first wording stands', async (t) => {
  const newsroom = await openNewsroom(t)
  const chat = newsroom.chat()
  const said = await chat.say('Two truks left')
  await chat.edit(said, { text: 'Two trucks left' })
  const receipt = await sendOpen(newsroom, chat)
  await chat.edit(said, { text: 'Two trucks left' })
  await chat.edit(said, { text: 'Three trucks left' })
  await chat.edit(said, { text: 'Three trucks left' })
  await newsroom.workOff()
  const { messages, reference } = await newsroom.status(receipt)
  assert.deepEqual(
    messages.map((message: { body: string }) => message.body),
    ['Two trucks left', 'Three trucks left', 'Three trucks left'].slice(0, messages.length),
  )
  assert.equal(messages[0].body, 'Two trucks left')
  assert.ok(messages.length >= 2)
  assert.ok(
    (await newsroom.deskPage(`/desk/submissions/${reference}`)).includes('Edit of an earlier message'),
  )
})

test('an edit that comes before its message counts; the older wording does not undo it', async (t) => {
  const newsroom = await openNewsroom(t)
  const chat = newsroom.chat()
  const said = newsroom.telegram.message(chat.id, { text: 'first' })
  await chat.edit(said, { text: 'second' })
  await chat.deliver(said)
  const { messages } = await newsroom.status(await sendOpen(newsroom, chat))
  assert.deepEqual(
    messages.map((message: { body: string }) => message.body),
    ['second'],
  )
})

test('places, contacts, forwarded messages, stickers and polls are taken in as words', async (t) => {
  const newsroom = await openNewsroom(t)
  const chat = newsroom.chat()
  await chat.say({ location: { latitude: -1.29, longitude: 36.82 } })
  await chat.say({ contact: { phone_number: '+254700', first_name: 'Asha', last_name: 'N' } })
  await chat.say({
    text: 'They meet at nine',
    forward_origin: {
      type: 'hidden_user',
      sender_user_name: 'A clerk',
      date: Date.UTC(2026, 4, 3, 12) / 1000,
    },
  })
  await chat.say({ sticker: { file_id: 's', emoji: '😡' } })
  await chat.say({ poll: { id: '1', question: 'Who pays?', options: [{ text: 'We do', voter_count: 0 }] } })
  assert.match(chat.last(), /^Not sent yet: 3 messages, 1 place, 1 contact\./)
  const { messages } = await newsroom.status(await sendOpen(newsroom, chat))
  assert.equal(
    messages[0].body,
    [
      '-1.29, 36.82 (geo:-1.29,36.82)',
      'Asha N +254700',
      'Forwarded from A clerk, 2026-05-03 12:00 UTC:\nThey meet at nine',
      '[😡]',
      'Who pays?\n– We do',
    ].join('\n\n'),
  )
})

test('of a place that is shared live where it began is kept, and no other, while it moves and when it ends', async (t) => {
  const newsroom = await openNewsroom(t)
  const chat = newsroom.chat()
  const at = (latitude: number, more: object = {}) => ({ location: { latitude, longitude: 36.5, ...more } })
  const live = { live_period: 900 }
  const shared = await chat.say(at(-1.25, live))
  await chat.edit(shared, at(-1.5, { ...live, heading: 10 }))
  await chat.edit(shared, at(-1.75))
  const lost = newsroom.telegram.message(chat.id, at(-3, live))
  await chat.edit(lost, at(-3.25, live))
  const receipt = await sendOpen(newsroom, chat)
  await chat.edit(shared, at(-2, live))
  await chat.edit(shared, at(-2.25))
  await newsroom.pause(hour)
  const { messages } = await newsroom.status(receipt)
  assert.deepEqual(
    messages.map((message: { body: string }) => message.body),
    ['-1.25, 36.5 (geo:-1.25,36.5), live for 900 seconds: only the starting point is kept'],
  )
  assert.equal(await newsroom.submissionCount(), 1)
  assert.equal((await newsroom.application.storage.deadLetters.latest(5)).length, 0)
})

test('the words below a photo are edited, and the photo is kept once, also after a restart', async (t) => {
  const newsroom = await openNewsroom(t)
  const chat = newsroom.chat()
  for (const id of ['gate', 'gate-again', 'mill']) newsroom.telegram.files.set(id, png())
  const said = await chat.say(photo('gate', { caption: 'The gate' }))
  await chat.edit(said, { caption: 'The old gate' })
  const receipt = await sendOpen(newsroom, chat)
  assert.equal((await newsroom.storedFiles()).length, 1)
  await chat.edit(said, { caption: 'The gate of the mill' })
  // Telegram may give the same photo another name for fetching it.
  const again = { photo: [{ ...photo('gate').photo[0], file_id: 'gate-again' }] }
  await chat.edit(said, { ...again, caption: 'The gate of the mill, at night' })
  await newsroom.restart()
  await chat.edit(said, { caption: 'The gate of the mill, at noon' })
  // What is put in its place is kept beside it, once.
  await chat.edit(said, photo('mill', { caption: 'The mill' }))
  await chat.edit(said, photo('mill', { caption: 'The mill itself' }))
  await chat.edit(said, photo('mill', { caption: undefined }))
  await newsroom.workOff()
  const { messages } = await newsroom.status(receipt)
  assert.deepEqual(
    messages.map((message: { body: string; files: { state: string }[] }) => [
      message.body,
      message.files.map(({ state }) => state).join(),
    ]),
    [
      ['The old gate', 'kept'],
      ['The gate of the mill', ''],
      ['The gate of the mill, at night', ''],
      ['The gate of the mill, at noon', ''],
      ['The mill', 'kept'],
      ['The mill itself', ''],
      ['[The words were removed.]', ''],
    ],
  )
  assert.equal((await newsroom.storedFiles()).length, 2)
})

test('the photo of an open piece is replaced by an edit, and an edit that repeats what is known is none', async (t) => {
  const newsroom = await openNewsroom(t)
  const chat = newsroom.chat()
  for (const id of ['face', 'blurred']) newsroom.telegram.files.set(id, png())
  const said = await chat.say(photo('face', { caption: 'At the fence' }))
  await chat.edit(said, photo('blurred'))
  const receipt = await sendOpen(newsroom, chat)
  await chat.edit(said, photo('blurred'))
  await chat.edit(said, photo('blurred', { caption: 'Behind the fence' }))
  await chat.edit(said, photo('blurred', { caption: 'Behind the fence' }))
  await newsroom.workOff()
  const { messages } = await newsroom.status(receipt)
  assert.deepEqual(
    messages.map((message: { body: string; files: object[] }) => [message.body, message.files.length]),
    [
      ['At the fence', 1],
      ['Behind the fence', 0],
    ],
  )
  const asked = newsroom.telegram.calls.filter(({ method }) => method === 'getFile')
  assert.deepEqual(
    asked.map(({ payload }) => payload.file_id),
    ['blurred'],
  )
})

test('words come through as they were said: emoji, right to left, Swahili, 4,096 characters, links and mentions', async (t) => {
  const newsroom = await openNewsroom(t)
  const chat = newsroom.chat()
  const long = 'ñ'.repeat(4096)
  const words = '👩🏾‍🏫 سلام — Habari za asubuhi, <b>&amp;</b>'
  await chat.say(words)
  await chat.say(long)
  await chat.say({
    text: 'ask her, see this',
    entities: [
      { type: 'text_mention', offset: 4, length: 3, user: { id: 99, is_bot: false, first_name: 'Asha' } },
      { type: 'text_link', offset: 13, length: 4, url: 'https://tender.example' },
    ],
  })
  const { messages } = await newsroom.status(await sendOpen(newsroom, chat))
  assert.equal(
    messages[0].body,
    `${words}\n\n${long}\n\nask [her](tg://user?id=99) (Asha), see [this](https://tender.example)`,
  )
})

test('a flood is sent in full pieces, and loses nothing', async (t) => {
  const newsroom = await openNewsroom(t)
  const chat = newsroom.chat()
  const count = 230
  const updates = Array.from({ length: count }, (_, i) =>
    newsroom.telegram.message(chat.id, { text: `no ${i}.` }),
  )
  await Promise.all(updates.map((update) => newsroom.receiveUpdate(update).expect(200)))
  await newsroom.pause(hour)
  const bodies = (await submitted(newsroom)).map(({ body }) => body).join('\n\n')
  for (let i = 0; i < count; i++) assert.ok(bodies.includes(`no ${i}.`), `no ${i} was lost`)
  assert.equal(bodies.split('\n\n').length, count, 'something is there twice')
})

test('a guest post is asked for step by step, with back, skip and a document', async (t) => {
  const newsroom = await openNewsroom(t)
  const chat = newsroom.chat()
  newsroom.telegram.files.set('doc', Buffer.from('The article as a file.\n'))
  await chat.say('/guest')
  assert.match(chat.last(), /1 of 13\. What is your headline/)
  await chat.say('ab')
  assert.match(chat.last(), /at least 3 characters[\s\S]*try again/)
  await chat.say('Why our town needs its river back')
  assert.match(chat.last(), /^2 of 13/)
  await chat.press('Back')
  await chat.say('Why our town wants its river back')
  await chat.press('Skip')
  await chat.say('Amina Mwangi')
  await chat.press('Skip')
  assert.match(chat.last(), /^5 of 13\. Now the article/)
  const next = newsroom.telegram.press(chat.id, 'Next')
  await chat.deliver(next)
  assert.match(chat.last(), /^5 of 13/, 'it went on without an article')
  await chat.say('The river was the first road.')
  await chat.say({ document: { file_id: 'doc', file_unique_id: 'doc', file_name: 'river.txt' } })
  assert.match(chat.last(), /^Not sent yet: 1 message, 1 document\. Guest post\./)
  await chat.press('Next')
  await chat.press('Society')
  await chat.press('Kiswahili')
  await chat.say('https://example.org/river\nhttps://example.org/map')
  await chat.press('Skip')
  await chat.press('Skip')
  await chat.say('not an address')
  assert.match(chat.last(), /try again/)
  await chat.say('amina@contributor.test')
  await chat.press('Skip')
  await chat.say('yes')
  assert.match(chat.last(), /press one of the buttons/)
  await chat.press('Yes, it may be published')
  assert.match(chat.last(), /^Not sent yet: 1 message, 1 document\. Guest post\./)
  await chat.press('Send')
  await newsroom.workOff()
  const [submission] = await newsroom.all()
  const opening = await newsroom.application.storage.submissions.opening(submission?.id ?? '', newsroom.keys)
  const { name: _, ...fields } = opening?.content.fields ?? {}
  assert.deepEqual(fields, {
    title: 'Why our town wants its river back',
    byline: 'Amina Mwangi',
    body: 'The river was the first road.',
    category: 'Society',
    language: 'Kiswahili',
    links: ['https://example.org/river', 'https://example.org/map'],
    email: 'amina@contributor.test',
    consent: 'yes',
  })
  assert.equal(submission?.kind, 'guest-post')
  assert.equal(opening?.attachments.length, 1)
})

test('who meant a tip, not a guest post, does not wait a day for it', async (t) => {
  const newsroom = await openNewsroom(t)
  const chat = newsroom.chat()
  await chat.say('/guest')
  await chat.say('/tip The bridge is closed')
  await newsroom.pause(11 * minute)
  assert.deepEqual(
    (await newsroom.all()).map(({ kind }) => kind),
    ['news-tip'],
  )
})

test('a guest post that stops half-way waits a day, and what there is of it is not lost', async (t) => {
  const newsroom = await openNewsroom(t)
  const chat = newsroom.chat()
  await chat.say('/guest')
  await chat.say('Half a piece')
  await newsroom.pause(23 * hour)
  assert.equal(await newsroom.submissionCount(), 0)
  await newsroom.pause(2 * hour)
  assert.deepEqual(
    (await newsroom.all()).map(({ kind }) => kind),
    ['guest-post'],
  )
})

test('two answers at the same moment are two answers', async (t) => {
  const newsroom = await openNewsroom(t)
  const chat = newsroom.chat()
  await chat.say('/guest')
  // All of them see the first question before any is written down.
  const { drafts } = newsroom.application.storage
  const { ofChat } = drafts
  let looking = 0
  const allLooked = Promise.withResolvers<void>()
  drafts.ofChat = async (key) => {
    const seen = await ofChat(key)
    looking += 1
    if (looking === 3) allLooked.resolve()
    if (looking <= 3) await allLooked.promise
    return seen
  }
  const updates = ['A title of some length', 'A standfirst', 'A byline'].map((text) =>
    newsroom.telegram.message(chat.id, { text }),
  )
  await Promise.all(updates.map((update) => newsroom.receiveUpdate(update).expect(200)))
  await newsroom.pause(49 * hour)
  const [submission] = await newsroom.all()
  const opening = await newsroom.application.storage.submissions.opening(submission?.id ?? '', newsroom.keys)
  const said = JSON.stringify(opening?.content.fields)
  for (const text of ['A title of some length', 'A standfirst', 'A byline'])
    assert.ok(said.includes(text), said)
})

test('a part that comes while an empty piece is given up is not lost with it', async (t) => {
  const newsroom = await openNewsroom(t)
  const chat = newsroom.chat()
  const { drafts } = newsroom.application.storage
  await chat.say('/tip')
  const { forget } = drafts
  drafts.forget = async (id, revision) => {
    await newsroom.receiveUpdate(newsroom.telegram.message(chat.id, { text: 'Just in time' })).expect(200)
    return forget(id, revision)
  }
  await newsroom.pause(11 * minute)
  drafts.forget = forget
  await newsroom.pause(11 * minute)
  assert.deepEqual(
    (await submitted(newsroom)).map(({ body }) => body),
    ['Just in time'],
  )
})

test('a reply that is on its way is not made something new by a late press', async (t) => {
  const newsroom = await openNewsroom(t)
  const chat = newsroom.chat()
  const receipt = await chat.send('The clinic has no oxygen.')
  const { reference } = await newsroom.status(receipt)
  await newsroom.act(`/desk/submissions/${reference}/answer`, {
    body: 'Since when?',
    ...(await newsroom.seen(reference)),
  })
  await newsroom.pause(11_000)
  await chat.say('Since Monday')
  const [send, detach] = ['Send as a reply', 'It is something new'].map((text) =>
    newsroom.telegram.press(chat.id, text),
  )
  for (const press of [send, detach]) await newsroom.receiveUpdate(press ?? {}).expect(200)
  await newsroom.pause(minute)
  assert.equal((await newsroom.status(receipt)).messages.at(-1).body, 'Since Monday')
  assert.equal(await newsroom.submissionCount(), 1)
})

test('an edit that comes while its piece is being sent is not lost', async (t) => {
  const newsroom = await openNewsroom(t)
  const chat = newsroom.chat()
  const said = await chat.say('Two trucks')
  const { drafts } = newsroom.application.storage
  const { change } = drafts
  drafts.change = async (...given) => {
    drafts.change = change
    await chat.press('Send')
    return change(...given)
  }
  await chat.edit(said, { text: 'Three trucks' })
  await newsroom.pause(minute)
  const { messages } = await newsroom.status(chat.receipt())
  assert.deepEqual(
    messages.map((message: { body: string }) => message.body),
    ['Two trucks', 'Three trucks'],
  )
})

test('more than a message holds is several messages of one piece', async (t) => {
  const newsroom = await openNewsroom(t)
  const chat = newsroom.chat()
  const long = (n: number) => `no ${n}. ${'x'.repeat(4000)}`
  const updates = Array.from({ length: 60 }, (_, n) => newsroom.telegram.message(chat.id, { text: long(n) }))
  await Promise.all(updates.map((update) => newsroom.receiveUpdate(update).expect(200)))
  await chat.say('short')
  const edited = await chat.say('short too')
  await chat.edit(edited, { text: long(60) })
  await newsroom.pause(hour)
  const { storage } = newsroom.application
  const words: string[] = []
  for (const { id } of await newsroom.all())
    for (const { content } of await storage.submissions.conversation(id, newsroom.keys))
      words.push(...content.fields.body.split('\n\n'))
  assert.deepEqual(words.toSorted(), [...Array.from({ length: 61 }, (_, n) => long(n)), 'short'].toSorted())
  assert.deepEqual(await storage.deadLetters.latest(5), [])
})

test('a relay that numbers all messages alike loses none of them', async (t) => {
  const newsroom = await openNewsroom(t)
  const chat = newsroom.chat()
  const numbered = (text: string) => newsroom.telegram.message(chat.id, { text, message_id: 1 })
  for (const text of ['one', 'two']) await chat.deliver(numbered(text))
  const together = ['three', 'four'].map(numbered)
  await Promise.all(together.map((update) => newsroom.receiveUpdate(update).expect(200)))
  await newsroom.pause(hour)
  await chat.deliver(numbered('five'))
  await newsroom.pause(hour)
  const said = (await submitted(newsroom)).flatMap(({ body }) => body.split('\n\n'))
  assert.deepEqual(said.toSorted(), ['five', 'four', 'one', 'three', 'two'])
})

test('an old press of a button, repeated, does not bring back what was discarded', async (t) => {
  const newsroom = await openNewsroom(t)
  const chat = newsroom.chat()
  await chat.say('Sorry, wrong chat')
  await chat.press('Discard')
  const undo = await chat.press('Have it back')
  await chat.press('Discard')
  await chat.deliver(undo)
  await newsroom.pause(hour)
  assert.equal(await newsroom.submissionCount(), 0)
})

test('the answer reaches the chat, the reply joins the submission, and so does what is said after it', async (t) => {
  const newsroom = await openNewsroom(t)
  const chat = newsroom.chat()
  const receipt = await chat.send('The clinic has no oxygen.')
  const { reference } = await newsroom.status(receipt)
  const answer = async (body: string) => {
    await newsroom.act(`/desk/submissions/${reference}/answer`, { body, ...(await newsroom.seen(reference)) })
    await newsroom.pause(11_000)
  }
  await answer('Which <b>clinic</b>?')
  assert.equal(chat.last(), 'Which <b>clinic</b>?')
  const asked = chat.heard().at(-1)?.message_id
  await chat.say({ text: 'The one at the market.', reply_to_message: { message_id: asked } })
  assert.match(chat.last(), new RegExp(`as your reply to ${reference}`))
  await chat.press('Send as a reply')
  await newsroom.workOff()
  assert.equal(chat.last(), `Received. It has been added to ${reference}.`)
  await answer('Since when?')
  await chat.say('Since Monday')
  await newsroom.pause(2 * minute)
  await answer('Thank you.')
  await chat.say('By the way, the bridge is closed too')
  await chat.press('It is something new')
  await chat.press('Send')
  await newsroom.workOff()
  const { messages } = await newsroom.status(receipt)
  assert.deepEqual(
    messages.map((message: { author: string; body: string }) => `${message.author}: ${message.body}`),
    [
      'sender: The clinic has no oxygen.',
      'editor: Which <b>clinic</b>?',
      'sender: The one at the market.',
      'editor: Since when?',
      'sender: Since Monday',
      'editor: Thank you.',
    ],
  )
  assert.equal(await newsroom.submissionCount(), 2)
  await chat.say('/status')
  assert.match(chat.last(), new RegExp(`${reference} – News tip, \\d{4}-\\d\\d-\\d\\d: waiting to be read`))
})

test('a long answer comes in parts; a blocked bot is a failed delivery that the editor sees', async (t) => {
  const newsroom = await openNewsroom(t)
  const chat = newsroom.chat()
  const receipt = await chat.send('The clinic has no oxygen.')
  const { reference } = await newsroom.status(receipt)
  const paragraphs = Array.from({ length: 30 }, (_, i) => `Paragraph ${i}. ${'words '.repeat(50).trim()}`)
  const answer = async (body: string) => {
    await newsroom.act(`/desk/submissions/${reference}/answer`, { body, ...(await newsroom.seen(reference)) })
    await newsroom.pause(11_000)
  }
  const before = chat.heard().length
  await answer(paragraphs.join('\n\n'))
  const parts = chat.heard().slice(before)
  assert.ok(parts.length > 1)
  assert.equal(parts.map(({ text }) => text).join('\n\n'), paragraphs.join('\n\n'))
  newsroom.telegram.blocked.add(chat.id)
  await answer('Are you there?')
  const page = await newsroom.deskPage(`/desk/submissions/${reference}`)
  assert.ok(page.includes('did not reach the sender, telegram-403'))
})

test('a link on the status page ties a chat to a submission that came by the form, once', async (t) => {
  const newsroom = await openNewsroom(t)
  const sent = await newsroom.submit('news-tip')
  const page = await newsroom
    .http()
    .post('/status')
    .set('accept', 'text/html')
    .type('form')
    .send({ receipt: sent.receipt })
  assert.ok(!page.text.includes('t.me/'), 'the bot’s name is known before anybody asked')
  await newsroom.pause(0)
  const { text } = await newsroom
    .http()
    .post('/status')
    .set('accept', 'text/html')
    .type('form')
    .send({ receipt: sent.receipt })
  const token = /https:\/\/t\.me\/newsroom_test_bot\?start=([\w-]{48})"/.exec(text)?.[1]
  assert.ok(token)
  const chat = newsroom.chat()
  const start = await chat.say(`/start ${token}`)
  assert.match(chat.last(), new RegExp(`now belongs to ${sent.reference}`))
  await chat.deliver(start)
  assert.match(chat.last(), /now belongs/, 'a repeat of the same update is answered alike')
  const other = newsroom.chat(8002)
  await other.say(`/start ${token}`)
  assert.match(other.last(), /has been used, or it is too old/)
  await newsroom.act(`/desk/submissions/${sent.reference}/answer`, {
    body: 'Which depot?',
    ...(await newsroom.seen(sent.reference)),
  })
  await newsroom.pause(11_000)
  assert.equal(chat.last(), 'Which depot?')
  assert.ok(!other.heard().some(({ text: said }) => said === 'Which depot?'))
  await chat.say({
    text: 'The one by the river',
    reply_to_message: { message_id: chat.heard().at(-1)?.message_id },
  })
  await chat.press('Send as a reply')
  await newsroom.workOff()
  const { messages } = await newsroom.status(sent.receipt)
  assert.equal(messages.at(-1).body, 'The one by the river')
  await chat.say('/status')
  assert.ok(chat.last().includes(sent.reference))
  assert.equal(
    newsroom.mailsTo(editorAddress).filter((mail) => mail.raw.includes('goes on in Telegram')).length,
    0,
  )
})

test('a link that is an hour old is too old', async (t) => {
  const newsroom = await openNewsroom(t)
  const sent = await newsroom.submit('news-tip')
  await newsroom.pause(0)
  const { id } = await newsroom.submission(sent.reference)
  const link = newsroom.application.bots.linkToChat(id) ?? ''
  await newsroom.pause(hour + minute)
  const chat = newsroom.chat()
  await chat.say(`/start ${link.split('=')[1]}`)
  assert.match(chat.last(), /too old/)
})

test('the bot speaks the person’s language, or the one they choose', async (t) => {
  const newsroom = await openNewsroom(t)
  const chat = newsroom.chat()
  const from = { id: chat.id, is_bot: false, first_name: 'Juma', language_code: 'sw-KE' }
  await chat.say({ text: '/start', from })
  assert.match(chat.last(), /^Hili ni sanduku la barua/)
  await chat.say({ text: 'Daraja limefungwa', from })
  assert.match(chat.last(), /^Bado haijatumwa: ujumbe 1\./)
  await chat.say('/language')
  await chat.press('Français')
  assert.equal(chat.last(), 'Je parlerai français.')
  await chat.say({ text: 'Depuis hier', from })
  assert.match(
    chat.heard().find(({ buttons: some }) => some.some(({ text }) => text === 'Envoyer'))?.text ?? '',
    /^Pas encore envoyé : 2 messages/,
  )
})

test('in a group the bot speaks only when it is addressed, and takes nothing in', async (t) => {
  const newsroom = await openNewsroom(t)
  await newsroom.pause(0)
  const group = { id: -100, type: 'supergroup', title: 'Neighbours' }
  const say = async (said: object) => {
    const update = newsroom.telegram.message(-100, { chat: group, ...said })
    const { body } = await newsroom.receiveUpdate(update).expect(200)
    newsroom.telegram.obey(body)
  }
  const heard = () => newsroom.telegram.to(-100)
  await say({ text: 'The bridge is closed' })
  await say({ text: '/tip' })
  await say({ text: '/tip@another_bot' })
  assert.equal(heard().length, 0)
  await say({ text: '/tip@newsroom_test_bot The bridge is closed' })
  assert.match(heard()[0]?.text ?? '', /belong in private.*https:\/\/t\.me\/newsroom_test_bot/)
  await say({ text: 'and this?', reply_to_message: { message_id: 1, from: { id: 4242, is_bot: true } } })
  assert.equal(heard().length, 2)
  await newsroom.pause(hour)
  assert.equal(await newsroom.submissionCount(), 0)
})

test('the same update changes nothing twice, in whatever order it is repeated', async (t) => {
  const newsroom = await openNewsroom(t)
  const chat = newsroom.chat()
  const first = await chat.say('First piece')
  const cancelled = await chat.say('/cancel')
  const second = await chat.say('Second piece')
  for (const update of [first, cancelled, second, cancelled, first]) await chat.deliver(update)
  const send = newsroom.telegram.press(chat.id, 'Send')
  await chat.deliver(send)
  await chat.deliver(send)
  await newsroom.pause(hour)
  for (const update of [first, second, send]) await chat.deliver(update)
  await newsroom.pause(hour)
  assert.deepEqual(
    (await submitted(newsroom)).map(({ body }) => body),
    ['Second piece'],
  )
})

test('buttons of another chat, of another piece and of nobody do nothing', async (t) => {
  const newsroom = await openNewsroom(t)
  const chat = newsroom.chat()
  const other = newsroom.chat(9009)
  await chat.say('Mine')
  const stolen = newsroom.telegram.press(chat.id, 'Discard')
  const message = { ...stolen.callback_query.message, chat: { id: other.id, type: 'private' } }
  await other.deliver({ ...stolen, callback_query: { ...stolen.callback_query, message } })
  for (const data of ['send:not-an-id', 'kind:none', '', 'x'.repeat(64), 'pick:1:2:3', undefined]) {
    await chat.deliver({
      update_id: 5_000_000 + String(data).length,
      callback_query: { ...stolen.callback_query, data },
    })
  }
  await sendOpen(newsroom, chat)
  assert.equal(await newsroom.submissionCount(), 1)
})

test('what a handler fails at is kept, answered with 200, and taken in later by the worker', async (t) => {
  const newsroom = await openNewsroom(t)
  const chat = newsroom.chat()
  const { drafts } = newsroom.application.storage
  const { take } = drafts
  drafts.take = async () => {
    throw new Error('a fault of our own')
  }
  await chat.say('Not to be lost')
  assert.ok((await newsroom.deskPage('/desk/unread')).includes('Not to be lost'))
  drafts.take = take
  await chat.say('What comes behind it')
  await newsroom.pause(hour)
  const { messages } = await newsroom.status(chat.receipt())
  const said = messages.map((message: { body: string }) => message.body)
  assert.deepEqual(said.toSorted(), ['Not to be lost', 'What comes behind it'])
  assert.ok(!(await newsroom.deskPage('/desk/unread')).includes('Not to be lost'))
})
