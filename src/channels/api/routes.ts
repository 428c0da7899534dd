import { hash, randomUUID } from 'node:crypto'
import { Readable } from 'node:stream'
import express, { type Request, type RequestHandler, type Response, type Router } from 'express'
import type { z } from 'zod'
import { type ApiToken, hashToken } from '../../accounts/api-token.ts'
import type { ApiTokenStore } from '../../accounts/api-token-store.ts'
import { Failure, type FailureCode, type FieldErrors } from '../../core/errors.ts'
import type { Keys } from '../../encryption/types.ts'
import { NoRoom } from '../../files/no-room.ts'
import type { Attachment } from '../../submissions/attachment.ts'
import {
  type AwaitedFile,
  filesNotKept,
  type IdempotencyKey,
  type IncomingMessage,
  type IncomingSubmission,
  type StagedFile,
} from '../../submissions/incoming.ts'
import { isConfidentialKind, type Submission } from '../../submissions/model.ts'
import { hashReceipt, readReceipt } from '../../submissions/receipt.ts'
import { requestDigest } from '../../submissions/request-digest.ts'
import { findSharedFile, senderView } from '../../submissions/sender-view.ts'
import type { SubmissionStore } from '../../submissions/store.ts'
import { openApi, receiptHeader } from './openapi.ts'
import { readableJson } from './readable-json.ts'
import { type FileGiven, MessageGiven, SubmissionGiven } from './schemas.ts'

type ApiContext = {
  tokens: Pick<ApiTokenStore, 'byHash' | 'used'>
  receive: (incoming: IncomingSubmission) => Promise<{
    reference: string
    receipt: string
    repeat: boolean
    isConfidential: boolean
    isUnmailed?: boolean
  }>
  receiveFurther: (incoming: IncomingMessage) => Promise<{ repeat: boolean; isChanged: boolean }>
  submissions: Pick<SubmissionStore, 'byReceiptHash' | 'conversation'>
  /** Streams one file into the file store. */
  stage: (
    source: Readable,
    name: string,
    maxBytes: number,
  ) => Promise<{ id: string; name: string; size: number; type: string; sha256: string }>
  discard: (files: { id: string }[]) => Promise<void>
  /** A file that there was no room for, as a submission speaks of it. */
  unkeptFile: (name: string, size: number) => AwaitedFile
  readMultipart: (req: Request, res: Response) => Promise<SentSubmission & { fileErrors: ApiFileError[] }>
  /** Reads a body whole. @throws Failure `too-large` and others */
  readBody: (req: Request, mostBytes: number) => Promise<Buffer>
  maxFileBytes: number
  maxSubmissionBytes: number
  /** Answers with a kept file, to be saved. */
  sendFile: (res: Response, attachment: Attachment, name: string, keys: Keys) => Promise<void>
  /** What a receipt opens. */
  keysOf: (receipt: string) => Keys
  /** Limits what one token may send in an hour. */
  limit: RequestHandler
  metrics: () => Promise<{ type: string; text: string }>
  render: (view: string, data?: Record<string, unknown>) => string
  newsroom: string
  siteUrl: string
  now: () => number
}

type ApiFileError = { code: FailureCode; message: string }

/** What was sent: fields not yet believed, files already staged, or told of where there was no room for them. */
type SentSubmission = { fields: Record<string, unknown>; files: StagedFile[]; unkept: AwaitedFile[] }

/** A JSON body is held in memory whole, so what is larger goes by multipart, which streams. */
const maxJsonBytes = 16 * 1024 * 1024

/** The token of a request, as `authenticated` found it. */
export function tokenOf(res: Response): ApiToken {
  return res.locals.apiToken as ApiToken
}

/** The channel for other bots: JSON or multipart in, JSON out. */
export function apiRouter(app: ApiContext): Router {
  const router = express.Router()
  const described = openApi(app)
  router.get('/api/v1/openapi.json', (_req, res) => {
    res.json(described)
  })
  router.get(['/api', '/api/v1'], (_req, res) => {
    res.type('html').send(app.render('api/description', { described, maxJsonBytes, limits: app }))
  })
  // With a token for programs; without one it is a page of the desk.
  router.get('/metrics', async (req, res, next) => {
    if (req.get('authorization') === undefined) return next()
    await authenticate(req, res, app)
    const { type, text } = await app.metrics()
    res.set('content-type', type).send(text)
  })
  const guarded = [authenticated(app), app.limit]
  router.post('/api/v1/submissions', ...guarded, create)
  router.get('/api/v1/submissions/:reference', authenticated(app), read)
  router.get('/api/v1/submissions/:reference/files/:file', authenticated(app), readFile)
  router.post('/api/v1/submissions/:reference/messages', ...guarded, writeAgain)
  return router

  async function create(req: Request, res: Response): Promise<void> {
    const received = await receiving(req, res, async ({ fields, files, unkept }) => {
      const { kind, sender, confidential, files: _, ...given } = parsed(SubmissionGiven, fields)
      const token = tokenOf(res)
      const normalized = 'consent' in given ? { ...given, consent: 'yes' } : given
      const taken = await app.receive({
        kind,
        channel: 'api',
        idempotencyKey: idempotencyKeyOf(
          req,
          token,
          '',
          [kind, sender, normalized, ...(confidential ? ['confidential'] : [])],
          files,
        ),
        fields: normalized,
        files,
        awaited: unkept,
        isConfidential: confidential ?? false,
        api: { tokenId: token.id, ...(sender !== undefined && { sender }) },
      })
      return { ...taken, unkept, isChosen: taken.isConfidential && !isConfidentialKind(kind) }
    })
    const { reference, receipt, repeat, isChosen, isUnmailed, unkept } = received
    res.status(repeat ? 200 : 201)
    const mail = isUnmailed && { mailed: false }
    const statusUrl = `${app.siteUrl}/status`
    res.json({
      reference,
      receipt,
      statusUrl,
      ...(isChosen && { confidential: true }),
      ...mail,
      ...filesNotKept(unkept),
    })
  }

  async function read(req: Request, res: Response): Promise<void> {
    res.set('cache-control', 'no-store')
    const submission = await submissionOf(req)
    const conversation = await app.submissions.conversation(submission.id, keysOf(req))
    res.json(senderView(submission, conversation, app.now()))
  }

  async function readFile(req: Request, res: Response): Promise<void> {
    res.set('cache-control', 'no-store')
    const { id } = await submissionOf(req)
    const keys = keysOf(req)
    const conversation = await app.submissions.conversation(id, keys)
    const file = findSharedFile(conversation, String(req.params.file), app.now())
    if (!file) throw new Failure('not-found', 'No editor has sent such a file.')
    await app.sendFile(res, file.attachment, file.name, keys)
  }

  async function writeAgain(req: Request, res: Response): Promise<void> {
    const submission = await submissionOf(req)
    const { repeat, isChanged, unkept } = await receiving(req, res, async ({ fields, files, unkept }) => {
      const { body, confidential } = parsed(MessageGiven, fields)
      if (body === '' && files.length === 0 && unkept.length > 0) throw new NoRoom()
      const idempotencyKey = idempotencyKeyOf(req, tokenOf(res), submission.id, [body], files)
      const message = {
        submissionId: submission.id,
        isConfidential: confidential ?? false,
        idempotencyKey,
        fields: { body },
        files,
        awaited: unkept,
      }
      return { ...(await app.receiveFurther(message)), unkept }
    })
    if (isChanged) throw keyUsed()
    res.status(repeat ? 200 : 201).json({ reference: submission.reference, ...filesNotKept(unkept) })
  }

  /** The submission that the receipt opens, if it is the one of that reference. */
  async function submissionOf(req: Request): Promise<Submission> {
    const receipt = readReceipt(req.get(receiptHeader) ?? '')
    const submission = receipt && (await app.submissions.byReceiptHash(hashReceipt(receipt)))
    if (submission && submission.reference === req.params.reference) return submission
    throw new Failure('not-found', 'No submission has this reference and this receipt.')
  }

  function keysOf(req: Request): Keys {
    return app.keysOf(readReceipt(req.get(receiptHeader) ?? '') ?? '')
  }

  /** Reads a request with its files, which are gone again if it is refused. */
  async function receiving<T>(
    req: Request,
    res: Response,
    take: (sent: SentSubmission) => Promise<T>,
  ): Promise<T> {
    res.set('cache-control', 'no-store')
    const sent = req.is('multipart/form-data') ? await fromMultipart(req, res) : await fromJson(req)
    try {
      return await take(sent)
    } catch (error) {
      await app.discard(sent.files)
      throw error
    }
  }

  async function fromMultipart(req: Request, res: Response): Promise<SentSubmission> {
    const { fields, files, fileErrors, unkept } = await app.readMultipart(req, res)
    const [errorCode] = fileErrors
    if (!errorCode) return { fields: withLinks(fields), files, unkept }
    await app.discard(files)
    throw new Failure(errorCode.code, errorCode.message, {
      fields: { files: fileErrors.map(({ message }) => message) },
    })
  }

  async function fromJson(req: Request): Promise<SentSubmission> {
    const body = req.is('application/json') ? readableJson(await app.readBody(req, maxJsonBytes)) : undefined
    if (typeof body !== 'object' || body === null || Array.isArray(body)) {
      throw new Failure('unsupported-file', 'Please send application/json or multipart/form-data.')
    }
    const fields = body as Record<string, unknown>
    const given = parsed(MessageGiven.pick({ files: true }), fields).files ?? []
    return { fields, ...(await staged(given)) }
  }

  async function staged(given: FileGiven[]): Promise<Omit<SentSubmission, 'fields'>> {
    const files: StagedFile[] = []
    const unkept: AwaitedFile[] = []
    try {
      for (const { name, content, caption, credit } of given) {
        const room = app.maxSubmissionBytes - files.reduce((sum, file) => sum + file.size, 0)
        const bytes = Buffer.from(content, 'base64')
        const label = { ...(caption && { caption }), ...(credit && { credit }) }
        try {
          const file = await app.stage(Readable.from([bytes]), name, Math.min(app.maxFileBytes, room))
          files.push({ ...file, ...label })
        } catch (error) {
          if (!(error instanceof NoRoom)) throw error
          unkept.push({ ...app.unkeptFile(name, bytes.length), ...label })
        }
      }
      return { files, unkept }
    } catch (error) {
      await app.discard(files)
      throw error
    }
  }
}

function authenticated(app: Pick<ApiContext, 'tokens' | 'now'>): RequestHandler {
  return async (req, res, next) => {
    await authenticate(req, res, app)
    next()
  }
}

/** Lets in whoever holds a token. Whether one is wrong or revoked is not told. @throws Failure `unauthorized` */
async function authenticate(
  req: Request,
  res: Response,
  app: Pick<ApiContext, 'tokens' | 'now'>,
): Promise<void> {
  const given = /^Bearer +(\S{1,200})$/i.exec(req.get('authorization') ?? '')?.[1]
  const token = given && (await app.tokens.byHash(hashToken(given)))
  if (!token) {
    res.set('www-authenticate', 'Bearer')
    throw new Failure('unauthorized', 'A valid token is needed: Authorization: Bearer …')
  }
  await app.tokens.used(token, app.now())
  res.locals.apiToken = token
}

/** The same key with the same content is one submission. Only a hash of the key is kept: the receipt is derived from it. */
function idempotencyKeyOf(
  req: Request,
  token: ApiToken,
  about: string,
  normalized: unknown[],
  files: StagedFile[],
): IdempotencyKey & { refusesChange: true } {
  const key = req.get('idempotency-key')
  if (key !== undefined && !/^[\x20-\x7e]{1,255}$/.test(key)) {
    throw new Failure('invalid', 'An Idempotency-Key has 1 to 255 characters of ASCII.')
  }
  const source = `api:${token.id}`
  // With the token, which is kept nowhere: without it nobody can try out what was said, or which key it had.
  const bearer = req.get('authorization') ?? ''
  const digest = requestDigest([
    bearer,
    normalized,
    files.map(({ name, sha256, caption, credit }) => [name, sha256, caption, credit]),
  ])
  if (key === undefined) {
    return { source, key: randomUUID(), secret: randomUUID(), digest, refusesChange: true }
  }
  const name = `${about}\0${key}`
  const secret = `${bearer}\0${name}`
  return { source, key: hash('sha256', secret, 'base64url'), secret, digest, refusesChange: true }
}

/** @throws Failure `invalid`, naming every faulty field at once. */
function parsed<T>(schema: z.ZodType<T>, fields: Record<string, unknown>): T {
  const result = schema.safeParse(fields)
  if (result.success) return result.data
  const errors: FieldErrors = {}
  for (const { path, message } of result.error.issues) {
    const field = path.join('.') || 'body'
    errors[field] = [...(errors[field] ?? []), message]
  }
  throw new Failure('invalid', 'Some fields need another look.', { fields: errors })
}

/** A form has links as lines of text, or as several values. */
function withLinks(fields: Record<string, unknown>): Record<string, unknown> {
  const { links, caption: _caption, credit: _credit, ...others } = fields
  if (links === undefined) return others
  const lines = [links].flat().flatMap((value) => String(value).split(/[\r\n]+/))
  return { ...others, links: lines.map((line) => line.trim()).filter(Boolean) }
}

function keyUsed(): Failure {
  return new Failure('conflict', 'This key was used for another message. Use a new key for a new one.')
}
