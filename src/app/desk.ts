import type { Router } from 'express'
import type { ApiToken } from '../accounts/api-token.ts'
import { nameFrom } from '../accounts/editor.ts'
import type { KeyStep } from '../accounts/keyring/key-step.ts'
import type { KeyRing } from '../accounts/keyring/keyring.ts'
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
import { askedPasskeys } from '../desk/http/passkey-challenge.ts'
import { pageShower } from '../desk/http/render-page.ts'
import { type DeskRoute, deskRouter, type FormReader, type Guard } from '../desk/http/routes.ts'
import { createSessions } from '../desk/http/session.ts'
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
import type { Keys } from '../encryption/types.ts'
import { entriesOfEncrypted } from '../export/encrypted-archive.ts'
import { entriesOfOpened } from '../export/plain-archive.ts'
import { tarOf } from '../export/tar.ts'
import { NoRoom } from '../files/no-room.ts'
import { previewNow } from '../files/preview/preview.ts'
import { downloadName } from '../files/type.ts'
import type { Composer } from '../outbound-mail/compose.ts'
import type { Attachment } from '../submissions/attachment.ts'
import type { Message } from '../submissions/model.ts'
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
  const { storage, outside } = app
  const desk = { ...deskContext(app, compose, bots, mail), ...pgp, changes, isShared: storage.isShared }
  const confirmation = confirmations(desk)
  // What is done in a step, or with a form that was confirmed, is mailed at once.
  const guard: Guard = async (req, res, seat, needs) => {
    res.once('finish', () => app.nudge('mail'))
    return confirmation.guard(req, res, seat, needs)
  }
  const events = deskEvents({
    ...desk,
    onError(error) {
      outside.log.error({ name: error instanceof Error ? error.name : typeof error }, 'desk streams trouble')
      return undefined
    },
  })
  const pages = [
    signInRoutes,
    inboxRoutes,
    exportRoutes,
    submissionRoutes,
    actionRoutes,
    confidentialRoutes,
    decideRoutes,
    quarantineRoutes,
    bulkRoutes,
    undoRoutes,
    keepingRoutes,
    takeAlongRoutes,
    auditRoutes,
    fileRoutes,
    rawUpdateRoutes,
    jobRoutes,
    statisticsRoutes,
    accountRoutes,
    pgpRoutes,
    teamRoutes,
    keyRoutes,
    replyRoutes,
    settingsRoutes,
    botRoutes,
    apiTokenRoutes,
    furtherRoutes,
  ]
  const routes = [...confirmation.routes, ...events.routes, ...pages.flatMap((routesOf) => routesOf(desk))]
  return { routes, router: deskRouter(routes, desk.sessions, formReader(app), guard), events }
}

/** All that the pages of the desk are made with. */
function deskContext(app: App, compose: Composer, bots: TelegramChannel, mail: EmailChannel) {
  const { config, storage, secrets, outside } = app
  const { now } = outside
  const addresses = siteAddresses(config)
  const base = deskBasePath(config)
  const sessions = createSessions({
    sessions: storage.sessions,
    keysOf: app.keyRing.keysOf,
    opened: (identity) => void app.reEncryption.begin(app.keyRing.keysOf(identity)),
    addresses,
    base,
    now,
  })
  const stores = { ...storage, sessionStore: storage.sessions, sessions }
  const common = {
    base,
    now,
    addresses,
    newsroom: config.NEWSROOM_NAME,
    isOffline: config.OFFLINE_DESK_KEY !== undefined,
    hasBot: config.TELEGRAM_BOT_TOKEN !== undefined,
    keyRing: mailing(app),
    passkeys: passkeysOf(addresses, config.NEWSROOM_NAME),
    telegramWarnings() {
      const seen = bots.webhook()
      return seen ? warnings(seen.state, now()) : []
    },
    mailWarnings: mail.warnings,
    storageWarnings: app.readiness.warnings,
    render: app.renderDesk,
  }
  const oneTime = secrets.keyFor('one-time')
  return {
    ...stores,
    ...common,
    ...editorialContext(app, compose),
    ...signInContext(app),
    ...packing(app),
    showPage: pageShower({ ...stores, ...common }),
    askedPasskeys: askedPasskeys({ ...stores, ...common }),
    reEncryption: app.reEncryption,
    sendKeyLink: sendKeyLink(app),
    requestOfLink: (token: string) => readToken(oneTime, 'request', token, now())?.id,
    messageOfLink: (token: string) => readToken(oneTime, 'reply', token, now())?.id,
    renderPublic: app.render,
    renderDesk: app.renderDesk,
    webhook: bots.webhook,
    refreshTelegram: bots.lookAfter,
    webhookHosts: config.WEBHOOK_HOSTS,
    webhookSecretOf: (token: ApiToken) => hookSecret(secrets.keyFor('webhook'), token),
    programs: app.cleaner.programs,
    metrics: async () => app.metrics.read(await storage.jobs.counts()),
  }
}

/** The key ring, where what a step has to tell by mail goes out at once. */
function mailing(app: App): KeyRing {
  return {
    ...app.keyRing,
    together: <T>(work: (step: KeyStep) => Promise<T>, acknowledged?: string) =>
      app.keyRing.together(work, acknowledged).finally(() => app.nudge('mail')),
  }
}

/**
 * So much, in bytes, that a mail of it, where files are written as letters, has less than the 25 MB that most servers
 * take.
 */
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

/** What the pages about submissions are made with, besides the stores. */
function editorialContext(app: App, compose: Composer) {
  const { config, storage, files, secrets } = app
  const senderKey = secrets.keyFor('sender')
  const readFile = (attachment: Pick<Attachment, 'id' | 'encrypted'>, keys: Keys) =>
    files.readFor(attachment, keys)
  return {
    erase: storage.erasures.erase,
    makeConfidential: confidentialMaker({ store: storage.confidential, files }),
    reEncrypt: app.reEncryption.begin,
    withFiles: answerFiles(app),
    mostWithAnAnswer: mostWithAnAnswer(app),
    answerDraft: compose.answerDraft,
    sendersOf: (message: Message) => sendersOf(message.content, senderKey),
    readFile,
    previewNow,
    sendFile: fileAnswer({ readFile, downloadName }),
    sendCopy,
    cleaner: app.cleaner,
    mailFrom: config.MAIL_FROM,
    changed() {
      app.changed()
      for (const queue of ['mail', 'telegram', 'file', 'hook', 'preview'] as const) app.nudge(queue)
    },
  }
}

/** How a submission is packed to be taken along. */
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

function signInContext(app: App) {
  const { secrets, storage, outside } = app
  return {
    mailLink: mailLink(app),
    async noteGuesses(editorId: string, count: number) {
      const event = {
        action: 'codes-guessed',
        editorId: null,
        aboutId: editorId,
        detail: `${count}`,
      } as const
      await storage.securityEvents.note(event, outside.now())
      app.nudge('mail')
    },
    signInLimit: rateLimited({
      limit: 100,
      windowMs: hour / 6,
      counts: 'all',
      message: 'Too many tries to sign in from your connection. Please try again in ten minutes.',
    }),
    accountKey: secrets.keyFor('account'),
    totpKey: secrets.keyFor('totp'),
  }
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
