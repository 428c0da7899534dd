import type { Request, Router } from 'express'
import { apiRouter, tokenOf } from '../channels/api/routes.ts'
import { nonceMaker } from '../channels/form/form-token.ts'
import { statusRouter } from '../channels/form/status-page.ts'
import { formRouter } from '../channels/form/submit-page.ts'
import { uploadRouter } from '../channels/form/upload-page.ts'
import { webhookRouter } from '../channels/telegram/webhook.ts'
import { leaver } from '../confidentiality/sender-deletion.ts'
import { basePath, deskBasePath, hasInboundMail, siteAddresses } from '../config.ts'
import { recipientOf } from '../encryption/age-x25519.ts'
import { downloadName } from '../files/type.ts'
import type { Intake } from '../submissions/intake.ts'
import { receiptIdentity } from '../submissions/receipt-key.ts'
import { compress, createWeb } from '../web/app.ts'
import { asFailure, errorBody, rejections } from '../web/errors.ts'
import { limitsByAddress, rateLimited } from '../web/guards.ts'
import { healthRouter } from '../web/health.ts'
import { readMultipart, unkeptFile } from '../web/multipart.ts'
import { readTexts } from '../web/read-form.ts'
import { fileAnswer } from '../web/send-file.ts'
import { type App, hour, siteUrl } from './context.ts'
import type { TelegramChannel } from './telegram.ts'
import { stagingOf, uploadsOf } from './upload-options.ts'

/** Every channel and the desk, on one web application. */
export function createSite(
  app: App,
  letterbox: Intake,
  desk: Router,
  bots: TelegramChannel,
  webhookSecret: string,
) {
  const { config, storage, files, secrets, render, renderDesk, assets, outside, bodies } = app
  const base = basePath(config)
  const site = siteUrl(config)
  const addresses = siteAddresses(config)
  const nonces = nonceMaker(secrets.keyFor('nonce'))
  const keysOf = (receipt: string) => async () => (receipt === '' ? [] : [receiptIdentity(receipt)])
  const uploads = uploadsOf(app)
  // Nobody guesses what has 120 bits. By the onion address one who tried could keep all others from their answers.
  const triesLimit = (message: string) =>
    limitsByAddress(
      addresses,
      { windowMs: hour / 6, counts: 'failures', message },
      { eachClient: config.STATUS_LIMIT, byOnion: 0 },
    )
  /** Of whoever has shown a secret. */
  const readKnown = (req: Request, mostBytes: number) => {
    bodies.of(req).know()
    return bodies.read(req, mostBytes)
  }
  const beginErrorAnswer = rejections(outside.log)
  const answers = { render, asFailure, errorBody, beginErrorAnswer, nonces }
  const form = formRouter({
    ...uploads,
    ...answers,
    stageClear: stagingOf(app, false),
    receive: letterbox.receive,
    submitLimit: limitsByAddress(
      addresses,
      {
        windowMs: hour,
        counts: 'successes',
        message:
          'A lot has come in from your connection within an hour. Please try again later; nothing was taken in this time.',
      },
      { eachClient: config.SUBMIT_LIMIT, byOnion: config.ONION_SUBMIT_LIMIT },
    ),
    compress,
    addresses,
    base,
    mailAddresses: hasInboundMail(config)
      ? config.EMAIL_ADDRESSES.map(({ local, domain, kind }) => ({ address: `${local}@${domain}`, kind }))
      : [],
  })
  const sendFile = fileAnswer({
    readFile: (attachment, keys) => files.readFor(attachment, keys),
    downloadName,
  })
  const status = statusRouter({
    ...uploads,
    sendFile,
    ...answers,
    receiveFurther: letterbox.receiveFurther,
    submissions: storage.submissions,
    keysOf,
    statusLimit: triesLimit(
      'Too many receipts were tried from your connection. Please try again in ten minutes.',
    ),
    knowSender: (id, receipt) => storage.reEncryption.knowSender(id, recipientOf(receiptIdentity(receipt))),
    leave: leaver({
      store: { files: storage.reEncryption.files, leave: storage.leaving.leave },
      files,
      now: outside.now,
    }),
    linkToChat: bots.linkToChat,
    now: outside.now,
  })
  const upload = uploadRouter({
    ...uploads,
    ...answers,
    check: bots.checkUpload,
    receiveUpload: bots.receiveUpload,
    limit: triesLimit('Too many links were tried from your connection. Please try again in ten minutes.'),
  })
  const webhook = webhookRouter({ ...bots.channel, secret: webhookSecret, readBody: readKnown })
  const api = apiRouter({
    ...uploads,
    sendFile,
    receive: letterbox.receive,
    receiveFurther: letterbox.receiveFurther,
    submissions: storage.submissions,
    keysOf,
    tokens: storage.apiTokens,
    readBody: readKnown,
    unkeptFile: (name, size) => unkeptFile(uploads.tidyName(name), size),
    readMultipart(req, res) {
      bodies.of(req).know()
      return readMultipart(req, res, uploads)
    },
    limit: rateLimited({
      limit: (res) => tokenOf(res).hourlyLimit,
      windowMs: hour,
      counts: 'successes',
      message: 'This token has sent as much as it may in an hour. Nothing was taken in this time.',
      whom: (_req, res) => tokenOf(res).id,
    }),
    metrics: async () => app.metrics.read(await storage.jobs.counts()),
    render,
    newsroom: config.NEWSROOM_NAME,
    siteUrl: site,
    now: outside.now,
  })
  const health = healthRouter(app.readiness.errors)
  return createWeb({
    addresses,
    letterbox: { base, render, routers: [webhook, form, status, upload, api] },
    desk: { base: deskBasePath(config), render: renderDesk, routers: [desk] },
    health,
    trustProxy: config.TRUST_PROXY,
    beginErrorAnswer,
    assets,
    guardBodies: bodies.guard,
    readForm: (req, res) => readTexts(req, res, uploads),
  })
}
