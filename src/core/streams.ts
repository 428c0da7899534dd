/** For a stream that is handed to a reader: whoever goes away before its end is no fault; anything else is thrown. */
export function ignorePrematureClose(error: NodeJS.ErrnoException): void {
  if (!gone.has(error.code)) throw error
}

const gone = new Set<string | undefined>(['ERR_STREAM_PREMATURE_CLOSE', 'ERR_STREAM_UNABLE_TO_PIPE'])
