import type { Api } from 'grammy'
import { languages } from '../chat/words/words.ts'
import { breakingOff } from './client.ts'
import { Moment } from './update-schema.ts'

/** What Telegram is asked to send: what a conversation is made of. */
export const allowedUpdates = ['message', 'edited_message', 'callback_query'] as const

/** Telegram's own limit for those that come at the same time is 100. */
const connections = 40

/** How the webhook stands, in what Telegram says of it. */
export type WebhookState = {
  url: string
  pending: number
  /** When a job last failed, in milliseconds, and what Telegram said of it. */
  lastError: { at: number; message: string } | undefined
  hasOwnCertificate: boolean
  isOurs: boolean
  lacks: string[]
}

/** Telegram takes webhooks only there. https://core.telegram.org/bots/api#setwebhook */
export function webhookError(url: string): string | undefined {
  const { protocol, port } = new URL(url)
  if (protocol !== 'https:')
    return 'Telegram posts to https addresses only: set PUBLIC_URL to one, or use “telegram poll”.'
  if (!['', '443', '80', '88', '8443'].includes(port))
    return 'Telegram posts to the ports 443, 80, 88 and 8443 only.'
  return undefined
}

/**
 * Tells Telegram where to post, with which secret, and what; and which commands people are shown. What waits there
 * stays.
 */
export async function connect(api: Api, url: string, secret: string): Promise<void> {
  await api.setWebhook(url, {
    secret_token: secret,
    allowed_updates: [...allowedUpdates],
    max_connections: connections,
    drop_pending_updates: false,
  })
  await setCommands(api)
}

/** What people see when they type a slash: in every language the bot speaks, in private chats only. */
export async function setCommands(api: Api): Promise<void> {
  for (const [code, { commands }] of Object.entries(languages)) {
    const shown = Object.entries(commands).map(([command, description]) => ({ command, description }))
    const scope = { type: 'all_private_chats' as const }
    await api.setMyCommands(shown, code === 'en' ? { scope } : { scope, language_code: code as 'sw' | 'fr' })
  }
}

export async function readWebhook(api: Api, ours: string, signal?: AbortSignal): Promise<WebhookState> {
  const info = await api.getWebhookInfo(signal && breakingOff(signal))
  const allowed = info.allowed_updates
  const failedAt = Moment.safeParse(info.last_error_date)
  return {
    url: info.url ?? '',
    pending: info.pending_update_count,
    lastError: failedAt.success
      ? { at: failedAt.data * 1000, message: info.last_error_message ?? '' }
      : undefined,
    hasOwnCertificate: info.has_custom_certificate,
    isOurs: info.url === ours,
    lacks: allowed ? allowedUpdates.filter((kind) => !allowed.includes(kind)) : [],
  }
}

/** What to do where Telegram posts nowhere. */
export const noWebhook =
  'It has no webhook. Run “npm run barua -- telegram connect”, or keep “npm run barua -- telegram poll” running.'

/** From so many on, updates pile up: something keeps them from coming in. */
const pile = 20

/** An error of so long ago is history. */
const recent = 3_600_000

/** What is wrong with the webhook, in plain words; none if all is well. */
export function warnings(state: WebhookState, now: number): string[] {
  const { url, isOurs, pending, lastError, lacks } = state
  // Fetched by “telegram poll”, updates have no webhook and do not wait.
  if (url === '') return pending >= pile ? [`${pending} updates wait at Telegram. ${noWebhook}`] : []
  return [
    ...(isOurs
      ? []
      : ['Telegram posts to another address than ours. Run “npm run barua -- telegram connect”.']),
    ...(pending >= pile ? [`${pending} updates wait at Telegram and do not come in.`] : []),
    ...(lastError && now - lastError.at < recent ? [`Telegram’s last try failed: ${lastError.message}`] : []),
    ...(lacks.length > 0
      ? [`Telegram does not send ${lacks.join(', ')}. Run “npm run barua -- telegram connect”.`]
      : []),
  ]
}
