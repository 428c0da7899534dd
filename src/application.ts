import type { RequestListener } from 'node:http'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Logger } from 'pino'
import type { MultipartParts } from './channels/form/multipart.ts'
import { nonceMaker } from './channels/form/nonce.ts'
import { statusRouter } from './channels/form/status.ts'
import { formRouter } from './channels/form/submit.ts'
import { telegramFileFetcher } from './channels/telegram/files.ts'
import { webhookRouter } from './channels/telegram/webhook.ts'
import { basePath, type Config } from './config.ts'
import type { Carrier, Delivery, Purpose, Verdict } from './delivery.ts'
import { deskRouter } from './desk/desk.ts'
import { type SignIn, signIn } from './desk/sign-in.ts'
import type { Draft, FurtherDraft } from './draft.ts'
import { tidyFileName } from './intake/file-name.ts'
import { fileTypeCheck } from './intake/file-type.ts'
import { groupCommit } from './intake/group-commit.ts'
import { createIntake, type Intake } from './intake/receive.ts'
import { mailComposer } from './notification/compose.ts'
import { folderMailer, type Mailer, smtpMailer } from './notification/mailer.ts'
import { createWorker, type Worker } from './notification/worker.ts'
import { type FileStore, fileStore } from './storage/files.ts'
import { readSecrets, type Secrets } from './storage/secrets.ts'
import { openStorage, type Storage } from './storage/storage.ts'
import { asFailure, errorBody, refusals } from './web/errors.ts'
import { rateLimited } from './web/guards.ts'
import { healthRouter } from './web/health.ts'
import { createMetrics, type Metrics } from './web/metrics.ts'
import { type Assets, formats, pageRenderer, type Render, readAssets } from './web/pages.ts'
import { compress, createWeb } from './web/web.ts'

/** What is outside the program and its configuration. */
export type Outside = { now: () => number; random: () => number; log: Logger }

export type Application = {
  web: RequestListener
  /** Starts what runs beside the requests: the outbox's workers, and the sweep of what a crash left. */
  startWork(): void
  /** Carries what is due in the outbox now, where the work has not been started; says how much that was. */
  workOnce(): Promise<number>
  /** Resolves when the sweep of the last start is done. */
  swept(): Promise<void>
  storage: Storage
  /** A link by which this editor signs in, once. */
  signInLink(editorId: string): Promise<string>
  /** Editors made just now, at the first start. */
  newEditors: { id: string; email: string }[]
  webhook: { url: string; secret: string; isNew: boolean }
  /** Finishes the work in hand and closes everything. */
  stop(): Promise<void>
}

type Carry = (delivery: Delivery) => Promise<void>
/** Wakes a carrier’s worker. */
type Nudge = (carrier: Carrier) => void

const hour = 3_600_000
const atOnce: Record<Carrier, number> = { mail: 20, telegram: 4 }
const mostSettledAtOnce = 100
const views = fileURLToPath(new URL('../views', import.meta.url))

/** Builds every part and hands them to each other. Nothing listens and nothing works until it is told to. */
export async function createApplication(config: Config, outside: Outside): Promise<Application> {
  const storage = await openStorage(config.DATABASE_URL, outside.now)
  const files = fileStore(config.UPLOADS_DIR)
  await files.prepare()
  const secrets = await readSecrets(config.DATA_DIR)
  const newEditors = await storage.editors.addFirst(config.EDITORS, outside.now())
  const metrics = createMetrics()
  const assets = readAssets(views)
  const render = pageRenderer(views, { base: basePath(config), newsroom: config.NEWSROOM_NAME }, assets)
  const parts: Parts = { config, outside, storage, files, secrets, metrics, render, assets }

  const site = config.PUBLIC_URL.origin + basePath(config)
  const mailer = lazyMailer(config)
  const nudge: Nudge = (carrier) => workers[carrier].nudge()
  const desk = createSignIn(parts, nudge)
  const workers = createWorkers(parts, mailer, desk, site)
  const webhookSecret = config.TELEGRAM_WEBHOOK_SECRET ?? secrets.telegramWebhookSecret
  const isNew = secrets.isNew && config.TELEGRAM_WEBHOOK_SECRET === undefined
  let sweeping = Promise.resolve()

  return {
    web: createSite(parts, createLetterbox(parts, nudge), desk, webhookSecret, site),
    storage,
    newEditors,
    webhook: { url: `${site}/webhooks/telegram`, secret: webhookSecret, isNew },
    signInLink: desk.makeLink,
    swept: () => sweeping,
    startWork() {
      sweeping = sweep(parts)
      for (const worker of Object.values(workers)) worker.start()
    },
    async workOnce() {
      const counts = await Promise.all(Object.values(workers).map((worker) => worker.workOnce()))
      return counts.reduce((sum, count) => sum + count, 0)
    },
    async stop() {
      await Promise.all(Object.values(workers).map((worker) => worker.stop()))
      await sweeping
      mailer.close()
      await storage.close()
    },
  }
}

type Parts = {
  config: Config
  outside: Outside
  storage: Storage
  files: FileStore
  secrets: Secrets
  metrics: Metrics
  render: Render
  assets: Assets
}

/** What the doors call: the intake, told in the log and the figures, with the worker woken after it. */
function createLetterbox(parts: Parts, nudge: Nudge): Intake {
  const { storage, files, secrets, metrics, outside } = parts
  const intake = createIntake({
    record: storage.record,
    files,
    editors: storage.editors,
    receiptKey: secrets.keyFor('receipt'),
    now: outside.now,
  })
  return {
    async receive(draft: Draft) {
      const begun = performance.now()
      const received = await intake.receive(draft)
      const { reference, repeat } = received
      const ms = Math.round(performance.now() - begun)
      outside.log.info({ reference, channel: draft.channel, kind: draft.kind, repeat, ms }, 'received')
      metrics.received(draft.channel, draft.kind, repeat)
      nudge('mail')
      if (draft.awaited.length > 0) nudge('telegram')
      return received
    },
    async receiveFurther(draft: FurtherDraft) {
      const received = await intake.receiveFurther(draft)
      outside.log.info({ repeat: received.repeat }, 'further message received')
      nudge('mail')
      return received
    },
  }
}

function createSignIn({ config, storage, render, outside }: Parts, nudge: Nudge): SignIn {
  const message = 'Too many sign-in mails were asked for. Please try again later.'
  const limit = { limit: 10, windowMs: hour, counts: 'all' as const, message }
  return signIn({
    sessions: storage.sessions,
    editors: storage.editors,
    async mailLink(editorId) {
      await storage.deliveries.add({ purpose: 'sign-in', editorId }, outside.now())
      nudge('mail')
    },
    limits: [
      rateLimited(limit),
      rateLimited({ ...limit, whom: (req) => String(req.body?.email).trim().toLowerCase() }),
    ],
    render,
    publicUrl: config.PUBLIC_URL,
    base: basePath(config),
    now: outside.now,
  })
}

function createSite(parts: Parts, letterbox: Intake, desk: SignIn, webhookSecret: string, site: string) {
  const { config, storage, files, secrets, metrics, render, assets, outside } = parts
  const base = basePath(config)
  const typeOf = fileTypeCheck(config.FILE_TYPES)
  const nonces = nonceMaker(secrets.keyFor('nonce'))
  const uploads: MultipartParts = {
    async stage(source, givenName, maxBytes) {
      const name = tidyFileName(givenName)
      const written = await files.stage(source, { maxBytes, typeOf: (sample) => typeOf(sample, name) })
      return { ...written, name }
    },
    discard: (staged) => files.discard(staged.map((file) => file.id)),
    maxFileBytes: config.MAX_FILE_BYTES,
    maxSubmissionBytes: config.MAX_SUBMISSION_BYTES,
  }
  const beginRefusal = refusals(outside.log)
  const answers = { render, asFailure, errorBody, beginRefusal, nonces }
  const form = formRouter({
    ...uploads,
    ...answers,
    receive: letterbox.receive,
    submitLimit: rateLimited({
      limit: config.SUBMIT_LIMIT,
      windowMs: hour,
      counts: 'successes',
      message:
        'A lot has come in from your connection within an hour. Please try again later; nothing was taken in this time.',
    }),
    compress,
    publicUrl: config.PUBLIC_URL,
    base,
  })
  const status = statusRouter({
    ...uploads,
    ...answers,
    receiveFurther: letterbox.receiveFurther,
    submissions: storage.submissions,
    statusLimit: rateLimited({
      limit: config.STATUS_LIMIT,
      windowMs: hour / 6,
      counts: 'failures',
      message: 'Too many receipts were tried from your connection. Please try again in ten minutes.',
    }),
  })
  const webhook = webhookRouter({
    receive: letterbox.receive,
    async keepUnread(reason, raw) {
      await storage.unread.keep({ source: 'telegram', reason, raw, createdAt: outside.now() })
      outside.log.warn({ channel: 'telegram', reason }, 'kept unread')
    },
    tidyFileName,
    secret: webhookSecret,
    botId: config.TELEGRAM_BOT_TOKEN?.split(':')[0] ?? '0',
    statusUrl: `${site}/status`,
    formUrl: `${site}/submit/news-tip`,
    newsroom: config.NEWSROOM_NAME,
  })
  const deskPages = deskRouter({
    signIn: desk,
    submissions: storage.submissions,
    deliveries: storage.deliveries,
    unread: storage.unread,
    editors: storage.editors,
    readFile: files.read,
    metrics: async () => metrics.read(await storage.deliveries.counts()),
    render,
  })
  const health = healthRouter(async () => {
    await storage.check()
    await files.check(config.MAX_SUBMISSION_BYTES)
  })
  return createWeb({
    publicUrl: config.PUBLIC_URL,
    base,
    trustProxy: config.TRUST_PROXY,
    render,
    beginRefusal,
    assets,
    routers: [webhook, form, status, deskPages, health],
  })
}

/** A worker for each carrier. */
function createWorkers(parts: Parts, mailer: Mailer, desk: SignIn, siteUrl: string): Record<Carrier, Worker> {
  const { storage, metrics, outside } = parts
  const carry = carriers(parts, mailer, desk, siteUrl)
  const settle = groupCommit(async (verdicts: Verdict[]) => {
    await storage.deliveries.settle(verdicts)
    return verdicts
  }, mostSettledAtOnce)
  const workerOf = (carrier: Carrier) =>
    createWorker({
      carrier,
      atOnce: atOnce[carrier],
      outbox: storage.deliveries,
      settle,
      carry: (delivery) => carry[delivery.purpose](delivery),
      async onVerdict(delivery, verdict) {
        const { id, purpose, attempts, attachmentId } = delivery
        if (attachmentId && verdict.state === 'failed') await storage.attachments.lost(attachmentId)
        const fault = 'fault' in verdict ? { fault: verdict.fault } : {}
        outside.log.info({ delivery: id, purpose, attempts, state: verdict.state, ...fault }, 'delivery')
        metrics.settled(purpose, verdict.state)
      },
      log: outside.log,
      now: outside.now,
      random: outside.random,
    })
  return { mail: workerOf('mail'), telegram: workerOf('telegram') }
}

function carriers(parts: Parts, mailer: Mailer, desk: SignIn, siteUrl: string) {
  const { config, storage, secrets } = parts
  const compose = mailComposer({
    viewsFolder: views,
    submissions: storage.submissions,
    editors: storage.editors,
    signInLink: desk.makeLink,
    newsroom: config.NEWSROOM_NAME,
    mailFrom: config.MAIL_FROM,
    siteUrl,
    replyKey: secrets.keyFor('reply'),
    formats,
  })
  return {
    'editor-notice': async (delivery) => mailer.send(await compose.editorNotice(delivery)),
    'sender-receipt': async (delivery) => mailer.send(await compose.senderReceipt(delivery)),
    'sign-in': async (delivery) => mailer.send(await compose.signIn(delivery)),
    'telegram-file': telegramFetcher(parts),
  } satisfies Record<Purpose, Carry>
}

function telegramFetcher({ config, storage, files }: Parts): Carry {
  const typeOf = fileTypeCheck(config.FILE_TYPES)
  return telegramFileFetcher({
    token: config.TELEGRAM_BOT_TOKEN,
    apiRoot: config.TELEGRAM_API_ROOT.replace(/\/+$/, ''),
    stage: (source, id, maxBytes) =>
      files.stage(source, { id, maxBytes, typeOf: (sample) => typeOf(sample, '') }),
    keep: files.keep,
    attachments: storage.attachments,
  })
}

/** nodemailer is loaded with the first mail, so that starting up does not wait for it. */
function lazyMailer(config: Config): Mailer {
  let loading: Promise<Mailer> | undefined
  const load = () =>
    config.SMTP_URL
      ? smtpMailer(config.SMTP_URL, config.MAIL_FROM)
      : folderMailer(join(config.DATA_DIR, 'mail'), config.MAIL_FROM)
  return {
    async send(mail) {
      loading ??= load()
      await (await loading).send(mail)
    },
    close() {
      void loading?.then((mailer) => mailer.close())
    },
  }
}

/**
 * Removes what a crash left between the file store and the database. Alone on the database, everything older than
 * this start; with other machines at work, only what is older than any upload may take.
 */
async function sweep({ storage, files, outside, config }: Parts): Promise<void> {
  const startedAt = Date.now()
  try {
    if (!storage.isShared) await storage.deliveries.releaseAll()
    const swept = await files.sweep(
      storage.isShared ? startedAt - 2 * hour : startedAt,
      storage.submissions.keptAmong,
    )
    if (swept > 0) outside.log.info({ swept }, 'swept files that belonged to nothing')
    await storage.sessions.forgetOld(outside.now() - 24 * hour, outside.now())
  } catch (error) {
    outside.log.error(
      { name: error instanceof Error ? error.name : 'error', folder: config.UPLOADS_DIR },
      'sweep failed',
    )
  }
}
