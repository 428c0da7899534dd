import type { JobState, JobType, Queue } from '../db/values.ts'
import type { Contact } from './contact.ts'

/**
 * A job is one thing to be carried: a mail or a chat message to a sender or an editor, a file that a channel still
 * holds, or a piece of work that follows from what came in. It is written in the transaction of what it tells of, and
 * kept until it is done.
 */
export type Job = {
  id: string
  type: JobType
  submissionId: string | null
  messageId: string | null
  editorId: string | null
  attachmentId: string | null
  /** The sender's mail address, the channel's name for the awaited file, or a code of what to tell. Wiped when done. */
  target: string | null
  /** The receipt to be mailed, for submissions that are not confidential. Wiped when done. */
  receipt: string | null
  /** What of a confidential submission it needs; lost with the process that wrote it down. */
  ephemeralPayload: EphemeralPayload | 'lost' | undefined
  state: JobState
  attempts: number
  /** How often it was begun since its last outcome, this time included: more than once where the process ended meanwhile. */
  begun: number
  dueAt: number
  createdAt: number
  /** Since when it is tried: patience is counted from here. */
  triedSince: number
  doneAt: number | null
  /** Why the last try failed, or why it was dropped: a code, never a server's or a sender's words. */
  errorCode: string | null
}

/**
 * What a job about a confidential submission has to know, for nothing can be read of the submission itself when it is
 * carried. It is in the outbox only as this process hides it, so that a copied database tells nothing.
 */
export type EphemeralPayload = {
  contact?: Contact
  receipt?: string
  /**
   * What an answer says, for channels that carry it; what came in, where it is to be handled again, or told of in a
   * mail that leaves encrypted or without it.
   */
  text?: string
  title?: string | undefined
  /** The answer's files, each with its own key. */
  files?: EphemeralFile[]
  /** What of an editor's reply by mail does not go, for the confirmation. */
  leftOut?: LeftOut
  /** A one-time link that bears a key. */
  link?: string
}

/** Words and names of files. */
type LeftOut = { words: string; files: { name: string }[] }

/** The key in base64url. */
export type EphemeralFile = { id: string; name: string; key: string }

/** By which an answer goes to its sender. */
export type AnswerJobType = Extract<JobType, 'answer-mail' | 'answer-telegram' | 'answer-webhook'>

export const jobLabels: Record<JobType, string> = {
  'tell-editors': 'deciding which editors to tell',
  'editor-notice': 'mail to an editor',
  assignment: 'mail to the editor it was given to',
  digest: 'digest to an editor',
  'burst-digest': 'digest of many pieces at once to an editor',
  escalation: 'reminder to an admin',
  'erasure-warning': 'word to an editor of what will be erased',
  'sender-receipt': 'receipt mail to the sender',
  'answer-mail': 'answer to the sender by mail',
  'answer-telegram': 'answer to the sender by Telegram',
  'sign-in': 'sign-in link to an editor',
  'security-notice': 'security notice to an editor',
  'telegram-file': 'file to fetch from Telegram',
  preview: 'preview of an attachment',
  'chat-update': 'update from Telegram that could not be handled at once',
  'chat-live': 'message that tells a chat what it has gathered',
  'chat-send': 'sending what a chat has gathered',
  'chat-receipt': 'receipt to the sender by Telegram',
  'upload-link': 'link for a file that Telegram does not give out',
  'file-refused': 'word to the sender of a file from Telegram that was not taken',
  'answer-webhook': 'answer to the sender by the bot that sent the piece',
  'deed-confirmation': 'confirmation to an editor of what they did by mail',
}

export const queueOf: Record<JobType, Queue> = {
  'tell-editors': 'desk',
  'editor-notice': 'mail',
  assignment: 'mail',
  digest: 'mail',
  'burst-digest': 'mail',
  escalation: 'mail',
  'erasure-warning': 'mail',
  'sender-receipt': 'mail',
  'answer-mail': 'mail',
  'answer-telegram': 'telegram',
  'sign-in': 'mail',
  'security-notice': 'mail',
  'telegram-file': 'file',
  preview: 'preview',
  'chat-update': 'chat',
  'chat-live': 'chat',
  'chat-send': 'chat',
  'chat-receipt': 'telegram',
  'upload-link': 'telegram',
  'file-refused': 'telegram',
  'answer-webhook': 'hook',
  'deed-confirmation': 'mail',
}

export const jobStateNames: Record<JobState, string> = {
  pending: 'to be done',
  sent: 'done',
  failed: 'failed',
  dropped: 'dropped',
}

/** Why a job was dropped, in words. */
export const skipReasons: Record<string, string> = {
  'called-back': 'taken back by the editor',
  'seen-meanwhile': 'the editor had read it by then',
  'nothing-new': 'there was nothing new',
  'letter-off': 'this letter is not sent here',
  'policy-changed': 'the editor chose otherwise',
  'claimed-meanwhile': 'somebody claimed it by then',
  'kept-meanwhile': 'nothing was to be erased any more by then',
  'given-on': 'it was given to somebody else by then',
  'no-webhook': 'this bot has no webhook; it asks for answers itself',
  'shown-already': 'it was shown already',
  'not-wanted': 'the chat takes no messages of the bot',
  'sent-already': 'it had been sent by then',
  discarded: 'its sender discarded it',
  empty: 'nothing was ever said',
  'gone-meanwhile': 'the piece was erased or sealed by then',
  'sender-left': 'the sender deleted their side',
  'answered-enough': 'this address had several receipts that day',
}

export type NewJob = Pick<Job, 'type'> &
  Partial<
    Pick<Job, 'submissionId' | 'messageId' | 'editorId' | 'attachmentId' | 'target' | 'receipt' | 'dueAt'>
  > & { ephemeralPayload?: EphemeralPayload }
/** What a carrier says when it did not fail and yet carried nothing: it became needless, or has to wait. */
export type Unsent = { skipped: string } | { deferredUntil: number }

/** Does one job; `signal` breaks it off. @throws JobError */
export type JobHandler = (job: Job, signal: AbortSignal) => Promise<Unsent | undefined>

/** What became of one try. */
export type JobResult =
  | { id: string; state: 'sent'; at: number }
  | { id: string; state: 'failed' | 'dropped'; at: number; errorCode: string }
  | { id: string; state: 'pending'; at: number; dueAt: number; errorCode: string | null }

/** One failed try of a job, or an editor's word that it be tried again. */
export type Attempt = { jobId: string; at: number; errorCode: string }

/** Thrown by a carrier. A permanent fault will not go away by trying again. `code` is safe to show and to log. */
export class JobError extends Error {
  readonly code: string
  readonly permanent: boolean
  /** Milliseconds that the other side asked us to wait; at most a day. */
  readonly retryAfter: number | undefined

  constructor(code: string, more: { permanent?: boolean; retryAfter?: number; cause?: unknown } = {}) {
    super(code, { cause: more.cause })
    this.name = 'JobError'
    this.code = code
    this.permanent = more.permanent ?? false
    this.retryAfter = more.retryAfter === undefined ? undefined : boundedWait(more.retryAfter)
  }
}

const second = 1000
const minute = 60 * second
const hour = 60 * minute

/** Whatever another side asks for, nothing waits for longer before it is tried again. */
const longestWait = 24 * hour

/** Milliseconds that another side asks us to wait, as far as we do: what is no number, or negative, asks for nothing. */
function boundedWait(ms: number): number {
  return ms > 0 ? Math.min(ms, longestWait) : 0
}

/**
 * Milliseconds that a header Retry-After asks for: it has seconds or a date (RFC 9110, 10.2.3), and comes from whoever has
 * that server.
 */
export function waitIn(header: string | null, now: number): number {
  const text = header?.trim() ?? ''
  return boundedWait(/^\d+$/.test(text) ? Number(text) * second : Date.parse(text) - now)
}

const firstDelay = 15 * second
const longestDelay = 2 * hour

/** How long a job is tried: two days, so that a weekend's outage of a mail server loses nothing. */
export const patience = 48 * hour

/**
 * When to try again after `attempts` failed tries: doubling from 15 seconds to two hours, each time
 * between half and the whole of that, so that what failed together does not come back together.
 * Undefined once patience has run out.
 */
export function nextTry(
  job: { attempts: number; triedSince: number },
  now: number,
  random: () => number,
  atLeast = 0,
): number | undefined {
  if (now - job.triedSince >= patience) return undefined
  const whole = Math.min(longestDelay, firstDelay * 2 ** (job.attempts - 1))
  return Math.round(now + Math.max(atLeast, whole * (0.5 + random() / 2)))
}
