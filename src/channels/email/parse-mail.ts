import { hash } from 'node:crypto'
import { once } from 'node:events'
import { Readable } from 'node:stream'
import {
  type AddressObject,
  type EmailAddress,
  type HeaderLines,
  type Headers,
  MailParser,
  type StructuredHeader,
} from 'mailparser'
import type { Encryption } from '../../submissions/model.ts'
import { attachedMailName } from './attached-mail-name.ts'
import { authorsIn, authorToAnswer } from './authors.ts'
import { isAutomaticSubject, isAutoReply, isOfMany, textHeader } from './automatic-mail.ts'
import { type Evidence, mostEvidence, reportIn } from './delivery-report.ts'
import { headerText } from './header-text.ts'
import { pictureUses } from './inline-pictures.ts'
import { wordsIn } from './mail-body.ts'
import { type MimeTree, type Part, readMime } from './mime-tree.ts'
import type { MailedFile, MailIdentity, ParsedMail } from './parsed-mail.ts'
import { type OurNames, withoutPrefixes } from './quoted-text.ts'
import { type MailText, type PackedText, textIn } from './text-parts.ts'
import { isTnef, mostTnefBytes, tnefIn } from './tnef/tnef.ts'

/** Takes a file of a mail; resolves when it has been read to its end. */
export type TakeFile = (file: MailedFile, content: AsyncIterable<Uint8Array>) => Promise<void>

/** More are no conversation, and would only cost looking for. */
const mostReferences = 50
const longestSubject = 1000
const day = 86_400_000

/** In a report these are no files. Elsewhere they are, and may tell what became of a mail all the same. */
const partOfReport = /^(?:message\/[\w-]+|text\/rfc822-headers)$/
const tellsOfMail = /^(?:message|text)\//

/** Reads a mail while it streams by. Files are handed on one after the other. @throws what the splitter throws */
export async function readMail(source: Readable, ours: OurNames, takeFile: TakeFile): Promise<ParsedMail> {
  const attached: Evidence['attached'] = []
  const packed: PackedText[] = []
  const tree = await readMime(source, async (part, content) => {
    const evidence = { type: part.type, text: '' }
    if (tellsOfMail.test(part.type)) attached.push(evidence)
    const watched = watching(content, evidence)
    if (isReport(part) && partOfReport.test(part.type)) await readToEnd(watched)
    else if (isOfStructure(part)) await readToEnd(watched)
    else if (isTnef(part.type, part.name)) packed.push(...(await takePacked(part, watched, takeFile)))
    else if (isAttachedMail(part)) await takeAttachedMail(part, watched, takeFile)
    else await takeFile(fileOf(part), watched)
  })
  return mailOf(tree, await headersOf(tree), textIn(tree.root, packed), attached, ours)
}

/** Takes the files that Outlook packed into one, and gives the words; what could not be read whole is kept as it is. */
async function takePacked(
  part: Part,
  content: AsyncIterable<Uint8Array>,
  takeFile: TakeFile,
): Promise<PackedText[]> {
  const { beginning, whole } = await peeked(content, mostTnefBytes + 1)
  const opened = beginning.length > mostTnefBytes ? undefined : tnefIn(beginning)
  if (!opened?.isWhole) await takeFile(fileOf(part), whole)
  for (const { name, content: file } of opened?.files ?? [])
    await takeFile({ name, type: 'application/octet-stream' }, Readable.from([file]))
  return opened ? [opened] : []
}

function isAttachedMail({ type, name }: Part): boolean {
  return name === undefined && /^message\/(?:rfc822|global)$/.test(type)
}

/** So much of an attached mail holds its subject, mostly. Bytes. */
const mostHeader = 16 * 1024

async function takeAttachedMail(
  part: Part,
  content: AsyncIterable<Uint8Array>,
  takeFile: TakeFile,
): Promise<void> {
  const { beginning, whole } = await peeked(content, mostHeader)
  await takeFile({ ...fileOf(part), name: await attachedMailName(beginning) }, whole)
}

/** The beginning of a stream, at least `size` bytes if there are so many, and the stream with it. */
async function peeked(content: AsyncIterable<Uint8Array>, size: number) {
  const chunks: Uint8Array[] = []
  let length = 0
  const iterator = content[Symbol.asyncIterator]()
  while (length < size) {
    const { done, value } = await iterator.next()
    if (done) break
    chunks.push(value)
    length += value.length
  }
  async function* whole(): AsyncGenerator<Uint8Array> {
    yield* chunks
    yield* { [Symbol.asyncIterator]: () => iterator }
  }
  return { beginning: Buffer.concat(chunks), whole: whole() }
}

function rootOf(part: Part): Part {
  return part.parent ? rootOf(part.parent) : part
}

function isReport(part: Part): boolean {
  return rootOf(part).type === 'multipart/report'
}

/**
 * The signature over the part before it, or what stands before an encrypted one (RFC 1847, 2): it says nothing to a person,
 * and stays in the raw mail.
 */
function isOfStructure({ type, parent }: Part): boolean {
  const isSignature = /^application\/(?:pgp-signature|(?:x-)?pkcs7-signature)$/.test(type)
  if (parent?.type === 'multipart/signed') return isSignature && parent.children.length === 2
  return parent?.type === 'multipart/encrypted' && type === 'application/pgp-encrypted'
}

const endings: Record<string, string> = {
  'message/rfc822': 'eml',
  'message/global': 'eml',
  'text/calendar': 'ics',
  'text/vcard': 'vcf',
  'text/x-vcard': 'vcf',
  'text/html': 'html',
  'text/plain': 'txt',
  'image/jpeg': 'jpg',
  'application/ms-tnef': 'dat',
  'application/pgp-keys': 'asc',
  'application/pkcs7-mime': 'p7m',
  'application/x-pkcs7-mime': 'p7m',
}

function fileOf({ name, type, contentId, isAttachment, parent }: Part): MailedFile {
  const [family, form = 'bin'] = type.split('/')
  const usual = `${family === 'image' ? 'picture' : 'file'}.${endings[type] ?? form.replace(/[^\w]/g, '')}`
  const isInline = !isAttachment && (contentId !== undefined || parent?.type === 'multipart/related')
  return { name: name || usual, type, ...(contentId && { contentId }), ...(isInline && { isInline }) }
}

async function readToEnd(content: AsyncIterable<Uint8Array>): Promise<void> {
  for await (const _ of content);
}

/** Passes a part on, and keeps its beginning. */
async function* watching(
  content: AsyncIterable<Uint8Array>,
  evidence: { text: string },
): AsyncGenerator<Uint8Array> {
  for await (const chunk of content) {
    if (evidence.text.length < mostEvidence)
      evidence.text += Buffer.from(chunk).toString('latin1').slice(0, mostEvidence)
    yield chunk
  }
}

/** The headers of the mail, with all their letters: parsed as those of a mail without a body. */
async function headersOf({ headerLines, charset }: MimeTree): Promise<MailParser> {
  const parser = new MailParser({ checksumAlgo: false, skipImageLinks: true })
  const lines = headerLines.map(({ line }) => headerText(line, { nearby: charset }))
  parser.end(`${lines.join('\r\n')}\r\n\r\n`)
  parser.resume()
  await once(parser, 'end')
  return parser
}

function mailOf(
  tree: MimeTree,
  parser: MailParser,
  text: MailText,
  attached: Evidence['attached'],
  ours: OurNames,
): ParsedMail {
  const headers: Headers = parser.headers || new Map()
  const lines: HeaderLines = parser.headerLines || []
  const messageId = soundId(parser.messageId)
  const authors = authorsIn(parser.from)
  const sender = authorToAnswer(authors, addressesIn(headers.get('sender') ?? {})[0])
  const subject = parser.subject?.trim().slice(0, longestSubject) || undefined
  const date = rawHeader(lines, 'date')
  const recipients = ageRecipientsOf(headers)
  const references = referencesOf(parser)
  const isReply = references.length > 0 || recipients.some(hasTag)
  return {
    messageId,
    references,
    from: sender,
    authors,
    isFromOne: isFromOne(parser.from, lines),
    recipients,
    returnPath: returnPathOf(lines),
    subject,
    sentAt: sentAt(date),
    words: wordsIn({
      text,
      isCut: tree.isCut,
      language: textHeader(headers, 'content-language'),
      isToTag: recipients.some(hasTag),
      answered: { ...ours, subject: withoutPrefixes(subject ?? ''), at: noticeTime(recipients) },
    }),
    pictures: pictureUses(tree.root),
    isAutomatic: isAutoReply(headers) || isOfMany(headers) || (isReply && isAutomaticSubject(subject ?? '')),
    isAutoReply: isAutoReply(headers),
    report: reportIn({
      type: tree.root.type,
      reportType: reportTypeOf(headers),
      from: parser.from?.value[0],
      subject: subject ?? '',
      namesFailed: headers.has('x-failed-recipients'),
      isAutoReply: isAutoReply(headers),
      references,
      plain: textsOf(tree.root, 'text/plain'),
      html: textsOf(tree.root, 'text/html'),
      attached,
    }),
    encryption: encryptionOf(tree.root, text.plain),
    hops: lines.filter(({ key }) => key === 'received').length,
    replyTo: mailboxIn(parser.replyTo)?.address,
    identity:
      messageId === undefined && date === undefined
        ? undefined
        : identityOf(JSON.stringify([messageId, sender?.address, date, subject, digestsOf(tree.root)])),
  }
}

/** What a report is about, as its media type says (RFC 6522, 3). */
function reportTypeOf(headers: Headers): string | undefined {
  const type = headers.get('content-type')
  return typeof type === 'object' && 'params' in type
    ? (type as StructuredHeader).params['report-type']
    : undefined
}

/** All texts of a type, as they came. */
function textsOf(part: Part, type: string): string {
  const own = part.type === type ? (part.text ?? '') : ''
  return [own, ...part.children.map((child) => textsOf(child, type))].join('\n').trim()
}

function hasTag(address: string): boolean {
  return address.includes('+')
}

/** When the mail was made that is answered at one of these addresses: its id, which begins with the time, is in the tag. */
function noticeTime(recipients: string[]): number | undefined {
  const tag = recipients.map((address) => /\+([\da-f]{12})[\da-f]{33}@/i.exec(address)?.[1]).find(Boolean)
  return tag === undefined ? undefined : Number.parseInt(tag, 16)
}

/** What all parts hold, in their order. */
function digestsOf(part: Part): string[] {
  return [...(part.digest ? [part.digest] : []), ...part.children.flatMap(digestsOf)]
}

const armored = /^-----BEGIN PGP (SIGNED )?MESSAGE-----/m

/** How what it says is hidden, or wrapped in a signature, so that nobody here can tell its words from the rest. */
function encryptionOf(part: Part, text: string): Encryption | undefined {
  const within = part.children.map((child) => encryptionOf(child, '')).find(Boolean)
  if (within) return within
  if (part.type === 'multipart/encrypted' || part.type === 'application/pgp-encrypted') return 'pgp'
  if (/^application\/(?:x-)?pkcs7-mime$/.test(part.type) || (!part.parent && /\.p7m$/i.test(part.name ?? '')))
    return part.smimeType === 'signed-data' ? 'smime-signed' : 'smime'
  const found = armored.exec(text)
  return found ? (found[1] ? 'pgp-signed' : 'pgp') : undefined
}

/** What mails are told apart by. */
function identityOf(evidence: string): MailIdentity {
  return { digest: hash('sha256', evidence, 'base64url') }
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

function ageRecipientsOf(headers: Headers): string[] {
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

function sentAt(date: string | undefined): number | undefined {
  const at = date === undefined ? Number.NaN : Date.parse(date)
  return at > 0 && at < Date.now() + day ? at : undefined
}

function isFromOne(from: AddressObject | undefined, lines: HeaderLines): boolean {
  const [only, ...others] = from?.value ?? []
  const isAlone = lines.filter(({ key }) => key === 'from').length === 1
  return isAlone && others.length === 0 && only?.address !== undefined && only.group === undefined
}
