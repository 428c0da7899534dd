import type { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import type { Response } from 'express'
import { leftEarly } from '../left-early.ts'
import type { Keys } from '../seal.ts'
import type { Attachment } from '../submission.ts'

export type FileAnswerParts = {
  readFile: (attachment: Attachment, keys: Keys) => Promise<Readable>
  downloadName: (name: string, type: string) => string
}

export type SendFile = (res: Response, attachment: Attachment, name: string, keys: Keys) => Promise<void>

/** Answers with a kept file, to be saved and not shown. @throws Failure if it is not there or cannot be opened. */
export function fileAnswer({ readFile, downloadName }: FileAnswerParts): SendFile {
  return async (res, attachment, name, keys) => {
    const { size, type: known } = attachment
    const content = await readFile(attachment, keys)
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
