import { randomUUID } from 'node:crypto'
import { parse } from 'cookie'
import express, { type Request, type RequestHandler, type Response, type Router } from 'express'
import { Failure, type FieldErrors } from '../../core/errors.ts'
import { askedAddress, hasHttps, type SiteAddresses, written } from '../../core/public-urls.ts'
import type { Kind } from '../../db/values.ts'
import {
  type AwaitedFile,
  filesNotKept,
  type IdempotencyKey,
  type IncomingSubmission,
  parseFields,
} from '../../submissions/incoming.ts'
import { isConfidentialKind } from '../../submissions/model.ts'
import { requestDigest } from '../../submissions/request-digest.ts'
import type { SentForm, Stage } from '../../web/multipart.ts'
import { type FormReading, givenFields, isTicked, readForm, wantsJson } from '../../web/read-form.ts'
import { type Form, formFor, forms } from './fields.ts'
import { type Nonces, nonceHash } from './form-token.ts'

/** What the form's channel is handed where everything meets. */
type FormContext = FormReading & {
  receive: (incoming: IncomingSubmission) => Promise<Omit<ShownReceipt, 'unkept'>>
  /** Keeps files as they are, of submissions that are not confidential. */
  stageClear: Stage
  render: (view: string, data?: Record<string, unknown>) => string
  errorBody: (failure: Failure) => object
  asFailure: (error: unknown) => Failure
  beginErrorAnswer: (res: Response, failure: Failure) => void
  nonces: Nonces
  submitLimit: RequestHandler
  /** For the pages that hold no secret beside what somebody else may have chosen. */
  compress: RequestHandler
  addresses: SiteAddresses
  base: string
  /** Where submissions can be mailed to, and of which kind they then are. */
  mailAddresses: { address: string; kind: Kind }[]
}

/** What a sender is told when something was received, as it is stored. */
type ShownReceipt = {
  reference: string
  receipt: string
  isConfidential: boolean
  /** The reference of what they had sent before without asking for confidence. */
  earlier?: string
  /** No receipt was mailed to the address that they gave. */
  isUnmailed?: boolean
  /** How many files there was no room for. */
  unkept: number
}

const receiptCookie = 'barua-receipt'
const receiptMinutes = 10

/** The letterbox: the front page, the forms, and the receipt. */
export function formRouter(app: FormContext): Router {
  const router = express.Router()

  router.get('/', app.compress, (_req, res) => {
    res.type('html').send(app.render('form/letterbox', { forms, addresses: app.mailAddresses }))
  })

  router.get('/submit/:kind', app.compress, (req, res) => {
    const form = knownForm(req.params.kind)
    const nonce = app.nonces.make()
    // Kept by the browser for its Back button, with what was typed, but asked for anew on a visit.
    res.set('cache-control', 'private, no-cache')
    res.type('html').send(formPage(form, { values: {}, errors: {}, nonce, failure: undefined, filesSent: 0 }))
  })

  router.post('/submit/:kind', app.submitLimit, async (req, res) => {
    const form = knownForm(req.params.kind)
    let sent: SentForm | undefined
    try {
      sent = await readForm(req, res, { ...app, stage: stageFor(form, req) })
      checkToken(sent, res)
      const incoming = incomingOf(form, sent)
      refuseFilesWithErrors(sent, incoming)
      const received = { ...(await app.receive(incoming)), unkept: sent.unkept.length }
      answer(req, res, form, received, sent.unkept)
    } catch (error) {
      if (sent) await app.discard(sent.files)
      refuse(req, res, form, app.asFailure(error))
    }
  })

  router.get('/receipt', (req, res) => {
    const shown = readReceiptCookie(req)
    res.clearCookie(receiptCookie, receiptCookieOptions(req))
    res.set('cache-control', 'no-store')
    const address = addressAsked(req)
    res.type('html').send(app.render(shown ? 'form/receipt' : 'form/receipt-gone', { ...shown, address }))
  })

  return router

  /** Encrypted, unless it is known by then that there is no need to: the form asks before it takes files. */
  function stageFor({ kind }: Form, req: Request): Stage {
    return (...given) => {
      // As it is asked for: what comes after something confidential is encrypted when it is kept.
      const isEncrypted = isConfidentialKind(kind) || isTicked(req.body)
      return (isEncrypted ? app.stage : app.stageClear)(...given)
    }
  }

  function checkToken(sent: SentForm, res: Response): void {
    if (res.locals.needsToken && !app.nonces.isOurs(sent.fields.nonce)) {
      throw new Failure('forbidden', 'Please send this again from the form below.')
    }
  }

  function incomingOf(form: Form, sent: SentForm): IncomingSubmission {
    const names = form.fields.map((field) => field.name)
    const fields = givenFields(sent.fields, names)
    const idempotencyKey = idempotencyKeyOf(sent.fields.nonce, form, fields, sent)
    const isConfidential = isTicked(sent.fields)
    return {
      kind: form.kind,
      channel: 'form',
      idempotencyKey,
      fields,
      files: sent.files,
      awaited: sent.unkept,
      isConfidential,
    }
  }

  /** Without a nonce of ours, nothing tells a repeat: each is an idempotency key of its own. */
  function idempotencyKeyOf(
    nonce: unknown,
    form: Form,
    fields: Record<string, unknown>,
    sent: SentForm,
  ): IdempotencyKey {
    if (!app.nonces.isOurs(nonce)) {
      return { source: 'form', key: randomUUID(), secret: randomUUID() }
    }
    // With the kind: what is confidential must never join a submission that is not.
    const key = `${form.kind}/${nonceHash(nonce)}`
    return { source: 'form', key, secret: `${form.kind}/${nonce}`, digest: digestOf(nonce, fields, sent) }
  }

  function answer(
    req: Request,
    res: Response,
    { kind }: Form,
    received: ShownReceipt,
    files: AwaitedFile[],
  ): void {
    res.set('cache-control', 'no-store')
    if (wantsJson(req)) {
      const { reference, receipt, isConfidential, isUnmailed } = received
      const statusUrl = `${addressAsked(req)}/status`
      // Besides what every answer has: what is not so for everything of this kind.
      const more = {
        ...filesNotKept(files),
        ...(isConfidential && !isConfidentialKind(kind) && { confidential: true }),
        ...(isUnmailed && { mailed: false }),
      }
      res.status(201).json({ reference, receipt, statusUrl, ...more })
      return
    }
    const maxAge = receiptMinutes * 60 * 1000
    res.cookie(receiptCookie, inCookie(received), { ...receiptCookieOptions(req), maxAge })
    res.redirect(303, `${app.base}/receipt`)
  }

  function refuse(req: Request, res: Response, form: Form, failure: Failure): void {
    app.beginErrorAnswer(res, failure)
    if (wantsJson(req)) {
      res.json(app.errorBody(failure))
      return
    }
    const values = (req.body ?? {}) as Record<string, unknown>
    const nonce = app.nonces.isOurs(values.nonce) ? values.nonce : app.nonces.make()
    const filesSent = countFiles(req)
    res.type('html').send(formPage(form, { values, errors: failure.fields ?? {}, nonce, failure, filesSent }))
  }

  function formPage(form: Form, filled: FilledForm): string {
    return app.render('form/form', { form, ...filled, typedValue, limits: app })
  }

  /** What comes next stays on the address by which somebody has come. */
  function addressAsked(req: Request): string {
    return written(askedAddress(app.addresses, req.get('host')))
  }

  function receiptCookieOptions(req: Request) {
    const secure = hasHttps(app.addresses, req.get('host'))
    return { path: `${app.base}/receipt`, httpOnly: true, secure, sameSite: 'strict' as const }
  }
}

type FilledForm = {
  values: Record<string, unknown>
  errors: FieldErrors
  nonce: string
  failure: Failure | undefined
  filesSent: number
}

function knownForm(kind: unknown): Form {
  const form = formFor(String(kind))
  if (!form) throw new Failure('not-found', 'There is no such form.')
  return form
}

/** Names the faulty fields together with the faulty files, so that one more try is enough. */
function refuseFilesWithErrors(sent: SentForm, incoming: IncomingSubmission): void {
  const [first] = sent.fileErrors
  if (!first) return
  const files = sent.fileErrors.map((errorCode) => errorCode.message)
  const fieldErrors = errorsIn(incoming)
  const code = Object.keys(fieldErrors).length > 0 ? 'invalid' : first.code
  throw new Failure(code, files.join(' '), { fields: { ...fieldErrors, files } })
}

function errorsIn(incoming: IncomingSubmission): FieldErrors {
  try {
    parseFields(incoming)
    return {}
  } catch (error) {
    if (error instanceof Failure) return error.fields ?? {}
    throw error
  }
}

/** Tells a form that was sent twice from one that was changed in between; without the nonce nobody can try it out. */
function digestOf(nonce: string, fields: Record<string, unknown>, sent: SentForm): string {
  const files = sent.files.map(({ name, sha256, caption, credit }) => ({ name, sha256, caption, credit }))
  return requestDigest([nonce, fields, files])
}

function inCookie({
  reference,
  receipt,
  isConfidential,
  earlier = '',
  isUnmailed,
  unkept,
}: ShownReceipt): string {
  const how = isConfidential ? 'confidential' : 'clear'
  return [reference, receipt, how, earlier, isUnmailed ? 'unmailed' : '', unkept].join(' ')
}

function readReceiptCookie(req: Request): ShownReceipt | undefined {
  const shape = /^([\w-]+) ([\w-]+) (confidential|clear) ([\w-]*) (unmailed)? (\d+)$/
  const [, reference, receipt, how, earlier, mail, unkept] =
    shape.exec(parse(req.get('cookie') ?? '')[receiptCookie] ?? '') ?? []
  if (!reference || !receipt) return undefined
  return {
    reference,
    receipt,
    isConfidential: how === 'confidential',
    ...(earlier && { earlier }),
    isUnmailed: mail !== undefined,
    unkept: Number(unkept),
  }
}

function countFiles(req: Request): number {
  return Array.isArray(req.files) ? req.files.length : 0
}

/** A field's typed value for showing it again; `index` for one that is asked for several times. */
function typedValue(values: Record<string, unknown>, name: string, index?: number): string {
  const value = values[name]
  if (Array.isArray(value))
    return index === undefined ? value.filter(isText).join('\n') : textOr(value[index])
  return index === undefined || index === 0 ? textOr(value) : ''
}

function textOr(value: unknown): string {
  return isText(value) ? value : ''
}

function isText(value: unknown): value is string {
  return typeof value === 'string'
}
