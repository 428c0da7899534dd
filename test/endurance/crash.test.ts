import assert from 'node:assert/strict'
import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { text } from 'node:stream/consumers'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { openStorage } from '../../src/app/stores.ts'
import type { Message } from '../../src/submissions/model.ts'
import { openMailServer } from '../support/mail-server.ts'
import { openNewsroom } from '../support/newsroom.ts'
import { freePort, type RunningProcess, startProcess } from '../support/process.ts'
import { offlineDesk, storageParts } from '../support/storage.ts'
import { png, textUpdate, tip } from '../support/submissions.ts'

const secret = 'crash-secret'
const crashes = 12

type Acknowledged = { reference: string; receipt: string; tag: string }

const desk = offlineDesk()

test('killed at many points, it loses nothing it acknowledged, doubles nothing, and leaves no orphan file', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'barua-crash-'))
  const mailServer = await openMailServer()
  const env = {
    PORT: String(await freePort()),
    DATA_DIR: join(folder, 'data'),
    OFFLINE_DESK_KEY: desk.recipient,
    UPLOADS_DIR: join(folder, 'uploads'),
    TELEGRAM_WEBHOOK_SECRET: secret,
    SMTP_URL: mailServer.url,
    LOG_LEVEL: 'warn',
  }
  let running: RunningProcess = await startProcess(env)
  t.after(async () => {
    await running.kill()
    await mailServer.close()
    await rm(folder, { recursive: true, force: true })
  })
  const ledger: Acknowledged[] = []
  let next = 0

  for (let crash = 0; crash < crashes; crash++) {
    const senders = Array.from({ length: 6 }, (_, i) => (i % 2 ? sendForms : sendUpdates)(running.url))
    await sleep(40 + ((crash * 137) % 400))
    await running.kill()
    await Promise.all(senders)
    running = await startProcess(env)
  }
  // What was not acknowledged is sent again under its own key, as a bot or a person would.
  const unsure = pending.splice(0)
  for (const again of unsure) await again(running.url)
  await sleep(300)
  assert.equal(await running.stop(), 0)

  assert.doesNotMatch(running.output(), /sweep failed/)
  assert.ok(ledger.length > crashes * 5, `only ${ledger.length} were acknowledged between the crashes`)
  const storage = await openStorage(`sqlite:${env.DATA_DIR}/barua.db`, storageParts())
  t.after(() => storage.close())
  const { rows } = await storage.inbox.page({ filter: {}, size: 30_000, editorId: '', keys: desk.keys })
  const submissions = await Promise.all(
    rows.map(async (row) => ({
      reference: row.reference,
      opening: (await storage.submissions.opening(row.id, desk.keys)) as Message,
    })),
  )
  const tags = submissions.map((submission) => submission.opening.content.fields.body.slice(0, 40).trim())
  assert.equal(new Set(tags).size, tags.length, 'a piece is there twice')
  const byReference = new Map(submissions.map((submission) => [submission.reference, submission]))
  for (const { reference, tag } of ledger) {
    assert.ok(
      byReference.get(reference)?.opening.content.fields.body.startsWith(tag),
      `${reference} was lost`,
    )
  }
  const spoken = submissions.flatMap((submission) =>
    submission.opening.attachments.flatMap((one) => [one.id, ...(one.previewId ? [one.previewId] : [])]),
  )
  const stored = (await readdir(env.UPLOADS_DIR, { recursive: true, withFileTypes: true })).filter(
    (one) => one.isFile() && one.name !== 'store-id' && !one.parentPath.endsWith('/swept'),
  )
  assert.deepEqual(stored.map((file) => file.name).sort(), spoken.sort())

  function sendForms(url: string): Promise<void> {
    return untilRefused(async () => {
      const page = await (await fetch(`${url}/submit/news-tip`)).text()
      const nonce = /name="nonce" value="([^"]+)"/.exec(page)?.[1] as string
      const tag = `form piece ${++next} of the crash test`
      const send = async (to: string) => {
        const form = new FormData()
        for (const [name, value] of Object.entries({ ...tip(), nonce, body: tag })) form.set(name, value)
        form.set('files', new Blob([new Uint8Array(png())]), 'gate.png')
        const headers = { accept: 'application/json' }
        const response = await fetch(`${to}/submit/news-tip`, { method: 'POST', body: form, headers })
        assert.equal(response.status, 201)
        ledger.push({ ...((await response.json()) as Acknowledged), tag })
      }
      await send(url).catch((error: unknown) => giveUp(error, send))
    })
  }

  function sendUpdates(url: string): Promise<void> {
    return untilRefused(async () => {
      const tag = `telegram piece ${++next} of the crash test`
      const update = JSON.stringify(textUpdate(next, tag))
      const send = async (to: string) => {
        const headers = { 'x-telegram-bot-api-secret-token': secret, 'content-type': 'application/json' }
        const response = await fetch(`${to}/webhooks/telegram`, { method: 'POST', body: update, headers })
        assert.equal(response.status, 200)
        const { text } = (await response.json()) as { text: string }
        const reference = /Reference: ([\w-]+)/.exec(text)?.[1] as string
        const receipt = /Receipt: ([\w-]+)/.exec(text)?.[1] as string
        ledger.push({ reference, receipt, tag })
      }
      await send(url).catch((error: unknown) => giveUp(error, send))
    })
  }
})

test('what comes in after the doors were opened is not swept, however early', async (t) => {
  const { application } = await openNewsroom(t)
  await sleep(50)
  const options = { maxBytes: 100, typeOf: async () => 'text/plain' }
  const { id } = await application.files.stage(Readable.from([Buffer.from('early')]), options)
  await sleep(50)
  await application.startWork()
  await application.swept()
  assert.equal(await text(await application.files.readStaged(id)), 'early')
})

const pending: ((url: string) => Promise<void>)[] = []

function giveUp(error: unknown, send: (url: string) => Promise<void>): never {
  if (error instanceof assert.AssertionError) throw error
  pending.push(send)
  throw error
}

async function untilRefused(send: () => Promise<void>): Promise<void> {
  try {
    for (;;) await send()
  } catch (error) {
    if (error instanceof assert.AssertionError) throw error
  }
}
