import type { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import express, { type RequestHandler, type Response, type Router } from 'express'
import type { Delivery } from '../delivery.ts'
import { Failure } from '../failure.ts'
import type { Attachment, Message, Submission } from '../submission.ts'
import type { SignIn } from './sign-in.ts'

const pageSize = 50

export type DeskParts = {
  signIn: SignIn
  submissions: {
    page(size: number, after?: string): Promise<(Submission & { opening: Message })[]>
    byReference(reference: string): Promise<Submission | undefined>
    conversation(submissionId: string): Promise<Message[]>
    keptAttachment(id: string): Promise<{ attachment: Attachment; message: Message } | undefined>
  }
  deliveries: {
    ofSubmission(submissionId: string): Promise<Delivery[]>
    counts(): Promise<{ pending: number; failed: number }>
  }
  unread: {
    latest(
      count: number,
    ): Promise<{ id: string; source: string; reason: string; raw: string; createdAt: number }[]>
  }
  editors: { active(): Promise<{ id: string; email: string }[]> }
  readFile: (id: string) => Promise<Readable>
  downloadName: (name: string, type: string) => string
  metrics: () => Promise<{ type: string; text: string }>
  render: (view: string, data?: Record<string, unknown>) => string
}

/** The signed-in side: the list, a page for each submission, its attachments, what could not be read, and figures. */
export function deskRouter(parts: DeskParts): Router {
  const router = express.Router()
  const onlyEditors = guard(parts.signIn)
  router.use(parts.signIn.router)

  router.get('/desk', onlyEditors, async (req, res) => {
    const after = typeof req.query.after === 'string' ? req.query.after : undefined
    const submissions = await parts.submissions.page(pageSize + 1, after)
    const shown = submissions.slice(0, pageSize)
    const next = submissions.length > pageSize ? shown.at(-1)?.id : undefined
    page(res, 'desk/list', { submissions: shown, next, counts: await parts.deliveries.counts() })
  })

  router.get('/desk/submissions/:reference', onlyEditors, async (req, res) => {
    const submission = await parts.submissions.byReference(String(req.params.reference))
    if (!submission) throw new Failure('not-found', 'There is no submission with this reference.')
    const messages = await parts.submissions.conversation(submission.id)
    const deliveries = await parts.deliveries.ofSubmission(submission.id)
    const editors = new Map((await parts.editors.active()).map(({ id, email }) => [id, email]))
    page(res, 'desk/submission', { submission, messages, deliveries, editors })
  })

  router.get('/desk/attachments/:id', onlyEditors, async (req, res) => {
    const found = await parts.submissions.keptAttachment(String(req.params.id))
    if (!found) throw new Failure('not-found', 'There is no such file.')
    const { attachment, message } = found
    const content = await parts.readFile(attachment.id)
    const type = attachment.type ?? 'application/octet-stream'
    res.attachment(parts.downloadName(message.content.files[attachment.id]?.name ?? 'file', type))
    res.set({
      'content-type': type,
      'content-length': String(attachment.size),
      // Even a browser that shows the file all the same gives it no rights.
      'content-security-policy': "sandbox; default-src 'none'",
    })
    await pipeline(content, res).catch(leftEarly)
  })

  router.get('/desk/unread', onlyEditors, async (_req, res) => {
    page(res, 'desk/unread', { arrivals: await parts.unread.latest(pageSize) })
  })

  router.get('/metrics', onlyEditors, async (_req, res) => {
    const { type, text } = await parts.metrics()
    res.set('content-type', type).send(text)
  })

  return router

  function page(res: Response, view: string, data: Record<string, unknown>): void {
    const { editor, formToken } = res.locals
    res.type('html').send(parts.render(view, { editor, formToken, ...data }))
  }
}

/** A reader who goes away in the middle is no fault. */
function leftEarly(error: NodeJS.ErrnoException): void {
  if (error.code !== 'ERR_STREAM_PREMATURE_CLOSE') throw error
}

function guard(signIn: SignIn): RequestHandler {
  return async (req, res, next) => {
    if (await signIn.onlyEditors(req, res)) next()
  }
}
