import type { ErrorRequestHandler, RequestHandler, Response } from 'express'
import type { Logger } from 'pino'
import { Failure, unavailable } from '../failure.ts'
import type { Render } from './pages.ts'
import { statusOf } from './status.ts'

/** The JSON form of every refusal. */
export function errorBody(failure: Failure) {
  const { code, message, fields } = failure
  return { error: { code, message, ...(fields && { fields }) } }
}

export const notFound: RequestHandler = (_req, _res, next) => {
  next(new Failure('not-found', 'There is no such page.'))
}

/**
 * Answers what went wrong: JSON for JSON callers, a page for people. What is not a Failure is ours to repair: it is
 * logged by its place in the code, without its message, which may hold a sender's words, and answered as
 * `unavailable`, so that a bot tries again and nothing is lost.
 */
export function errorAnswer(render: Render, log: Logger): ErrorRequestHandler {
  return (error, req, res, next) => {
    if (!(error instanceof Failure) && !isHttpError(error)) logUnexpected(log, error)
    if (res.headersSent) return next(error)
    if (req.destroyed && req.socket.destroyed) return
    const failure = asFailure(error)
    setFailureHeaders(res, failure)
    if (wantsJson(req.accepts(['html', 'json']), req.path)) res.json(errorBody(failure))
    else res.type('html').send(render('error', { failure, title: titles[failure.code] }))
  }
}

/** Sets the status, and when to come back where that is known. */
export function setFailureHeaders(res: Response, failure: Failure): void {
  res.status(statusOf(failure.code))
  res.set('cache-control', 'no-store')
  if (failure.retryAfter !== undefined) res.set('retry-after', String(failure.retryAfter))
}

function wantsJson(accepted: string | false, path: string): boolean {
  return accepted === 'json' || /^\/(api|webhooks)\//.test(path)
}

const titles: Record<Failure['code'], string> = {
  invalid: 'That could not be read',
  'too-large': 'That is too large',
  'unsupported-file': 'That cannot be taken',
  unauthorized: 'Please sign in',
  forbidden: 'That is not allowed',
  'not-found': 'Nothing here',
  conflict: 'Somebody was faster',
  'too-many': 'Too many at once',
  unavailable: 'Not just now',
}

// Express and its body parsers throw errors that carry a status of their own.
type HttpError = Error & { status: number }

function isHttpError(error: unknown): error is HttpError {
  return error instanceof Error && 'status' in error && typeof error.status === 'number' && error.status < 500
}

function asFailure(error: unknown): Failure {
  if (error instanceof Failure) return error
  if (!isHttpError(error)) return unavailable(error)
  if (error.status === 413) return new Failure('too-large', 'That is more than can be taken at once.')
  if (error.status === 415) return new Failure('unsupported-file', 'This way of sending is not understood here.')
  if (error.status === 404) return new Failure('not-found', 'There is no such page.')
  return new Failure('invalid', 'The request could not be read.')
}

function logUnexpected(log: Logger, error: unknown): void {
  const stack = error instanceof Error ? (error.stack ?? '') : ''
  const frames = stack.split('\n').filter((line) => /^\s+at /.test(line))
  const name = error instanceof Error ? error.name : typeof error
  log.error({ name, frames: frames.slice(0, 8).map((line) => line.trim()) }, 'unexpected error')
}
