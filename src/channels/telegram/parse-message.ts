import { hash } from 'node:crypto'
import type { ItemSort } from '../../db/values.ts'
import type { DraftItem, RemoteFile } from '../chat/draft.ts'
import { addressOf } from './address.ts'
import { message as messageReader } from './message/message.ts'
import { type Findings, noFindings } from './message/reader.ts'
import { besideMessage } from './message/updates.ts'
import type { Incoming, TelegramMessage } from './update-schema.ts'

/** What is taken from a message besides its words. */
export type ReadingOptions = {
  tidyFileName: (name: string) => string
  /** Bytes that the Bot API gives out of a file. */
  maxFileBytes: number
}

/**
 * What a person said with a message, as a part of their submission. `nature` tells what there was in it: something said;
 * something of which nothing could be read; what Telegram itself tells of the chat; nothing at all.
 */
export type ReadMessage = { item: DraftItem; nature: 'said' | 'unreadable' | 'service' | 'nothing' }

/** Stands in the words where nothing of a message could be read. */
const notReadHere = '[This message could not be read here.]'

export function readMessage(incoming: Incoming, reading: ReadingOptions): ReadMessage {
  const { message, fields, json, raw } = incoming
  const findings = noFindings()
  const words = messageReader.read(fields, findings, fields)
  for (const name of besideMessage(json))
    findings.unparsed.push({ name: `update.${name}`, value: json[name] })
  const nature = natureOf(words, findings)
  const { media_group_id: album, edit_date: editedAt = 0, from } = message
  const item: DraftItem = {
    messageId: message.message_id,
    album: album ?? null,
    field: null,
    sort: sortOf(fields),
    words: nature === 'unreadable' ? notReadHere : words,
    files: findings.files.map((file) => remoteFile(file, reading)),
    sender: { ...addressOf(message), messageId: message.message_id },
    name: senderName(message),
    language: from?.language_code?.slice(0, 50),
    editedAt,
    ...(findings.unparsed.length > 0 && { rawUpdate: { raw, mark: markOf(findings) } }),
  }
  return { item, nature }
}

/** True for what Telegram itself tells of a chat. */
export function isService(incoming: Incoming, reading: ReadingOptions): boolean {
  return readMessage(incoming, reading).nature === 'service'
}

function natureOf(words: string, { files, unparsed, isService }: Findings): ReadMessage['nature'] {
  if (words.trim() !== '' || files.length > 0) return 'said'
  if (unparsed.length > 0) return 'unreadable'
  return isService ? 'service' : 'nothing'
}

/** Tells what was not read from something else that was not. */
function markOf({ unparsed }: Findings): string {
  return hash('sha256', JSON.stringify(unparsed), 'base64url')
}

function remoteFile(
  { size = 0, ...file }: Findings['files'][number],
  { tidyFileName, maxFileBytes }: ReadingOptions,
): RemoteFile {
  return { ...file, name: tidyFileName(file.name), ...(size > maxFileBytes && { withheld: size }) }
}

/** By which of a message's fields it is counted. */
const sorts: [field: string, sort: ItemSort][] = [
  ['photo', 'photo'],
  ['live_photo', 'photo'],
  ['video', 'video'],
  ['video_note', 'video'],
  ['animation', 'video'],
  ['voice', 'voice'],
  ['audio', 'audio'],
  ['document', 'document'],
  ['location', 'location'],
  ['venue', 'location'],
  ['contact', 'contact'],
]

function sortOf(fields: object): ItemSort {
  return sorts.find(([field]) => field in fields)?.[1] ?? 'message'
}

function senderName({ from }: TelegramMessage): string | undefined {
  const { first_name: first, last_name: last, username } = from ?? {}
  const name = [first, last, username && `(@${username})`].filter(Boolean).join(' ')
  return name.replace(/\s+/g, ' ').slice(0, 200) || undefined
}
