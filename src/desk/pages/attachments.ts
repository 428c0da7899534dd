import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import type { Request, Response } from 'express'
import { Failure } from '../../core/errors.ts'
import { ignorePrematureClose } from '../../core/streams.ts'
import {
  type FileToClean,
  findingGroups,
  type NotCleaned,
  nameOfCopy,
  notCleaned,
} from '../../files/metadata/types.ts'
import { type Attachment, hasPreview, isText } from '../../submissions/attachment.ts'
import type { Message } from '../../submissions/model.ts'
import type { DeskContext } from '../http/context.ts'
import type { DeskRoute } from '../http/routes.ts'
import type { Seat } from '../http/seat.ts'

/** How much of a text is shown here; the rest is in the file. */
const shownBytes = 50_000

/**
 * Attachments: clean copies of them, what can be looked at here, and the originals. What an original tells besides what
 * it shows is said before it is handed out; text hides nothing, and is.
 */
export function fileRoutes(app: DeskContext): DeskRoute[] {
  return [
    { method: 'get', path: '/desk/attachments/:id', access: 'editor', handle: original },
    { method: 'post', path: '/desk/attachments/:id', access: 'editor', handle: download },
    { method: 'get', path: '/desk/attachments/:id/clean', access: 'editor', handle: copy },
    { method: 'get', path: '/desk/attachments/:id/picture', access: 'editor', handle: picture },
    { method: 'get', path: '/desk/attachments/:id/words', access: 'editor', handle: words },
  ]

  async function original(req: Request, res: Response, seat: Seat): Promise<void> {
    const { attachment, message } = await found(req, seat)
    if (isText(attachment.type ?? '')) return download(req, res, seat)
    const reason = await app.cleaner.reason(toClean(attachment, message))
    await beforeOriginal(res, seat, { attachment, message, reason })
  }

  async function download(req: Request, res: Response, seat: Seat): Promise<void> {
    const { attachment, message } = await found(req, seat)
    await note(seat, message, `original ${attachment.id}`)
    await app.sendFile(res, attachment, nameOf(attachment, message), seat.keys)
  }

  async function copy(req: Request, res: Response, seat: Seat): Promise<void> {
    const { attachment, message } = await found(req, seat)
    if (isText(attachment.type ?? '')) return download(req, res, seat)
    const leaving = whenLeft(res)
    const file = toClean(attachment, message)
    const open = () => app.readFile(attachment, seat.keys)
    const made = await app.cleaner.clean(file, open, leaving).catch(unlessLeft(leaving))
    if (made === undefined) return
    if (typeof made !== 'string') {
      await note(seat, message, `clean ${attachment.id}`)
      return app.sendCopy(res, { ...made, name: nameOfCopy(file.name, made.ending) })
    }
    res.status(422)
    await beforeOriginal(res, seat, { attachment, message, reason: made })
  }

  /** Puts into the audit log what is about to leave. */
  async function note({ editor }: Seat, { submissionId }: Message, detail: string): Promise<void> {
    const [submission] = await app.submissions.byIds([submissionId])
    const reference = submission?.reference ?? null
    await app.audit.add([{ action: 'downloaded', editorId: editor.id, reference, detail }], app.now())
  }

  /** Says what the original holds, and why there is no clean copy where there is none. */
  async function beforeOriginal(
    res: Response,
    seat: Seat,
    {
      attachment,
      message,
      reason,
    }: { attachment: Attachment; message: Message; reason: NotCleaned | undefined },
  ): Promise<void> {
    const leaving = whenLeft(res)
    const file = toClean(attachment, message)
    const open = () => app.readFile(attachment, seat.keys)
    const findings = await app.cleaner.look(file, open, leaving).catch(unlessLeft(leaving))
    if (leaving.aborted) return
    await app.attention.look(message.submissionId, seat.editor.id, app.now())
    const [submission] = await app.submissions.byIds([message.submissionId])
    await app.showPage(res, seat, 'desk/original', {
      attachment,
      name: file.name,
      reference: submission?.reference,
      reason,
      notCleaned,
      findings,
      findingGroups,
    })
  }

  /** The small picture that was made of a picture. */
  async function picture(req: Request, res: Response, seat: Seat): Promise<void> {
    const { attachment, message } = await found(req, seat)
    if (attachment.type === 'application/pdf') throw noPreview()
    await app.attention.look(message.submissionId, seat.editor.id, app.now())
    const content = await previewOf(attachment, seat)
    res.set({
      'content-type': 'image/webp',
      'content-security-policy': "sandbox; default-src 'none'",
      'cache-control': attachment.encrypted ? 'no-store' : 'private, max-age=3600',
    })
    await pipeline(content, res).catch(ignorePrematureClose)
  }

  /** The beginning of a text, or the words of a PDF, as plain text on a page. */
  async function words(req: Request, res: Response, seat: Seat): Promise<void> {
    const { attachment, message } = await found(req, seat)
    const isPdf = attachment.type === 'application/pdf'
    if (!(isPdf || isText(attachment.type ?? ''))) throw noPreview()
    await app.attention.look(message.submissionId, seat.editor.id, app.now())
    const content = isPdf ? await previewOf(attachment, seat) : await app.readFile(attachment, seat.keys)
    const { text, isWhole } = await beginning(content)
    await app.showPage(res, seat, 'desk/words', {
      attachment,
      name: nameOf(attachment, message),
      text,
      isPdf,
      isWhole,
    })
  }

  /** What was made of a file to be looked at; of an encrypted one it is made now, and kept nowhere. */
  async function previewOf(attachment: Attachment, { keys }: Seat): Promise<Readable> {
    const { encrypted, type, previewId } = attachment
    if (!encrypted) {
      if (!previewId) throw noPreview()
      return app.readFile({ id: previewId }, keys)
    }
    if (!hasPreview(type ?? '')) throw noPreview()
    const made = await app.previewNow(type ?? '', await app.readFile(attachment, keys))
    if (!made) throw noPreview()
    return Readable.from([made])
  }

  async function found(req: Request, { keys }: Seat): Promise<{ attachment: Attachment; message: Message }> {
    const kept = await app.submissions.keptAttachment(String(req.params.id), keys)
    if (!kept) throw new Failure('not-found', 'There is no such file.')
    return kept
  }
}

function nameOf(attachment: Attachment, message: Message): string {
  return message.content.files[attachment.id]?.name ?? 'file'
}

/** What is known of an attachment before it is opened. */
export function toClean(attachment: Attachment, message: Message): FileToClean {
  const { type, size } = attachment
  const isRaw = message.content.files[attachment.id]?.isRaw ?? false
  return { type, size, isRaw, name: nameOf(attachment, message) }
}

/** Aborted when whoever asked is gone: nobody waits for what is being made. */
function whenLeft(res: Response): AbortSignal {
  const left = new AbortController()
  res.once('close', () => left.abort())
  return left.signal
}

function unlessLeft(leaving: AbortSignal): (error: unknown) => undefined {
  return (error) => {
    if (!leaving.aborted) throw error
  }
}

function noPreview(): Failure {
  return new Failure('not-found', 'There is no preview of this file.')
}

async function beginning(content: Readable): Promise<{ text: string; isWhole: boolean }> {
  const chunks: Buffer[] = []
  let size = 0
  for await (const chunk of content as AsyncIterable<Buffer>) {
    chunks.push(chunk)
    size += chunk.length
    if (size > shownBytes) break
  }
  const bytes = Buffer.concat(chunks).subarray(0, shownBytes)
  return { text: decoded(bytes), isWhole: size <= shownBytes }
}

/** UTF-16 by its mark, UTF-8 if it is that, and otherwise what every byte can be read as. */
function decoded(bytes: Buffer): string {
  const mark = bytes.subarray(0, 2).toString('hex')
  if (mark === 'fffe') return new TextDecoder('utf-16le').decode(bytes)
  if (mark === 'feff') return new TextDecoder('utf-16be').decode(bytes)
  const text = new TextDecoder('utf-8').decode(bytes, { stream: true })
  return text.includes('\uFFFD') ? new TextDecoder('windows-1252').decode(bytes) : text
}
