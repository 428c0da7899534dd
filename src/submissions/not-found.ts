import { Failure } from '../core/errors.ts'

export function noSuchSubmission(): Failure {
  return new Failure('not-found', 'There is no submission with this reference.')
}
