import { Failure } from './errors.ts'

/** So long whoever is turned away for too much at once should wait. Seconds. */
const wait = 30

/** More comes in at this moment than is taken at once. Nothing is out of order, and nothing was taken in. */
export class TooBusy extends Failure {
  constructor(
    message = 'Too much is coming in at this moment. Nothing was taken in; please try again in a minute.',
  ) {
    super('unavailable', message, { retryAfter: wait, isUndone: true })
  }
}
