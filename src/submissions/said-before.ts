import { isDeepStrictEqual } from 'node:util'
import type { NewRecord } from './intake-record.ts'
import type { Message } from './model.ts'

/** True if one of these messages of the sender says what this record does: the same words, and files of the same names and sizes. */
export function saidBefore(messages: Message[], record: Pick<NewRecord, 'content' | 'attachments'>): boolean {
  const said = {
    content: record.content,
    attachments: record.attachments.map((one) => ({ size: null, ...one })),
  }
  return messages.some(
    (message) => message.author === 'sender' && isDeepStrictEqual(gist(message), gist(said)),
  )
}

type Said = { content: Message['content']; attachments: { id: string; size: number | null }[] }

/** As it is kept: what is not defined is not there. */
function gist({ content, attachments }: Said): unknown {
  const files = attachments.map(({ id, size }) => ({ ...content.files[id], size }))
  return JSON.parse(JSON.stringify({ fields: content.fields, files }))
}
