import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { openStorage } from '../../src/app/stores.ts'
import { freePort, type RunningProcess, startProcess } from '../support/process.ts'
import { offlineDesk, storageParts } from '../support/storage.ts'
import { png } from '../support/submissions.ts'
import { botToken, openTelegramServer, type Posted } from '../support/telegram-server.ts'

const secret = 'delivery-secret'
const wanted = 10_000
const crashes = 10
const chats = 250
const connections = 40

const desk = offlineDesk()

test('10,000 updates, repeated and shuffled, through ten crashes: every piece once and whole, every album whole', {
  timeout: 600_000,
}, async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'barua-delivery-'))
  const telegram = await openTelegramServer()
  const env = {
    PORT: String(await freePort()),
    DATA_DIR: join(folder, 'data'),
    OFFLINE_DESK_KEY: desk.recipient,
    UPLOADS_DIR: join(folder, 'uploads'),
    TELEGRAM_WEBHOOK_SECRET: secret,
    TELEGRAM_BOT_TOKEN: botToken,
    TELEGRAM_API_ROOT: telegram.root,
    TELEGRAM_QUIET_SECONDS: '20',
    LOG_LEVEL: 'warn',
  }
  let running: RunningProcess = await startProcess(env)
  t.after(async () => {
    await running.kill()
    await telegram.close()
    await rm(folder, { recursive: true, force: true })
  })
  // A picture's file is asked for so often that one will do for all.
  telegram.files.set('photo', png())

  const said = new Set<string>()
  const albums = new Map<string, number>()
  const updates: { update_id: number }[] = []
  for (let round = 0; updates.length < wanted / 1.3; round++) {
    for (let chat = 1; chat <= chats; chat++) updates.push(...turnOf(chat, round))
  }
  // Three of ten come a second time, somewhere later in their chat.
  const repeated = updates.flatMap((update, i) => (i % 10 < 3 ? [update, update] : [update]))
  telegram.queue(shuffledAcrossChats(repeated), Date.now())

  let posted = 0
  const post = async (update: object): Promise<Posted> => {
    const headers = { 'x-telegram-bot-api-secret-token': secret, 'content-type': 'application/json' }
    const response = await fetch(`${running.url}/webhooks/telegram`, {
      method: 'POST',
      headers,
      body: JSON.stringify(update),
    })
    posted += 1
    const retryAfter = Number(response.headers.get('retry-after') ?? 0)
    return { status: response.status, retryAfter, body: (await response.json()) as Record<string, unknown> }
  }
  let isDone = false
  const killing = (async () => {
    for (let crash = 1; crash <= crashes; crash++) {
      while (posted < (crash * repeated.length) / (crashes + 1) && !isDone) await sleep(5)
      await running.kill()
      running = await startProcess(env)
    }
  })()
  // Telegram's patience is that of a day: here a second of it passes in ten milliseconds.
  let passed = 0
  const clock = {
    now: () => Date.now() + passed,
    async sleep(ms: number) {
      passed += ms * 0.99
      await sleep(ms * 0.01)
    },
  }
  // Here and there somebody presses the button, whatever is on its way just then.
  const pressing = (async () => {
    while (!isDone) {
      await sleep(200)
      const open = telegram.messages.filter(({ buttons }) => buttons.some(({ text }) => text === 'Send'))
      const some = open.filter(() => Math.random() < 0.05).map(({ chat_id }) => chat_id)
      if (telegram.waiting() > 0)
        telegram.queue(
          [...new Set(some)].map((chat) => telegram.press(chat, 'Send')),
          clock.now(),
        )
    }
  })()
  await telegram.deliver(post, connections, clock)
  isDone = true
  await Promise.all([killing, pressing])
  assert.deepEqual(telegram.dropped, [])
  assert.ok(posted >= wanted, `only ${posted} were posted`)

  // What nobody sent is sent by itself, when its chat has been quiet.
  const storage = await openStorage(`sqlite:${env.DATA_DIR}/barua.db`, storageParts())
  t.after(() => storage.close())
  let { found, whole } = await gathered()
  for (let attempts = 0; attempts < 120 && !isComplete(); attempts++) {
    await sleep(1000)
    const again = await gathered()
    found = again.found
    whole = again.whole
  }
  await running.stop()
  assert.equal(found.length, new Set(found).size, 'something is there twice')
  assert.deepEqual(
    [...said].filter((word) => !found.includes(word)),
    [],
    'something was lost',
  )
  for (const [album, count] of albums) assert.equal(whole.get(album), count, album)
  assert.deepEqual(await storage.deadLetters.latest(10), [])

  /** What one person does in one turn: some words, now and then an album, an edit, or the button. */
  function turnOf(chat: number, round: number): { update_id: number }[] {
    const id = 10_000 + chat
    const tag = `chat ${chat} round ${round}`
    if ((chat + round) % 7 === 0) {
      const album = `album of ${tag}`
      albums.set(album, 3)
      return [1, 2, 3].map((n) =>
        telegram.message(id, {
          photo: [{ file_id: 'photo', file_unique_id: `${tag} ${n}`, width: 1, height: 1 }],
          media_group_id: tag,
          caption: album,
        }),
      )
    }
    if ((chat + round) % 11 === 0) {
      const first = telegram.message(id, { text: `${tag} mistyped` })
      said.add(`${tag} corrected`)
      return [first, telegram.edit(first, { text: `${tag} corrected` })]
    }
    said.add(tag)
    return [telegram.message(id, { text: tag })]
  }

  function isComplete(): boolean {
    return (
      [...said].every((word) => found.includes(word)) &&
      [...albums].every(([album, count]) => whole.get(album) === count)
    )
  }

  /** All that the editors have: what was said, and how many files of each album are in one message. */
  async function gathered() {
    const { rows } = await storage.inbox.page({ filter: {}, size: 30_000, editorId: '', keys: desk.keys })
    const words: string[] = []
    const files = new Map<string, number>()
    for (const { id } of rows) {
      for (const { content, attachments } of await storage.submissions.conversation(id, desk.keys)) {
        const paragraphs = content.fields.body.split('\n\n')
        words.push(...paragraphs.filter((word) => !word.startsWith('album')))
        for (const album of new Set(paragraphs.filter((word) => word.startsWith('album')))) {
          assert.ok(!files.has(album), `${album} is in two messages`)
          const ofAlbum = attachments.filter((one) => content.files[one.id]?.caption === album)
          files.set(album, ofAlbum.length)
        }
      }
    }
    return { found: words, whole: files }
  }
})

/** Chats come in any order; within a chat, Telegram keeps it. */
function shuffledAcrossChats<U extends object>(updates: U[]): U[] {
  const byChat = Map.groupBy(updates, (update) => JSON.stringify(update).match(/"chat":\{"id":(\d+)/)?.[1])
  const queues = [...byChat.values()].map((queue) => queue.toReversed())
  const shuffled: U[] = []
  while (queues.length > 0) {
    const at = Math.floor(Math.random() * queues.length)
    const next = queues[at]?.pop()
    if (next) shuffled.push(next)
    else queues.splice(at, 1)
  }
  return shuffled
}
