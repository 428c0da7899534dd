import type { AttachmentState } from '../db/values.ts'
import type { NewJob } from '../jobs/job.ts'
import type { RejectionReason } from './file-refusal.ts'

/** The previews to be made of files that came in. */
export function previewsOf(files: { id: string; type: string }[]): NewJob[] {
  return files
    .filter((file) => hasPreview(file.type))
    .map((file) => ({ type: 'preview', attachmentId: file.id }))
}

export type FileLabel = {
  name: string
  caption?: string
  credit?: string
  /** It is the mail itself, as it came. */
  isRaw?: true
  /** A mail program added it to an editor's reply: it goes to the sender only if an editor says so. */
  isLeftOut?: true
  /** Why it was not taken, where it stayed in the mail that it came with. */
  refused?: RejectionReason
}

export type Attachment = {
  id: string
  state: AttachmentState
  /** Bytes; null until the file is kept. */
  size: number | null
  /** The media type found in its leading bytes, never the one the sender claimed. */
  type: string | null
  /**
   * The file made from it for looking at here: a small picture, or the words of a PDF. Nothing is made of encrypted
   * ones.
   */
  previewId: string | null
  /** Undefined for a file that is not encrypted; otherwise by what it is known for this one, where that could be opened. */
  encrypted?: { mark: string | undefined }
}

/** True for files of which a preview is made: a small picture, or the words of a PDF. */
export function hasPreview(type: string): boolean {
  return previewed.test(type)
}

/** True for files whose beginning is shown as text, as it is. */
export function isText(type: string): boolean {
  return /^text\/(?:plain|csv|markdown)$/.test(type)
}

const previewed = /^(?:image\/(?:jpeg|png|webp|gif|avif|tiff)|application\/pdf)$/
