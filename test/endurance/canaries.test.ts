import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { type TestContext, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { decryptSecret, derivedKey } from '../../src/core/aead.ts'
import { textCipher } from '../../src/encryption/age-text.ts'
import { identityOf, isIdentity } from '../../src/encryption/age-x25519.ts'
import { readReceipt } from '../../src/submissions/receipt.ts'
import { receiptIdentity } from '../../src/submissions/receipt-key.ts'
import { canary, everyByte, found, planted } from '../support/canary.ts'
import { compose, inboundMail, replyTo } from '../support/mail.ts'
import { editorAddress, openNewsroom } from '../support/newsroom.ts'
import { freePort, type RunningProcess, startProcess } from '../support/process.ts'
import { openSmtpClient } from '../support/smtp-client.ts'
import { png } from '../support/submissions.ts'
import { botToken, openTelegramServer } from '../support/telegram-server.ts'

test('of two hundred canaries through every door none is on the disk, in a log or in a mail', async (t) => {
  const newsroom = await openNewsroom(t, inboundMail)
  const { telegram } = newsroom
  const file = () => ({ name: `${canary()}.txt`, content: `${canary()} `.repeat(500) })
  const inForm = () => ({
    title: canary(),
    body: `${canary()} saw it all at the depot.`,
    name: canary(),
    email: `${canary()}@canary.test`,
    place: canary(),
    when: canary(),
    evidence: canary(),
    links: `https://${canary()}.test/`,
  })
  const outside: string[] = []
  for (let round = 0; round < 8; round++) {
    // By the form: received, refused, and written to again.
    const { reference, receipt } = await newsroom.submit(round % 2 ? 'expose' : 'news-tip', inForm(), [
      file(),
      file(),
    ])
    await newsroom.post('expose', { ...inForm(), email: 'nobody' }, [file()]).expect(422)
    await newsroom.writeAgain(receipt, canary())
    // At the desk. What goes out about it says nothing.
    const at = `/desk/submissions/${reference}`
    await newsroom.act(`${at}/note`, { ...(await newsroom.seen(reference)), note: canary() })
    await newsroom.act(`${at}/answer`, { ...(await newsroom.seen(reference)), body: canary() })
    // By Telegram: sent, left open, edited, discarded, and what nobody can read.
    const chat = newsroom.chat(9000 + round)
    telegram.files.set(`f${round}`, png())
    const said = await chat.say(canary())
    await chat.edit(said, { text: canary() })
    const document = { file_id: `f${round}`, file_unique_id: 'u', file_name: `${canary()}.png` }
    await chat.say({ document, caption: canary() })
    await chat.press('Send')
    await newsroom.workOff()
    await chat.say(canary())
    await newsroom.receiveUpdate({ update_id: 90_000 + round, strange: { said: canary() } })
    // By mail: a tip, a further mail, a reply of the editor.
    const from = `${canary()} <${canary()}@canary.test>`
    const attachments = [{ filename: `${canary()}.txt`, content: canary() }]
    const mail = { from, to: 'tips@newsroom.test', subject: canary(), text: canary(), attachments }
    await newsroom.receiveMail(await compose({ ...mail, messageId: `<${round}@canary.test>` }))
    await newsroom.workOff()
    const notice = newsroom.mailsTo(editorAddress).at(-1)
    if (notice) await newsroom.receiveMail(replyTo(notice, `/note ${canary()}`))
    outside.push(chat.receipt(), receipt)
  }
  newsroom.passTime(3_600_000)
  await newsroom.workOff()
  assert.ok(planted.length >= 200, `only ${planted.length} canaries`)
  const disk = await everyByte(newsroom.folder)
  assert.deepEqual(found(disk, planted), [], 'on the disk')
  assert.deepEqual(found(disk, outside), [], 'a receipt is on the disk')
  assert.deepEqual(found(Buffer.from(newsroom.logged.join('')), planted), [], 'in a log')
  const toEditors = newsroom.mailsTo(editorAddress).map((mail) => mail.raw)
  assert.deepEqual(found(Buffer.from(toEditors.join('')), planted), [], 'in a mail to an editor')
  // All of it is there, for whoever has the key.
  const opened: string[] = []
  for (const { id } of await newsroom.all())
    opened.push(
      JSON.stringify(await newsroom.application.storage.submissions.conversation(id, newsroom.keys)),
    )
  assert.ok(found(Buffer.from(opened.join('')), planted).length > 120)
  await opensWithNothingHere(newsroom.settings.DATA_DIR, disk)
})

/** Tries everything that a thief finds on the disk as a key to something that is sealed. */
async function opensWithNothingHere(dataDir: string, disk: Buffer): Promise<void> {
  const db = new DatabaseSync(join(dataDir, 'barua.db'), { readOnly: true })
  const all = (query: string) => db.prepare(query).all() as Record<string, string>[]
  const texts = all('select content from messages')
    .map(({ content }) => content ?? '')
    .filter((content) => content.startsWith('-----BEGIN AGE'))
  const processCodec = all('select contact from submissions where contact is not null').map(
    ({ contact }) => contact ?? '',
  )
  const wraps = all('select holder_id, way, wrapped from key_wraps')
  const grants = all('select encrypted from key_grants')
  db.close()
  assert.ok(texts.length > 10 && processCodec.length > 10 && wraps.length > 0 && grants.length > 0)
  const words = new Set(disk.toString('latin1').match(/[\w+/=-]{16,100}/g))
  const identities = new Set<string>()
  for (const word of words) {
    if (isIdentity(word)) identities.add(word)
    const receipt = readReceipt(word)
    if (receipt) identities.add(receiptIdentity(receipt))
    for (const coding of ['base64', 'hex'] as const) {
      const bytes = Buffer.from(word, coding)
      if (bytes.length >= 32) identities.add(identityOf(new Uint8Array(bytes.subarray(0, 32))))
    }
    for (const { holder_id, way, wrapped } of wraps) {
      assert.throws(() =>
        decryptSecret(derivedKey(word, `barua/wrap/${way}`), wrapped ?? '', holder_id ?? ''),
      )
    }
    assert.throws(() => decryptSecret(derivedKey(word, 'barua/memory'), processCodec[0] ?? '', ''))
  }
  const tried = [...identities].slice(0, 3000)
  for (const encrypted of [texts[0] ?? '', grants[0]?.encrypted ?? ''])
    assert.deepEqual(await textCipher.open(encrypted, tried), { errorCode: 'locked' })
}

test('killed at fifty points in the middle of all that, it leaves no canary behind', {
  timeout: 400_000,
}, async (t) => {
  const { running, posting, folder, outputs, restart } = await besieged(t)
  const words = planted.length
  let isOver = false
  let isDown = false
  const senders = Array.from({ length: 6 }, async (_, i) => {
    while (!isOver) {
      // Whoever is cut off in the middle may never hear of it.
      if (!isDown) await Promise.race([posting(i % 3).catch(() => undefined), sleep(1000)])
      await sleep(10)
    }
  })
  for (let kill = 0; kill < 50; kill++) {
    await sleep(30 + ((kill * 61) % 240))
    isDown = true
    await running().kill()
    await restart()
    isDown = false
  }
  isOver = true
  await Promise.all(senders)
  await running().kill()
  const mine = planted.slice(words)
  assert.ok(mine.length > 200, `only ${mine.length} canaries`)
  assert.deepEqual(found(await everyByte(folder), mine), [], 'on the disk')
  assert.deepEqual(found(Buffer.from(outputs().join('')), mine), [], 'in what it said')
})

/** The program itself, with what sends to it by three doors. */
async function besieged(t: TestContext) {
  const folder = await mkdtemp(join(tmpdir(), 'barua-canaries-'))
  const telegram = await openTelegramServer()
  telegram.files.set('photo', png())
  const mailPort = await freePort()
  const env = {
    ...inboundMail,
    PORT: String(await freePort()),
    EMAIL_LISTEN: `smtp://127.0.0.1:${mailPort}`,
    DATA_DIR: join(folder, 'data'),
    UPLOADS_DIR: join(folder, 'uploads'),
    TELEGRAM_BOT_TOKEN: botToken,
    TELEGRAM_WEBHOOK_SECRET: 'canaries',
    TELEGRAM_API_ROOT: telegram.root,
    TELEGRAM_QUIET_SECONDS: '1',
    LOG_LEVEL: 'debug',
  }
  const outputs: RunningProcess[] = []
  const restart = async () => {
    outputs.push(await startProcess(env))
  }
  await restart()
  const running = () => outputs.at(-1) as RunningProcess
  t.after(async () => {
    await running().kill()
    await telegram.close()
    await rm(folder, { recursive: true, force: true })
  })

  async function posting(channel: number): Promise<void> {
    if (channel === 0) {
      const form = new FormData()
      form.set('body', `${canary()} saw it all at the depot.`)
      form.set('name', canary())
      form.set('files', new Blob([`${canary()} `.repeat(20_000)]), `${canary()}.txt`)
      await fetch(`${running().url}/submit/news-tip`, { method: 'POST', body: form })
    } else if (channel === 1) {
      const photo = [{ file_id: 'photo', file_unique_id: 'p', width: 1, height: 1 }]
      const chat = 100 + (planted.length % 20)
      for (const said of [{ text: canary() }, { photo, caption: canary() }, { strange: canary() }]) {
        await fetch(`${running().url}/webhooks/telegram`, {
          method: 'POST',
          headers: { 'content-type': 'application/json', 'x-telegram-bot-api-secret-token': 'canaries' },
          body: JSON.stringify(telegram.message(chat, said)),
        })
      }
    } else {
      const client = await openSmtpClient(mailPort)
      await client.begin('tips@newsroom.test')
      client.send(
        `From: ${canary()} <${canary()}@canary.test>\r\nSubject: ${canary()}\r\n\r\n${canary()}\r\n.\r\n`,
      )
      await client.reply()
      client.cut()
    }
  }

  return { running, posting, folder, outputs: () => outputs.map((one) => one.output()), restart }
}
