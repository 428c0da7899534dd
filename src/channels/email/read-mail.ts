import { createHash, type Hash, hash } from 'node:crypto'
import type { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import {
  type AddressObject,
  type AttachmentStream,
  type EmailAddress,
  type HeaderLines,
  type Headers,
  MailParser,
  type MessageText,
  type StructuredHeader,
} from 'mailparser'
import { authorsIn, authorToAnswer } from './authors.ts'
import { type Evidence, mostEvidence, reportIn } from './bounce.ts'
import type { Identity, MailedFile, ParsedMail } from './parsed.ts'
import { type WordParts, type Words, wordsIn } from './words.ts'

/** Takes a file of a mail; resolves when it has been read to its end. */
export type TakeFile = (file: MailedFile, content: AsyncIterable<Uint8Array>) => Promise<void>

const mostParts = 1000
const mostHeaderBytes = 1024 * 1024
/** More are no conversation, and would only cost looking for. */
const mostReferences = 50
const longestSubject = 1000
const day = 86_400_000

/** Signatures of other programs say nothing to a person; they stay in the raw mail. */
const noFile = /^application\/(?:pgp-signature|(?:x-)?pkcs7-signature)$/i
const encrypted = /^(?:multipart\/encrypted|application\/(?:pgp-encrypted|(?:x-)?pkcs7-mime))$/i
const armored = /^-----BEGIN PGP (?:SIGNED )?MESSAGE-----/m
/** In a report these are no files. Elsewhere they are, and may tell what became of a mail all the same. */
const partOfReport = /^(?:message\/[\w-]+|text\/rfc822-headers)$/i
const tellsOfMail = /^(?:message|text)\//i

/** Reads a mail while it streams by. Files are handed on one after the other. @throws what the parser throws */
export async function readMail(source: Readable, takeFile: TakeFile): Promise<ParsedMail> {
  const parser = new MailParser({
    skipHtmlToText: true,
    skipTextToHtml: true,
    skipImageLinks: true,
    keepDeliveryStatus: true,
    ignoreEmbedded: true,
    checksumAlgo: false,
    maxChildNodes: mostParts,
    maxHeadSize: mostHeaderBytes,
  })
  const [read] = await Promise.all([partsOf(parser, takeFile), pipeline(source, parser)])
  return mailOf(parser, read)
}

type Part = AttachmentStream | MessageText

/** What is gathered while the parts pass. */
type Read = {
  plain: string
  html: string
  fileDigests: string[]
  fileTypes: string[]
  /** The beginnings of parts that may tell what became of another mail. */
  attached: Evidence['attached']
}

async function partsOf(parser: MailParser, takeFile: TakeFile): Promise<Read> {
  const read: Read = { plain: '', html: '', fileDigests: [], fileTypes: [], attached: [] }
  for await (const part of parser as AsyncIterable<Part>) {
    if (part.type === 'text') {
      read.plain += part.text ?? ''
      read.html += part.html ?? ''
      continue
    }
    const content: Readable = part.content
    read.fileTypes.push(part.contentType)
    const told = { type: part.contentType, text: '' }
    if (tellsOfMail.test(part.contentType)) read.attached.push(told)
    const watched = watching(content, told)
    if (isReport(parser) && partOfReport.test(part.contentType)) await readAway(watched)
    else if (noFile.test(part.contentType)) content.resume()
    else read.fileDigests.push(await passedOn(part, watched, takeFile))
    part.release?.()
  }
  return read
}

function isReport(parser: MailParser): boolean {
  return typeOf(parser) === 'multipart/report'
}

/** Passes a part on, and keeps its beginning. */
async function* watching(content: AsyncIterable<Buffer>, told: { text: string }): AsyncGenerator<Buffer> {
  for await (const chunk of content) {
    if (told.text.length < mostEvidence) told.text += chunk.toString('latin1').slice(0, mostEvidence)
    yield chunk
  }
}

async function readAway(content: AsyncIterable<Buffer>): Promise<void> {
  for await (const _ of content);
}

/** What the mail as a whole is. */
function typeOf(parser: MailParser): string {
  return contentTypeOf(parser).value.toLowerCase()
}

function contentTypeOf({ headers }: MailParser): StructuredHeader {
  const type = headers ? headers.get('content-type') : undefined
  return typeof type === 'object' && 'params' in type ? (type as StructuredHeader) : { value: '', params: {} }
}

/** Hands a file on, and tells the digest of what passed. */
async function passedOn(
  part: AttachmentStream,
  content: AsyncIterable<Buffer>,
  takeFile: TakeFile,
): Promise<string> {
  const digest = createHash('sha256')
  await takeFile({ name: nameOf(part) }, passing(content, digest))
  return digest.digest('base64url')
}

async function* passing(content: AsyncIterable<Uint8Array>, digest: Hash): AsyncGenerator<Uint8Array> {
  for await (const chunk of content) {
    digest.update(chunk)
    yield chunk
  }
}

const endings: Record<string, string> = {
  'message/rfc822': 'eml',
  'text/calendar': 'ics',
  'text/html': 'html',
  'text/plain': 'txt',
  'image/jpeg': 'jpg',
}

function nameOf({ filename, contentType }: AttachmentStream): string {
  if (filename) return filename
  const [family, form = 'bin'] = contentType.split('/')
  return `${family === 'image' ? 'picture' : 'file'}.${endings[contentType] ?? form.replace(/[^\w]/g, '')}`
}

function mailOf(parser: MailParser, { plain, html, fileDigests, fileTypes, attached }: Read): ParsedMail {
  const headers: Headers = parser.headers || new Map()
  const lines: HeaderLines = parser.headerLines || []
  const messageId = soundId(parser.messageId)
  const authors = authorsIn(parser.from)
  const sender = authorToAnswer(authors, addressesIn(headers.get('sender') ?? {})[0])
  const subject = parser.subject?.trim().slice(0, longestSubject) || undefined
  const date = rawHeader(lines, 'date')
  const squeezed = (plain || html).replace(/\s+/g, ' ').trim()
  const isTelling = messageId !== undefined || squeezed !== '' || fileDigests.length > 0
  const recipients = recipientsOf(headers)
  const isToTag = recipients.some((address) => address.includes('+'))
  const told = [messageId, sender?.address, date, subject, squeezed, fileDigests]
  return {
    messageId,
    references: referencesOf(parser),
    from: sender,
    authors,
    isFromOne: isFromOne(parser.from, lines),
    recipients,
    returnPath: returnPathOf(lines),
    subject,
    sentAt: sentAt(date),
    words: wordsOr({ plain, html, language: textHeader(headers, 'content-language'), isToTag }),
    isAutomatic: isAutoReply(headers) || isAutomatic(headers),
    isAutoReply: isAutoReply(headers),
    report: reportIn({
      type: typeOf(parser),
      reportType: contentTypeOf(parser).params['report-type'],
      from: parser.from?.value[0],
      subject: subject ?? '',
      namesFailed: headers.has('x-failed-recipients'),
      isAutoReply: isAutoReply(headers),
      references: referencesOf(parser),
      plain,
      html,
      attached,
    }),
    isEncrypted:
      [typeOf(parser), ...fileTypes].some((type) => encrypted.test(type)) || armored.test(plain || html),
    hops: lines.filter(({ key }) => key === 'received').length,
    replyTo: mailboxIn(parser.replyTo)?.address,
    identity: isTelling ? identityOf(JSON.stringify(told)) : undefined,
  }
}

/** What mails are told apart by. */
function identityOf(told: string): Identity {
  return { digest: hash('sha256', told, 'base64url') }
}

/** HTML that cannot be read leaves the plain part, if there is one. */
function wordsOr(parts: WordParts): Words | undefined {
  try {
    return wordsIn(parts)
  } catch (error) {
    if (!(error instanceof RangeError)) throw error
    return parts.plain === '' ? undefined : wordsIn({ ...parts, html: '' })
  }
}

/** A Message-ID that can name one mail: in brackets, with an at-sign, without blanks (RFC 5322, 3.6.4). */
function soundId(given: string | undefined): string | undefined {
  const id = given?.trim()
  return id && id.length <= 998 && /^<[!-;=?A-~]+@[!-;=?A-~]+>$/.test(id) ? id : undefined
}

function referencesOf({ references, inReplyTo }: MailParser): string[] {
  const named = [references ?? [], inReplyTo ?? []].flat().join(' ')
  const ids = named.match(/<[^<>\s@]+@[^<>\s@]+>/g) ?? []
  return [...new Set(ids)].slice(-mostReferences)
}

const recipientHeaders = ['x-original-to', 'delivered-to', 'envelope-to', 'x-envelope-to', 'to', 'cc', 'bcc']

function recipientsOf(headers: Headers): string[] {
  const found = recipientHeaders.flatMap((name) => {
    const given = headers.get(name)
    return [given ?? []].flat().flatMap((one) => (typeof one === 'string' ? [bare(one)] : addressesIn(one)))
  })
  return [...new Set(found.filter((address) => address.includes('@')))].slice(0, 100)
}

/** The first mailbox of a header, also where it stands in a group. */
function mailboxIn(header: AddressObject | undefined): EmailAddress | undefined {
  return header?.value.flatMap((one) => one.group ?? [one]).find((one) => one.address)
}

function bare(text: string): string {
  return text.replace(/^.*<|>.*$/g, '').trim()
}

function addressesIn(given: unknown): string[] {
  const { value } = given as Partial<AddressObject>
  return (Array.isArray(value) ? value : [])
    .flatMap((one) => [one, ...(one.group ?? [])])
    .flatMap((one) => one.address ?? [])
}

function returnPathOf(lines: HeaderLines): string | undefined {
  const line = rawHeader(lines, 'return-path')
  return line === undefined ? undefined : bare(line)
}

function rawHeader(lines: HeaderLines, name: string): string | undefined {
  const line = lines.find(({ key }) => key === name)?.line
  return line
    ?.slice(line.indexOf(':') + 1)
    .replace(/\s+/g, ' ')
    .trim()
}

function textHeader(headers: Headers, name: string): string | undefined {
  const [value] = [headers.get(name) ?? []].flat()
  return typeof value === 'string' ? value.trim() : undefined
}

function sentAt(date: string | undefined): number | undefined {
  const at = date === undefined ? Number.NaN : Date.parse(date)
  return at > 0 && at < Date.now() + day ? at : undefined
}

/** What RFC 3834 and custom tell answers of programs by. */
function isAutoReply(headers: Headers): boolean {
  const submitted = textHeader(headers, 'auto-submitted')?.toLowerCase() ?? 'no'
  const precedence = textHeader(headers, 'precedence')?.toLowerCase()
  const isMarked = ['x-autoreply', 'x-autorespond'].some((name) => headers.has(name))
  return !submitted.startsWith('no') || precedence === 'auto_reply' || isMarked
}

/** What lists and other senders of many mails are told by. */
function isAutomatic(headers: Headers): boolean {
  const precedence = textHeader(headers, 'precedence')?.toLowerCase() ?? ''
  return (
    /^(?:bulk|list|junk)/.test(precedence) ||
    ['list', 'x-auto-response-suppress', 'x-loop'].some((name) => headers.has(name))
  )
}

function isFromOne(from: AddressObject | undefined, lines: HeaderLines): boolean {
  const [only, ...others] = from?.value ?? []
  const isAlone = lines.filter(({ key }) => key === 'from').length === 1
  return isAlone && others.length === 0 && only?.address !== undefined && only.group === undefined
}
