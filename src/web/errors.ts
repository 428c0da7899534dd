import type { ErrorRequestHandler, Request, RequestHandler, Response } from 'express'
import type { Logger } from 'pino'
import { placeOf } from '../core/error-place.ts'
import { Failure, unavailable } from '../core/errors.ts'
import { TooBusy } from '../core/too-busy.ts'
import { statusOf } from './error-status.ts'
import type { Render } from './pages.ts'
import { typedIn } from './typed-input.ts'

/** The JSON form of every refusal. */
export function errorBody(failure: Failure) {
  const { code, message, fields } = failure
  return { error: { code, message, ...(fields && { fields }) } }
}

export const notFound: RequestHandler = (_req, res, next) => {
  res.locals.leavesBody = true
  next(new Failure('not-found', 'There is no such page.'))
}

/**
 * Begins an answer that refuses: its status, and when to come back where that is known. What is ours to repair is
 * logged.
 */
export type BeginErrorAnswer = (res: Response, failure: Failure) => void

export function rejections(log: Logger): BeginErrorAnswer {
  return (res, failure) => {
    if (failure.code === 'unavailable' && !(failure instanceof TooBusy))
      log.error(placeOf(failure.cause), 'unavailable')
    res.status(statusOf(failure.code))
    res.set('cache-control', 'no-store')
    if (failure.retryAfter !== undefined) res.set('retry-after', String(failure.retryAfter))
  }
}

/** Answers what went wrong: JSON for JSON callers, a page for people. */
export function errorAnswer(render: Render, beginErrorAnswer: BeginErrorAnswer): ErrorRequestHandler {
  return (error, req, res, _next) => {
    const failure = asFailure(error)
    // Half an answer cannot be taken back; broken off, it is seen to be incomplete.
    if (res.headersSent) return res.destroy()
    beginErrorAnswer(res, failure)
    if (!wantsPage(req)) {
      res.json(errorBody(failure))
    } else {
      const atDesk = /\/desk(\/|$)/.test(req.path)
      const sent = req.method === 'POST' ? sentIn(req, res, failure) : undefined
      const title = titles[failure.code]
      res
        .type('html')
        .send(render('error', { ...res.locals, failure, title, atDesk, sent, action: req.originalUrl }))
    }
  }
}

/**
 * What somebody has typed: an error must not cost them their words. They can send it again from the page of the error,
 * unless nothing says that it came from a page of ours: who presses a button there would send it for somebody else.
 */
function sentIn(req: Request, res: Response, failure: Failure) {
  const typed = typedIn(req.body)
  const isOurs = failure.code !== 'forbidden' && !res.locals.needsToken
  const takesFiles = req.is('multipart/form-data') === 'multipart/form-data'
  return { ...typed, takesFiles, canRepeat: isOurs && typed.isRepeatable }
}

/**
 * Reads what was typed into a form that was refused before it was read, so that the page of the error can show it. What
 * cannot be read then is left out: the error is told in any case. Where `leavesBody` is set nobody of ours has typed it, or
 * there is no room for it.
 */
export function keepingWords(
  readForm: (req: Request, res: Response) => Promise<unknown>,
): ErrorRequestHandler {
  return (error, req, res, next) => {
    const isRead = req.method !== 'POST' || req.body !== undefined || res.headersSent || res.locals.leavesBody
    if (isRead || !wantsPage(req)) return next(error)
    readForm(req, res).then(
      () => next(error),
      () => next(error),
    )
  }
}

function wantsPage(req: Request): boolean {
  return req.accepts(['html', 'json']) !== 'json' && !/\/(api|webhooks)\//.test(req.path)
}

const titles: Record<Failure['code'], string> = {
  invalid: 'That could not be read',
  'too-large': 'That is too large',
  'unsupported-file': 'That cannot be taken',
  unauthorized: 'Please sign in',
  forbidden: 'That is not allowed',
  'not-found': 'Nothing here',
  conflict: 'That could not be done',
  'too-many': 'Too many at once',
  unavailable: 'Not just now',
}

// Express and its body parsers throw errors that carry a status of their own.
type HttpError = Error & { status: number }

function isHttpError(error: unknown): error is HttpError {
  return error instanceof Error && 'status' in error && typeof error.status === 'number' && error.status < 500
}

/**
 * Whatever was thrown, as a Failure. What nobody foresaw becomes `unavailable`: a bot tries again then, a person keeps
 * what was typed, and nothing is lost.
 */
export function asFailure(error: unknown): Failure {
  if (error instanceof Failure) return error
  if (!isHttpError(error)) return unavailable(error)
  if (error.status === 413) return new Failure('too-large', 'That is more than can be taken at once.')
  if (error.status === 415)
    return new Failure('unsupported-file', 'This way of sending is not understood here.')
  if (error.status === 404) return new Failure('not-found', 'There is no such page.')
  return new Failure('invalid', 'The request could not be read.')
}
