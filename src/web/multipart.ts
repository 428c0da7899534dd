import { Readable, type Writable } from 'node:stream'
import { finished } from 'node:stream/promises'
import type { Request, RequestHandler, Response } from 'express'
import multer, { type StorageEngine } from 'multer'
import { Failure, unavailable } from '../core/errors.ts'
import { NoRoom } from '../files/no-room.ts'
import { type AwaitedFile, maxFiles, type StagedFile } from '../submissions/incoming.ts'
import type { FileError } from './file-error.ts'
import { namelessFiles } from './nameless-files.ts'
import type { BodyUse } from './request-bodies.ts'

/** What was sent with a form. Fields are as they came; files are staged, or named with what is wrong with them. */
export type SentForm = {
  fields: Record<string, unknown>
  files: StagedFile[]
  fileErrors: FileError[]
  /** Files that there was no room for: nothing of them is kept. */
  unkept: AwaitedFile[]
  /** What all of them are called, as they came. */
  names: string[]
}

/** Streams one file into the file store. @throws Failure `too-large`, `unsupported-file`, `unavailable`; NoRoom */
export type Stage = (
  source: Readable,
  name: string,
  maxBytes: number,
) => Promise<{ id: string; name: string; size: number; type: string; sha256: string }>

/** What a request holds in memory. `take` throws where it is too much for all requests together. */

export type MultipartContext = {
  /** Counts what is held of a request. */
  useOf: (req: Request) => BodyUse
  stage: Stage
  discard: (files: { id: string }[]) => Promise<void>
  /** What a file is called whose name came from outside. */
  tidyName: (name: string) => string
  maxFileBytes: number
  maxSubmissionBytes: number
}

const limits = {
  fieldNameSize: 100,
  // 100,000 characters of three bytes, with room.
  fieldSize: 400_000,
  fields: 60,
  // Browsers send an empty part for every file input that was left empty.
  files: maxFiles + 10,
  parts: 90,
  headerPairs: 20,
  fieldNestingDepth: 0,
}

/**
 * What all fields may weigh together, with their names: they are held in memory. Two texts of 100,000 characters have
 * room.
 */
export const mostFieldBytes = 1024 * 1024

/** What a form may weigh besides its files. */
const envelope = 2 * mostFieldBytes

/** Set by our engine on each file that multer reports. */
type EngineResult = {
  staged?: StagedFile
  unkept?: AwaitedFile
  errorCode?: FileError
  slot: number
  originalname: string
}

/**
 * Reads multipart/form-data, streaming each file into the file store. A file that is refused is drained and
 * reported, so that every field is still read and every fault named at once.
 * @throws Failure when the form itself cannot be read; `request.body` holds the fields read so far, and no file is left.
 */
export async function readMultipart(req: Request, res: Response, app: MultipartContext): Promise<SentForm> {
  const length = Number(req.get('content-length') ?? 0)
  const most = app.maxSubmissionBytes + envelope
  const isTooLarge = length > most
  // A person gets the form back with all that was typed into it; a program knows what it has sent.
  if (isTooLarge && !req.accepts('html')) throw tooLarge(app.maxSubmissionBytes)
  const use = fieldBytes(app.useOf(req))
  const storage = engineFor(isTooLarge ? { ...app, stage: letPass } : app, use)
  const nameless = namelessFiles()
  // A name such as “..” is one too: what it becomes is decided where every file gets its tidy name.
  const options = { storage, limits, defParamCharset: 'utf8', preservePath: true }
  const upload: Uploading = (feeding) => multer({ ...feeding, ...options }).array('files', maxFiles)
  const mostBytes = isTooLarge ? Number.POSITIVE_INFINITY : most
  await reading(req, res, use, mostBytes, upload, nameless.watch).catch((error: unknown) => {
    throw error instanceof TooMuch ? tooLarge(app.maxSubmissionBytes) : error
  })
  if (isTooLarge) throw tooLarge(app.maxSubmissionBytes)
  const results = (req.files ?? []) as unknown as EngineResult[]
  const fields = req.body as Record<string, unknown>
  const labels = labelsIn(results, fields)
  const files = results.flatMap((result) =>
    result.staged ? { ...result.staged, ...labels.get(result) } : [],
  )
  const unkept = results.flatMap((result) =>
    result.unkept ? { ...result.unkept, ...labels.get(result) } : [],
  )
  // Two files may be on their way at once, so the engine's count alone is not exact.
  if (files.reduce((sum, file) => sum + file.size, 0) > app.maxSubmissionBytes) {
    await app.discard(files)
    throw tooLarge(app.maxSubmissionBytes)
  }
  const names = results.map(({ originalname }) => originalname)
  return {
    fields,
    files,
    fileErrors: [
      ...results.flatMap(({ errorCode }) => errorCode ?? []),
      ...nameless.errors(listed(fields.files)),
    ],
    unkept,
    names,
  }
}

/** What a form with one small file may weigh. */
const mostSmallForm = 1500 * 1024

/**
 * Reads a form with one small file in the field `file`, in memory: it is a Buffer among the fields.
 * @throws Failure as `readMultipart`
 */
export async function readSmallFile(
  req: Request,
  res: Response,
  { useOf }: Pick<MultipartContext, 'useOf'>,
): Promise<void> {
  const use = useOf(req)
  await reading(req, res, use, mostSmallForm, (feeding) =>
    multer({ ...feeding, storage: multer.memoryStorage(), limits, defParamCharset: 'utf8' }).single('file'),
  ).catch((error: unknown) => {
    throw error instanceof TooMuch
      ? new Failure('too-large', 'That is more than can be taken at once.')
      : error
  })
  if (req.file) (req.body as Record<string, unknown>).file = req.file.buffer
}

/** A form has more than it may have. */
class TooMuch extends Error {}

/** How multer is fed with a request. */
type Feeding = { streamHandler: (req: Readable, busboy: Writable) => void }
type Uploading = (feeding: Feeding) => RequestHandler

/**
 * Runs a reader of multer's, counting what comes. Where that is too much the reading ends there, and whoever sends is told
 * at once: multer itself would first wait for all the rest.
 * @throws Failure; TooMuch for more than `most` bytes
 */
function reading(
  req: Request,
  res: Response,
  use: Pick<BodyUse, 'take'>,
  most: number,
  reader: Uploading,
  watch: (busboy: Writable) => void = () => undefined,
): Promise<void> {
  return new Promise((resolve, reject) => {
    let received = 0
    const streamHandler: Feeding['streamHandler'] = (source, busboy) => {
      const count = (chunk: Buffer) => {
        received += chunk.length
        try {
          use.take(chunk.length)
          if (received > most) throw new TooMuch()
        } catch (error) {
          source.off('data', count)
          source.unpipe(busboy)
          busboy.destroy(error as Error)
          reject(error)
        }
      }
      watch(busboy)
      source.on('data', count)
      source.pipe(busboy)
    }
    reader({ streamHandler })(req, res, (error: unknown) => {
      if (error !== undefined) reject(asFailure(error))
      // Passed over by the library, for its type is no media type (RFC 9110, 8.3.1), or names no boundary.
      else if (req.body === undefined) reject(unreadable())
      else resolve()
    })
  })
}

/**
 * What has come and has not gone on to the disk is fields, with what stands around them. @throws Failure for too much
 * of them
 */
function fieldBytes(use: BodyUse): FormUse {
  let used = 0
  let openFiles = 0
  return {
    take(bytes) {
      used += bytes
      use.take(bytes)
      if (used > mostFieldBytes + (openFiles > 0 ? inPassing : 0)) throw fieldsTooLong()
    },
    pass(bytes) {
      used -= bytes
      use.pass(bytes)
    },
    fileBegins(file) {
      openFiles += 1
      file.once('close', () => {
        openFiles -= 1
      })
    },
  }
}

type FormUse = Pick<BodyUse, 'take' | 'pass'> & { fileBegins(file: Readable): void }

/** What of a file may be on its way through memory: some pieces in each stream that it passes. */
const inPassing = 512 * 1024

/** A file on its way to the disk. */
function ephemeralPayload(file: Readable, use: FormUse): { source: Readable; size: () => number } {
  use.fileBegins(file)
  let size = 0
  async function* chunks() {
    for await (const chunk of file.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
      use.pass(chunk.length)
      size += chunk.length
      yield chunk
    }
  }
  const source = Readable.from(chunks(), { objectMode: false })
  // It may break when nobody reads it any more.
  source.on('error', () => undefined)
  return { source, size: () => size }
}

/** A file that there was no room for, as a submission speaks of it. */
export function unkeptFile(name: string, size: number): AwaitedFile {
  return { name, remoteId: '', withheld: size, refused: 'no-room' }
}

/** Reads a file away and keeps nothing of it. @throws Failure `unsupported-file` */
export const letPass: Stage = async (source) => {
  source.resume()
  await finished(source)
  throw new Failure('unsupported-file', 'Files are not kept here.')
}

/** One engine a request: it counts what the request's files weigh together. */
function engineFor(app: MultipartContext, use: FormUse): StorageEngine {
  let room = app.maxSubmissionBytes
  return {
    _handleFile(req, file, done) {
      const slot = listed(req.body.caption).length
      const maxBytes = Math.min(app.maxFileBytes, room)
      const { source, size } = ephemeralPayload(file.stream, use)
      app
        .stage(source, file.originalname, maxBytes)
        .then((staged) => {
          room -= staged.size
          return { staged, slot }
        })
        .catch(async (error: unknown) => {
          source.resume()
          if (!(error instanceof NoRoom))
            return { errorCode: errorCodeOf(error, file.originalname, app, maxBytes), slot }
          await finished(source)
          return { unkept: unkeptFile(app.tidyName(file.originalname), size()), slot }
        })
        .then((result) => done(null, result as object), done)
    },
    _removeFile(_req, file, done) {
      const { staged } = file as unknown as EngineResult
      app.discard(staged ? [staged] : []).then(() => done(null), done)
    },
  }
}

/** @throws what is not the file's own fault. */
function errorCodeOf(error: unknown, name: string, app: MultipartContext, maxBytes: number): FileError {
  if (!(error instanceof Failure)) throw unavailable(error)
  if (error.code === 'unsupported-file')
    return { code: error.code, message: `“${name}” cannot be taken. ${error.message}` }
  if (error.code !== 'too-large') throw error
  const message =
    maxBytes < app.maxFileBytes
      ? `“${name}” is too large: all files together may have ${megabytes(app.maxSubmissionBytes)}.`
      : `“${name}” is too large: a file may have ${megabytes(app.maxFileBytes)}.`
  return { code: error.code, message }
}

/**
 * Captions go with files in order. In the form for guest posts each file is followed by its caption, and may be left
 * out: it says so in `captions`, and there the place among the captions tells which belongs to which.
 */
function labelsIn(
  results: EngineResult[],
  fields: Record<string, unknown>,
): Map<EngineResult, Pick<StagedFile, 'caption' | 'credit'>> {
  const captions = listed(fields.caption)
  const credits = listed(fields.credit)
  const follow = fields.captions === 'follow'
  return new Map(
    results.map((result, index) => {
      const place = follow ? result.slot : index
      const caption = captions[place]
      const credit = credits[place]
      return [result, { ...(caption && { caption }), ...(credit && { credit }) }]
    }),
  )
}

function listed(value: unknown): string[] {
  return [value].flat().filter((one) => typeof one === 'string')
}

function asFailure(error: unknown): Failure {
  if (error instanceof Failure) return error
  if (!(error instanceof multer.MulterError)) return unreadable()
  // As text: the types that are published do not know every code.
  switch (error.code as string) {
    case 'LIMIT_UNEXPECTED_FILE':
      return error.field === 'files'
        ? tooManyFiles()
        : failing(error.field, 'Files are taken in the field “files” only.')
    case 'LIMIT_FILE_COUNT':
      return tooManyFiles()
    case 'LIMIT_FIELD_VALUE':
      return failing(error.field, 'This is far too long.')
    case 'LIMIT_PART_COUNT':
    case 'LIMIT_FIELD_COUNT':
      return new Failure('invalid', 'The form has too many fields.')
    case 'LIMIT_FIELD_KEY':
    case 'LIMIT_FIELD_NESTING':
      return new Failure('invalid', 'A field’s name is too long, or has brackets in it.')
    default:
      return unreadable()
  }
}

function unreadable(): Failure {
  return new Failure(
    'invalid',
    'The form could not be read. It may have been cut off on its way; please send it again.',
  )
}

export function fieldsTooLong(): Failure {
  return new Failure('invalid', 'The texts of this form are far too long together.')
}

function tooManyFiles(): Failure {
  return failing('files', `Please send at most ${maxFiles} files.`)
}

function failing(field: string | undefined, message: string): Failure {
  return new Failure('invalid', 'Some fields need another look.', {
    fields: { [field ?? 'form']: [message] },
  })
}

function tooLarge(maxBytes: number): Failure {
  const message = `All files together may have ${megabytes(maxBytes)}.`
  return new Failure('too-large', message, { fields: { files: [message] } })
}

function megabytes(bytes: number): string {
  const mebibytes = bytes / 1024 / 1024
  return mebibytes >= 1 ? `${Math.floor(mebibytes)} MB` : `${Math.floor(bytes / 1024)} KB`
}
