import type { Part } from '../open-piece.ts'
import type { Content, Summary } from '../submission.ts'

/**
 * The one way for a message's content into storage. Nothing else writes or reads the column,
 * so that sealing the confidential kinds changes this pair only.
 */
export function writeContent(content: Content): string {
  return JSON.stringify(content)
}

/** The one way for a message's content out of storage. */
export function readContent(stored: string): Content {
  return JSON.parse(stored) as Content
}

/** The one way for a summary into storage: it is content too. */
export function writeSummary(summary: Summary): string {
  return JSON.stringify(summary)
}

/** The one way for a summary out of storage. */
export function readSummary(stored: string | null): Summary {
  if (stored === null) return { title: undefined, sender: undefined, attachments: 0 }
  return JSON.parse(stored) as Summary
}

/** What a part says; the rest of it is told by its row. */
export type PartContent = Pick<Part, 'words' | 'files' | 'sender' | 'name' | 'language'>

/** The one way for a part of an open piece into storage: it is content too. */
export function writePart({ words, files, sender, name, language }: PartContent): string {
  return JSON.stringify({ words, files, sender, name, language })
}

/** The one way for a part of an open piece out of storage. */
export function readPart(stored: string): PartContent {
  return JSON.parse(stored) as PartContent
}
