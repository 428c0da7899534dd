import type { Api } from 'grammy'
import { CarryFault } from '../../delivery.ts'

/** Milliseconds for one call. */
export const patience = 120_000

/** The Bot API of this bot. The library is loaded with the first call, so that starting up does not wait for it. */
export async function botApi(token: string, apiRoot: string): Promise<Api> {
  const grammy = await import('grammy')
  return new grammy.Api(token, { apiRoot, timeoutSeconds: patience / 1000 })
}

type Refusal = { error_code: number; parameters: { retry_after?: number } }

/**
 * What a failed call means for its delivery. 400 is about this call and final, 403 says that the person has blocked the
 * bot; anything else may pass. Nothing of the error is kept: the token is in its address.
 */
export function faultOf(error: unknown): CarryFault {
  const { error_code: code, parameters } = error as Partial<Refusal>
  if (typeof code !== 'number') return new CarryFault('telegram-unreachable')
  return refused(code, parameters?.retry_after)
}

export function refused(status: number, retryAfterSeconds = 0): CarryFault {
  return new CarryFault(`telegram-${status}`, {
    permanent: status === 400 || status === 403,
    retryAfter: retryAfterSeconds * 1000,
  })
}
