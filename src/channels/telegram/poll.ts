import { setTimeout as sleep } from 'node:timers/promises'
import type { Api } from 'grammy'
import { allowedUpdates } from './setup.ts'

export type PollParts = {
  api: Api
  /** Takes an update in durably. Throws if nothing can be taken in just now. */
  take: (json: unknown, raw: string) => Promise<void>
  onFault: (code: string) => void
  signal: AbortSignal
}

/** Seconds that Telegram holds a request open for. */
const holding = 30
const pause = 3000

/**
 * Fetches updates instead of having them posted, for those without a public address. An update is asked for again until
 * it is durable: the next one is asked for only then.
 */
export async function poll({ api, take, onFault, signal }: PollParts): Promise<void> {
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
        await take(update, JSON.stringify(update))
        offset = update.update_id + 1
      }
    } catch (error) {
      if (signal.aborted) return
      const { error_code: code } = error as { error_code?: unknown }
      onFault(typeof code === 'number' ? `telegram-${code}` : 'unavailable')
      await sleep(pause, undefined, { signal }).catch(() => undefined)
    }
  }
}
