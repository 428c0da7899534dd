import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Newsroom, openNewsroom } from '../support/newsroom.ts'
import { png } from '../support/submissions.ts'
import type { Said } from '../support/telegram-server.ts'

const minute = 60_000
/** The direct messages of a channel: one chat, with a topic for each person. */
const direct = -1002002

/** What a person writes to a channel, in the topic that is theirs. */
function writer(newsroom: Newsroom, id: number) {
  const { telegram } = newsroom
  telegram.directChats.add(direct)
  const user = { id, is_bot: false, first_name: `Person ${id}`, language_code: 'en' }
  const frame = {
    chat: { id: direct, type: 'supergroup', title: 'County Daily', is_direct_messages: true },
    from: user,
    direct_messages_topic: { topic_id: id, user },
  }
  const heard = () => telegram.to(direct).filter(({ topic_id }) => topic_id === id)
  const deliver = async <U extends object>(update: U): Promise<U> => {
    const { body } = await newsroom.receiveUpdate(update).expect(200)
    telegram.obey(body)
    await newsroom.pause(1100)
    return update
  }
  return {
    heard,
    deliver,
    say: (said: object) => deliver(telegram.message(direct, { ...frame, ...said })),
    edit: (original: { message: Record<string, unknown> }, said: Said) =>
      deliver(telegram.edit(original, said)),
    press(text: string, by = user) {
      const press = telegram.press(direct, text)
      const under = heard().findLast(({ buttons }) => buttons.some((button) => button.text === text))
      const data = under?.buttons.find((button) => button.text === text)?.callback_data
      const message = { ...frame, message_id: under?.message_id, date: 1 }
      return deliver({
        ...press,
        callback_query: { ...press.callback_query, from: by, message, data },
      })
    },
    receipt: () =>
      /Receipt: ([\dA-Z-]{29})/.exec(
        heard().findLast(({ text }) => /Receipt: /.test(text))?.text ?? '',
      )?.[1] ?? assert.fail('no receipt was told'),
  }
}

test('what people write to a channel is gathered for each of them, sent, answered and goes on', async (t) => {
  const newsroom = await openNewsroom(t)
  newsroom.telegram.files.set('gate', png())
  const amina = writer(newsroom, 501)
  const brian = writer(newsroom, 502)
  const said = await amina.say({ text: 'The bridge is closed.' })
  await brian.say({ text: 'The mayor has two houses.' })
  await amina.say({
    photo: [{ file_id: 'gate', file_unique_id: 'gate', width: 9, height: 9 }],
    caption: 'The gate',
    suggested_post_info: { state: 'pending', price: { currency: 'XTR', amount: 30 } },
  })
  await amina.edit(said, { text: 'The old bridge is closed.' })
  await amina.press('Send')
  await newsroom.workOff()
  const { messages, reference } = await newsroom.status(amina.receipt())
  assert.equal(
    messages[0].body,
    'The old bridge is closed.\n\nThe gate\n[Suggested post: pending, for 30 in the smallest unit of XTR]',
  )
  assert.equal(messages[0].files[0].state, 'kept')
  await newsroom.act(`/desk/submissions/${reference}/answer`, {
    body: 'Since when?',
    ...(await newsroom.seen(reference)),
  })
  await newsroom.pause(11_000)
  assert.equal(amina.heard().at(-1)?.text, 'Since when?')
  assert.ok(!brian.heard().some(({ text }) => text === 'Since when?'))
  await amina.say({
    text: 'Since Monday.',
    reply_to_message: { message_id: amina.heard().at(-1)?.message_id },
  })
  await newsroom.pause(2 * minute)
  assert.equal((await newsroom.status(amina.receipt())).messages.at(-1).body, 'Since Monday.')
  await newsroom.pause(10 * minute)
  assert.equal((await newsroom.status(brian.receipt())).messages[0].body, 'The mayor has two houses.')
  assert.equal((await newsroom.application.storage.jobs.counts()).failed, 0)
})

test('whoever answers there for the channel is not taken for the person, nor presses their buttons', async (t) => {
  const newsroom = await openNewsroom(t)
  const amina = writer(newsroom, 501)
  await amina.say({ text: 'The bridge is closed.' })
  const admin = { id: 900, is_bot: false, first_name: 'Admin', language_code: 'en' }
  await amina.say({ from: admin, text: 'Written by an admin' })
  await amina.say({
    from: undefined,
    sender_chat: { id: -1001, type: 'channel' },
    text: 'Written by the channel',
  })
  await amina.say({ from: admin, suggested_post_approved: { send_date: 1, note: 'HIDDEN-SERVICE' } })
  await amina.press('Discard', admin)
  await amina.press('Send')
  await newsroom.workOff()
  const { messages } = await newsroom.status(amina.receipt())
  assert.equal(messages[0].body, 'The bridge is closed.')
  const unread = await newsroom.deskPage('/desk/unread')
  assert.ok(!unread.includes('HIDDEN-SERVICE'))
  assert.ok(unread.includes('Written by an admin') && unread.includes('Written by the channel'))
})

test('without its topic nobody knows whose a direct message is: it is kept raw', async (t) => {
  for (const env of [{}, { TELEGRAM_BOT_TOKEN: '' }]) {
    const newsroom = await openNewsroom(t, env)
    await writer(newsroom, 501).say({ direct_messages_topic: undefined, text: 'Whose is it?' })
    await newsroom.pause(60 * minute)
    assert.equal(await newsroom.submissionCount(), 0)
    assert.ok((await newsroom.deskPage('/desk/unread')).includes('Whose is it?'))
  }
})

test('spam of one person is not spam of all who write to the channel', async (t) => {
  const newsroom = await openNewsroom(t)
  const first = writer(newsroom, 501)
  await first.say({ text: 'Buy now' })
  await newsroom.pause(11 * minute)
  const { reference } = await newsroom.status(first.receipt())
  await newsroom.act(`/desk/submissions/${reference}/move`, {
    state: 'spam',
    ...(await newsroom.seen(reference)),
  })
  const second = writer(newsroom, 502)
  for (const person of [first, second]) await person.say({ text: 'Once more' })
  await newsroom.pause(11 * minute)
  const before = await Promise.all(
    [first, second].map(async (person) => {
      const told = await newsroom.status(person.receipt())
      return (await newsroom.submission(told.reference)).spamBefore
    }),
  )
  assert.deepEqual(before, [true, false])
})
