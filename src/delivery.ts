/**
 * A delivery is one thing to be carried: a mail to an editor or a sender, or a file that a door still holds.
 * It is written in the transaction of what it tells of, and kept until it is done.
 */
export type Delivery = {
  id: string
  purpose: Purpose
  submissionId: string | null
  messageId: string | null
  editorId: string | null
  attachmentId: string | null
  /** The sender's mail address, or the door's name for the awaited file. Wiped when done. */
  target: string | null
  /** The receipt to be mailed, for kinds that are not confidential. Wiped when done. */
  receipt: string | null
  state: DeliveryState
  attempts: number
  dueAt: number
  createdAt: number
  doneAt: number | null
  /** Why the last try failed: a code, never a server's or a sender's words. */
  fault: string | null
}

export type Purpose = 'editor-notice' | 'sender-receipt' | 'sign-in' | 'telegram-file'

export const purposeNames: Record<Purpose, string> = {
  'editor-notice': 'mail to an editor',
  'sender-receipt': 'receipt mail to the sender',
  'sign-in': 'sign-in link to an editor',
  'telegram-file': 'file to fetch from Telegram',
}

/** Who carries it. Each carrier works at its own pace, so that a slow one holds up no other. */
export type Carrier = 'mail' | 'telegram'

export const carrierOf: Record<Purpose, Carrier> = {
  'editor-notice': 'mail',
  'sender-receipt': 'mail',
  'sign-in': 'mail',
  'telegram-file': 'telegram',
}

/** pending → sent | failed; there is no way back but a new delivery. */
export type DeliveryState = 'pending' | 'sent' | 'failed'

export const deliveryStateNames: Record<DeliveryState, string> = {
  pending: 'to be done',
  sent: 'done',
  failed: 'failed',
}

export type NewDelivery = Pick<Delivery, 'purpose'> &
  Partial<Pick<Delivery, 'submissionId' | 'messageId' | 'editorId' | 'attachmentId' | 'target' | 'receipt'>>

/** What became of one try. */
export type Verdict =
  | { id: string; state: 'sent'; at: number }
  | { id: string; state: 'failed'; at: number; fault: string }
  | { id: string; state: 'pending'; dueAt: number; fault: string }

/** Thrown by a carrier. A permanent fault will not go away by trying again. `code` is safe to show and to log. */
export class CarryFault extends Error {
  readonly code: string
  readonly permanent: boolean
  /** Milliseconds that the other side asked us to wait. */
  readonly retryAfter: number | undefined

  constructor(code: string, more: { permanent?: boolean; retryAfter?: number; cause?: unknown } = {}) {
    super(code, { cause: more.cause })
    this.name = 'CarryFault'
    this.code = code
    this.permanent = more.permanent ?? false
    this.retryAfter = more.retryAfter
  }
}

const second = 1000
const minute = 60 * second
const hour = 60 * minute

const firstDelay = 15 * second
const longestDelay = 2 * hour
/** How long a delivery is tried: two days, so that a weekend's outage of a mail server loses nothing. */
export const patience = 48 * hour

/**
 * When to try again after `attempts` failed tries: doubling from 15 seconds to two hours, each time
 * between half and the whole of that, so that what failed together does not come back together.
 * Undefined once patience has run out.
 */
export function nextTry(
  delivery: { attempts: number; createdAt: number },
  now: number,
  random: () => number,
  atLeast = 0,
): number | undefined {
  if (now - delivery.createdAt >= patience) return undefined
  const whole = Math.min(longestDelay, firstDelay * 2 ** (delivery.attempts - 1))
  return now + Math.max(atLeast, whole * (0.5 + random() / 2))
}
