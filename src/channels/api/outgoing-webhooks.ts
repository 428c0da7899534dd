import { createHmac, type KeyObject } from 'node:crypto'
import { type ApiToken, isHook } from '../../accounts/api-token.ts'
import { CarryFault, type Delivery, type Instead, type Passing, waitIn } from '../../jobs/job.ts'
import { type Message, type Submission, senderState } from '../../submissions/model.ts'
import type { AnswerTold } from './schemas.ts'

export type HookContext = {
  tokenById: (id: string) => Promise<ApiToken | undefined>
  submissionById: (id: string) => Promise<Submission | undefined>
  conversation: (submissionId: string) => Promise<Message[]>
  /** The hosts that may be posted to. */
  hosts: string[]
  secretFor: (token: ApiToken) => string
  now: () => number
}

const patience = 15_000

/**
 * Posts editors' answers to the bot that sent the piece, signed.
 * https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
 */
export function answerHooks(app: HookContext) {
  /** @throws CarryFault */
  return async (delivery: Delivery, signal: AbortSignal): Promise<Instead | undefined> => {
    const messages = await app.conversation(delivery.submissionId ?? '')
    const submission = await app.submissionById(delivery.submissionId ?? '')
    const message = messages.find((one) => one.id === delivery.messageId)
    const { passing } = delivery
    if (passing === 'lost') throw new CarryFault('sealed-away', { permanent: true })
    const api = passing?.contact?.api ?? messages[0]?.content.api
    if (!message || !submission || !api) throw new CarryFault('submission-gone', { permanent: true })
    if (message.isWithdrawn) return { needless: 'called-back' }
    const token = await app.tokenById(api.tokenId)
    if (!token?.hookUrl) return { needless: 'no-webhook' }
    // Asked again: the hosts may have been changed since the token was made.
    if (!isHook(token.hookUrl, app.hosts))
      throw new CarryFault('webhook-host-not-allowed', { permanent: true })
    const { sender } = api
    const told: AnswerTold = {
      type: 'message.created',
      timestamp: new Date(message.createdAt).toISOString(),
      data: {
        reference: submission.reference,
        kind: submission.kind,
        state: senderState(submission, app.now()),
        ...(sender !== undefined && { sender }),
        message: answerOf(message, passing),
      },
    }
    const posted = { id: delivery.id, body: JSON.stringify(told), at: app.now() }
    await post(token.hookUrl, app.secretFor(token), posted, signal)
    return undefined
  }
}

function answerOf({ id, createdAt, content }: Message, passing?: Passing): AnswerTold['data']['message'] {
  const title = passing ? passing.title : content.fields.title
  const body = passing?.text ?? content.fields.body
  return { id, at: new Date(createdAt).toISOString(), ...(title !== undefined && { title }), body }
}

async function post(
  url: string,
  secret: string,
  { id, body, at }: { id: string; body: string; at: number },
  signal: AbortSignal,
): Promise<void> {
  const timestamp = String(Math.floor(at / 1000))
  const response = await fetch(url, {
    method: 'POST',
    redirect: 'error',
    signal: AbortSignal.any([signal, AbortSignal.timeout(patience)]),
    headers: {
      'content-type': 'application/json',
      'user-agent': 'Barua',
      'webhook-id': id,
      'webhook-timestamp': timestamp,
      'webhook-signature': signature(secret, `${id}.${timestamp}.${body}`),
    },
    body,
  }).catch(() => {
    throw new CarryFault('webhook-unreachable')
  })
  await response.body?.cancel()
  if (response.ok) return
  // Gone: whoever is there wants no more of them.
  throw new CarryFault(`webhook-${response.status}`, {
    permanent: response.status === 410,
    retryAfter: waitIn(response.headers.get('retry-after'), at),
  })
}

function signature(secret: string, signed: string): string {
  const key = Buffer.from(secret.replace(/^whsec_/, ''), 'base64')
  return `v1,${createHmac('sha256', key).update(signed).digest('base64')}`
}

/** The secret that a token's webhook is signed with: derived, so that nothing of it is kept. */
export function hookSecret(key: KeyObject, token: Pick<ApiToken, 'id'>): string {
  return `whsec_${createHmac('sha256', key).update(token.id).digest('base64')}`
}
