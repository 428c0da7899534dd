import type { Router } from 'express'
import { nameFrom } from '../accounts/editor.ts'
import type { KeyStep } from '../accounts/keyring/key-step.ts'
import { type LinkMaker, linkMaker } from '../accounts/sign-in-link.ts'
import { passkeysOf } from '../accounts/webauthn.ts'
import { hookSecret } from '../channels/api/outgoing-webhooks.ts'
import { warnings } from '../channels/telegram/webhook-setup.ts'
import { confidentialMaker } from '../confidentiality/make-confidential.ts'
import { deskBasePath, siteAddresses } from '../config.ts'
import type { Changes } from '../core/changes.ts'
import { Failure } from '../core/errors.ts'
import { newId } from '../core/ids.ts'
import { readToken } from '../core/signed-token.ts'
import { confirmations } from '../desk/http/confirmation.ts'
import type { DeskContext } from '../desk/http/context.ts'
import { eventBy } from '../desk/http/event-by.ts'
import { deskEvents, type Events } from '../desk/http/live-updates.ts'
import { type AskedPasskeys, askedPasskeys } from '../desk/http/passkey-challenge.ts'
import { pageShower } from '../desk/http/render-page.ts'
import { type DeskRoute, deskRouter, type FormReader, type Guard } from '../desk/http/routes.ts'
import { createSessions, type Sessions } from '../desk/http/session.ts'
import { accountRoutes } from '../desk/pages/account.ts'
import { actionRoutes } from '../desk/pages/actions.ts'
import { apiTokenRoutes } from '../desk/pages/api-tokens.ts'
import { fileRoutes } from '../desk/pages/attachments.ts'
import { auditRoutes } from '../desk/pages/audit-log.ts'
import { bulkRoutes } from '../desk/pages/bulk-actions.ts'
import { confidentialRoutes } from '../desk/pages/confidential.ts'
import { decideRoutes } from '../desk/pages/decision.ts'
import { exportRoutes } from '../desk/pages/export-list.ts'
import { type TakeAlongContext, takeAlongRoutes } from '../desk/pages/export-submission.ts'
import { furtherRoutes } from '../desk/pages/further.ts'
import { inboxRoutes } from '../desk/pages/inbox.ts'
import { jobRoutes } from '../desk/pages/jobs.ts'
import { keyRoutes } from '../desk/pages/keys.ts'
import { pgpRoutes } from '../desk/pages/pgp.ts'
import { quarantineRoutes } from '../desk/pages/quarantine.ts'
import { rawUpdateRoutes } from '../desk/pages/raw-updates.ts'
import { replyRoutes } from '../desk/pages/reply-confirmations.ts'
import { keepingRoutes } from '../desk/pages/retention.ts'
import { settingsRoutes } from '../desk/pages/settings.ts'
import { signInRoutes } from '../desk/pages/sign-in.ts'
import { statisticsRoutes } from '../desk/pages/statistics.ts'
import { submissionRoutes } from '../desk/pages/submission.ts'
import { type TeamContext, teamRoutes } from '../desk/pages/team.ts'
import { botRoutes } from '../desk/pages/telegram.ts'
import { undoRoutes } from '../desk/pages/undo.ts'
import { answerFiles } from '../editorial/reply-attachments.ts'
import { isRecipient } from '../encryption/age-x25519.ts'
import { encryptedForKey } from '../encryption/encrypt-to-recipient.ts'
import { entriesOfEncrypted } from '../export/encrypted-archive.ts'
import { entriesOfOpened } from '../export/plain-archive.ts'
import { tarOf } from '../export/tar.ts'
import { NoRoom } from '../files/no-room.ts'
import { previewNow } from '../files/preview/preview.ts'
import { downloadName } from '../files/type.ts'
import type { Composer } from '../outbound-mail/compose.ts'
import { sendersOf } from '../submissions/sender-fingerprint.ts'
import { rateLimited } from '../web/guards.ts'
import { readMultipart, readSmallFile } from '../web/multipart.ts'
import { readFields } from '../web/read-form.ts'
import { fileAnswer, sendCopy } from '../web/send-file.ts'
import { type App, deskSiteUrl, hour } from './context.ts'
import type { EmailChannel } from './email.ts'
import type { Pgp } from './pgp.ts'
import type { TelegramChannel } from './telegram.ts'
import { uploadsOf } from './upload-options.ts'

/** The desk: its routes as they are declared, the router made of them, and its open streams. */
type Desk = { routes: DeskRoute[]; router: Router; events: Events }

export function createDesk(
  app: App,
  compose: Composer,
  changes: Changes,
  bots: TelegramChannel,
  mail: EmailChannel,
  pgp: Pgp,
): Desk {
  const { config, storage, metrics, outside } = app
  const base = deskBasePath(config)
  const { now } = outside
  const sessions = createSessions({
    sessions: storage.sessions,
    keysOf: app.keyRing.keysOf,
    opened: (identity) => void app.reEncryption.begin(app.keyRing.keysOf(identity)),
    addresses: siteAddresses(config),
    base,
    now,
  })
  const telegramWarnings = () => {
    const seen = bots.webhook()
    return seen ? warnings(seen.state, now()) : []
  }
  const showPage = pageShower({
    render: app.renderDesk,
    jobs: storage.jobs,
    telegramWarnings,
    mailWarnings: mail.warnings,
    storageWarnings: app.readiness.warnings,
    pgpKeys: storage.pgpKeys,
    factors: storage.factors,
    keyRing: app.keyRing,
    isOffline: config.OFFLINE_DESK_KEY !== undefined,
    now,
  })
  const deskContext = deskContextOf(app, compose, showPage)
  const common = { showPage, base, now, newsroom: config.NEWSROOM_NAME }
  const events = deskEvents({
    ...deskContext,
    sessions,
    changes,
    isShared: storage.isShared,
    latest: storage.latest,
    onError(error) {
      outside.log.error({ name: error instanceof Error ? error.name : typeof error }, 'desk streams trouble')
      return undefined
    },
  })
  const { editors, factors, settings, statistics, deadLetters } = storage
  const passkeys = passkeysOf(siteAddresses(config), config.NEWSROOM_NAME)
  const asked = askedPasskeys({
    passkeys,
    sessions: storage.sessions,
    factors,
    keyRing: app.keyRing,
    addresses: siteAddresses(config),
    now,
  })
  const totpKey = app.secrets.keyFor('totp')
  const confirmation = confirmations({
    ...common,
    sessions,
    factors,
    askedPasskeys: asked,
    attempts: storage.attempts,
    keyRing: app.keyRing,
    isOffline: config.OFFLINE_DESK_KEY !== undefined,
  })
  // What is done in a step, or with a form that was confirmed, is mailed at once.
  const nudging: Guard = async (req, res, seat, needs) => {
    res.once('finish', () => app.nudge('mail'))
    return confirmation.guard(req, res, seat, needs)
  }
  const keyRing = {
    ...app.keyRing,
    together: <T>(work: (step: KeyStep) => Promise<T>, acknowledged?: string) =>
      app.keyRing.together(work, acknowledged).finally(() => app.nudge('mail')),
  }
  const routes = [
    ...confirmation.routes,
    ...signIn(app, sessions, asked),
    ...inboxRoutes(deskContext),
    ...exportRoutes(deskContext),
    ...submissionRoutes(deskContext),
    ...actionRoutes(deskContext),
    ...confidentialRoutes(deskContext),
    ...decideRoutes(deskContext),
    ...quarantineRoutes(deskContext),
    ...bulkRoutes(deskContext),
    ...undoRoutes(deskContext),
    ...keepingRoutes(deskContext),
    ...takeAlongRoutes({ ...deskContext, ...packing(app) }),
    ...auditRoutes({ ...deskContext, audit: storage.audit }),
    ...fileRoutes(deskContext),
    ...rawUpdateRoutes(deskContext),
    ...events.routes,
    ...jobRoutes(deskContext),
    ...statisticsRoutes({ ...common, statistics }),
    ...accountRoutes({
      ...common,
      sessions,
      sessionStore: storage.sessions,
      editors,
      factors,
      passkeys,
      askedPasskeys: asked,
      keyRing,
      attempts: storage.attempts,
      isOffline: config.OFFLINE_DESK_KEY !== undefined,
      totpKey,
    }),
    ...pgpRoutes({ ...common, ...pgp, keys: storage.pgpKeys }),
    ...teamRoutes({
      ...common,
      editors,
      pgpKeys: storage.pgpKeys,
      keyRing,
      reEncrypt: app.reEncryption.begin,
      sendKeyLink: sendKeyLink(app),
    }),
    ...keyRoutes({
      ...common,
      editors,
      sessions,
      factors,
      askedPasskeys: asked,
      attempts: storage.attempts,
      keyRing,
      isOffline: config.OFFLINE_DESK_KEY !== undefined,
      requestOfLink: (token) => readToken(app.secrets.keyFor('one-time'), 'request', token, now())?.id,
      render: app.render,
      reEncryption: app.reEncryption,
    }),
    ...replyRoutes({
      work: storage.work,
      submissions: storage.submissions,
      messageOfLink: (token) => readToken(app.secrets.keyFor('one-time'), 'reply', token, now())?.id,
      render: app.renderDesk,
      changed: deskContext.changed,
      base,
      now,
    }),
    ...settingsRoutes({ ...common, settings }),
    ...botRoutes({
      ...common,
      hasToken: config.TELEGRAM_BOT_TOKEN !== undefined,
      webhook: bots.webhook,
      warnings: telegramWarnings,
      refresh: bots.lookAfter,
    }),
    ...apiTokenRoutes({
      ...common,
      tokens: storage.apiTokens,
      hosts: config.WEBHOOK_HOSTS,
      secretFor: (token) => hookSecret(app.secrets.keyFor('webhook'), token),
    }),
    ...furtherRoutes({
      ...common,
      deadLetters,
      programs: app.cleaner.programs,
      metrics: async () => metrics.read(await storage.jobs.counts()),
    }),
  ]
  return { routes, router: deskRouter(routes, sessions, formReader(app), nudging), events }
}

/** So much, in bytes, that a mail of it, where files are written as letters, has less than the 25 MB that most servers take. */
const mostByMail = 15 * 1024 * 1024

function mostWithAnAnswer({ config }: App): number {
  return Math.min(config.MAX_SUBMISSION_BYTES, mostByMail)
}

/** What signing in needs, with the answer of a passkey. Bytes. */
const mostOfAnyone = 16 * 1024

/** How forms are read at the desk. */
function formReader(app: App): FormReader {
  const { bodies, config } = app
  const most = mostWithAnAnswer(app)
  const maxFileBytes = Math.min(config.MAX_FILE_BYTES, most)
  const uploads = { ...uploadsOf(app), maxFileBytes, maxSubmissionBytes: most }
  return {
    ofAnyone: (req) => readFields(req, uploads, mostOfAnyone),
    fields(req) {
      bodies.of(req).know()
      return readFields(req, uploads)
    },
    smallFile(req, res) {
      bodies.of(req).know()
      return readSmallFile(req, res, uploads)
    },
    async files(req, res) {
      bodies.of(req).know()
      const sent = await readMultipart(req, res, uploads)
      // An answer goes out with its files or not at all.
      const unkept = sent.unkept.map(() => ({ message: new NoRoom().message }))
      return { ...sent, fileErrors: [...sent.fileErrors, ...unkept] }
    },
    discard: uploads.discard,
  }
}

/** Makes sign-in links, for mails and for the shell. */
export function createLinks({ config, storage, keyRing, outside }: App): LinkMaker {
  return linkMaker({ links: storage.sessions, keyRing, deskSiteUrl: deskSiteUrl(config), now: outside.now })
}

function deskContextOf(app: App, compose: Composer, showPage: DeskContext['showPage']): DeskContext {
  const { config, storage, files, secrets, outside, nudge } = app
  const senderKey = secrets.keyFor('sender')
  return {
    showPage,
    submissions: storage.submissions,
    inbox: storage.inbox,
    work: storage.work,
    history: storage.history,
    notes: storage.notes,
    attention: storage.attention,
    jobs: storage.jobs,
    failedJobs: storage.failedJobs,
    settings: storage.settings,
    retention: storage.retention,
    audit: storage.audit,
    erase: storage.erasures.erase,
    makeConfidential: confidentialMaker({ store: storage.confidential, files }),
    reEncrypt: app.reEncryption.begin,
    withFiles: answerFiles(app),
    mostWithAnAnswer: mostWithAnAnswer(app),
    editors: storage.editors,
    answerDraft: (submission, opening, wording) => compose.answerDraft(submission, opening, wording),
    sendersOf: (message) => sendersOf(message.content, senderKey),
    readFile: (attachment, keys) => files.readFor(attachment, keys),
    previewNow,
    sendFile: fileAnswer({ readFile: (attachment, keys) => files.readFor(attachment, keys), downloadName }),
    sendCopy,
    cleaner: app.cleaner,
    hasBot: config.TELEGRAM_BOT_TOKEN !== undefined,
    newsroom: config.NEWSROOM_NAME,
    mailFrom: config.MAIL_FROM,
    base: deskBasePath(config),
    now: outside.now,
    changed() {
      app.changed()
      for (const queue of ['mail', 'telegram', 'file', 'hook', 'preview'] as const) nudge(queue)
    },
  }
}

/** How a piece is packed to be taken along. */
function packing(app: App): Omit<TakeAlongContext, keyof DeskContext> {
  const { storage, files, fileCipher, outside } = app
  return {
    async packEncrypted(submission) {
      const texts = await storage.reEncryption.texts(submission.id)
      const encryptedFiles = (await storage.reEncryption.files(submission.id))?.files ?? []
      const encrypted = await Promise.all(
        encryptedFiles.map(async ({ id }) => ({
          id,
          size: await files.sizeOf(id),
          open: () => files.read(id),
        })),
      )
      const entries = entriesOfEncrypted({ submission, texts, files: encrypted })
      return tarOf(submission.reference, entries, submission.updatedAt)
    },
    async packOpened(submission, { keys }) {
      const messages = await storage.submissions.conversation(submission.id, keys)
      if (messages.some(({ access }) => access === 'locked'))
        throw new Failure('forbidden', 'This piece is sealed, and does not open for you just now.')
      const decrypted = {
        submission,
        messages,
        notes: await storage.notes.of(submission.id, keys),
        tags: await storage.inbox.tagsOf(submission.id),
        history: await storage.history.of(submission.id),
      }
      const entries = entriesOfOpened(decrypted, {
        readFile: (attachment) => files.readFor(attachment, keys),
        fileName: downloadName,
        nameOf: nameFrom(await storage.editors.names()),
      })
      return tarOf(submission.reference, entries, submission.updatedAt)
    },
    isRecipient,
    encryptFor: (source, recipient) => encryptedForKey(fileCipher, source, recipient),
    async noteExport({ reference }, seat, detail) {
      const entry = { action: 'exported' as const, editorId: seat.editor.id, reference, detail }
      const isForKey = detail.startsWith('for ')
      const notice = isForKey ? eventBy(seat, 'exported-for-key', { detail: reference }) : undefined
      await storage.audit.add([entry], outside.now(), notice)
      if (notice) app.nudge('mail')
    },
  }
}

function signIn(app: App, sessions: Sessions, askedPasskeys: AskedPasskeys): DeskRoute[] {
  const { config, storage, secrets, renderDesk, outside } = app
  return signInRoutes({
    sessions,
    links: storage.sessions,
    editors: storage.editors,
    factors: storage.factors,
    attempts: storage.attempts,
    askedPasskeys,
    keyRing: app.keyRing,
    mailLink: mailLink(app),
    async noteGuesses(editorId, count) {
      const event = {
        action: 'codes-guessed',
        editorId: null,
        aboutId: editorId,
        detail: `${count}`,
      } as const
      await storage.securityEvents.note(event, outside.now())
      app.nudge('mail')
    },
    limit: rateLimited({
      limit: 100,
      windowMs: hour / 6,
      counts: 'all',
      message: 'Too many tries to sign in from your connection. Please try again in ten minutes.',
    }),
    accountKey: secrets.keyFor('account'),
    totpKey: secrets.keyFor('totp'),
    render: renderDesk,
    newsroom: config.NEWSROOM_NAME,
    addresses: siteAddresses(config),
    base: deskBasePath(config),
    now: outside.now,
  })
}

/** Mail that is kept as files lies beside what a link would open: then the link is shown to whoever asked for it. */
function sendKeyLink(app: App): TeamContext['sendKeyLink'] {
  const { config, outside } = app
  const linkFor = createLinks(app)
  return async (step, editorId, identity) => {
    const link = await linkFor(editorId, identity, step)
    if (!config.SMTP_URL) return link
    await step.accounts.post({ type: 'sign-in', editorId, ephemeralPayload: { link } }, outside.now())
    return undefined
  }
}

/** A mail is made at a moment that nobody knows, for that takes time: the request that asked for it is long over then. */
const shortestWait = 500
const longestWait = 2000

function mailLink({ storage, outside, nudge }: App) {
  return async (editorId: string | undefined): Promise<void> => {
    const now = outside.now()
    const dueAt = Math.round(now + shortestWait + outside.random() * (longestWait - shortestWait))
    const mail = { type: 'sign-in', editorId: editorId ?? newId(now), dueAt } as const
    await storage.jobs.addOrSeemTo(mail, editorId !== undefined, now)
    nudge('mail')
  }
}
