import type { RequestListener } from 'node:http'
import { join } from 'node:path'
import type { ApiToken } from './api-token.ts'
import { createPace } from './background/pace.ts'
import { type BotSide, createBotSide } from './bot-side.ts'
import { hookSecret } from './channels/api/hooks.ts'
import { type Cleaner, createCleaner } from './cleaning/cleaner.ts'
import { basePath, type Config } from './config.ts'
import { createChanges } from './desk/changes.ts'
import type { DeskRoute } from './desk/routes.ts'
import type { LinkMaker } from './desk/sign-in.ts'
import { createDesk, createLinks } from './desk-side.ts'
import { newId } from './id.ts'
import { createLetterbox } from './letterbox.ts'
import { createMailSide, type MailSide } from './mail-side.ts'
import { forgetKeptMail } from './notification/mailer.ts'
import { createCarriers, createComposer, createWorkers, lazyMailer } from './outbox.ts'
import { hour, type Outside, onionSiteUrl, type Parts, siteUrl } from './parts.ts'
import { createPgpSide } from './pgp-side.ts'
import { newReceipt } from './receipt.ts'
import { createRounds } from './rounds.ts'
import type { Identity } from './seal.ts'
import { fileSealer } from './sealing/files.ts'
import { fileKeyIn, headerFor, headerSize, markOfKey, nobody } from './sealing/header.ts'
import { type KeyRing, keyRing } from './sealing/key-ring.ts'
import { processMemory } from './sealing/memory.ts'
import { receiptIdentity } from './sealing/receipt-key.ts'
import { createResealing, type Resealing } from './sealing/resealing.ts'
import { textSealer } from './sealing/text.ts'
import { recipientOf } from './sealing/x25519.ts'
import type { SetUpLink } from './set-up-links.ts'
import { createSite } from './site.ts'
import { type FileStore, fileStore } from './storage/files.ts'
import { readSecrets } from './storage/secrets.ts'
import { openStorage, type Storage } from './storage/storage.ts'
import { createMetrics } from './web/metrics.ts'
import { pageRenderer, readAssets } from './web/pages.ts'

export type Application = {
  web: RequestListener
  /** Starts what runs beside the requests: the outbox's workers, and the sweep of what a crash left. */
  startWork(): Promise<void>
  /** Looks after everything once and carries what is due in the outbox, where the work has not been started; says how much that was. */
  workOnce(): Promise<number>
  /** Resolves when the sweep of the last start is done. */
  swept(): Promise<void>
  storage: Storage
  /** A link by which this editor signs in, once; with an identity, one that bears it. */
  signInLink(editorId: string, identity?: Identity): Promise<string>
  /** The secret that a token's webhook is signed with. */
  hookSecretOf(token: ApiToken): string
  /** Where the desk key was made just now: the links that bear it, one for each editor. */
  setUpLinks: SetUpLink[]
  /** The addresses of all editors, as long as none of them has set up; undefined once one has. */
  waitingEditors(): Promise<string[] | undefined>
  keyRing: KeyRing
  resealing: Resealing
  files: FileStore
  cleaner: Cleaner
  webhook: { url: string; secret: string; isNew: boolean }
  bots: BotSide
  mail: MailSide
  /** Sends a mail to ourselves, and says by which id it is known when it comes back. */
  sendCanary(): Promise<string>
  /** Every route of the desk, with who may come. */
  deskRoutes: DeskRoute[]
  /** Ends the streams of open pages, which would keep the server from stopping. */
  closeStreams(): void
  /** Finishes the work in hand and closes everything. */
  stop(): Promise<void>
}

/** Builds every part and hands them to each other. Nothing listens and nothing works until it is told to. */
export async function createApplication(config: Config, outside: Outside): Promise<Application> {
  // Before any door is open: what comes in from now on is not what a crash left.
  const beganAt = Date.now()
  const changes = createChanges()
  const parts = await createParts(config, outside, (carrier) => workers[carrier].nudge(), changes.changed)
  const { storage, secrets } = parts
  await storage.editors.addFirst(config.EDITORS, outside.now())
  const signInLink = createLinks(parts)
  const setUpLinks = await beginKeyRing(parts, signInLink)
  const compose = createComposer(parts, signInLink)
  const pgp = createPgpSide(parts)
  const mailer = lazyMailer(parts, compose, pgp.protectionOf)
  const letterbox = createLetterbox(parts)
  const bots = createBotSide(parts, letterbox)
  const mail = createMailSide(parts, letterbox)
  const workers = createWorkers(parts, createCarriers(parts, compose, mailer, bots))
  const rounds = createRounds(parts, bots.lookAfter, (id) =>
    forgetKeptMail(join(config.DATA_DIR, 'mail'), id),
  )
  const desk = createDesk(parts, compose, changes, bots, mail, pgp)
  const secret = config.TELEGRAM_WEBHOOK_SECRET ?? secrets.telegramWebhookSecret
  const isNew = secrets.isNew && config.TELEGRAM_WEBHOOK_SECRET === undefined
  let sweeping = Promise.resolve()

  return {
    web: createSite(parts, letterbox, desk.router, bots, secret),
    bots,
    mail,
    async sendCanary() {
      const id = newId(outside.now())
      await storage.mail.sendCanary(id, outside.now())
      await mailer.send(compose.canary(id))
      return id
    },
    storage,
    setUpLinks,
    async waitingEditors() {
      const editors = await storage.editors.active()
      for (const { id } of editors) if (await storage.factors.hasSetUp(id)) return undefined
      return editors.map(({ email }) => email)
    },
    keyRing: parts.keyRing,
    resealing: parts.resealing,
    files: parts.files,
    cleaner: parts.cleaner,
    webhook: { url: `${siteUrl(config)}/webhooks/telegram`, secret, isNew },
    signInLink,
    hookSecretOf: (token) => hookSecret(secrets.keyFor('webhook'), token),
    deskRoutes: desk.routes,
    closeStreams: desk.events.close,
    swept: () => sweeping,
    async startWork() {
      // Where no other machine can be at work, every lease that is left is a dead worker's.
      if (!storage.isShared) await storage.deliveries.releaseAll()
      for (const worker of Object.values(workers)) worker.start()
      rounds.start()
      sweeping = sweep(parts, beganAt)
    },
    async workOnce() {
      await rounds.once()
      const counts = await Promise.all(Object.values(workers).map((worker) => worker.workOnce()))
      return counts.reduce((sum, count) => sum + count, 0)
    },
    async stop() {
      desk.events.close()
      await mail.close()
      await rounds.stop()
      await parts.resealing.stop()
      await Promise.all(Object.values(workers).map((worker) => worker.stop()))
      await sweeping
      mailer.close()
      await parts.fileSealing.close()
      await storage.close()
    },
  }
}

async function createParts(
  config: Config,
  outside: Outside,
  nudge: Parts['nudge'],
  changed: Parts['changed'],
): Promise<Parts> {
  const storage = await openStorage(config.DATABASE_URL, {
    now: outside.now,
    sealer: textSealer,
    memory: processMemory(config.MEMORY_KEY),
    offline: config.OFFLINE_DESK_KEY,
    newReceipt() {
      const receipt = newReceipt()
      return { receipt, recipient: recipientOf(receiptIdentity(receipt)) }
    },
    quiet: config.TELEGRAM_QUIET_SECONDS * 1000,
  })
  const keyring = keyRing({ store: storage.keyRing, now: outside.now })
  const fileSealing = fileSealer()
  const files = fileStore(config.UPLOADS_DIR, {
    ...fileSealing,
    headerSize,
    headerFor,
    fileKeyIn,
    markOfKey,
    nobody,
  })
  await files.prepare()
  const pace = createPace()
  const resealing = createResealing({
    store: storage.resealing,
    files,
    pace,
    onTrouble: (error) =>
      outside.log.error(
        { name: error instanceof Error ? error.name : typeof error },
        'sealing anew: trouble',
      ),
  })
  const secrets = await readSecrets(config.DATA_DIR)
  const assets = readAssets()
  const onionUrl = onionSiteUrl(config)
  const render = pageRenderer({ base: basePath(config), newsroom: config.NEWSROOM_NAME, onionUrl }, assets)
  const metrics = createMetrics()
  return {
    config,
    outside,
    storage,
    files,
    fileSealing,
    secrets,
    keyRing: keyring,
    pace,
    resealing,
    cleaner: createCleaner(),
    metrics,
    render,
    assets,
    nudge,
    changed,
  }
}

/**
 * Makes the desk key where there is none, with a link for each editor that bears it: nobody keeps those links, and until
 * one is used there is no other way to what comes in. Gives the links.
 */
async function beginKeyRing(
  { config, storage, keyRing, outside }: Parts,
  signInLink: LinkMaker,
): Promise<SetUpLink[]> {
  if (config.OFFLINE_DESK_KEY || (await keyRing.hasBegun())) return []
  const links: SetUpLink[] = []
  for (const { id, email } of await storage.editors.active()) {
    const { identity } = await keyRing.admit(id)
    links.push({ email, link: await signInLink(id, identity) })
    await mailKeyLink(config, storage, id, links.at(-1)?.link ?? '', outside.now())
  }
  await keyRing.begin()
  return links
}

/** Mail that is kept as files lies beside what it would open. */
async function mailKeyLink(
  config: Config,
  storage: Storage,
  editorId: string,
  link: string,
  now: number,
): Promise<void> {
  const passing = config.SMTP_URL ? { link } : {}
  await storage.deliveries.add({ purpose: 'sign-in', editorId, passing }, now)
}

/**
 * Removes what a crash left between the file store and the database. Alone on the database, everything older than
 * this start; with other machines at work, only what is older than any upload may take.
 */
async function sweep({ storage, files, outside, config }: Parts, beganAt: number): Promise<void> {
  try {
    const swept = await files.sweep(
      storage.isShared ? beganAt - 2 * hour : beganAt,
      storage.submissions.keptAmong,
    )
    if (swept > 0) outside.log.info({ swept }, 'swept files that belonged to nothing')
  } catch (error) {
    outside.log.error(
      { name: error instanceof Error ? error.name : 'error', folder: config.UPLOADS_DIR },
      'sweep failed',
    )
  }
}
