import { isDeepStrictEqual } from 'node:util'
import type { NewRecord } from './intake-record.ts'
import type { Message } from './model.ts'

/**
 * True if one of these messages of the sender says what this record does: the same words, and files of the same names
 * and sizes.
 */
export function isRepeated(messages: Message[], record: Pick<NewRecord, 'content' | 'attachments'>): boolean {
  const repeated = {
    content: record.content,
    attachments: record.attachments.map((one) => ({ size: null, ...one })),
  }
  return messages.some(
    (message) => message.author === 'sender' && isDeepStrictEqual(gist(message), gist(repeated)),
  )
}

type Gist = { content: Message['content']; attachments: { id: string; size: number | null }[] }

/** As it is kept: what is not defined is not there. */
function gist({ content, attachments }: Gist): unknown {
  const files = attachments.map(({ id, size }) => ({ ...content.files[id], size }))
  return JSON.parse(JSON.stringify({ fields: content.fields, files }))
}
