/** For a stream that is handed to a reader: whoever goes away in the middle of it is no fault; anything else is thrown. */
export function leftEarly(error: NodeJS.ErrnoException): void {
  if (error.code !== 'ERR_STREAM_PREMATURE_CLOSE') throw error
}
