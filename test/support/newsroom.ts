import assert from 'node:assert/strict'
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable, Writable } from 'node:stream'
import { buffer } from 'node:stream/consumers'
import type { TestContext } from 'node:test'
import { pino } from 'pino'
import supertest, { type Response, type Test } from 'supertest'
import { hashToken } from '../../src/accounts/session-token.ts'
import { type Application, createApplication } from '../../src/app/app.ts'
import type { Outside } from '../../src/app/context.ts'
import type { Envelope } from '../../src/channels/email/inbound-email.ts'
import type { InboundResult } from '../../src/channels/email/router.ts'
import { readConfig } from '../../src/config.ts'
import type { Internet } from '../../src/core/public-fetch.ts'
import type { Kind } from '../../src/db/values.ts'
import type { Identity, Keys } from '../../src/encryption/types.ts'
import type { RoomIn } from '../../src/files/disk-room.ts'
import type { LeaseTimes } from '../../src/jobs/lease-holder.ts'
import type { Listed } from '../../src/submissions/inbox.ts'
import type { Submission } from '../../src/submissions/model.ts'
import { settlingTime } from '../../src/submissions/presence.ts'
import { bytes } from './bytes.ts'
import { compose, type TestMail } from './mail.ts'
import { type MailServer, openMailServer, type ReceivedMail } from './mail-server.ts'
import { guestPost, storyAngle, tip } from './submissions.ts'
import {
  type BotMessage,
  botToken,
  openTelegramServer,
  type Said,
  type TelegramServer,
} from './telegram-server.ts'

export const webhookSecret = 'the-secret_of-the-test'
export const editorAddress = 'editor@newsroom.test'

export type SentFile = { name: string; content: Buffer | string }
export type SentSubmission = { reference: string; receipt: string; statusUrl: string }

/** A net with nobody in it. */
const nowhere: Internet = { addressesOf: async () => [], isAllowed: () => false, port: 443 }

export type Newsroom = Awaited<ReturnType<typeof openNewsroom>>

/**
 * The whole product as it runs, on a real SQLite file (or what `DATABASE_URL` in `env` names), with a real SMTP server
 * and a stand-in for Telegram's. Its clocks are the real ones, moved on by `passTime`; `setClock` puts the one on the
 * wall wrong. Closed when the test ends.
 */
export async function openNewsroom(
  t: TestContext,
  env: Record<string, string> = {},
  internet = nowhere,
  leaseTimes?: LeaseTimes,
  roomIn?: RoomIn,
) {
  const folder = await mkdtemp(join(tmpdir(), 'barua-test-'))
  const mailServer: MailServer = await openMailServer()
  const telegram: TelegramServer = await openTelegramServer()
  let passed = 0
  let clockIsWrongBy = 0
  const logged: string[] = []
  const log = pino(
    { level: 'debug', base: null },
    new Writable({
      write(chunk, _encoding, done) {
        logged.push(String(chunk))
        done()
      },
    }),
  )
  const settings = {
    DATA_DIR: join(folder, 'data'),
    UPLOADS_DIR: join(folder, 'uploads'),
    EDITORS: editorAddress,
    SMTP_URL: mailServer.url,
    MAIL_FROM: 'Barua <barua@newsroom.test>',
    TELEGRAM_BOT_TOKEN: botToken,
    TELEGRAM_WEBHOOK_SECRET: webhookSecret,
    TELEGRAM_API_ROOT: telegram.root,
    SUBMIT_LIMIT: '0',
    STATUS_LIMIT: '0',
    ...env,
  }
  const outside: Outside = {
    now: () => Date.now() + passed + clockIsWrongBy,
    monotonic: () => performance.now() + passed,
    random: Math.random,
    log,
    internet,
    ...(leaseTimes && { leaseTimes }),
    ...(roomIn && { roomIn }),
  }
  let application: Application = await createApplication(readConfig(settings), outside)
  await application.openDesk()
  // What the first links bear is remembered, as an editor who has set up remembers their passphrase.
  const identities = new Map<string, Identity>()
  for (const { email, link } of application.setUpLinks) {
    const token = link.split('/').at(-1) ?? ''
    identities.set(email, (await application.keyRing.unwrap(hashToken(token), token)) as Identity)
  }
  const keys: Keys = async () => {
    const opened = await Promise.all([...identities.values()].map((one) => application.keyRing.keysOf(one)()))
    return opened.flat()
  }
  t.after(async () => {
    // A test that broke the storage on purpose cannot stop in good order; the rest must close all the same.
    await application.stop().catch(() => undefined)
    await mailServer.close()
    await telegram.close()
    await rm(folder, { recursive: true, force: true })
  })

  const newsroom = {
    folder,
    settings,
    mailServer,
    telegram,
    logged,
    get application() {
      return application
    },
    get uploadsFolder() {
      return settings.UPLOADS_DIR
    },

    http: () => supertest(application.web),

    /** Stops the program and starts it again on the same folder, without its background work. */
    async restart(changed: Record<string, string> = {}): Promise<void> {
      await application.stop()
      application = await createApplication(readConfig({ ...settings, ...changed }), outside)
      await application.openDesk()
    },

    now: outside.now,

    passTime(ms: number): void {
      passed += ms
    },

    /** Sets the clock on the wall wrong by so much; no time passes. */
    setClock(wrongBy: number): void {
      clockIsWrongBy = wrongBy
    },

    /** Another process of the same program on the same database. */
    async another(): Promise<Application> {
      const other = await createApplication(readConfig(settings), outside)
      t.after(() => other.stop())
      return other
    },

    /** Sends a form as a JSON caller does, without looking at the answer. */
    post(kind: Kind, fields: object = fieldsOf(kind), files: SentFile[] = []): Test {
      const request = supertest(application.web).post(`/submit/${kind}`).set('accept', 'application/json')
      for (const [name, value] of Object.entries(fields))
        for (const one of [value].flat()) request.field(name, one)
      for (const { name, content } of files) request.attach('files', Buffer.from(content), name)
      return request
    },

    /** Sends a form and sees it received. */
    async submit(
      kind: Kind,
      fields: object = fieldsOf(kind),
      files: SentFile[] = [],
    ): Promise<SentSubmission> {
      const response = await newsroom.post(kind, fields, files)
      assert.equal(response.status, 201, response.text)
      return response.body
    },

    /** A nonce from the form as it is served. */
    async nonce(page = '/submit/news-tip'): Promise<string> {
      const { text } = await newsroom.http().get(page)
      return /name="nonce" value="([^"]+)"/.exec(text)?.[1] ?? assert.fail('the page has no nonce')
    },

    /** Gives an Update to the webhook as Telegram does. */
    receiveUpdate(update: object | string, secret = webhookSecret): Test {
      return newsroom
        .http()
        .post('/webhooks/telegram')
        .set('x-telegram-bot-api-secret-token', secret)
        .set('content-type', 'application/json')
        .send(typeof update === 'string' ? update : JSON.stringify(update))
    },

    /** Passes a little time and works off what is due by then, without more ado. */
    async pause(ms: number): Promise<void> {
      passed += ms
      while ((await application.workOnce()) > 0);
    },

    /** Opens the ways for mail to come in; gives the port of the listener. */
    async openMailDoor(): Promise<number> {
      const { port } = await application.mail.open()
      return port ?? 0
    },

    /** Gives a mail to the door as a mail server does, past SMTP. */
    async receiveMail(
      mail: TestMail | string | Buffer,
      envelope: Partial<Envelope> = {},
    ): Promise<InboundResult> {
      const raw = typeof mail === 'string' || Buffer.isBuffer(mail) ? Buffer.from(mail) : await compose(mail)
      const to = envelope.to ?? (typeof mail === 'object' && 'to' in mail ? [String(mail.to)] : undefined)
      const from = 'from' in envelope ? envelope.from : 'sender@example.org'
      const source = Readable.from([raw], { objectMode: false })
      return application.mail.take(source, { ...envelope, from, to })
    },

    /** A person who writes to the bot, from their own chat. */
    chat: (id = 7001) => chatWith(newsroom, id),

    /** Lets what just came in settle, and works off all that is due in the outbox. */
    async workOff(): Promise<void> {
      passed += settlingTime
      while ((await application.workOnce()) > 0);
    },

    mailsTo(address: string): ReceivedMail[] {
      return mailServer.mails.filter((mail) => mail.recipient === address)
    },

    /** Opens everything that is sealed, as an editor who has been let in does. */
    keys,

    /** What this editor can open at this moment. */
    async keysOf(email: string): Promise<Identity[]> {
      await newsroom.signInLink(email)
      return application.keyRing.keysOf(identities.get(email))()
    },

    /** A fresh link by which an editor signs in, who has been let in to what is sealed. */
    async signInLink(email = editorAddress): Promise<string> {
      const editor = await application.storage.editors.byEmail(email)
      assert.ok(editor, `${email} is no editor`)
      if (!identities.has(email) && identities.size > 0) {
        identities.set(email, (await application.keyRing.admit(editor.id, keys)).identity)
      }
      return application.signInLink(editor.id, identities.get(email))
    },

    /** Follows such a link. */
    async linkSignIn(email = editorAddress): Promise<Response> {
      const link = new URL(await newsroom.signInLink(email))
      return newsroom.http().post(link.pathname).expect(303)
    },

    /** Signs an editor in by a link and gives the session's cookie. */
    async signIn(email = editorAddress): Promise<string> {
      return cookieOf((await newsroom.linkSignIn(email)).headers, 'barua')
    },

    /** A page of the desk as a signed-in editor sees it. */
    async deskPage(path: string): Promise<string> {
      const response = await newsroom
        .http()
        .get(path)
        .set('cookie', await newsroom.signIn())
      assert.equal(response.status, 200, response.text)
      return response.text
    },

    /** Acts at the desk as a signed-in editor's browser does; gives the answer. */
    async act(path: string, fields: Record<string, string | string[]>, cookie?: string): Promise<Response> {
      const response = await newsroom
        .http()
        .post(path)
        .set('cookie', cookie ?? (await newsroom.signIn()))
        .set('sec-fetch-site', 'same-origin')
        .type('form')
        .send(fields)
      return response
    },

    /** An attachment as it came, as a signed-in editor's browser saves it. */
    async original(path: string, cookie?: string): Promise<Response> {
      return newsroom
        .http()
        .post(path)
        .set('cookie', cookie ?? (await newsroom.signIn()))
        .set('sec-fetch-site', 'same-origin')
        .type('form')
        .send({})
        .buffer(true)
        .parse(bytes)
    },

    /** The revision of a submission and its last message, as its page's forms carry them. */
    async seen(reference: string): Promise<{ revision: string; seen: string }> {
      const submission = await newsroom.submission(reference)
      const messages = await application.storage.submissions.conversation(submission.id, keys)
      return { revision: String(submission.revision), seen: messages.at(-1)?.id ?? '' }
    },

    async submission(reference: string): Promise<Submission> {
      const submission = await application.storage.submissions.byReference(reference)
      return submission ?? assert.fail(`there is no ${reference}`)
    },

    /** The sender writes again. */
    async writeAgain(receipt: string, message: string): Promise<void> {
      await newsroom.http().post('/status').type('form').send({ receipt, message }).expect(200)
    },

    /** The conversation as the holder of the receipt gets it. */
    async status(receipt: string) {
      const response = await newsroom
        .http()
        .post('/status')
        .set('accept', 'application/json')
        .type('form')
        .send({ receipt })
      assert.equal(response.status, 200, response.text)
      return response.body
    },

    /** Every submission, newest first. */
    async all(): Promise<Listed[]> {
      const { storage } = application
      return (await storage.inbox.page({ filter: {}, size: 10_000, editorId: '', keys })).rows
    },

    async submissionCount(): Promise<number> {
      return (await newsroom.all()).length
    },

    /** Every file in the file store, staged or kept. */
    async storedFiles(): Promise<string[]> {
      const entries = await readdir(settings.UPLOADS_DIR, { recursive: true, withFileTypes: true })
      return entries
        .filter((entry) => entry.isFile() && entry.name !== 'store-id')
        .map((entry) => join(entry.parentPath, entry.name))
    },

    /** What every file that came in holds, opened where it is sealed. */
    async openedFiles(): Promise<Buffer[]> {
      const opened: Buffer[] = []
      for (const { id } of await newsroom.all()) {
        for (const { attachments } of await application.storage.submissions.conversation(id, keys)) {
          for (const one of attachments.filter(({ state }) => state === 'kept'))
            opened.push(await buffer(await application.files.readFor(one, keys)))
        }
      }
      return opened
    },

    /** Every byte of the database and what belongs to it, as text. */
    async databaseText(): Promise<string> {
      const names = (await readdir(settings.DATA_DIR)).filter((name) => name.startsWith('barua.db'))
      return (await Promise.all(names.map((name) => readFile(join(settings.DATA_DIR, name), 'latin1')))).join(
        '',
      )
    },

    async keptMails(): Promise<string[]> {
      const mailFolder = join(settings.DATA_DIR, 'mail')
      const names = await readdir(mailFolder).catch(() => [])
      return Promise.all(names.map((name) => readFile(join(mailFolder, name), 'utf8')))
    },
  }
  return newsroom
}

/** So long after a message the bot tells what it has gathered. */
const gathering = 1100

export type Chat = ReturnType<typeof chatWith>

type ChatHost = {
  telegram: TelegramServer
  receiveUpdate(update: object): Test
  pause(ms: number): Promise<void>
  workOff(): Promise<void>
}

/** What a person does in a chat with the bot. Each thing is delivered at once, and the bot has had time to answer. */
function chatWith(newsroom: ChatHost, id: number) {
  const { telegram } = newsroom
  const deliver = async <U extends object>(update: U): Promise<U> => {
    const { body } = await newsroom.receiveUpdate(update).expect(200)
    telegram.obey(body)
    await newsroom.pause(gathering)
    return update
  }
  return {
    id,
    deliver,
    say: (said: string | Said) =>
      deliver(telegram.message(id, typeof said === 'string' ? { text: said } : said)),
    edit: (original: { message: Record<string, unknown> }, said: Said) =>
      deliver(telegram.edit(original, said)),
    press: (text: string | RegExp) => deliver(telegram.press(id, text)),
    /** What the bot wrote to it, as it stands now. */
    heard: (): BotMessage[] => telegram.to(id),
    last: (): string => telegram.to(id).at(-1)?.text ?? '',
    /** The receipt that the bot told last. */
    receipt(): string {
      const told = telegram.to(id).findLast(({ text }) => /Receipt: /.test(text))
      return /Receipt: ([\dA-Z-]{29})/.exec(told?.text ?? '')?.[1] ?? assert.fail('no receipt was told')
    },
    /** Says one thing and sends it; gives the receipt. */
    async send(said: string | Said): Promise<string> {
      await this.say(said)
      await this.press('Send')
      await newsroom.workOff()
      return this.receipt()
    },
  }
}

export function cookieOf(headers: Record<string, unknown>, name: string): string {
  const cookies = [headers['set-cookie']].flat().map(String)
  const found = cookies.find((cookie) => cookie.startsWith(`${name}=`))
  assert.ok(found, `no cookie ${name} among ${cookies.length}`)
  return found.split(';')[0] ?? ''
}

export function fieldsOf(kind: Kind): object {
  if (kind === 'guest-post') return guestPost()
  return kind === 'story-angle' || kind === 'human-interest' ? storyAngle() : tip()
}
