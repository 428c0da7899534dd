import { z } from 'zod'
import { Failure, type FieldErrors } from '../core/errors.ts'
import { isVisible, shortened, visibleLength } from '../core/visible-text.ts'
import type { Author, Channel, Kind } from '../db/values.ts'
import type { Recipient } from '../encryption/types.ts'
import type { ApiSender, TelegramSender } from '../jobs/contact.ts'
import type { NewJob } from '../jobs/job.ts'
import type { FileLabel } from './attachment.ts'
import type { ThreadKey } from './mail-thread-key.ts'
import { detailFields, type Fields, isConfidentialKind, type MailOrigin } from './model.ts'

/** What a channel hands to `receive`: a submission not yet believed. */
export type IncomingSubmission = {
  kind: Kind
  channel: Channel
  idempotencyKey: IdempotencyKey
  /** As the sender gave them; `receive` parses them with the rules below. */
  fields: Record<string, unknown>
  files: StagedFile[]
  awaited: AwaitedFile[]
  telegram?: TelegramSender
  api?: ApiSender
  email?: MailOrigin
  /** By which mails a later reply of the sender is known to belong here. */
  threads?: ThreadKey[]
  /** No receipt is sent, for nobody waits for one or a program would get it. */
  isUnanswered?: boolean
  /** Where the channel has chosen ids already, to speak of the submission before it is taken in. */
  ids?: { submissionId: string; messageId: string }
  /** Its sender wants it to be confidential, of whatever kind it is. */
  isConfidential?: boolean
  /** Where parts of it were encrypted before it was taken in: how, and with which receipt. */
  encrypted?: DraftEncryption
  /** What it came in as, where something of that could not be read. */
  rawUpdates?: string[]
  /** The reference of a submission that is not confidential, which its sender goes on with in confidence. */
  earlier?: string
}

/** True for what is encrypted as it comes in: by its kind, or because its sender wants it. */
export function isInConfidence({ kind, isConfidential, encrypted }: IncomingSubmission): boolean {
  return isConfidentialKind(kind) || isConfidential === true || encrypted !== undefined
}

/** How the parts of a submission were encrypted while it was gathered. */
export type DraftEncryption = {
  contextId: string
  senderRecipient: Recipient
  /** Undefined where a restart has lost it. */
  receipt: string | undefined
  /** The content itself, where a restart has left nobody who could read it. */
  blocks?: string[]
}

/** The channel's own name for this submission, by which a repeat is known. */
export type IdempotencyKey = {
  /** The channel, and which one of several: `form`, `telegram:<bot>`. */
  source: string
  /** Unique within the source. Kept, so never a secret itself. */
  key: string
  /**
   * What the receipt is derived from, where the channel knows something that is kept nowhere: then a repeat of the
   * idempotency key is given the same receipt. Otherwise it is made by chance.
   */
  secret?: string
  /** Tells a true repeat from a changed submission under the same key, where the channel can change one. */
  digest?: string
  /** A changed submission under the same key is refused; otherwise it joins the first as a message. */
  refusesChange?: boolean
}

/** A file that has been written and fsynced, but is not yet part of anything. */
export type StagedFile = FileLabel & { id: string; size: number; type: string; sha256: string }

/** A file that the channel still holds; the worker fetches it, unless the channel withholds it for having so many bytes. */
export type AwaitedFile = FileLabel & { id?: string; remoteId: string; withheld?: number }

/** What programs are told of files that there was no room for: of each its name. */
export function filesNotKept(files: AwaitedFile[]): { filesNotKept?: string[] } {
  return files.length === 0 ? {} : { filesNotKept: files.map(({ name }) => name) }
}

/** The sender of a submission writes again. */
export type IncomingMessage = {
  submissionId: string
  /** Its sender wants it to be confidential: then it is refused where the submission is not. */
  isConfidential?: boolean
  /** Whoever sends it is there to be told what is wrong with it. */
  canBeCorrected?: true
  idempotencyKey: Omit<IdempotencyKey, 'secret'>
  fields: Record<string, unknown>
  files: StagedFile[]
  awaited?: AwaitedFile[]
  telegram?: TelegramSender
  email?: MailOrigin
  threads?: ThreadKey[]
  /** The message's id, where the channel has chosen it already. */
  messageId?: string
  /** It is a changed wording of an earlier message, which is kept. */
  isEdit?: boolean
  /** What it came in as, where something of that could not be read. */
  rawUpdates?: string[]
  /** Who says it, where it is not the sender: editors are not mailed of it. */
  author?: Exclude<Author, 'sender' | 'editor'>
  /** Editors are not mailed of it. */
  isQuiet?: boolean
  /** What else is to be told because of it. */
  jobs?: NewJob[]
  /** The content itself, where a restart has left nobody who could read it. */
  blocks?: string[]
}

export const maxFiles = 10
const maxLinks = 20

const unreadable = /[\0\uFFFD]/
const unreadableMessage = 'Some characters could not be read. Replace any “�” and try again.'
// Line ends of every platform become \n; other control characters carry no text and would only do harm.
const lineEnds = /\r\n?|[\n\v\f\u0085\u2028\u2029]/g
const controls = /[\p{Cc}--[\n\t]]/gv

/** What shows nothing says nothing; within other words it stays. */
function tidy(text: string): string {
  const tidied = text.toWellFormed().replace(lineEnds, '\n').replace(controls, '').trim()
  return isVisible(tidied) ? tidied : ''
}

function missing(issue: { input?: unknown }): string {
  return issue.input === undefined ? 'Please fill this in.' : 'Please give this once, as text.'
}

const string = z.string({ error: missing })

function counted(schema: z.ZodString, min: number, max: number) {
  const tooShort = min === 1 ? 'Please fill this in.' : `Please write at least ${min} characters.`
  return schema
    .min(min, tooShort)
    .max(max, `Please keep this to ${max.toLocaleString('en')} characters.`)
    .refine((value) => visibleLength(value) >= min, tooShort)
}

/** Text of several lines, counted in UTF-16 units as browsers' `maxlength` does. */
function text(min: number, max: number) {
  return counted(
    string.refine((value) => !unreadable.test(value), unreadableMessage).overwrite(tidy),
    min,
    max,
  )
}

/** Text of one line: it may reach a mail header, so line ends are refused, not repaired. */
function line(min: number, max: number) {
  const oneLine = string
    .refine((value) => !unreadable.test(value), unreadableMessage)
    .refine((value) => !tidy(value).includes('\n'), 'Please keep this on one line.')
    .overwrite(tidy)
  return counted(oneLine, min, max)
}

function webAddress() {
  return z
    .url({ protocol: /^https?$/, error: 'Please give a full web address, starting with https://' })
    .max(2000, 'Please keep a web address to 2,000 characters.')
}

const title = line(3, 150)
const body = text(20, 100_000)
const email = z
  .email({
    error: (issue) =>
      issue.input === undefined
        ? 'Please fill this in.'
        : 'Please give an e-mail address, like name@example.org.',
  })
  .max(254, 'Please keep this to 254 characters.')

/** An address that mail can be sent to, as mail itself knows more of them than a form should take. */
const mailbox = z
  .string()
  // The dot of the root of DNS is no part of an address (RFC 5321, 2.3.5), and servers refuse it.
  .overwrite((address) => address.replace(/(?<!\.)\.+$/, ''))
  .max(254)
  .regex(/^[^\s@<>()[\]\\,;:"\p{Cc}]+@[^\s@<>()[\]\\,;:"\p{Cc}]+\.[^\s@<>()[\]\\,;:"\p{Cc}]+$/u)

export function isMailbox(address: string): boolean {
  return mailbox.safeParse(address).success
}

const common = {
  title,
  body,
  name: line(1, 100).optional(),
  email: email.optional(),
  language: line(1, 50).optional(),
  links: z.array(webAddress()).max(maxLinks, `Please give at most ${maxLinks} links.`).optional(),
}

const tip = {
  ...common,
  title: title.optional(),
  place: line(1, 200).optional(),
  when: line(1, 200).optional(),
  evidence: text(1, 5000).optional(),
}

const guestPost = {
  ...common,
  email,
  standfirst: text(1, 300).optional(),
  byline: line(1, 150),
  bio: text(1, 600).optional(),
  category: line(1, 100).optional(),
  website: webAddress().optional(),
  interest: text(1, 1000).optional(),
  consent: string.refine(
    (value) => /^(yes|on|true|1)$/i.test(value),
    'Please tick this, so that the piece may be published.',
  ),
}

/** The fields of each kind with their limits, as the form and the API take them. */
export const fieldRules = {
  'guest-post': z.object(guestPost),
  expose: z.object(tip),
  'news-tip': z.object(tip),
  'story-angle': z.object(common),
  'human-interest': z.object(common),
} satisfies Record<Kind, z.ZodObject>

/** So long is what people say in one line of a conversation, as it is shown in its place. UTF-16 units. */
const longestFields = {
  title: 150,
  name: 200,
  language: 50,
  standfirst: 300,
  byline: 150,
  bio: 600,
  category: 100,
  website: 2000,
  interest: 1000,
  consent: 10,
} satisfies Partial<Record<keyof Fields, number>>

/**
 * What people say in a conversation has no form: any words will do, and a file needs none. No fault in a line keeps it from
 * being taken: it can be asked for again, the submission cannot.
 */
const oneLine = string.overwrite(lineOf).optional()
const conversationRules = z
  .object({
    title: oneLine,
    body: string.overwrite(tidy).max(100_000),
    name: oneLine,
    email: mailbox.optional().catch(undefined),
    language: oneLine,
    links: z.array(webAddress()).max(maxLinks).optional().catch(undefined),
    standfirst: oneLine,
    byline: oneLine,
    bio: oneLine,
    category: oneLine,
    website: oneLine,
    interest: oneLine,
    consent: oneLine,
  })
  .transform(withinLimits)

function lineOf(value: string): string {
  return tidy(value).replace(/\s+/g, ' ')
}

/**
 * What is too long for its place is shortened there, and stands whole in a field of its own. What says nothing is left
 * out.
 */
function withinLimits(given: Fields): Fields {
  const fields: Fields = { ...given }
  const whole: string[] = []
  for (const [name, most] of Object.entries(longestFields) as [keyof typeof longestFields, number][]) {
    const text = given[name]
    if (text === '') delete fields[name]
    if (text === undefined || text.length <= most) continue
    fields[name] = shortened(text, most)
    whole.push(`${lineNames[name]}: ${text}`)
  }
  return whole.length === 0 ? fields : { ...fields, inFull: whole.join('\n\n') }
}

const lineNames = { ...detailFields, title: 'Title', standfirst: 'Standfirst', byline: 'Byline' }

const furtherRules = z.object({ body: text(0, 100_000) })
const furtherFields = z.object({ body: string.overwrite(tidy).max(100_000) })

const caption = text(0, 300).optional()

/**
 * The draft's fields, checked and tidied.
 * @throws Failure `invalid`, naming every faulty field at once.
 */
export function parseFields(
  incoming: Pick<IncomingSubmission, 'kind' | 'channel' | 'fields' | 'files' | 'awaited'>,
): Fields {
  const conversing = incoming.channel === 'telegram' || incoming.channel === 'email'
  const rules = conversing ? conversationRules : fieldRules[incoming.kind]
  const parsed = rules.safeParse(incoming.fields)
  const errors = { ...errorsOf(parsed.error), ...labelErrors(incoming.files) }
  const silent =
    parsed.success && saysNothing(parsed.data) && incoming.files.length + incoming.awaited.length === 0
  if (silent) errors.body = ['Please write something or attach a file.']
  return acceptedOr(errors, parsed.data)
}

/**
 * The fields of a further message: words or at least one file.
 * @throws Failure `invalid`.
 */
export function parseFurtherFields(incoming: IncomingMessage): Fields {
  const parsed = (incoming.telegram || incoming.email ? furtherFields : furtherRules).safeParse(
    incoming.fields,
  )
  const errors = { ...errorsOf(parsed.error), ...labelErrors(incoming.files) }
  if (parsed.data?.body === '' && incoming.files.length + (incoming.awaited?.length ?? 0) === 0)
    errors.body = ['Please write something or attach a file.']
  return acceptedOr(errors, parsed.data)
}

/** Name and language come with a channel; all else somebody has said. */
function saysNothing(fields: object): boolean {
  return Object.entries(fields).every(([name, value]) => ['name', 'language'].includes(name) || !value)
}

function acceptedOr(errors: FieldErrors, fields: Fields | undefined): Fields {
  if (fields && Object.keys(errors).length === 0) return fields
  throw new Failure('invalid', 'Some fields need another look.', { fields: errors })
}

function errorsOf(error: z.ZodError | undefined): FieldErrors {
  const errors: FieldErrors = {}
  for (const issue of error?.issues ?? []) {
    const field = String(issue.path[0])
    const known = errors[field] ?? []
    if (!known.includes(issue.message)) errors[field] = [...known, issue.message]
  }
  return errors
}

function labelErrors(files: StagedFile[]): FieldErrors {
  const errors: FieldErrors = {}
  for (const field of ['caption', 'credit'] as const) {
    const bad = files.map((file) => caption.safeParse(file[field])).find((parsed) => !parsed.success)
    if (bad?.error) errors[field] = bad.error.issues.map((issue) => issue.message)
  }
  return errors
}
