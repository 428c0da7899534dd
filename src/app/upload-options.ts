import { tidyFileName } from '../files/name.ts'
import { fileTypeCheck } from '../files/type.ts'
import type { Stage } from '../web/multipart.ts'
import type { FormReading } from '../web/read-form.ts'
import type { App } from './context.ts'

/** Takes files into staging: each under a tidy name, and judged by its content. */
export function stagingOf({ config, files }: App, isEncrypted: boolean): Stage {
  const typeOf = fileTypeCheck(config.FILE_TYPES)
  return async (source, givenName, maxBytes) => {
    const name = tidyFileName(givenName)
    const written = await files.stage(source, {
      isEncrypted,
      maxBytes,
      typeOf: (sample) => typeOf(sample, name),
    })
    return { ...written, name }
  }
}

/** How files come with a form. As long as nobody knows whether they are confidential, they are treated as if they were. */
export function uploadsOf(app: App): FormReading {
  const { config, files, bodies } = app
  return {
    readBody: bodies.read,
    useOf: bodies.of,
    stage: stagingOf(app, true),
    tidyName: tidyFileName,
    discard: (staged) => files.discard(staged.map(({ id }) => id)),
    maxFileBytes: config.MAX_FILE_BYTES,
    maxSubmissionBytes: config.MAX_SUBMISSION_BYTES,
  }
}
