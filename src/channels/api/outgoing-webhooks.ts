import { createHmac, type KeyObject } from 'node:crypto'
import { type ApiToken, isHook } from '../../accounts/api-token.ts'
import { type EphemeralPayload, type Job, JobError, type Unsent, waitIn } from '../../jobs/job.ts'
import { type Message, type Submission, senderState } from '../../submissions/model.ts'
import type { AnswerView } from './schemas.ts'

type HookContext = {
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
 * Posts editors' answers to the bot that sent the submission, signed.
 * https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
 */
export function answerHooks(app: HookContext) {
  /** @throws JobError */
  return async (job: Job, signal: AbortSignal): Promise<Unsent | undefined> => {
    const messages = await app.conversation(job.submissionId ?? '')
    const submission = await app.submissionById(job.submissionId ?? '')
    const message = messages.find((one) => one.id === job.messageId)
    const { ephemeralPayload } = job
    if (ephemeralPayload === 'lost') throw new JobError('sealed-away', { permanent: true })
    const api = ephemeralPayload?.contact?.api ?? messages[0]?.content.api
    if (!message || !submission || !api) throw new JobError('submission-gone', { permanent: true })
    if (message.isWithdrawn) return { skipped: 'called-back' }
    const token = await app.tokenById(api.tokenId)
    if (!token?.hookUrl) return { skipped: 'no-webhook' }
    // Asked again: the hosts may have been changed since the token was made.
    if (!isHook(token.hookUrl, app.hosts)) throw new JobError('webhook-host-not-allowed', { permanent: true })
    const { sender } = api
    const view: AnswerView = {
      type: 'message.created',
      timestamp: new Date(message.createdAt).toISOString(),
      data: {
        reference: submission.reference,
        kind: submission.kind,
        state: senderState(submission, app.now()),
        ...(sender !== undefined && { sender }),
        message: answerOf(message, ephemeralPayload),
      },
    }
    const posted = { id: job.id, body: JSON.stringify(view), at: app.now() }
    await post(token.hookUrl, app.secretFor(token), posted, signal)
    return undefined
  }
}

function answerOf(
  { id, createdAt, content }: Message,
  ephemeralPayload?: EphemeralPayload,
): AnswerView['data']['message'] {
  const title = ephemeralPayload ? ephemeralPayload.title : content.fields.title
  const body = ephemeralPayload?.text ?? content.fields.body
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
    throw new JobError('webhook-unreachable')
  })
  await response.body?.cancel()
  if (response.ok) return
  // Gone: whoever is there wants no more of them.
  throw new JobError(`webhook-${response.status}`, {
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
