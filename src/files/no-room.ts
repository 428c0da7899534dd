import { Failure } from '../core/errors.ts'

/** A file is not taken, for what is left of the disk is kept for texts. Nothing of it is kept. */
export class NoRoom extends Failure {
  constructor() {
    super(
      'unavailable',
      'There is no room for files here just now. Please send them again in a day or two.',
      {
        retryAfter: 3600,
        isUndone: true,
      },
    )
  }
}
