import assert from 'node:assert/strict'
import { cp, glob, mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { inboundMail } from './support/mail.ts'
import { type Newsroom, openNewsroom } from './support/newsroom.ts'
import { guestPost, storyAngle, textUpdate } from './support/submissions.ts'

// Whoever takes the disk has its key. What they can guess besides must lead to nothing.

/** A newsroom with nothing in it that has the secrets of another. */
async function withTheSecretsOf(t: TestContext, other: Newsroom, env: Record<string, string>) {
  const folder = await mkdtemp(join(tmpdir(), 'barua-secrets-'))
  t.after(() => rm(folder, { recursive: true, force: true }))
  await cp(join(other.settings.DATA_DIR, 'secrets.json'), join(folder, 'secrets.json'))
  return openNewsroom(t, { ...env, DATA_DIR: folder })
}

async function mailedReceipt(newsroom: Newsroom, to: string): Promise<string> {
  const mail = { from: 'jane@example.org', to, subject: 'Harbour', text: 'Something about the harbour.' }
  const date = new Date('2026-11-20T10:00:00Z')
  await newsroom.receiveMail({ ...mail, messageId: '<one@example.org>', date })
  await newsroom.workOff()
  return /Receipt: (\S+)/.exec(newsroom.mailsTo('jane@example.org')[0]?.text ?? '')?.[1] ?? ''
}

type Way = { env?: Record<string, string>; receipt: (newsroom: Newsroom) => Promise<string> }

const ways: Record<string, Way> = {
  'a chat without a bot token': {
    env: { TELEGRAM_BOT_TOKEN: '' },
    async receipt(newsroom) {
      const { body } = await newsroom.receiveUpdate(textUpdate(7, 'The depot is empty.')).expect(200)
      return /Receipt: (\S+)/.exec(body.text)?.[1] ?? ''
    },
  },
  'an album without a bot token': {
    env: { TELEGRAM_BOT_TOKEN: '' },
    async receipt(newsroom) {
      const update = textUpdate(7, 'The depot is empty.')
      Object.assign(update.message, { media_group_id: 'album' })
      const { body } = await newsroom.receiveUpdate(update).expect(200)
      return /Receipt: (\S+)/.exec(body.text)?.[1] ?? ''
    },
  },
  'a chat, in confidence': { receipt: (newsroom) => newsroom.chat().send('The depot is empty.') },
  'a chat, not in confidence': {
    async receipt(newsroom) {
      const chat = newsroom.chat()
      await chat.say('/story')
      return chat.send('He has rowed for fifty years.')
    },
  },
  'a mail, in confidence': { receipt: (newsroom) => mailedReceipt(newsroom, 'tips@newsroom.test') },
  'a mail, not in confidence': { receipt: (newsroom) => mailedReceipt(newsroom, 'stories@newsroom.test') },
  'a form without a nonce': {
    receipt: async (newsroom) => (await newsroom.submit('guest-post', guestPost())).receipt,
  },
}

for (const [way, { env = {}, receipt }] of Object.entries(ways)) {
  test(`by ${way}, the same input under the same key gives another receipt`, async (t) => {
    const settings = { ...inboundMail, ...env }
    const one = await openNewsroom(t, settings)
    const other = await withTheSecretsOf(t, one, settings)
    const receipts = [await receipt(one), await receipt(other)]
    for (const each of receipts) assert.match(each, /^(?:[\dA-Z]{4}-){5}[\dA-Z]{4}$/)
    assert.notEqual(receipts[0], receipts[1])
  })
}

test('a form’s nonce is secret, so its receipt may follow from it, and from no other', async (t) => {
  const one = await openNewsroom(t)
  const other = await withTheSecretsOf(t, one, {})
  const nonces = [await one.nonce('/submit/story-angle'), await one.nonce('/submit/story-angle')]
  assert.notEqual(nonces[0], nonces[1])
  const [first] = nonces
  const sent = await one.submit('story-angle', { ...storyAngle(), nonce: first })
  assert.equal((await other.submit('story-angle', { ...storyAngle(), nonce: first })).receipt, sent.receipt)
  assert.ok(!(await one.databaseText()).includes(String(first)))
})

test('no digest of what came in confidence can be tried out', async (t) => {
  const newsroom = await openNewsroom(t, { TELEGRAM_BOT_TOKEN: '' })
  const other = await withTheSecretsOf(t, newsroom, { TELEGRAM_BOT_TOKEN: '' })
  const digests: unknown[] = []
  for (const one of [newsroom, other]) {
    await one.receiveUpdate(textUpdate(7, 'The depot is empty.')).expect(200)
    const { DatabaseSync } = await import('node:sqlite')
    const db = new DatabaseSync(join(one.settings.DATA_DIR, 'barua.db'), { readOnly: true })
    digests.push(db.prepare('select digest from idempotency_keys').get()?.digest)
    db.close()
  }
  assert.ok(digests[0])
  assert.notEqual(digests[0], digests[1])
})

test('whatever derives something is in the table of docs/sealing.md', async () => {
  const table = await readFile('docs/sealing.md', 'utf8')
  const derives = /\b(?:createHmac|createHash|hkdfSync|hash|derivedKey|promisify\(argon2\))\(/
  for await (const path of glob('src/**/*.ts', { exclude: ['**/*.test.ts'] })) {
    if (path.startsWith(join('src', 'db', 'migrations'))) continue
    const code = await readFile(path, 'utf8')
    const isImported = /from 'node:crypto'|derivedKey/.test(code)
    if (isImported && derives.test(code))
      assert.ok(table.includes(`\`${path}\``), `${path} derives something`)
  }
})
