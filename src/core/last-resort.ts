const ownMistakes = [TypeError, RangeError, ReferenceError, SyntaxError, EvalError]

/**
 * True for an error that nothing caught, and after which the process may go on: something outside did not do as asked, as
 * a socket that broke, a disk that is full, a thread that ended. Such an error has a code, and what it broke is known:
 * that stream, that promise. Anything else is a mistake in the program, and nobody knows what it left half done.
 */
export function isOfTheOutside(error: unknown): boolean {
  if (!(error instanceof Error) || !('code' in error) || typeof error.code !== 'string') return false
  return !ownMistakes.some((mistake) => error instanceof mistake) && !error.code.includes('ASSERTION')
}
