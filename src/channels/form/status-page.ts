import { hash, randomUUID } from 'node:crypto'
import express, { type Request, type RequestHandler, type Response, type Router } from 'express'
import { Failure } from '../../core/errors.ts'
import type { Keys } from '../../encryption/types.ts'
import { NoRoom } from '../../files/no-room.ts'
import type { Attachment } from '../../submissions/attachment.ts'
import type { IncomingMessage } from '../../submissions/incoming.ts'
import { isVisibleToSender, type Submission, senderState } from '../../submissions/model.ts'
import { hashReceipt, readReceipt } from '../../submissions/receipt.ts'
import { findSharedFile, senderView } from '../../submissions/sender-view.ts'
import type { SubmissionStore } from '../../submissions/store.ts'
import type { SentForm } from '../../web/multipart.ts'
import { type FormReading, givenFields, isTicked, readForm, wantsJson } from '../../web/read-form.ts'
import { type Nonces, nonceHash } from './form-token.ts'

type StatusContext = FormReading & {
  receiveFurther: (incoming: IncomingMessage) => Promise<{ repeat: boolean }>
  submissions: Pick<SubmissionStore, 'byReceiptHash' | 'conversation'>
  render: (view: string, data?: Record<string, unknown>) => string
  errorBody: (failure: Failure) => object
  asFailure: (error: unknown) => Failure
  beginErrorAnswer: (res: Response, failure: Failure) => void
  nonces: Nonces
  statusLimit: RequestHandler
  /** Answers with a kept file, to be saved. */
  sendFile: (res: Response, attachment: Attachment, name: string, keys: Keys) => Promise<void>
  /** What a receipt opens. */
  keysOf: (receipt: string) => Keys
  /** Whoever holds this receipt may be the sender of a submission that was encrypted without it. */
  knowSender: (submissionId: string, receipt: string) => Promise<void>
  /** Deletes the sender’s side of an encrypted submission. @throws Failure `conflict` */
  leave: (submissionId: string, keys: Keys) => Promise<void>
  /** A link by which the holder of the receipt goes on in Telegram, where there is a bot. */
  linkToChat: (submissionId: string) => string | undefined
  now: () => number
}

/** Where whoever holds a receipt reads the answers and writes again. The receipt travels in the body, never in a URL. */
export function statusRouter(app: StatusContext): Router {
  const router = express.Router()

  router.get('/status', (_req, res) => {
    res.set('cache-control', 'no-store')
    res.type('html').send(askingPage(''))
  })

  router.post('/status', app.statusLimit, async (req, res) => {
    res.set('cache-control', 'no-store')
    let sent: SentForm | undefined
    let submission: Submission | undefined
    try {
      sent = await readForm(req, res, app)
      if (res.locals.needsToken && !app.nonces.isOurs(sent.fields.nonce)) throw stale()
      submission = await submissionOf(sent)
      const written = await writeAgain(submission, sent)
      await show(req, res, submission, { written })
    } catch (error) {
      if (sent) await app.discard(sent.files)
      const failure = app.asFailure(error)
      app.beginErrorAnswer(res, failure)
      if (wantsJson(req)) res.json(app.errorBody(failure))
      else if (submission) await show(req, res, submission, { failure })
      else res.type('html').send(askingPage(typedReceipt(req), failure, typedMessage(req)))
    }
  })

  router.post('/status/leave', app.statusLimit, async (req, res) => {
    res.set('cache-control', 'no-store')
    const sent = await readForm(req, res, app)
    await app.discard(sent.files)
    if (res.locals.needsToken && !app.nonces.isOurs(sent.fields.nonce)) throw stale()
    const { id, isConfidential } = await submissionOf(sent)
    if (!isConfidential)
      throw new Failure('conflict', 'Only the side of a confidential piece can be deleted.')
    await app.leave(id, app.keysOf(typedReceipt(req)))
    if (wantsJson(req)) res.status(204).end()
    else res.type('html').send(app.render('form/left'))
  })

  // A receipt is in no URL, so a file is asked for as the page is.
  router.post('/status/file', app.statusLimit, async (req, res) => {
    res.set('cache-control', 'no-store')
    const sent = await readForm(req, res, app)
    await app.discard(sent.files)
    const { id } = await submissionOf(sent)
    const keys = app.keysOf(typedReceipt(req))
    const conversation = await app.submissions.conversation(id, keys)
    const file = findSharedFile(conversation, String(sent.fields.file), app.now())
    if (!file) throw new Failure('not-found', 'There is no such file.')
    await app.sendFile(res, file.attachment, file.name, keys)
  })

  return router

  function askingPage(receipt: string, failure?: Failure, typed = ''): string {
    return app.render('form/status', { receipt, failure, typed, nonce: app.nonces.make() })
  }

  async function submissionOf(sent: SentForm): Promise<Submission> {
    const typed = sent.fields.receipt
    const receipt = typeof typed === 'string' ? readReceipt(typed) : undefined
    const submission = receipt ? await app.submissions.byReceiptHash(hashReceipt(receipt)) : undefined
    if (receipt && submission?.isConfidential) await app.knowSender(submission.id, receipt)
    if (submission) return submission
    const message = 'No submission has this receipt. It has 24 letters and digits, in six groups of four.'
    throw new Failure('not-found', message, { fields: { receipt: [message] } })
  }

  async function writeAgain(submission: Submission, sent: SentForm): Promise<boolean> {
    const [errorCode] = sent.fileErrors
    if (errorCode) {
      const files = sent.fileErrors.map(({ message }) => message)
      throw new Failure(errorCode.code, files.join(' '), { fields: { files } })
    }
    const fields = givenFields({ body: sent.fields.message }, ['body'])
    if (fields.body === undefined && sent.files.length === 0) {
      if (sent.unkept.length > 0) throw new NoRoom()
      return false
    }
    const idempotencyKey = idempotencyKeyOf(submission, fields, sent)
    const incoming: IncomingMessage = {
      submissionId: submission.id,
      idempotencyKey,
      fields: { body: '', ...fields },
      files: sent.files,
      isConfidential: isTicked(sent.fields),
      canBeCorrected: true,
      awaited: sent.unkept,
    }
    await app.receiveFurther(incoming).catch((error: unknown) => {
      throw namedAsInTheForm(error)
    })
    return true
  }

  /** The same message from the same page is one message; another one from it, as after Back, is another. */
  function idempotencyKeyOf(submission: Submission, fields: Record<string, unknown>, sent: SentForm) {
    const nonce = app.nonces.isOurs(sent.fields.nonce) ? sent.fields.nonce : randomUUID()
    const request = JSON.stringify([fields, sent.files.map(({ name, sha256 }) => [name, sha256])])
    const key = hash('sha256', `${submission.id}\0${nonceHash(nonce)}\0${request}`, 'base64url')
    return { source: 'status', key }
  }

  async function show(
    req: Request,
    res: Response,
    submission: Submission,
    outcome: { written?: boolean; failure?: Failure },
  ): Promise<void> {
    const now = app.now()
    const conversation = await app.submissions.conversation(submission.id, app.keysOf(typedReceipt(req)))
    const messages = conversation.filter((message) => isVisibleToSender(message, now))
    const seen = { ...submission, state: senderState(submission, now) }
    if (wantsJson(req)) {
      res.json(senderView(submission, conversation, now))
      return
    }
    const receipt = typedReceipt(req)
    const typed = outcome.failure ? typedMessage(req) : ''
    const nonce = app.nonces.make()
    res.type('html').send(
      app.render('form/conversation', {
        submission: seen,
        messages,
        receipt,
        nonce,
        typed,
        limits: app,
        chat: app.linkToChat(submission.id),
        ...outcome,
      }),
    )
  }
}

/** What a message says is its `body`; the form calls the field `message`. */
function namedAsInTheForm(error: unknown): unknown {
  if (!(error instanceof Failure) || !error.fields?.body) return error
  const { body, ...others } = error.fields
  return new Failure(error.code, error.message, { fields: { message: body, ...others } })
}

function typedReceipt(req: Request): string {
  const typed: unknown = req.body?.receipt
  return typeof typed === 'string' ? (readReceipt(typed) ?? typed) : ''
}

function typedMessage(req: Request): string {
  const typed: unknown = req.body?.message
  return typeof typed === 'string' ? typed : ''
}

function stale(): Failure {
  return new Failure('forbidden', 'Please send this again from the form below.')
}
