import type { FailureCode } from '../core/errors.ts'

/** The one place where failures become HTTP. */
const statuses: Record<FailureCode, number> = {
  invalid: 422,
  'too-large': 413,
  'unsupported-file': 415,
  unauthorized: 401,
  forbidden: 403,
  'not-found': 404,
  conflict: 409,
  'too-many': 429,
  unavailable: 503,
}

export function statusOf(code: FailureCode): number {
  return statuses[code]
}
