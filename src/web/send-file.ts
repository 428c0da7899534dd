import type { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import type { Response } from 'express'
import { ignorePrematureClose } from '../core/streams.ts'
import type { Keys } from '../encryption/types.ts'
import type { Attachment } from '../submissions/attachment.ts'

type FileAnswerContext = {
  readFile: (attachment: Attachment, keys: Keys) => Promise<Readable>
  downloadName: (name: string, type: string) => string
}

type SendFile = (res: Response, attachment: Attachment, name: string, keys: Keys) => Promise<void>

/** Answers with a kept file, to be saved and not shown. @throws Failure if it is not there or cannot be opened. */
export function fileAnswer({ readFile, downloadName }: FileAnswerContext): SendFile {
  return async (res, attachment, name, keys) => {
    const { size, type: known } = attachment
    const content = await readFile(attachment, keys)
    const type = known ?? 'application/octet-stream'
    res.set('content-length', String(size))
    await sendCopy(res, { name: downloadName(name, type), type, content })
  }
}

/** Answers with a file that is kept nowhere, to be saved and not shown. */
export async function sendCopy(
  res: Response,
  { name, type, content }: { name: string; type: string; content: Readable },
): Promise<void> {
  res.attachment(name)
  res.set({
    'content-type': type,
    // Even a browser that shows the file all the same gives it no rights.
    'content-security-policy': "sandbox; default-src 'none'",
  })
  try {
    await pipeline(content, res).catch(ignorePrematureClose)
  } finally {
    // Whoever has gone before it began has not read it either.
    content.destroy()
  }
}
