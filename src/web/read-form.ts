import type { Request, Response } from 'express'
import { Failure } from '../core/errors.ts'
import { isVisible } from '../core/visible-text.ts'
import {
  fieldsTooLong,
  letPass,
  type MultipartContext,
  mostFieldBytes,
  readMultipart,
  type SentForm,
} from './multipart.ts'

const urlencoded = 'application/x-www-form-urlencoded'

/** In this coding a byte may be written as three. */
const mostEncodedBytes = 3 * mostFieldBytes
const mostFields = 200

export type FormReading = MultipartContext & {
  /** Reads a body whole. @throws Failure `too-large` and others */
  readBody: (req: Request, mostBytes: number) => Promise<Buffer>
}

/**
 * Reads a form, multipart or urlencoded.
 * @throws Failure; `request.body` holds the fields that could be read by then.
 */
export async function readForm(req: Request, res: Response, app: FormReading): Promise<SentForm> {
  if (req.is('multipart/form-data')) return readMultipart(req, res, app)
  if (!req.is(urlencoded)) throw notAForm()
  await readFields(req, app)
  return { fields: req.body, files: [], fileErrors: [], unkept: [], names: [] }
}

/** Reads an urlencoded form into the request’s body; what is none has no fields. @throws Failure */
export async function readFields(
  req: Request,
  { readBody }: Pick<FormReading, 'readBody'>,
  mostBytes = mostEncodedBytes,
): Promise<void> {
  req.body = req.is(urlencoded) ? urlencodedFields(await readBody(req, mostBytes)) : {}
}

/**
 * As the URL standard decodes a form: what is no UTF-8 becomes U+FFFD, which no field takes.
 * https://url.spec.whatwg.org/#urlencoded-parsing
 */
function urlencodedFields(body: Buffer): Record<string, string | string[]> {
  if (countOf(body, ampersand) > mostFields) throw new Failure('invalid', 'The form has too many fields.')
  if (body.length - 2 * countOf(body, percent) > mostFieldBytes) throw fieldsTooLong()
  const given = new URLSearchParams(body.toString())
  const fields: Record<string, string | string[]> = Object.create(null)
  for (const name of given.keys()) {
    const values = given.getAll(name)
    fields[name] = values.length === 1 ? (values[0] as string) : values
  }
  return fields
}

const ampersand = 0x26
const percent = 0x25

function countOf(body: Buffer, byte: number): number {
  let count = 0
  for (const one of body) if (one === byte) count += 1
  return count
}

function notAForm(): Failure {
  return new Failure(
    'unsupported-file',
    'Please send the form as multipart/form-data or application/x-www-form-urlencoded.',
  )
}

/** Reads what was typed into a form, and lets its files pass by. @throws Failure as `readForm` */
export async function readTexts(
  req: Request,
  res: Response,
  app: Pick<FormReading, 'readBody' | 'useOf'>,
): Promise<void> {
  await readForm(req, res, {
    ...app,
    stage: letPass,
    discard: async () => undefined,
    tidyName: (name) => name,
    maxFileBytes: Number.POSITIVE_INFINITY,
    maxSubmissionBytes: Number.POSITIVE_INFINITY,
  })
}

/** The named fields without those left blank; links one a line, as a list. */
export function givenFields(sent: Record<string, unknown>, names: string[]): Record<string, unknown> {
  const given = names.map((name) => [name, name === 'links' ? linesOf(sent[name]) : sent[name]] as const)
  return Object.fromEntries(given.filter(([, value]) => !isBlank(value)))
}

const saysNo = new Set(['', 'no', 'off', 'false', '0'])

/**
 * True if the sender wants it confidential, though its kind need not be. A box that is there twice, as after a page was
 * joined together by something, is ticked if one of them is.
 */
export function isTicked(fields: Record<string, unknown> | undefined): boolean {
  // Whatever a box is sent with: only what plainly says no is no.
  return [fields?.confidential]
    .flat()
    .some((one) => one !== undefined && !saysNo.has(String(one).trim().toLowerCase()))
}

function linesOf(value: unknown): unknown {
  const values = [value].flat()
  if (!values.every((one) => typeof one === 'string')) return value
  return values
    .flatMap((one) => one.split(/[\r\n]+/))
    .map((line) => line.trim())
    .filter((line) => line !== '')
}

function isBlank(value: unknown): boolean {
  if (Array.isArray(value)) return value.length === 0
  return value === undefined || (typeof value === 'string' && !isVisible(value))
}

/** People get pages; who asks for JSON gets JSON. */
export function wantsJson(req: Request): boolean {
  return req.accepts(['html', 'json']) === 'json'
}
