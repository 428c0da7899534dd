import { join } from 'node:path'
import { crowd } from '../accounts/notification-policy.ts'
import type { LinkMaker } from '../accounts/sign-in-link.ts'
import { answerHooks, hookSecret } from '../channels/api/outgoing-webhooks.ts'
import { addressOf } from '../core/email-address.ts'
import { groupCommit } from '../core/group-commit.ts'
import { loadedOnce } from '../core/loaded-once.ts'
import { makeToken } from '../core/signed-token.ts'
import { type JobType, type Queue, queues } from '../db/values.ts'
import { previewMaker } from '../files/preview/preview.ts'
import { afterwards } from '../jobs/afterwards.ts'
import type { Job, JobHandler, Unsent } from '../jobs/job.ts'
import { leaseHolder, timesHere, timesOfMachines } from '../jobs/lease-holder.ts'
import type { LeasedResult } from '../jobs/store.ts'
import { createWorker } from '../jobs/worker.ts'
import { noticeHandlers } from '../notifications/jobs.ts'
import { type Composer, mailComposer } from '../outbound-mail/compose.ts'
import { readDkimKey } from '../outbound-mail/dkim.ts'
import { heloName } from '../outbound-mail/helo-name.ts'
import type { Mail } from '../outbound-mail/mail.ts'
import { folderMailer, type Mailer, mostConnections, smtpMailer } from '../outbound-mail/transport.ts'
import { contactOf } from '../submissions/contact.ts'
import { threadKey } from '../submissions/mail-thread-key.ts'
import type { Submission } from '../submissions/model.ts'
import { erasedAt } from '../submissions/retention-rules.ts'
import { formats, viewsFolder } from '../web/pages.ts'
import { type App, deskSiteUrl, hour, onionSiteUrl, siteUrl } from './context.ts'
import { laneFinder } from './lane-finder.ts'
import type { Pgp } from './pgp.ts'
import type { TelegramChannel } from './telegram.ts'

/** How many are carried at once, and how many of them to one place. */
const pace: Record<Queue, { atOnce: number; perLane: number; takesTurns?: true }> = {
  mail: { atOnce: mostConnections, perLane: 2 },
  telegram: { atOnce: 8, perLane: 2 },
  // By themselves, so that receipts and answers never wait for files.
  file: { atOnce: 4, perLane: 1, takesTurns: true },
  chat: { atOnce: 20, perLane: 2 },
  hook: { atOnce: 8, perLane: 2 },
  desk: { atOnce: 100, perLane: 100 },
  preview: { atOnce: 1, perLane: 1, takesTurns: true },
}

const mostSettledAtOnce = 100

/** So long after an answer has gone its link still says so. */
const day = 24 * hour

type Outbox = {
  /** Something of this carrier's may be due. */
  nudge(queue: Queue): void
  start(): void
  /** Carries what is due now, where the outbox has not been started, and says how much that was. */
  workOnce(): Promise<number>
  /** Waits a few seconds for what is in hand, breaks the rest off, and writes down what became of it. */
  stop(): Promise<void>
}

/** A worker for each carrier, and the lease that all of them work under. */
export function createOutbox(app: App, handlers: Record<JobType, JobHandler>): Outbox {
  const { storage, metrics, outside } = app
  const { leases: store, isShared } = storage
  const leases = leaseHolder({
    store,
    isShared,
    onChange: nudgeAll,
    log: outside.log,
    monotonic: outside.monotonic ?? (() => performance.now()),
    times: outside.leaseTimes ?? (isShared ? timesOfMachines : timesHere),
  })
  const laneOf = createLanes(app)
  const settleTogether = groupCommit(async (results: LeasedResult[]) => {
    const settled = await storage.jobs.settle(results)
    return settled.map((isOurs) => ({ isOurs }))
  }, mostSettledAtOnce)
  const workers = queues.map((queue) =>
    createWorker({
      queue,
      takesTurns: false,
      ...pace[queue],
      laneOf,
      leases,
      outbox: storage.jobs,
      async settle({ type, attachmentId, submissionId }, result) {
        if (type === 'telegram-file' && attachmentId && result.state === 'failed') {
          await storage.attachments.lost(attachmentId, submissionId, result.errorCode, outside.now())
        }
        return (await settleTogether(result)).isOurs
      },
      handlers: (job, signal) => handlers[job.type](job, signal),
      onResult({ id, type, attempts }, result) {
        const errorCode = 'errorCode' in result && result.errorCode ? { errorCode: result.errorCode } : {}
        // What went well soon after something came in would tell when that was.
        const isFailure = result.state !== 'dropped' && 'errorCode' in errorCode
        const level = isFailure ? 'info' : 'debug'
        outside.log[level]({ job: id, type, attempts, state: result.state, ...errorCode }, 'delivery')
        metrics.settled(type, result.state)
        app.changed()
      },
      log: outside.log,
      now: outside.now,
      random: outside.random,
    }),
  )
  return {
    nudge(queue) {
      workers[queues.indexOf(queue)]?.nudge()
    },
    start() {
      leases.start()
      for (const worker of workers) worker.start()
    },
    async workOnce() {
      await leases.look()
      const counts = await Promise.all(workers.map((worker) => worker.workOnce()))
      return counts.reduce((sum, count) => sum + count, 0)
    },
    async stop() {
      await Promise.all(workers.map((worker) => worker.stop()))
      await leases.stop()
    },
  }

  function nudgeAll(): void {
    for (const worker of workers) worker.nudge()
  }
}

/** Where each job goes. */
function createLanes({ storage }: App) {
  return laneFinder({
    editorById: storage.editors.byId,
    draftById: storage.drafts.byId,
    contactOf: async (submissionId) => contactOf(await storage.submissions.conversation(submissionId)),
    tokenById: storage.apiTokens.byId,
    submissionOf: storage.attachments.submissionOf,
  })
}

/** Composes every mail. */
export function createComposer({ config, storage, secrets }: App, signInLink: LinkMaker): Composer {
  return mailComposer({
    viewsFolder,
    submissions: storage.submissions,
    editors: storage.editors,
    attention: storage.attention,
    letter: async (name) => (await storage.settings.letter(name)).value,
    confidentialByMail: async () => (await storage.settings.confidentialByMail()).value,
    replyLink: (messageId, visibleAt) =>
      `${deskSiteUrl(config)}/desk/replies/${makeToken(secrets.keyFor('one-time'), 'reply', messageId, visibleAt + day)}`,
    requestLink: (id, askedAt) =>
      `${deskSiteUrl(config)}/desk/keys/requests/${makeToken(secrets.keyFor('one-time'), 'request', id, askedAt + 30 * day)}`,
    signInLink,
    hasSetUp: storage.factors.hasSetUp,
    newsroom: config.NEWSROOM_NAME,
    mailFrom: config.MAIL_FROM,
    replyAddress: config.EMAIL_REPLY_ADDRESS,
    replies: config.replies,
    siteUrl: siteUrl(config),
    deskUrl: `${deskSiteUrl(config)}/desk`,
    onionUrl: onionSiteUrl(config),
    replyKey: secrets.keyFor('reply'),
    formats,
  })
}

/** Who carries what. */
export function createHandlers(
  app: App,
  compose: Composer,
  mailer: Mailer,
  bots: TelegramChannel,
): Record<JobType, JobHandler> {
  const { storage, files, secrets, outside } = app
  const senderKey = secrets.keyFor('sender')
  const { editors, notices } = storage
  const send = (mail: Mail, signal: AbortSignal) => mailer.send(mail, signal)
  const toEditors = noticeHandlers({
    compose,
    send,
    editors: { ...editors, digested: afterwards(outside.log, editors.digested) },
    notices: { ...notices, tell: afterwards(outside.log, notices.tell) },
    soonErased,
    now: outside.now,
  })
  return {
    'tell-editors': tellEditors(app),
    'editor-notice': toEditors.notice,
    assignment: toEditors.assignment,
    digest: toEditors.digest,
    'burst-digest': toEditors.burstDigest,
    escalation: toEditors.escalation,
    'erasure-warning': toEditors.erasureWarning,
    async 'sender-receipt'(job, signal) {
      const mail = await compose.senderReceipt(job)
      if (!mail) return { skipped: 'letter-off' }
      return toSender(mail, job, signal)
    },
    async 'answer-mail'(job, signal) {
      const mail = await compose.answer(job)
      return mail ? toSender(mail, job, signal) : { skipped: 'called-back' }
    },
    async 'deed-confirmation'(job, signal) {
      return sendOr(await compose.confirmation(job), 'called-back', signal)
    },
    async 'sign-in'(job, signal) {
      return sendOr(await compose.signIn(job), '', signal)
    },
    async 'security-notice'(job, signal) {
      return sendOr(await compose.securityNotice(job), 'nothing-new', signal)
    },
    ...bots.handlers,
    'answer-webhook': postingAnswers(app),
    preview: previewMaker({ files, attachments: storage.attachments }),
  }

  /** What will be erased soon, of what concerns this editor, with the day of each. */
  async function soonErased(
    editorId: string,
    most: number,
  ): Promise<{ submission: Submission; at: number }[]> {
    const { value: rules } = await storage.settings.retention()
    const ids = (await storage.editors.active()).map(({ id }) => id)
    const theirs = await storage.retention.soonOf(editorId, ids, rules, most)
    return theirs.flatMap((submission) => {
      const at = erasedAt(submission, rules)
      return at === undefined ? [] : [{ submission, at }]
    })
  }

  /** What the sender replies to it belongs to the same submission, so that is known before it leaves. */
  async function toSender(mail: Mail, { submissionId }: Job, signal: AbortSignal): Promise<undefined> {
    if (submissionId) await storage.mail.mark(threadKey(senderKey, mail.messageId, mail.to), submissionId)
    await mailer.send(mail, signal)
  }

  async function sendOr(
    mail: Mail | undefined,
    skipped: string,
    signal: AbortSignal,
  ): Promise<Unsent | undefined> {
    if (!mail) return { skipped }
    await mailer.send(mail, signal)
    return undefined
  }
}

/** Turns what came in into mails by each editor's policy, many messages in one transaction. */
function tellEditors({ storage, outside, nudge }: App): JobHandler {
  const plan = groupCommit(async (messages: Job[]) => {
    const waiting = await storage.notices.plan(messages, await storage.editors.active(), outside.now())
    return messages.map((message) => ({ waits: waiting.has(message.messageId) }))
  }, mostSettledAtOnce)
  return async (job) => {
    const { waits } = await plan(job)
    nudge('mail')
    return waits ? { deferredUntil: job.createdAt + crowd.span } : undefined
  }
}

function postingAnswers({ config, storage, secrets, outside }: App): JobHandler {
  const key = secrets.keyFor('webhook')
  return answerHooks({
    tokenById: storage.apiTokens.byId,
    submissionById: storage.submissions.byId,
    conversation: storage.submissions.conversation,
    hosts: config.WEBHOOK_HOSTS,
    secretFor: (token) => hookSecret(key, token),
    now: outside.now,
  })
}

/** nodemailer is loaded with the first mail, so that starting up does not wait for it. */
export function lazyMailer(
  { config, files }: Pick<App, 'config' | 'files'>,
  compose: Composer,
  protectionOf: Pgp['protectionOf'],
): Mailer {
  let made: Mailer | undefined
  const load = loadedOnce(async () => {
    const privateKey = await readDkimKey(config.DATA_DIR)
    const { domain } = addressOf(config.MAIL_FROM)
    const signing = privateKey === undefined ? undefined : { domain, selector: dkimSelector, privateKey }
    const settings = {
      from: config.MAIL_FROM,
      readFile: files.read,
      signing,
      name: heloName(config.PUBLIC_URL, config.MAIL_FROM),
      protectionOf,
      contentless: compose.contentless(),
      outerSubject: 'Encrypted message',
    }
    made = config.SMTP_URL
      ? await smtpMailer(config.SMTP_URL, settings)
      : await folderMailer(join(config.DATA_DIR, 'mail'), settings)
    return made
  })
  return {
    async send(mail, signal) {
      await (await load()).send(mail, signal)
    },
    close() {
      made?.close()
    },
  }
}

/** Under this name the public half of the key stands in DNS: `barua._domainkey.example.org`. */
export const dkimSelector = 'barua'
