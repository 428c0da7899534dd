import type { AwaitedFile } from '../../draft.ts'
import type { HeldFile, Part, PartSort } from '../../open-piece.ts'
import type { Message } from './update.ts'

/** What is taken from a message besides its words. */
export type Reading = {
  tidyFileName: (name: string) => string
  /** Bytes that the Bot API gives out of a file. */
  maxFileBytes: number
}

/** What a person said with a message, as a part of their piece. */
export function partOf(message: Message, { tidyFileName, maxFileBytes }: Reading): Part {
  const { chat, message_id: messageId, media_group_id: album, edit_date: editedAt = 0 } = message
  const files = attachedTo(message).map(
    ({ size = 0, ...file }): HeldFile => ({
      ...file,
      name: tidyFileName(file.name),
      ...(size > maxFileBytes && { withheld: size }),
    }),
  )
  return {
    messageId,
    album: album ?? null,
    field: null,
    sort: sortOf(message),
    words: wordsOf(message),
    files,
    sender: { chatId: chat.id, messageId },
    name: senderName(message),
    language: message.from?.language_code?.slice(0, 50),
    editedAt,
  }
}

export function saysNothing(part: Part): boolean {
  return part.words.trim() === '' && part.files.length === 0
}

function sortOf(message: Message): PartSort {
  if (message.photo || message.live_photo) return 'photo'
  if (message.video || message.video_note || message.animation) return 'video'
  if (message.voice) return 'voice'
  if (message.audio) return 'audio'
  if (message.document) return 'document'
  if (message.location) return 'location'
  return message.contact ? 'contact' : 'message'
}

/** All that a message says, as text: also what has no text of its own, such as a place. */
export function wordsOf(message: Message): string {
  const said = [writtenWords(message), ...thingsSaid(message)].filter((words) => words !== '').join('\n')
  const origin = originOf(message)
  return origin === undefined || said === '' ? said : `Forwarded from ${origin}:\n${said}`
}

/** The text. A link behind words, or a person who has no user name, is written out after them: it would be lost otherwise. */
function writtenWords(message: Message): string {
  const text = message.text ?? message.caption ?? richText(message)
  const links = (message.entities ?? message.caption_entities ?? []).flatMap((one) => {
    const url =
      one.type === 'text_link' ? one.url : one.type === 'text_mention' ? linkTo(one.user) : undefined
    return url ? [{ at: one.offset + one.length, url }] : []
  })
  return links
    .sort((a, b) => b.at - a.at)
    .reduce((written, { at, url }) => `${written.slice(0, at)} (${url})${written.slice(at)}`, text)
}

function linkTo(user: { id?: number | undefined } | undefined): string | undefined {
  return user?.id === undefined ? undefined : `tg://user?id=${user.id}`
}

/** The texts in a message of blocks, in order, without their looks. */
function richText({ rich_message: rich }: Message): string {
  return rich ? rich.blocks.map((block) => textsIn(block, 0).join('')).join('\n') : ''
}

const deepest = 20

function textsIn(value: unknown, depth: number): string[] {
  if (typeof value === 'string') return depth === 0 ? [value] : []
  if (typeof value !== 'object' || value === null || depth > deepest) return []
  return Object.entries(value).flatMap(([name, inner]) =>
    name === 'text' && typeof inner === 'string' ? [inner] : textsIn(inner, depth + 1),
  )
}

function thingsSaid(message: Message): string[] {
  const { location, venue, contact, sticker, dice, poll, checklist } = message
  const place = venue?.location ?? location
  return [
    venue ? `${venue.title}, ${venue.address}` : '',
    place ? `${place.latitude}, ${place.longitude} (geo:${place.latitude},${place.longitude})` : '',
    contact ? [contact.first_name, contact.last_name, contact.phone_number].filter(Boolean).join(' ') : '',
    contact?.vcard ?? '',
    sticker ? `[${sticker.emoji ?? 'sticker'}]` : '',
    dice ? `${dice.emoji} ${dice.value}` : '',
    ...(poll ? [poll.question, ...poll.options.map(({ text }) => `– ${text}`)] : []),
    ...(checklist ? [checklist.title, ...checklist.tasks.map(({ text }) => `– ${text}`)] : []),
  ]
}

/** From whom a forwarded message is, as far as Telegram tells. */
function originOf({ forward_origin: origin }: Message): string | undefined {
  if (!origin) return undefined
  const { sender_user: user, sender_user_name: name, sender_chat: group, chat: channel } = origin
  const chat = channel ?? group
  return (
    fullName(user ?? {}) ?? name ?? fullName({ first_name: chat?.title, username: chat?.username }) ?? '?'
  )
}

/** Each file of a message once; of a photo's sizes the largest. Telegram repeats an animation as a document. */
function attachedTo(message: Message): (AwaitedFile & { mark: string; size: number | undefined })[] {
  const { photo, document, animation, video, audio, voice, video_note: videoNote, live_photo: live } = message
  const largest = (photo ?? live?.photo)?.toSorted((a, b) => b.width * b.height - a.width * a.height)[0]
  return [
    awaited(largest, 'photo.jpg'),
    awaited(live, 'live-photo.mp4'),
    awaited(animation ?? document, animation ? 'animation.mp4' : 'document'),
    awaited(video, 'video.mp4'),
    awaited(audio, 'audio.mp3'),
    awaited(voice, 'voice.ogg'),
    awaited(videoNote, 'video.mp4'),
  ].flat()
}

type Found = {
  file_id: string
  file_unique_id?: string | undefined
  file_name?: string | undefined
  file_size?: number | undefined
}

function awaited(found: Found | undefined, name: string) {
  if (!found) return []
  const {
    file_id: remoteId,
    file_unique_id: mark = remoteId,
    file_name: given = name,
    file_size: size,
  } = found
  return [{ remoteId, mark, name: given, size }]
}

function senderName({ from = {} }: Message): string | undefined {
  return fullName(from)?.replace(/\s+/g, ' ').slice(0, 200)
}

type Named = {
  first_name?: string | undefined
  last_name?: string | undefined
  username?: string | undefined
}

function fullName({ first_name: first, last_name: last, username }: Named): string | undefined {
  return [first, last, username && `(@${username})`].filter(Boolean).join(' ') || undefined
}
