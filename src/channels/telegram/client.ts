import type { Api } from 'grammy'
import { loadedOnce } from '../../core/loaded-once.ts'
import { JobError } from '../../jobs/job.ts'

/** Milliseconds for one call. */
export const patience = 120_000

/** What a bot can fetch of a file, by Telegram's rules. https://core.telegram.org/bots/api#getfile */
const maxPublicFileBytes = 20 * 1024 * 1024
const publicRoot = 'https://api.telegram.org'

/** Bytes that can be fetched of a file: a Bot API server of our own gives out more, up to what we take. */
export function maxFetchableBytes(apiRoot: string, maxFileBytes: number): number {
  return apiRoot === publicRoot ? Math.min(maxPublicFileBytes, maxFileBytes) : maxFileBytes
}

export type GetApi = () => Promise<Api>

/**
 * The Bot API of this bot, made with the first call, so that starting up does not wait for the library. @throws
 * JobError without a token
 */
export function apiOf(token: string | undefined, apiRoot: string): GetApi {
  return loadedOnce(async () => {
    if (!token) throw new JobError('telegram-no-token')
    const { Api } = await import('grammy')
    return configured(new Api(token, { apiRoot, timeoutSeconds: patience / 1000 }))
  })
}

/** A signal as grammY's types have it, which come from before Node had its own. */
export function breakingOff(signal: AbortSignal): Parameters<Api['getMe']>[0] {
  return signal as unknown as Parameters<Api['getMe']>[0]
}

/**
 * Keeps to Telegram's limits, and waits itself where it is told to wait for a few seconds; for longer the outbox waits.
 */
async function configured(api: Api): Promise<Api> {
  const [{ autoRetry }, { apiThrottler }] = await Promise.all([
    import('@grammyjs/auto-retry'),
    import('@grammyjs/transformer-throttler'),
  ])
  api.config.use(
    autoRetry({
      maxRetryAttempts: 2,
      maxDelaySeconds: 5,
      rethrowInternalServerErrors: true,
      rethrowHttpErrors: true,
    }),
    apiThrottler(),
  )
  return api
}

type Rejection = { error_code: number; description: string; parameters: { retry_after?: number } }

/**
 * What a failed call means for its delivery. 400 is about this call and final, 403 says that the person has blocked the
 * bot; anything else may pass. Nothing of the error is kept: the token is in its address.
 */
export function errorCodeOf(error: unknown): JobError {
  if (error instanceof JobError) return error
  const { error_code: code, description = '', parameters } = error as Partial<Rejection>
  if (typeof code !== 'number') return new JobError('telegram-unreachable')
  if (code === 400 && /file is too big/i.test(description)) {
    return new JobError('telegram-too-large', { permanent: true })
  }
  return refused(code, Number(parameters?.retry_after ?? 0) * 1000)
}

/** `retryAfter` is in milliseconds. */
export function refused(status: number, retryAfter = 0): JobError {
  return new JobError(`telegram-${status}`, {
    permanent: status === 400 || status === 403,
    retryAfter,
  })
}
