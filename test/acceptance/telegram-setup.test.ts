import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { test } from 'node:test'
import { runCommand } from '../../src/cli/commands.ts'
import { readConfig } from '../../src/config.ts'
import { type Newsroom, openNewsroom } from '../support/newsroom.ts'
import { botToken } from '../support/telegram-server.ts'

async function shell(
  newsroom: Newsroom,
  line: string,
  env: Record<string, string> = {},
  signal?: AbortSignal,
) {
  const lines: string[] = []
  const config = readConfig({ ...newsroom.settings, PUBLIC_URL: 'https://tips.newsroom.test', ...env })
  const code = await runCommand(
    line.split(' '),
    config,
    (text) => lines.push(text),
    signal ?? new AbortController().signal,
  )
  return { code, text: lines.join('\n'), last: lines.at(-1) ?? '' }
}

test('telegram connect sets webhook, secret, updates and commands, and drops nothing', async (t) => {
  const newsroom = await openNewsroom(t)
  const { telegram } = newsroom
  telegram.queue([telegram.message(7001, { text: 'waits' })])
  assert.equal((await shell(newsroom, 'telegram connect')).code, 0)
  assert.equal(telegram.webhook.url, 'https://tips.newsroom.test/webhooks/telegram')
  assert.equal(telegram.webhook.secret, newsroom.settings.TELEGRAM_WEBHOOK_SECRET)
  assert.deepEqual(telegram.webhook.allowed, ['message', 'edited_message', 'callback_query'])
  assert.equal(telegram.waiting(), 1)
  const commands = telegram.calls.filter(({ method }) => method === 'setMyCommands')
  assert.deepEqual(
    commands.map(({ payload }) => payload.language_code),
    [undefined, 'sw', 'fr'],
  )
})

test('telegram connect says what keeps Telegram from posting here', async (t) => {
  const newsroom = await openNewsroom(t)
  const plain = await shell(newsroom, 'telegram connect', { PUBLIC_URL: 'http://tips.newsroom.test' })
  assert.equal(plain.code, 1)
  assert.match(plain.text, /https addresses only/)
  assert.match(
    (await shell(newsroom, 'telegram connect', { PUBLIC_URL: 'https://tips.newsroom.test:3000' })).text,
    /ports 443/,
  )
  assert.match((await shell(newsroom, 'telegram check', { TELEGRAM_BOT_TOKEN: '' })).text, /is not set/)
  const wrong = await shell(newsroom, 'telegram check', { TELEGRAM_BOT_TOKEN: '1:another' })
  assert.match(wrong.text, /does not know this token/)
  assert.ok(!wrong.text.includes('1:another') && !wrong.text.includes(botToken))
})

test('telegram check and the desk tell in plain words how the webhook stands', async (t) => {
  const newsroom = await openNewsroom(t)
  const { telegram } = newsroom
  assert.match((await shell(newsroom, 'telegram check')).text, /It has no webhook/)
  await shell(newsroom, 'telegram connect')
  assert.match((await shell(newsroom, 'telegram check')).text, /All is well/)
  await newsroom.pause(0)
  assert.ok((await newsroom.deskPage('/desk/telegram')).includes('to another address than ours'))
  telegram.webhook.url = 'http://localhost:3000/webhooks/telegram'
  await newsroom.act('/desk/telegram', {})
  assert.ok((await newsroom.deskPage('/desk/telegram')).includes('All is well'))
  telegram.queue(Array.from({ length: 30 }, (_, i) => telegram.message(i, { text: 'waits' })))
  telegram.webhook.lastError = 'Wrong response from the webhook: 502 Bad Gateway'
  const { text } = await shell(newsroom, 'telegram check')
  assert.match(text, /30 updates wait at Telegram/)
  assert.match(text, /502 Bad Gateway/)
  await newsroom.pause(0)
  assert.match(await newsroom.deskPage('/desk'), /Telegram:<\/strong> 30 updates wait/)
})

test('telegram poll has the same conversation, and asks again for what is not durable', async (t) => {
  const newsroom = await openNewsroom(t)
  const { telegram } = newsroom
  const stopping = new AbortController()
  const server = createServer(newsroom.application.web).listen(0, '127.0.0.1')
  t.after(() => server.close())
  await once(server, 'listening')
  const port = String((server.address() as AddressInfo).port)
  const polling = shell(newsroom, 'telegram poll', { PORT: port, PUBLIC_URL: '' }, stopping.signal)
  telegram.queue([
    telegram.message(7001, { text: '/start' }),
    telegram.message(7001, { text: 'The bridge is closed' }),
  ])
  while (telegram.waiting() > 0) await new Promise((resolve) => setTimeout(resolve, 20))
  const chat = newsroom.chat()
  await newsroom.pause(1100)
  assert.match(chat.heard()[0]?.text ?? '', /This is the letterbox/)
  telegram.queue([telegram.press(7001, 'Send')])
  while (telegram.waiting() > 0) await new Promise((resolve) => setTimeout(resolve, 20))
  stopping.abort()
  assert.equal((await polling).code, 0)
  await newsroom.workOff()
  const { messages } = await newsroom.status(chat.receipt())
  assert.equal(messages[0].body, 'The bridge is closed')
  assert.ok(
    !telegram.calls.some(({ method, payload }) => method === 'deleteWebhook' && payload.drop_pending_updates),
  )
})
