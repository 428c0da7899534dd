import type { Readable, Writable } from 'node:stream'
import type { FileError } from './file-error.ts'

/** What the reader of a form tells of a file: https://github.com/mscdex/busboy#busboy-special-events */
type FileEvent = [field: string, content: Readable, info: { filename?: string }]

/**
 * Watches for files without a name, which the reader of the form passes over without a word. An empty one is what browsers
 * send for a file input that was left empty; any other is somebody's file.
 */
export function namelessFiles() {
  let bytes = 0
  return {
    /** Called with what reads the form, before anything is read. */
    watch(reader: Writable): void {
      reader.on('file', (...[, content, { filename }]: FileEvent) => {
        if (filename) return
        content.on('data', (chunk: Buffer) => {
          bytes += chunk.length
        })
      })
    },

    /**
     * What is wrong with them, if there was one. Without a name and of a type that is text, a file is taken for a field:
     * those are given here.
     */
    errors(fields: string[]): FileError[] {
      if (bytes === 0 && fields.every((text) => text === '')) return []
      const message = 'A file without a name cannot be taken. Please give it a name, and send it again.'
      return [{ code: 'invalid', message }]
    },
  }
}
