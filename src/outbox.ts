import { join } from 'node:path'
import { telegramFileFetcher } from './channels/telegram/files.ts'
import type { Config } from './config.ts'
import type { Carrier, Delivery, Purpose, Verdict } from './delivery.ts'
import type { SignIn } from './desk/sign-in.ts'
import { fileTypeCheck } from './intake/file-type.ts'
import { groupCommit } from './intake/group-commit.ts'
import { mailComposer } from './notification/compose.ts'
import { folderMailer, type Mailer, smtpMailer } from './notification/mailer.ts'
import { createWorker, type Worker } from './notification/worker.ts'
import { type Parts, siteUrl } from './parts.ts'
import { formats, viewsFolder } from './web/pages.ts'

type Carry = (delivery: Delivery) => Promise<void>

const atOnce: Record<Carrier, number> = { mail: 20, telegram: 4 }
const mostSettledAtOnce = 100

/** A worker for each carrier. */
export function createWorkers(parts: Parts, mailer: Mailer, desk: SignIn): Record<Carrier, Worker> {
  const { storage, metrics, outside } = parts
  const carry = carriers(parts, mailer, desk)
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

function carriers(parts: Parts, mailer: Mailer, desk: SignIn) {
  const { config, storage, secrets } = parts
  const compose = mailComposer({
    viewsFolder,
    submissions: storage.submissions,
    editors: storage.editors,
    signInLink: desk.makeLink,
    newsroom: config.NEWSROOM_NAME,
    mailFrom: config.MAIL_FROM,
    siteUrl: siteUrl(config),
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
