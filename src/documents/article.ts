import type { Formatted } from '../submissions/formatted-text.ts'

/** The text of a document, in plain characters and with its formatting, and the language it seems to be in. */
export type Article = { text: string; formatted: Formatted; language: string | undefined }
