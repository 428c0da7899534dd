import type { Content } from '../submission.ts'

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
