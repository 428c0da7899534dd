import type { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import type { Response } from 'express'
import type { Attachment } from '../submission.ts'

export type FileAnswerParts = {
  readFile: (id: string) => Promise<Readable>
  downloadName: (name: string, type: string) => string
}

export type SendFile = (res: Response, attachment: Attachment, name: string) => Promise<void>

/** Answers with a kept file, to be saved and not shown. @throws Failure `unavailable` if it is not there. */
export function fileAnswer({ readFile, downloadName }: FileAnswerParts): SendFile {
  return async (res, { id, size, type: known }, name) => {
    const content = await readFile(id)
    const type = known ?? 'application/octet-stream'
    res.attachment(downloadName(name, type))
    res.set({
      'content-type': type,
      'content-length': String(size),
      // Even a browser that shows the file all the same gives it no rights.
      'content-security-policy': "sandbox; default-src 'none'",
    })
    await pipeline(content, res).catch(leftEarly)
  }
}

/** A reader who goes away in the middle is no fault. */
function leftEarly(error: NodeJS.ErrnoException): void {
  if (error.code !== 'ERR_STREAM_PREMATURE_CLOSE') throw error
}
