import { setTimeout as sleep } from 'node:timers/promises'
import type { Api } from 'grammy'
import { z } from 'zod'
import { allowedUpdates } from './webhook-setup.ts'

type PollContext = {
  api: Api
  /** Where the letterbox takes updates in, and the secret that it wants with them. */
  channel: { url: string; secret: string }
  onError: (code: string) => void
  signal: AbortSignal
}

/** Seconds that Telegram holds a request open for. */
const holding = 30
const pause = 3000

/**
 * Fetches updates and posts them to the letterbox as Telegram would, for those without a public address. An update is asked
 * for again until it is durable: the next one is asked for only then.
 */
export async function poll({ api, channel, onError, signal }: PollContext): Promise<void> {
  await api.deleteWebhook({ drop_pending_updates: false })
  let offset = 0
  while (!signal.aborted) {
    try {
      const updates = await api.getUpdates(
        { offset, timeout: holding, allowed_updates: [...allowedUpdates] },
        // The library’s type for signals is that of a polyfill.
        signal as never,
      )
      for (const update of updates) {
        await post(JSON.stringify(update))
        offset = update.update_id + 1
      }
    } catch (error) {
      if (signal.aborted) return
      const { error_code: code } = error as { error_code?: unknown }
      onError(typeof code === 'number' ? `telegram-${code}` : 'unavailable')
      await sleep(pause, undefined, { signal }).catch(() => undefined)
    }
  }

  /** The answer may be a call to make. https://core.telegram.org/bots/api#making-requests-when-getting-updates */
  async function post(update: string): Promise<void> {
    const response = await fetch(channel.url, {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'x-telegram-bot-api-secret-token': channel.secret },
      body: update,
    })
    if (!response.ok) throw new Error('the letterbox did not take an update in')
    const answer = Call.safeParse(await response.json())
    if (!answer.success) return
    const { method, ...payload } = answer.data
    await api.raw[method](payload as never).catch(() => undefined)
  }
}

const Call = z.looseObject({ method: z.enum(['sendMessage', 'answerCallbackQuery']) })
