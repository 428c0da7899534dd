import type { Readable, Writable } from 'node:stream'
import { finished } from 'node:stream/promises'
import type { Request, Response } from 'express'
import multer, { type StorageEngine } from 'multer'
import { maxFiles, type StagedFile } from '../../draft.ts'
import { Failure, type FailureCode, unavailable } from '../../failure.ts'
import { namelessFiles } from './nameless.ts'

/** What was sent with a form. Fields are as they came; files are staged, or named with what is wrong with them. */
export type SentForm = {
  fields: Record<string, unknown>
  files: StagedFile[]
  fileFaults: FileFault[]
  /** What all of them are called, as they came. */
  names: string[]
}

export type FileFault = { code: FailureCode; message: string }

/** Streams one file into the file store. @throws Failure `too-large`, `unsupported-file`, `unavailable`. */
export type Stage = (
  source: Readable,
  name: string,
  maxBytes: number,
) => Promise<{ id: string; name: string; size: number; type: string; sha256: string }>

export type MultipartParts = {
  stage: Stage
  discard: (files: { id: string }[]) => Promise<void>
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

/** What the envelope around files and texts may weigh besides the files. */
const roomForFields = 4 * 1024 * 1024

/** Set by our engine on each file that multer reports. */
type EngineResult = { staged?: StagedFile; fault?: FileFault; slot: number; originalname: string }

/**
 * Reads multipart/form-data, streaming each file into the file store. A file that is refused is drained and
 * reported, so that every field is still read and every fault named at once.
 * @throws Failure when the form itself cannot be read; `request.body` holds the fields read so far, and no file is left.
 */
export async function readMultipart(req: Request, res: Response, parts: MultipartParts): Promise<SentForm> {
  const length = Number(req.get('content-length') ?? 0)
  const isTooLarge = length > parts.maxSubmissionBytes + roomForFields
  // A person gets the form back with all that was typed into it; a program knows what it has sent.
  if (isTooLarge && !req.accepts('html')) throw tooLarge(parts.maxSubmissionBytes)
  const storage = engineFor(isTooLarge ? { ...parts, stage: letPass } : parts)
  const nameless = namelessFiles()
  const feeding = {
    streamHandler(from: Readable, reader: Writable) {
      nameless.watch(reader)
      from.pipe(reader)
    },
  }
  // A name such as “..” is one too: what it becomes is decided where every file gets its tidy name.
  const options = { ...feeding, storage, limits, defParamCharset: 'utf8', preservePath: true }
  const upload = multer(options).array('files', maxFiles)
  await new Promise<void>((resolve, reject) => {
    upload(req, res, (error: unknown) => (error === undefined ? resolve() : reject(asFailure(error))))
  })
  if (isTooLarge) throw tooLarge(parts.maxSubmissionBytes)
  const results = (req.files ?? []) as unknown as EngineResult[]
  const fields = req.body as Record<string, unknown>
  const files = withCaptions(results, fields)
  // Two files may be on their way at once, so the engine's count alone is not exact.
  if (files.reduce((sum, file) => sum + file.size, 0) > parts.maxSubmissionBytes) {
    await parts.discard(files)
    throw tooLarge(parts.maxSubmissionBytes)
  }
  const names = results.map(({ originalname }) => originalname)
  return {
    fields,
    files,
    fileFaults: [...results.flatMap(({ fault }) => fault ?? []), ...nameless.faults(listed(fields.files))],
    names,
  }
}

/** Reads a file away and keeps nothing of it. @throws Failure `unsupported-file` */
export const letPass: Stage = async (source) => {
  source.resume()
  await finished(source)
  throw new Failure('unsupported-file', 'Files are not kept here.')
}

/** One engine a request: it counts what the request's files weigh together. */
function engineFor(parts: MultipartParts): StorageEngine {
  let room = parts.maxSubmissionBytes
  return {
    _handleFile(req, file, done) {
      const slot = listed(req.body.caption).length
      const maxBytes = Math.min(parts.maxFileBytes, room)
      parts
        .stage(file.stream, file.originalname, maxBytes)
        .then((staged) => {
          room -= staged.size
          return { staged, slot }
        })
        .catch((error: unknown) => {
          file.stream.resume()
          return { fault: faultOf(error, file.originalname, parts, maxBytes), slot }
        })
        .then((result) => done(null, result as object), done)
    },
    _removeFile(_req, file, done) {
      const { staged } = file as unknown as EngineResult
      parts.discard(staged ? [staged] : []).then(() => done(null), done)
    },
  }
}

/** @throws what is not the file's own fault. */
function faultOf(error: unknown, name: string, parts: MultipartParts, maxBytes: number): FileFault {
  if (!(error instanceof Failure)) throw unavailable(error)
  if (error.code === 'unsupported-file')
    return { code: error.code, message: `“${name}” cannot be taken. ${error.message}` }
  if (error.code !== 'too-large') throw error
  const message =
    maxBytes < parts.maxFileBytes
      ? `“${name}” is too large: all files together may have ${megabytes(parts.maxSubmissionBytes)}.`
      : `“${name}” is too large: a file may have ${megabytes(parts.maxFileBytes)}.`
  return { code: error.code, message }
}

/**
 * Captions go with files in order. In the form for guest posts each file is followed by its caption, and may be left
 * out: it says so in `captions`, and there the place among the captions tells which belongs to which.
 */
function withCaptions(results: EngineResult[], fields: Record<string, unknown>): StagedFile[] {
  const captions = listed(fields.caption)
  const credits = listed(fields.credit)
  const follow = fields.captions === 'follow'
  return results.flatMap(({ staged, slot }, index) => {
    if (!staged) return []
    const place = follow ? slot : index
    const caption = captions[place]
    const credit = credits[place]
    return [{ ...staged, ...(caption && { caption }), ...(credit && { credit }) }]
  })
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
        : faulty(error.field, 'Files are taken in the field “files” only.')
    case 'LIMIT_FILE_COUNT':
      return tooManyFiles()
    case 'LIMIT_FIELD_VALUE':
      return faulty(error.field, 'This is far too long.')
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

function tooManyFiles(): Failure {
  return faulty('files', `Please send at most ${maxFiles} files.`)
}

function faulty(field: string | undefined, message: string): Failure {
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
