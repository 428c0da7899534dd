import assert from 'node:assert/strict'
import { join } from 'node:path'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { openStorage } from '../../src/app/stores.ts'
import { folderUntilExit } from '../support/folder.ts'
import { inboundMail } from '../support/mail.ts'
import { freePort, startProcess } from '../support/process.ts'
import { openSmtpClient } from '../support/smtp-client.ts'
import { offlineDesk, storageParts } from '../support/storage.ts'

const mailCount = 120
const killCount = 15
const clientCount = 6

/** What a mail server does: it sends a mail until it is told that it is safe, however often it is cut off. */
async function deliver(port: number, raw: string, isOver: () => boolean, cut: () => void): Promise<void> {
  while (!isOver()) {
    const client = await openSmtpClient(port).catch(() => undefined)
    if (client) {
      const begun = await client.begin('stories@newsroom.test')
      if (begun.startsWith('354')) {
        client.send(`${raw}\r\n.\r\n`)
        const reply = await client.reply()
        if (reply.startsWith('250')) return client.cut()
        if (reply === '') cut()
      }
      client.cut()
    }
    await sleep(20)
  }
}

const desk = offlineDesk()

test('killed between a mail and its 250, many times: none lost, none doubled', async (t) => {
  const folder = folderUntilExit('mail-crash')
  const port = await freePort()
  const env = {
    ...inboundMail,
    EMAIL_LISTEN: `smtp://127.0.0.1:${port}`,
    DATA_DIR: join(folder, 'data'),
    OFFLINE_DESK_KEY: desk.recipient,
    UPLOADS_DIR: join(folder, 'uploads'),
    LOG_LEVEL: 'silent',
  }
  const waiting = Array.from({ length: mailCount }, (_, i) =>
    [
      `Message-ID: <mail-${i}@example.org>`,
      'From: sender@example.org',
      `Subject: Mail ${i}`,
      'Content-Type: multipart/mixed; boundary=q',
      '',
      `--q\r\n\r\nMail ${i} says this.`,
      `--q\r\nContent-Disposition: attachment; filename=${i}.txt\r\n\r\n${`File ${i}. `.repeat(2000)}`,
      '--q--',
    ].join('\r\n'),
  )
  let running = await startProcess(env)
  let isOver = false
  t.after(async () => {
    isOver = true
    await running.kill()
  })
  let cuts = 0
  const isDone = () => isOver
  const wasCut = () => {
    cuts += 1
  }
  const clients = Array.from({ length: clientCount }, async () => {
    for (let raw = waiting.pop(); raw !== undefined; raw = waiting.pop())
      await deliver(port, raw, isDone, wasCut)
  })
  const delivered = Promise.all(clients).then(() => {
    isOver = true
  })
  for (let kill = 0; kill < killCount && !isOver; kill++) {
    await sleep(40 + 37 * (kill % 7))
    await running.kill()
    running = await startProcess(env)
  }
  await delivered
  await running.stop()
  // How many each kill cuts off depends on how busy the machine is.
  assert.ok(cuts > killCount / 4, `only ${cuts} mails were cut off before their 250`)
  const storage = await openStorage(`sqlite:${join(folder, 'data', 'barua.db')}`, storageParts())
  const { rows } = await storage.inbox.page({ filter: {}, size: 1000, editorId: '', keys: desk.keys })
  const titles = rows.map(({ summary }) => summary.title).toSorted()
  assert.deepEqual(titles, Array.from({ length: mailCount }, (_, i) => `Mail ${i}`).toSorted())
  for (const { id } of rows) {
    const [message] = await storage.submissions.conversation(id, desk.keys)
    assert.equal(message?.attachments.length, 2)
    assert.ok(message.attachments.every(({ state }) => state === 'kept'))
  }
  await storage.close()
})
