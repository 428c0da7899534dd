import type { RequestListener } from 'node:http'
import { join } from 'node:path'
import type { ApiToken } from '../accounts/api-token.ts'
import type { SetUpLink } from '../accounts/first-run.ts'
import { type KeyRing, keyRing } from '../accounts/keyring/keyring.ts'
import type { LinkMaker } from '../accounts/sign-in-link.ts'
import { hookSecret } from '../channels/api/outgoing-webhooks.ts'
import { createReEncryption, type ReEncryption } from '../confidentiality/re-encryption.ts'
import { basePath, type Config, deskBasePath, siteAddresses } from '../config.ts'
import { createChanges } from '../core/changes.ts'
import { newId } from '../core/ids.ts'
import { createPace } from '../core/pace.ts'
import { isByOnion } from '../core/public-urls.ts'
import type { DeskRoute } from '../desk/http/routes.ts'
import { type Cleaner, createCleaner } from '../files/metadata/cleaner.ts'
import type { FileStore } from '../files/store.ts'
import { forgetKeptMail } from '../outbound-mail/transport.ts'
import { clientOf } from '../web/client.ts'
import { createMetrics } from '../web/metrics.ts'
import { type Assets, pageRenderer, readAssets } from '../web/pages.ts'
import { createBodies } from '../web/request-bodies.ts'
import { type App, hour, type Outside, onionSiteUrl, siteUrl } from './context.ts'
import { createDesk, createLinks } from './desk.ts'
import { createEmailChannel, type EmailChannel } from './email.ts'
import { firstLinks } from './first-links.ts'
import { createSite } from './http.ts'
import { createLetterbox } from './intake.ts'
import { createComposer, createHandlers, createOutbox, lazyMailer } from './jobs.ts'
import { openStores } from './open-stores.ts'
import { createPgp } from './pgp.ts'
import { createReadiness } from './readiness.ts'
import { createRounds } from './schedule.ts'
import type { Storage } from './stores.ts'
import { createTelegramChannel, type TelegramChannel } from './telegram.ts'

export type Application = {
  web: RequestListener
  /**
   * Starts what runs beside the requests: the outbox's workers, and the sweep of what a crash left. `isAlone` where no
   * other process can be at work.
   */
  startWork(options?: { isAlone: boolean }): Promise<void>
  /**
   * Looks after everything once and carries what is due in the outbox, where the work has not been started; says how
   * much that was.
   */
  workOnce(): Promise<number>
  /** Resolves when the sweep of the last start is done. */
  swept(): Promise<void>
  storage: Storage
  /** A link by which this editor signs in, once; with an identity, one that bears it. */
  signInLink: LinkMaker
  /** The secret that a token's webhook is signed with. */
  hookSecretOf(token: ApiToken): string
  /**
   * Makes the desk key, where nobody has one to lose. After the channels are open: a start that fails leaves nothing
   * behind.
   */
  openDesk(options?: { isStart: boolean }): Promise<void>
  /** Where the desk key was made just now: the links that bear it, one for each editor. */
  readonly setUpLinks: SetUpLink[]
  /** The addresses of all editors, as long as none of them has set up; undefined once one has. */
  waitingEditors(): Promise<string[] | undefined>
  keyRing: KeyRing
  reEncryption: ReEncryption
  files: FileStore
  cleaner: Cleaner
  webhook: { url: string; secret: string; isNew: boolean }
  bots: TelegramChannel
  mail: EmailChannel
  /** Sends a mail to ourselves, and says by which id it is known when it comes back. */
  sendCanary(): Promise<string>
  /** Every route of the desk, with who may come. */
  deskRoutes: DeskRoute[]
  /** Says that it is not ready any more, and ends the streams of open pages, which would keep the server from stopping. */
  closeStreams(): void
  /** Finishes the work in hand and closes everything. */
  stop(): Promise<void>
}

/** Builds every part and hands them to each other. Nothing listens and nothing works until it is told to. */
export async function createApplication(config: Config, outside: Outside): Promise<Application> {
  // Before any channel is open: what comes in from now on is not what a crash left.
  const beganAt = Date.now()
  const changes = createChanges()
  const app = await createContext(config, outside, (queue) => outbox.nudge(queue), changes.changed)
  const { storage, secrets } = app
  await storage.editors.addFirst(config.EDITORS, outside.now())
  const signInLink = createLinks(app)
  let setUpLinks: SetUpLink[] = []
  const compose = createComposer(app, signInLink)
  const pgp = createPgp(app)
  const mailer = lazyMailer(app, compose, pgp.protectionOf)
  const letterbox = createLetterbox(app)
  const bots = createTelegramChannel(app, letterbox)
  const mail = createEmailChannel(app, letterbox)
  const outbox = createOutbox(app, createHandlers(app, compose, mailer, bots))
  const rounds = createRounds(app, bots.lookAfter, (id) => forgetKeptMail(join(config.DATA_DIR, 'mail'), id))
  const desk = createDesk(app, compose, changes, bots, mail, pgp)
  const secret = config.TELEGRAM_WEBHOOK_SECRET ?? secrets.telegramWebhookSecret
  const isNew = secrets.isNew && config.TELEGRAM_WEBHOOK_SECRET === undefined
  let sweeping = Promise.resolve()

  return {
    web: createSite(app, letterbox, desk.router, bots, secret),
    bots,
    mail,
    async sendCanary() {
      const id = newId(outside.now())
      await storage.mail.sendCanary(id, outside.now())
      await mailer.send(compose.canary(id))
      return id
    },
    storage,
    async openDesk(options = { isStart: true }) {
      setUpLinks = await firstLinks(app, signInLink, options)
    },
    get setUpLinks() {
      return setUpLinks
    },
    async waitingEditors() {
      const editors = await storage.editors.active()
      for (const { id } of editors) if (await storage.factors.hasSetUp(id)) return undefined
      return editors.map(({ email }) => email)
    },
    keyRing: app.keyRing,
    reEncryption: app.reEncryption,
    files: app.files,
    cleaner: app.cleaner,
    webhook: { url: `${siteUrl(config)}/webhooks/telegram`, secret, isNew },
    signInLink,
    hookSecretOf: (token) => hookSecret(secrets.keyFor('webhook'), token),
    deskRoutes: desk.routes,
    closeStreams() {
      app.readiness.stop()
      desk.events.close()
    },
    swept: () => sweeping,
    async startWork({ isAlone } = { isAlone: false }) {
      // What others had in hand is nobody's: they have ended.
      if (isAlone) for (const lease of await storage.leases.all()) await storage.leases.end(lease)
      outbox.start()
      rounds.start()
      sweeping = sweep(app, beganAt)
    },
    async workOnce() {
      await rounds.once()
      return outbox.workOnce()
    },
    async stop() {
      desk.events.close()
      await mail.close()
      await rounds.stop()
      await app.reEncryption.stop()
      await outbox.stop()
      await sweeping
      mailer.close()
      await app.fileCipher.close()
      await storage.close()
    },
  }
}

async function createContext(
  config: Config,
  outside: Outside,
  nudge: App['nudge'],
  changed: App['changed'],
): Promise<App> {
  const { storage, files, fileCipher, secrets } = await openStores(config, outside)
  const keyring = keyRing({ store: storage.keyRing, now: outside.now })
  const pace = createPace()
  const reEncryption = createReEncryption({
    store: storage.reEncryption,
    files,
    pace,
    onError: (error) =>
      outside.log.error(
        { name: error instanceof Error ? error.name : typeof error },
        'sealing anew: trouble',
      ),
  })
  const assets = readAssets()
  const { render, renderDesk } = renderers(config, assets)
  const metrics = createMetrics()
  const addresses = siteAddresses(config)
  return {
    config,
    outside,
    storage,
    files,
    fileCipher,
    secrets,
    keyRing: keyring,
    pace,
    reEncryption,
    cleaner: createCleaner(),
    metrics,
    bodies: createBodies({
      clientOf: (req) => {
        const isOnion = isByOnion(addresses, req.get('host'))
        return { name: isOnion ? 'onion' : clientOf(req), isOnion }
      },
      staged: { client: 4 * config.MAX_SUBMISSION_BYTES, all: 20 * config.MAX_SUBMISSION_BYTES },
      onBusy: () => outside.log.warn('requests are turned away: too much at once'),
    }),
    readiness: createReadiness(config, storage, files, outside.roomIn),
    render,
    renderDesk,
    assets,
    nudge,
    changed,
  }
}

/** What makes the pages of the letterbox, and those of the desk. */
function renderers(config: Config, assets: Assets): Pick<App, 'render' | 'renderDesk'> {
  const frame = { newsroom: config.NEWSROOM_NAME, onionUrl: onionSiteUrl(config) }
  const base = basePath(config)
  if (!config.DESK_URL) {
    const render = pageRenderer({ ...frame, base, host: 'both', letterbox: base }, assets)
    return { render, renderDesk: render }
  }
  const atDesk = { base: deskBasePath(config), host: 'desk', letterbox: siteUrl(config) } as const
  return {
    render: pageRenderer({ ...frame, base, host: 'letterbox', letterbox: base }, assets),
    renderDesk: pageRenderer({ ...frame, ...atDesk }, assets),
  }
}

/**
 * Clears away what a crash left between the file store and the database. Alone on the database, everything older than
 * this start; with other machines at work, only what is older than any upload may take.
 */
async function sweep({ storage, files, outside, config, readiness }: App, beganAt: number): Promise<void> {
  try {
    const { moved, left } = await files.sweep({
      before: storage.isShared ? beganAt - 2 * hour : beganAt,
      keptAmong: storage.submissions.keptAmong,
    })
    if (moved > 0) outside.log.info({ swept: moved }, 'swept files that belonged to nothing')
    readiness.leftUnswept(left)
    if (left > 0)
      outside.log.error(
        { left, folder: config.UPLOADS_DIR },
        'not swept: more files belong to nothing than a crash leaves. Look at them, then: npm run barua -- storage sweep',
      )
  } catch (error) {
    outside.log.error(
      { name: error instanceof Error ? error.name : 'error', folder: config.UPLOADS_DIR },
      'sweep failed',
    )
  }
}
