import assert from 'node:assert/strict'
import { test } from 'node:test'
import { commandNames } from '../../src/channels/chat/command-names.ts'
import { languages } from '../../src/channels/chat/words/words.ts'
import { commandIn } from '../../src/channels/telegram/commands.ts'
import { openNewsroom } from '../support/newsroom.ts'
import { png } from '../support/submissions.ts'
import { botName } from '../support/telegram-server.ts'

const hour = 3_600_000

/** What is typed, the command in it, and what comes after that. */
const typed: [text: string, name: string | undefined, rest: string][] = [
  ['/cancel', 'cancel', ''],
  ['/Cancel', 'cancel', ''],
  ['/CANCEL', 'cancel', ''],
  ['/cAnCeL ', 'cancel', ''],
  ['  \n/cancel\n', 'cancel', ''],
  ['/ cancel', 'cancel', ''],
  ['/cancel.', 'cancel', ''],
  ['/Cancel!!', 'cancel', ''],
  ['/cancel…', 'cancel', ''],
  ['／cancel', 'cancel', ''],
  ['／ｃａｎｃｅｌ', 'cancel', ''],
  ['\u200e/cancel', 'cancel', ''],
  [`/cancel@${botName}`, 'cancel', ''],
  [`/Cancel@${botName.toUpperCase()} `, 'cancel', ''],
  ['/Annuler', 'cancel', ''],
  ['/GHAIRI', 'cancel', ''],
  ['/révélation', 'expose', ''],
  ['/Revelation Le maire ment', 'expose', 'Le maire ment'],
  ['/Exposé The mayor lies', 'expose', 'The mayor lies'],
  ['/Tip: the bridge is closed', 'tip', 'the bridge is closed'],
  [`/TIP@${botName}\nTwo\nlines`, 'tip', 'Two\nlines'],
  ['/msaada', 'help', ''],
  ['/cancle', undefined, ''],
  ['/send', undefined, ''],
  ['/foo My neighbour', undefined, 'My neighbour'],
  ['/cancel that', 'cancel', 'that'],
]

const noCommands = [
  '/etc/passwd was leaked',
  '/help-desk staff take bribes',
  '/ and so on',
  '/',
  '//cancel',
  '/5 of them came',
  'I wrote /cancel',
  'cancel',
  '',
]

test('a command is known however a phone writes it, and in each language', () => {
  for (const [text, name, rest] of typed) {
    const command = commandIn(text)
    assert.deepEqual([command?.name, command?.rest], [name, rest], JSON.stringify(text))
    if (rest !== '') assert.ok(text.slice(command?.restAt).startsWith(rest), text)
  }
  for (const text of noCommands) assert.equal(commandIn(text), undefined, text)
})

test('every word for a command is one command’s, and is known', () => {
  const words = Object.values(languages).flatMap(({ commandWords }) =>
    commandNames.flatMap((name) => [name, ...commandWords[name]].map((word) => [word, name] as const)),
  )
  for (const [word, name] of words) assert.equal(commandIn(`/${word}`)?.name, name, word)
})

test('/Cancel with the capital of a phone discards, and nothing is sent', async (t) => {
  const newsroom = await openNewsroom(t)
  for (const [i, text] of ['/Cancel', `/CANCEL@${botName}`, ' / cancel.', '/Ghairi'].entries()) {
    const chat = newsroom.chat(9000 + i)
    await chat.say('My landlord is in it')
    await chat.say(text)
    assert.ok(
      chat.heard().some(({ text: said }) => said === 'Discarded.'),
      text,
    )
  }
  await newsroom.pause(48 * hour)
  assert.equal(await newsroom.submissionCount(), 0)
})

test('a command that is not known is no part of the piece, and the bot says what it knows', async (t) => {
  const newsroom = await openNewsroom(t)
  const chat = newsroom.chat()
  await chat.say('The bridge is closed')
  await newsroom.pause(9 * 60_000)
  const said = await chat.say('/cancle')
  assert.ok(chat.heard().some(({ text }) => /don’t know that command[\s\S]*\/cancel – discard/.test(text)))
  await newsroom.pause(5 * 60_000)
  assert.equal(
    await newsroom.submissionCount(),
    0,
    'it waits again, for it may have been meant to be discarded',
  )
  await chat.edit(said, { text: '/cancel' })
  await newsroom.pause(48 * hour)
  assert.equal(await newsroom.submissionCount(), 0)
})

test('words after a command that takes none are kept, and that is said', async (t) => {
  const newsroom = await openNewsroom(t)
  const chat = newsroom.chat()
  await chat.say('/cancel my cousin drives for them')
  const answer = chat.heard().find(({ text }) => /added that to what you are telling us/.test(text))
  assert.deepEqual(
    answer?.buttons.map(({ text }) => text),
    ['Discard'],
  )
  await chat.say('/whatever he carries sand')
  await chat.press('Send')
  await newsroom.workOff()
  const { messages } = await newsroom.status(chat.receipt())
  assert.equal(messages[0].body, '/cancel my cousin drives for them\n\n/whatever he carries sand')
  await chat.say('/start Not to be lost')
  assert.ok(chat.heard().filter(({ text }) => /added that/.test(text)).length === 3)
  const [discard] = chat
    .heard()
    .filter(({ text }) => /added that/.test(text))
    .slice(-1)
  assert.equal(discard?.buttons[0]?.text, 'Discard')
})

test('/cancel with words after it discards what is open, and they come back with it', async (t) => {
  const newsroom = await openNewsroom(t)
  const chat = newsroom.chat()
  await chat.say('My landlord is in it')
  const update = await chat.say('/Cancel please, I am afraid')
  assert.match(chat.heard()[0]?.text ?? '', /^Discarded: 2 messages/)
  await newsroom.pause(5 * 60_000)
  assert.equal(await newsroom.submissionCount(), 0)
  await chat.press('Have it back')
  await chat.deliver(update)
  await chat.press('Send')
  await newsroom.workOff()
  const { messages } = await newsroom.status(chat.receipt())
  assert.equal(messages[0].body, 'My landlord is in it\n\n/Cancel please, I am afraid')
})

test('words after a kind keep their links, below a photo too, and an edit of them is no command again', async (t) => {
  const newsroom = await openNewsroom(t)
  const chat = newsroom.chat()
  newsroom.telegram.files.set('p', png())
  const link = (offset: number) => ({ type: 'text_link', offset, length: 4, url: 'https://plan.test' })
  const command = { type: 'bot_command', offset: 0, length: 6 }
  const said = await chat.say({ text: '/Story see this plan', entities: [command, link(16)] })
  await chat.edit(said, { text: '/Story see that plan', entities: [command, link(16)] })
  const photo = [{ file_id: 'p', file_unique_id: 'p', width: 1, height: 1 }]
  await chat.say({ photo, caption: '/story the plan', caption_entities: [command, link(11)] })
  await chat.press('Send')
  await newsroom.workOff()
  const { messages, kind } = await newsroom.status(chat.receipt())
  assert.equal(kind, 'story-angle')
  assert.equal(messages[0].body, 'see that [plan](https://plan.test)\n\nthe [plan](https://plan.test)')
  assert.equal(messages[0].files.length, 1)
})

test('without a token no command becomes a piece', async (t) => {
  const newsroom = await openNewsroom(t, { TELEGRAM_BOT_TOKEN: '' })
  for (const text of ['/Start', '/Cancel', '/CANCEL@x_bot', '/tip', '/whatever']) {
    const update = newsroom.telegram.message(7001, { text })
    const { body } = await newsroom.receiveUpdate(update).expect(200)
    assert.match(body.text, /^This is the letterbox of/, text)
  }
  assert.equal(await newsroom.submissionCount(), 0)
})
