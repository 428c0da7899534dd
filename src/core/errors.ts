/** What can go wrong, in words the whole program shares. Domain code knows no HTTP: `web/status.ts` maps codes to it. */
export type FailureCode =
  | 'invalid'
  | 'too-large'
  | 'unsupported-file'
  | 'unauthorized'
  | 'forbidden'
  | 'not-found'
  | 'conflict'
  | 'too-many'
  | 'unavailable'

/** Faults by field name, each a list of sentences a sender can act on. */
export type FieldErrors = Record<string, string[]>

/**
 * An expected refusal. `message` is shown to whoever asked, so it never holds what a sender sent.
 * `fields` names the faults beside their fields; `retryAfter` is in seconds.
 */
export class Failure extends Error {
  readonly code: FailureCode
  readonly fields: FieldErrors | undefined
  readonly retryAfter: number | undefined
  /** It is certain that nothing was written; otherwise a broken connection may hide that it was. */
  readonly isUndone: boolean

  constructor(
    code: FailureCode,
    message: string,
    more: { fields?: FieldErrors; retryAfter?: number; cause?: unknown; isUndone?: boolean } = {},
  ) {
    super(message, { cause: more.cause })
    this.name = 'Failure'
    this.code = code
    this.fields = more.fields
    this.retryAfter = more.retryAfter
    this.isUndone = more.isUndone ?? false
  }
}

/** The failure that says "not now, try again": storage is full, locked or out of reach. */
export function unavailable(cause: unknown, isUndone = false): Failure {
  return new Failure('unavailable', 'Barua cannot take this in right now. Please try again shortly.', {
    retryAfter: 30,
    cause,
    isUndone,
  })
}
