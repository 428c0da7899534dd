import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { readMessage } from '../../src/channels/telegram/parse-message.ts'
import { messageIn, Update } from '../../src/channels/telegram/update-schema.ts'
import { bytes } from '../support/bytes.ts'
import { editorAddress, type Newsroom, openNewsroom } from '../support/newsroom.ts'
import { messageFrame, png } from '../support/submissions.ts'

const reading = { tidyFileName: (name: string) => name, maxFileBytes: 1e9 }

function read(said: object) {
  const json = { update_id: 1, message: { ...messageFrame(1, 7001), ...said } }
  const incoming = messageIn({ update: Update.parse(json), json, raw: JSON.stringify(json) })
  return readMessage(incoming ?? assert.fail('no message'), reading)
}

const channel = { id: -1001234567, type: 'channel', title: 'Ward Bulletin', username: 'ward_bulletin' }
const closedChannel = { id: -1009876543, type: 'channel', title: 'Chairs only' }
const njeri = { id: 55, is_bot: false, first_name: 'Njeri', last_name: 'K', username: 'njerik' }
const clerk = { id: 56, is_bot: false, first_name: 'Otis' }
/** Noon of 3 May 2026. */
const noon = Date.UTC(2026, 4, 3, 12) / 1000
const photo = (id: string) => [{ file_id: id, file_unique_id: id, width: 9, height: 9 }]
const item = (type: string, text: unknown, more: object = {}) => ({ type, text, ...more })
const marked = (text: string, type: string, words: string, more: object = {}) => ({
  text,
  entities: [{ type, offset: text.indexOf(words), length: words.length, ...more }],
})

/** What somebody sends, and what an editor reads of it. */
const told: [said: object, words: string][] = [
  [marked('She did not sign it', 'strikethrough', 'not '), 'She did ~~not~~ sign it'],
  [marked('It was the mayor', 'spoiler', 'the mayor'), 'It was ||the mayor||'],
  [
    marked('see the minutes', 'text_link', 'the minutes', { url: 'https://m.test/a(1) b' }),
    'see [the minutes](https://m.test/a%281%29%20b)',
  ],
  [marked('https://m.test/', 'text_link', 'https://m.test/', { url: 'https://m.test/' }), 'https://m.test/'],
  [marked('ask him', 'text_mention', 'him', { user: clerk }), 'ask [him](tg://user?id=56) (Otis)'],
  [
    marked('at noon', 'date_time', 'noon', { unix_time: noon, date_time_format: 'T' }),
    'at noon (2026-05-03 12:00 UTC)',
  ],
  [
    marked('He wrote:\nI was there.\nTwice.\nHe was not.', 'blockquote', 'I was there.\nTwice.'),
    'He wrote:\n> I was there.\n> Twice.\n\nHe was not.',
  ],
  [marked('run rm -r now', 'pre', 'rm -r', { language: 'sh' }), 'run \n```sh\nrm -r\n```\n\n now'],
  [marked('This is bold and 👍 fine', 'bold', 'bold'), 'This is bold and 👍 fine'],
  [
    {
      text: 'never ever paid',
      entities: [
        { type: 'strikethrough', offset: 0, length: 10 },
        { type: 'spoiler', offset: 6, length: 4 },
        { type: 'text_link', offset: 11, length: 4, url: 'https://p.test' },
      ],
    },
    '~~never ||ever||~~ [paid](https://p.test)',
  ],
  [
    {
      text: 'Look',
      forward_origin: {
        type: 'channel',
        date: noon,
        chat: closedChannel,
        message_id: 7,
        author_signature: 'Ed',
      },
    },
    'Forwarded from Chairs only (chat -1009876543), message 7, signed “Ed”, 2026-05-03 12:00 UTC, https://t.me/c/9876543/7:\nLook',
  ],
  [
    { photo: photo('p'), forward_origin: { type: 'user', date: noon + 5, sender_user: njeri } },
    'Forwarded from Njeri K (@njerik), 2026-05-03 12:00:05 UTC',
  ],
  [
    {
      text: 'Not one of them was there.',
      external_reply: {
        origin: { type: 'channel', date: noon, chat: channel, message_id: 12 },
        chat: channel,
        message_id: 12,
      },
      quote: { text: 'All members were there.\nEvery one.', position: 3 },
    },
    'In reply to Ward Bulletin (@ward_bulletin), message 12, 2026-05-03 12:00 UTC, https://t.me/ward_bulletin/12:\n> All members were there.\n> Every one.\n\nNot one of them was there.',
  ],
  [
    {
      text: 'That is our school.',
      external_reply: {
        origin: { type: 'hidden_user', date: noon, sender_user_name: 'A parent' },
        venue: { title: 'Hill Primary', address: 'Hill Road', location: { latitude: 1, longitude: 2 } },
        location: { latitude: 1, longitude: 2 },
      },
    },
    'In reply to A parent, 2026-05-03 12:00 UTC:\n> Hill Primary, Hill Road\n> 1, 2 (geo:1,2)\n\nThat is our school.',
  ],
  [
    {
      text: 'No, I did.',
      reply_to_message: {
        message_id: 4,
        date: 1,
        chat: { id: 7001, type: 'private' },
        from: { id: 7001 },
        text: 'I did not see it.',
        photo: photo('q'),
      },
    },
    'In reply to an earlier message:\n> I did not see it.\n> [photo.jpg]\n\nNo, I did.',
  ],
  [
    {
      text: 'Since May.',
      quote: { text: 'Since when?', position: 0 },
      reply_to_message: {
        message_id: 4,
        chat: { id: 7001, type: 'private' },
        from: { id: 4242, is_bot: true },
        text: 'Who else? Since when?',
      },
    },
    'Quoted:\n> Since when?\n\nSince May.',
  ],
  [
    {
      poll: {
        id: '1',
        question: 'Who goes?',
        type: 'quiz',
        is_anonymous: true,
        is_closed: true,
        total_voter_count: 4,
        options: [
          { persistent_id: 'a', text: 'He', voter_count: 1 },
          { persistent_id: 'b', text: 'She', voter_count: 3 },
        ],
        correct_option_ids: [1],
        explanation: 'By law',
        close_date: noon,
      },
    },
    'Who goes?\n– He (1 vote)\n– She (3 votes)\nTotal: 4 votes.\nThe poll is closed.\nIt is a quiz.\nCorrect answer: option 2.\nBy law\nCloses 2026-05-03 12:00 UTC.',
  ],
  [
    {
      contact: {
        phone_number: '+254711',
        first_name: 'Otis',
        vcard: 'BEGIN:VCARD\r\nVERSION:3.0\r\nFN:Otis\r\nNOTE:Keeps the keys of\r\n  the store\r\nEND:VCARD',
      },
    },
    'Otis +254711\nBEGIN:VCARD\r\nVERSION:3.0\r\nFN:Otis\r\nNOTE:Keeps the keys of\r\n  the store\r\nEND:VCARD',
  ],
  [
    { location: { latitude: 1.5, longitude: -2, live_period: 600, horizontal_accuracy: 20 } },
    '1.5, -2 (geo:1.5,-2), accurate to 20 m, live for 600 seconds: only the starting point is kept',
  ],
  [
    {
      paid_media: { star_count: 3, paid_media: [{ type: 'preview', width: 4, height: 3, duration: 8 }] },
      caption: 'What he sells',
    },
    'What he sells\n[Paid media: 3 Telegram Stars to view]\n[Paid media that cannot be viewed here: 4 × 3, 8 seconds]',
  ],
  [
    {
      text: 'Read',
      reply_markup: {
        inline_keyboard: [
          [
            { text: 'All of it', url: 'https://a.test' },
            { text: 'Vote', callback_data: 'v1' },
          ],
        ],
      },
    },
    'Read\n[All of it](https://a.test) [Vote]',
  ],
  [
    {
      text: 'For your page',
      suggested_post_info: { state: 'pending', price: { currency: 'XTR', amount: 40 }, send_date: noon },
    },
    'For your page\n[Suggested post: pending, for 40 in the smallest unit of XTR, to be published 2026-05-03 12:00 UTC]',
  ],
  [
    {
      rich_message: {
        blocks: [
          item('heading', 'The fund', { size: 2 }),
          item('paragraph', [
            'It was ',
            item('strikethrough', 'never'),
            ' 10',
            item('superscript', '6'),
            ', see ',
            item('url', 'here', { url: 'https://f.test' }),
          ]),
          {
            type: 'list',
            items: [
              { label: '1.', blocks: [item('paragraph', 'One'), item('paragraph', 'more')] },
              { label: '•', has_checkbox: true, blocks: [item('paragraph', 'Two')] },
            ],
          },
          { type: 'blockquote', blocks: [item('paragraph', 'I saw it')], credit: item('bold', 'The guard') },
          {
            type: 'table',
            caption: 'Paid',
            cells: [
              [
                { text: 'Who', is_header: true },
                { text: 'May', colspan: 2 },
              ],
              [{ text: 'Ali', rowspan: 2 }, { text: '1' }, { text: '2' }],
              [{ text: '3' }, { text: '4' }],
            ],
          },
          {
            type: 'details',
            summary: 'More',
            blocks: [item('paragraph', item('reference_link', 'a', { reference_name: 'n' }))],
          },
          item('paragraph', item('reference', 'From the minutes', { name: 'n' })),
        ],
      },
    },
    [
      '## The fund',
      'It was ~~never~~ 10^6, see [here](https://f.test)',
      '1. One\n\n  more\n• [ ] Two',
      '> I saw it\n> — The guard',
      'Paid\n| Who | May |  |\n| --- | --- | --- |\n| Ali | 1 | 2 |\n|  | 3 | 4 |',
      'More\n\na[^n]',
      '[^n]: From the minutes',
    ].join('\n\n'),
  ],
]

test('what somebody sends stands in plain lines, with marks where the looks say something', () => {
  for (const [said, words] of told) {
    const { item: one, nature } = read(said)
    assert.equal(one.words, words)
    assert.equal(nature, 'said')
    assert.equal(one.rawUpdate, undefined, JSON.stringify(one.rawUpdate))
  }
})

test('files are found wherever they stand, each once, with what is said to them', () => {
  const video = { file_id: 'v', file_unique_id: 'v', width: 1, height: 1, duration: 1, cover: photo('cover') }
  const document = { file_id: 'd', file_unique_id: 'd', file_name: 'list of May' }
  const found: [said: object, files: string[]][] = [
    [{ animation: { ...document, width: 1, height: 1, duration: 1 }, document }, ['d']],
    [
      {
        photo: photo('still'),
        live_photo: { photo: photo('still'), file_id: 'film', file_unique_id: 'film' },
      },
      ['still', 'film'],
    ],
    [{ video }, ['cover', 'v']],
    [{ text: 'x', external_reply: { origin: {}, photo: photo('theirs') } }, ['theirs']],
    [{ text: 'x', reply_to_message: { message_id: 1, chat: { id: 7001 }, photo: photo('ours') } }, []],
    [
      {
        text: 'x',
        reply_to_message: { message_id: 1, chat: { id: -5, type: 'group' }, photo: photo('other') },
      },
      ['other'],
    ],
    [
      {
        paid_media: {
          star_count: 1,
          paid_media: [
            { type: 'photo', photo: photo('a') },
            { type: 'video', video },
          ],
        },
      },
      ['a', 'cover', 'v'],
    ],
    [
      {
        rich_message: {
          blocks: [
            {
              type: 'collage',
              blocks: [
                { type: 'photo', photo: photo('a') },
                { type: 'document', document },
              ],
            },
          ],
        },
      },
      ['a', 'd'],
    ],
    [
      {
        sticker: {
          file_id: 'tgs',
          file_unique_id: 'tgs',
          is_animated: true,
          thumbnail: { file_id: 'still', file_unique_id: 's', width: 1, height: 1 },
        },
      },
      ['still'],
    ],
    [{ sticker: { file_id: 'w', file_unique_id: 'w', is_animated: false } }, ['w']],
    [
      {
        poll: { question: '?', options: [{ text: 'a', media: { photo: photo('o') } }], media: { document } },
      },
      ['d', 'o'],
    ],
  ]
  for (const [said, files] of found)
    assert.deepEqual(
      read(said).item.files.map(({ remoteId }) => remoteId),
      files,
      JSON.stringify(said),
    )
  const captioned = { type: 'photo', photo: photo('a'), caption: { text: 'The gate', credit: 'Njeri' } }
  const { files } = read({ rich_message: { blocks: [captioned, { type: 'photo', photo: photo('b') }] } }).item
  assert.deepEqual(
    files.map(({ caption }) => caption),
    ['The gate (Njeri)', undefined],
  )
})

const anyEntity = fc.record({
  type: fc.constantFrom(
    'strikethrough',
    'spoiler',
    'text_link',
    'text_mention',
    'date_time',
    'pre',
    'blockquote',
    'bold',
    'x',
  ),
  offset: fc.oneof(fc.integer({ min: -3, max: 40 }), fc.constant(1.5), fc.constant('0')),
  length: fc.integer({ min: -3, max: 40 }),
  url: fc.constant('https://x.test'),
  user: fc.constant(clerk),
  unix_time: fc.oneof(fc.integer(), fc.constant(1e300)),
})

test('whatever the entities are, no sign of the text is lost, and none is broken', () => {
  const text = fc.string({ unit: 'grapheme', maxLength: 30 }).map((words) => `${words} and\nmore`)
  fc.assert(
    fc.property(text, fc.array(anyEntity, { maxLength: 6 }), (words, entities) => {
      const { item: one } = read({ text: words, entities })
      assert.ok(one.words.isWellFormed() || !words.isWellFormed())
      let at = 0
      for (const sign of words) {
        at = one.words.indexOf(sign, at)
        assert.notEqual(at, -1, `${JSON.stringify(words)} became ${JSON.stringify(one.words)}`)
        at += sign.length
      }
    }),
    { numRuns: 1000 },
  )
})

test('what is not known, or has another shape, is found unread, and the rest is read', () => {
  const unread: [said: object, words: string][] = [
    [{ text: 'Words', hologram: { a: 1 } }, 'Words'],
    [{ text: 'Words', entities: [{ type: 'whisper', offset: 0, length: 5 }] }, 'Words'],
    [{ text: 'Words', entities: [{ type: 'bold', offset: 0, length: 5, tone: 'low' }] }, 'Words'],
    [{ caption: 'Words', photo: 'none' }, 'Words'],
    [{ text: 'Words', poll: [] }, 'Words'],
    [{ text: 'Words', from: { id: 7001, mood: 'sad' } }, 'Words'],
    [{ text: 'Words', forward_origin: { type: 'planet', name: 'Mars' } }, 'Words'],
    [
      {
        text: 'Words',
        external_reply: { origin: { type: 'hidden_user', sender_user_name: 'N', date: 0 }, dream: 1 },
      },
      'In reply to N:\n\nWords',
    ],
    [
      { rich_message: { blocks: [{ type: 'paragraph', text: ['Words', { type: 'sung', text: 'la' }] }] } },
      'Words',
    ],
    [{ rich_message: { blocks: [{ type: 'hologram' }, { type: 'paragraph', text: 'Words' }] } }, 'Words'],
    [
      {
        text: 'Words',
        caption_entities: [{ type: 'text_link', offset: 0, length: 1, url: 'https://x.test' }],
      },
      'Words',
    ],
    [{ text: { html: 'Words' } }, '[This message could not be read here.]'],
    [{ hologram: 1 }, '[This message could not be read here.]'],
    [{ document: { file_id: 5 } }, '[This message could not be read here.]'],
  ]
  for (const [said, words] of unread) {
    const { item: one, nature } = read(said)
    assert.equal(one.words, words)
    assert.partialDeepStrictEqual(JSON.parse(one.rawUpdate?.raw ?? '{}').message, said)
    assert.equal(nature, words.startsWith('[') ? 'unreadable' : 'said')
  }
  const marks = [{ hologram: 1 }, { hologram: 2 }, { hologram: 1 }].map(
    (said) => read(said).item.rawUpdate?.mark,
  )
  assert.equal(marks[0], marks[2])
  assert.notEqual(marks[0], marks[1])
})

test('any JSON in any place is read without a fault', () => {
  const fields = [
    'text',
    'entities',
    'caption',
    'photo',
    'poll',
    'quote',
    'external_reply',
    'reply_to_message',
    'rich_message',
    'paid_media',
    'sticker',
    'giveaway',
    'from',
    'reply_markup',
    'passport_data',
    '__proto__',
    'constructor',
  ]
  const value = fc.oneof(
    fc.jsonValue({ maxDepth: 4 }),
    fc.dictionary(
      fc.constantFrom(...fields, 'type', 'blocks', 'cells', 'options', 'origin', 'chat'),
      fc.jsonValue(),
    ),
  )
  fc.assert(
    fc.property(fc.dictionary(fc.constantFrom(...fields), value), (said) => {
      const { item: one, nature } = read(JSON.parse(JSON.stringify(said)))
      assert.equal(typeof one.words, 'string')
      if (nature === 'nothing' || nature === 'service') assert.equal(one.rawUpdate, undefined)
    }),
    { numRuns: 1000 },
  )
})

/** The page of the newest submission, and the raw updates that it hands out. */
async function atDesk(newsroom: Newsroom, isConfidential = true) {
  const submission = (await newsroom.all()).find((one) => one.isConfidential === isConfidential)
  const page = await newsroom.deskPage(`/desk/submissions/${submission?.reference}`)
  const links = [...page.matchAll(/href="([^"]+\/updates\/[^"]+)"/g)].map((found) => found[1] as string)
  return { submission, page, links }
}

test('an update that was not read whole is kept with its submission as it came, and that is said there', async (t) => {
  const newsroom = await openNewsroom(t)
  const chat = newsroom.chat()
  newsroom.telegram.files.set('a', png())
  await chat.say('Two trucks left.')
  const said = newsroom.telegram.message(chat.id, { text: 'At night.', hologram: { text: 'HIDDEN-PLATE' } })
  await chat.deliver(said)
  await chat.deliver(
    newsroom.telegram.message(chat.id, { photo: photo('a'), media_group_id: 'g', note: 'HIDDEN-NOTE' }),
  )
  await newsroom.restart()
  await chat.press('Send')
  await newsroom.workOff()
  const { submission, page, links } = await atDesk(newsroom)
  assert.ok(page.includes('Two trucks left.\n\nAt night.'))
  assert.equal(page.split('could not be read here').length, 2, 'it is said once')
  assert.ok(page.includes('HIDDEN-PLATE') && page.includes('HIDDEN-NOTE'))
  const answer = await newsroom
    .http()
    .get(links[0] ?? '')
    .set('cookie', await newsroom.signIn())
    .buffer(true)
    .parse(bytes)
    .expect(200)
  assert.match(
    answer.headers['content-disposition'] ?? '',
    /attachment; filename="?telegram-[\dA-Z-]+\.jsonl"?$/,
  )
  assert.deepEqual(JSON.parse(String(answer.body).split('\n')[0] ?? ''), said)
  // A late photo of the album brings its own.
  newsroom.telegram.files.set('b', png())
  await chat.deliver(
    newsroom.telegram.message(chat.id, { photo: photo('b'), media_group_id: 'g', note: 'HIDDEN-TOO' }),
  )
  await newsroom.pause(60_000)
  assert.ok((await atDesk(newsroom)).page.includes('HIDDEN-TOO'))
  assert.equal((await newsroom.application.storage.deadLetters.latest(9)).length, 0)
  assert.ok(submission?.isConfidential)
  for (const processCodec of ['HIDDEN-PLATE', 'HIDDEN-NOTE', 'HIDDEN-TOO']) {
    assert.ok(!(await newsroom.databaseText()).includes(processCodec), `${processCodec} is on the disk`)
    assert.ok(!newsroom.logged.join('').includes(processCodec))
    assert.ok(!newsroom.mailServer.mails.some(({ raw }) => raw.includes(processCodec)))
  }
  const told = JSON.stringify(await newsroom.status(chat.receipt()))
  assert.ok(told.includes('At night.') && !told.includes('HIDDEN'), 'the sender is shown what they said')
  const link = links[0] ?? ''
  const elsewhere = link.replace(/submissions\/[^/]+/, 'submissions/AAAA-AAAA')
  for (const path of [elsewhere, `${link}x`])
    await newsroom
      .http()
      .get(path)
      .set('cookie', await newsroom.signIn())
      .expect(404)
  await newsroom.http().get(link).expect(303)
})

test('of what is not confidential the notice says that something was not read; a locked session hands out nothing', async (t) => {
  const newsroom = await openNewsroom(t)
  const chat = newsroom.chat()
  await chat.say('/story')
  await chat.say({ text: 'She mends nets.', hologram: 'HIDDEN' })
  await chat.press('Send')
  await newsroom.workOff()
  const notice = newsroom.mailsTo(editorAddress).find(({ raw }) => raw.includes('She mends nets.'))
  assert.match(notice?.raw ?? '', /Part of this Telegram message could not be read/)
  assert.ok(!notice?.raw.includes('HIDDEN'))
  const open = await atDesk(newsroom, false)
  assert.ok(open.page.includes('HIDDEN'))
  const taken = await newsroom
    .http()
    .post(`/desk/submissions/${open.submission?.reference}/export`)
    .set('cookie', await newsroom.signIn())
    .set('sec-fetch-site', 'same-origin')
    .type('form')
    .send({ way: 'opened' })
    .buffer(true)
    .parse(bytes)
  assert.match(
    String(taken.body),
    /could not be read here: piece\.json has it[\s\S]*"rawUpdates": \[[\s\S]*HIDDEN/,
  )
  await chat.say({ text: 'They burn files.', hologram: 'HIDDEN-TIP' })
  await chat.press('Send')
  await newsroom.workOff()
  const { links } = await atDesk(newsroom)
  const editor = await newsroom.application.storage.editors.byEmail(editorAddress)
  const { pathname } = new URL(await newsroom.application.signInLink(editor?.id ?? '', undefined))
  const signedIn = await newsroom.http().post(pathname).expect(303)
  const cookie = [signedIn.headers['set-cookie']].flat().join().split(';')[0] ?? ''
  await newsroom
    .http()
    .get(links[0] ?? '')
    .set('cookie', cookie)
    .expect(403)
})

test('of a message nothing of which can be read the sender is told, and its place in the piece is kept', async (t) => {
  const newsroom = await openNewsroom(t)
  const chat = newsroom.chat()
  await chat.say('First')
  await chat.say({ hologram: 'HIDDEN' })
  assert.ok(chat.heard().some(({ text }) => /cannot be read here, but it has been kept/.test(text)))
  await chat.say('Last')
  await chat.press('Send')
  await newsroom.workOff()
  const { messages } = await newsroom.status(chat.receipt())
  assert.equal(messages[0].body, 'First\n\n[This message could not be read here.]\n\nLast')
  assert.ok((await atDesk(newsroom)).page.includes('HIDDEN'))
})

test('a question of a guest post is not answered by what cannot be read, and is by words beside it', async (t) => {
  const newsroom = await openNewsroom(t)
  const chat = newsroom.chat()
  await chat.say('/guest')
  await chat.say({ hologram: 'HIDDEN-ONE' })
  assert.match(chat.last(), /cannot be read here[\s\S]*1 of 13/)
  await chat.say({ text: 'Why the river matters', hologram: 'HIDDEN-TWO' })
  assert.match(chat.last(), /^2 of 13/)
  await newsroom.pause(49 * 3_600_000)
  const { page } = await atDesk(newsroom, false)
  assert.ok(/<h1>Why the river matters/.test(page))
  assert.ok(page.includes('HIDDEN-ONE') && page.includes('HIDDEN-TWO'))
})
