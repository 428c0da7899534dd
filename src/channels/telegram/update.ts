import { z } from 'zod'
import type { AwaitedFile } from '../../draft.ts'

/**
 * The part of the Bot API's Update that a piece is made of. Unknown fields pass; a known one of the wrong shape makes
 * the update one that cannot be understood. https://core.telegram.org/bots/api#update
 */
const file = { file_id: z.string().min(1).max(1000), file_size: z.number().optional() }
const named = z.object({ ...file, file_name: z.string().optional() })
const unnamed = z.object(file)
const photoSize = z.object({ ...file, width: z.number(), height: z.number() })
const entity = z.object({
  type: z.string(),
  offset: z.number(),
  length: z.number(),
  url: z.string().optional(),
})

const Message = z.object({
  message_id: z.number().int(),
  date: z.number(),
  chat: z.object({ id: z.number().int(), type: z.string() }),
  from: z
    .object({
      first_name: z.string().optional(),
      last_name: z.string().optional(),
      username: z.string().optional(),
      language_code: z.string().optional(),
    })
    .optional(),
  text: z.string().optional(),
  entities: z.array(entity).optional(),
  caption: z.string().optional(),
  caption_entities: z.array(entity).optional(),
  photo: z.array(photoSize).optional(),
  document: named.optional(),
  animation: named.optional(),
  video: named.optional(),
  audio: named.optional(),
  voice: unnamed.optional(),
  video_note: unnamed.optional(),
})
export type Message = z.infer<typeof Message>

export const Update = z.object({ update_id: z.number().int(), message: Message.optional() })
export type Update = z.infer<typeof Update>

/** The kinds of update that are no piece: acknowledged, and nothing made of them. */
const noPieces = [
  'edited_message',
  'channel_post',
  'edited_channel_post',
  'business_connection',
  'business_message',
  'edited_business_message',
  'deleted_business_messages',
  'message_reaction',
  'message_reaction_count',
  'inline_query',
  'chosen_inline_result',
  'callback_query',
  'shipping_query',
  'pre_checkout_query',
  'purchased_paid_media',
  'poll',
  'poll_answer',
  'my_chat_member',
  'chat_member',
  'chat_join_request',
  'chat_boost',
  'removed_chat_boost',
]

export function isNoPiece(update: object): boolean {
  return noPieces.some((kind) => kind in update)
}

/** The words of a message. A link behind words is written out after them, for it would be lost otherwise. */
export function wordsOf(message: Message): string {
  const text = message.text ?? message.caption ?? ''
  const links = (message.entities ?? message.caption_entities ?? []).filter(
    (one) => one.type === 'text_link' && one.url,
  )
  return links
    .sort((a, b) => b.offset - a.offset)
    .reduce((written, { offset, length, url }) => insertAt(written, offset + length, ` (${url})`), text)
}

function insertAt(text: string, at: number, inserted: string): string {
  return text.slice(0, at) + inserted + text.slice(at)
}

/** Each file of a message once; of a photo's sizes the largest. Telegram repeats an animation as a document. */
export function filesOf(message: Message): (AwaitedFile & { size: number | undefined })[] {
  const { photo, document, animation, video, audio, voice, video_note: videoNote } = message
  const largest = photo?.toSorted((a, b) => b.width * b.height - a.width * a.height)[0]
  return [
    awaited(largest, 'photo.jpg'),
    awaited(animation ?? document, animation ? 'animation.mp4' : 'document'),
    awaited(video, 'video.mp4'),
    awaited(audio, 'audio.mp3'),
    awaited(voice, 'voice.ogg'),
    awaited(videoNote, 'video.mp4'),
  ].flat()
}

function awaited(
  found: { file_id: string; file_name?: string | undefined; file_size?: number | undefined } | undefined,
  name: string,
) {
  if (!found) return []
  return [{ remoteId: found.file_id, name: found.file_name ?? name, size: found.file_size }]
}

export function senderName(message: Message): string | undefined {
  const { first_name: first, last_name: last, username } = message.from ?? {}
  const name = [first, last, username && `(@${username})`].filter(Boolean).join(' ')
  return name === '' ? undefined : name.replace(/\s+/g, ' ').slice(0, 200)
}
