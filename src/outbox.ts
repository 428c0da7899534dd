import { join } from 'node:path'
import type { BotSide } from './bot-side.ts'
import { answerHooks, hookSecret } from './channels/api/hooks.ts'
import type { Config } from './config.ts'
import type { Carrier, Delivery, Instead, Purpose, Verdict } from './delivery.ts'
import type { LinkMaker } from './desk/sign-in.ts'
import { groupCommit } from './intake/group-commit.ts'
import { crowd } from './notice-policy.ts'
import { type Composer, mailComposer } from './notification/compose.ts'
import { folderMailer, type Mail, type Mailer, smtpMailer } from './notification/mailer.ts'
import { noticeCarriers } from './notification/notices.ts'
import { createWorker, type Worker } from './notification/worker.ts'
import { type Parts, siteUrl } from './parts.ts'
import { previewMaker } from './previews/preview.ts'
import { formats, viewsFolder } from './web/pages.ts'

type Carry = (delivery: Delivery) => Promise<Instead | undefined>

const atOnce: Record<Carrier, number> = { mail: 20, telegram: 4, chat: 20, hook: 4, desk: 100, preview: 1 }
const mostSettledAtOnce = 100

/** A worker for each carrier. */
export function createWorkers(parts: Parts, carry: Record<Purpose, Carry>): Record<Carrier, Worker> {
  const { storage, metrics, outside } = parts
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
        const { id, purpose, attempts, attachmentId, submissionId } = delivery
        if (purpose === 'telegram-file' && attachmentId && verdict.state === 'failed') {
          const isTooLarge = verdict.fault === 'telegram-too-large' || verdict.fault === 'too-large'
          await storage.attachments.lost(attachmentId, submissionId, isTooLarge, outside.now())
        }
        const fault = 'fault' in verdict && verdict.fault ? { fault: verdict.fault } : {}
        outside.log.info({ delivery: id, purpose, attempts, state: verdict.state, ...fault }, 'delivery')
        metrics.settled(purpose, verdict.state)
        parts.changed()
      },
      log: outside.log,
      now: outside.now,
      random: outside.random,
    })
  return {
    mail: workerOf('mail'),
    telegram: workerOf('telegram'),
    chat: workerOf('chat'),
    hook: workerOf('hook'),
    desk: workerOf('desk'),
    preview: workerOf('preview'),
  }
}

/** Composes every mail. */
export function createComposer({ config, storage, secrets }: Parts, signInLink: LinkMaker): Composer {
  return mailComposer({
    viewsFolder,
    submissions: storage.submissions,
    editors: storage.editors,
    attention: storage.attention,
    letter: async (name) => (await storage.settings.letter(name)).value,
    signInLink,
    newsroom: config.NEWSROOM_NAME,
    mailFrom: config.MAIL_FROM,
    siteUrl: siteUrl(config),
    replyKey: secrets.keyFor('reply'),
    formats,
  })
}

/** Who carries what. */
export function createCarriers(
  parts: Parts,
  compose: Composer,
  mailer: Mailer,
  bots: BotSide,
): Record<Purpose, Carry> {
  const { storage, files, outside } = parts
  const { editors, notices } = storage
  const send = (mail: Mail) => mailer.send(mail)
  const toEditors = noticeCarriers({ compose, send, editors, notices, now: outside.now })
  return {
    'tell-editors': tellEditors(parts),
    'editor-notice': toEditors.notice,
    assignment: toEditors.assignment,
    digest: toEditors.digest,
    'burst-digest': toEditors.burstDigest,
    escalation: toEditors.escalation,
    async 'sender-receipt'(delivery) {
      return sendOr(await compose.senderReceipt(delivery), 'letter-off')
    },
    async 'answer-mail'(delivery) {
      return sendOr(await compose.answer(delivery), 'called-back')
    },
    async 'sign-in'(delivery) {
      return sendOr(await compose.signIn(delivery), '')
    },
    ...bots.carry,
    'answer-webhook': postingAnswers(parts),
    preview: previewMaker({ files, attachments: storage.attachments }),
  }

  async function sendOr(mail: Mail | undefined, needless: string): Promise<Instead | undefined> {
    if (!mail) return { needless }
    await mailer.send(mail)
    return undefined
  }
}

/** Turns what came in into mails by each editor's policy, many messages in one transaction. */
function tellEditors({ storage, outside, nudge }: Parts): Carry {
  const plan = groupCommit(async (messages: Delivery[]) => {
    const waiting = await storage.notices.plan(messages, await storage.editors.active(), outside.now())
    return messages.map((message) => ({ waits: waiting.has(message.messageId) }))
  }, mostSettledAtOnce)
  return async (delivery) => {
    const { waits } = await plan(delivery)
    nudge('mail')
    return waits ? { waitUntil: delivery.createdAt + crowd.span } : undefined
  }
}

function postingAnswers({ config, storage, secrets, outside }: Parts): Carry {
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
export function lazyMailer(config: Config): Mailer {
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
