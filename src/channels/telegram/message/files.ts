import type {
  Animation,
  Audio,
  Document,
  LivePhoto,
  PaidMedia,
  PaidMediaInfo,
  PaidMediaLivePhoto,
  PaidMediaPhoto,
  PaidMediaPreview,
  PaidMediaVideo,
  PhotoSize,
  Sticker,
  Video,
  VideoNote,
  Voice,
} from '@grammyjs/types'
import {
  envelope,
  type Findings,
  inLines,
  isFields,
  joined,
  list,
  looks,
  type MessageFields,
  object,
  oneOf,
  type Phrases,
  phraseOf,
  phrases,
  type Reader,
  words,
} from './reader.ts'

/** A file's name for fetching it; longer ones are none of Telegram's. */
const fileId: Reader = {
  ...phraseOf((value) => (isFileId(value) ? '' : undefined)),
  decision: 'file',
}

/** The name that its sender gave it. */
const fileName = phraseOf((value) => (typeof value === 'string' ? '' : undefined))

const aFile = { file_id: fileId, file_unique_id: envelope, file_size: envelope }

function isFileId(value: unknown): value is string {
  return typeof value === 'string' && value.length > 0 && value.length <= 1000
}

/** An object of this type that names a file; it is called `name` where its sender gave it no name. */
function file<T extends object>(
  name: string | ((value: MessageFields) => string),
  fields: Record<keyof T, Reader>,
  tell: (phrases: Phrases<T>) => string = inLines,
): Reader {
  const reader = object<T>(fields, tell)
  return {
    ...reader,
    read(value, findings, around) {
      const phrases = reader.read(value, findings, around)
      if (isFields(value)) put(value, typeof name === 'string' ? name : name(value), findings)
      return phrases
    },
  }
}

/** Puts a file among the findings, once. */
function put(value: MessageFields, fallback: string, { files }: Findings): void {
  const { file_id: remoteId, file_unique_id: unique, file_name: given, file_size: size } = value
  if (!isFileId(remoteId)) return
  const mark = typeof unique === 'string' && unique !== '' ? unique : remoteId
  if (files.some((one) => one.mark === mark)) return
  files.push({
    remoteId,
    mark,
    name: typeof given === 'string' && given !== '' ? given : fallback,
    // Of what no file can weigh nothing is believed.
    size: typeof size === 'number' && Number.isSafeInteger(size) && size >= 0 ? size : undefined,
  })
}

const photoSize = object<PhotoSize>({ ...aFile, width: looks, height: looks })

/** A photo comes in several sizes, of which the largest is taken. */
function photoNamed(name: string): Reader {
  const sizes = list(photoSize)
  return {
    ...sizes,
    read(value, findings, around) {
      const phrases = sizes.read(value, findings, around)
      const [largest] = (Array.isArray(value) ? value : [])
        .filter(isFields)
        .toSorted((a, b) => area(b) - area(a))
      if (largest) put(largest, name, findings)
      return phrases
    },
  }
}

function area({ width, height }: MessageFields): number {
  return (Number(width) || 0) * (Number(height) || 0)
}

const measures = { width: looks, height: looks, duration: looks }

export const photo = photoNamed('photo.jpg')

export const livePhoto = file<LivePhoto>('live-photo.mp4', {
  photo,
  ...aFile,
  ...measures,
  mime_type: looks,
})

export const document = file<Document>('document', {
  ...aFile,
  thumbnail: looks,
  file_name: fileName,
  mime_type: looks,
})

export const animation = file<Animation>('animation.mp4', {
  ...aFile,
  ...measures,
  thumbnail: looks,
  file_name: fileName,
  mime_type: looks,
})

export const video = file<Video>('video.mp4', {
  ...aFile,
  ...measures,
  thumbnail: looks,
  cover: photoNamed('cover.jpg'),
  start_timestamp: phrases(words, (seconds) => `[The video starts at ${seconds} s]`),
  file_name: fileName,
  mime_type: looks,
  // The same film, smaller.
  qualities: looks,
})

export const audio = file<Audio>(
  'audio.mp3',
  {
    ...aFile,
    duration: looks,
    performer: words,
    title: words,
    file_name: fileName,
    mime_type: looks,
    thumbnail: looks,
  },
  ({ performer, title }) => joined([performer, title], ' – '),
)

export const voice = file<Voice>('voice.ogg', { ...aFile, duration: looks, mime_type: looks })

export const videoNote = file<VideoNote>('video.mp4', {
  ...aFile,
  length: looks,
  duration: looks,
  thumbnail: looks,
})

const stickerFile = file<Sticker>(
  ({ is_video: isVideo }) => (isVideo === true ? 'sticker.webm' : 'sticker.webp'),
  {
    ...aFile,
    type: looks,
    width: looks,
    height: looks,
    is_animated: looks,
    is_video: looks,
    thumbnail: looks,
    emoji: words,
    set_name: words,
    premium_animation: looks,
    mask_position: looks,
    custom_emoji_id: looks,
  },
  ({ emoji, set_name }) => `[${emoji || 'sticker'}]${set_name && ` (of the set ${set_name})`}`,
)

/** Animated stickers are vectors that no program at a desk shows: their still picture is taken. */
export const sticker: Reader = {
  ...stickerFile,
  read(value, findings, around) {
    const still = isFields(value) && value.is_animated === true ? value.thumbnail : undefined
    if (!isFields(still)) return stickerFile.read(value, findings, around)
    const phrases = stickerFile.read(value, { ...findings, files: [] }, around)
    put(still, 'sticker.webp', findings)
    return phrases
  },
}

const paid = oneOf<PaidMedia['type']>('type', {
  photo: object<PaidMediaPhoto>({ type: looks, photo }),
  video: object<PaidMediaVideo>({ type: looks, video }),
  live_photo: object<PaidMediaLivePhoto>({ type: looks, live_photo: livePhoto }),
  preview: object<PaidMediaPreview>(
    {
      type: looks,
      width: words,
      height: words,
      duration: phrases(words, (seconds) => `${seconds} seconds`),
    },
    ({ width, height, duration }) => {
      const size = width && height ? `${width} × ${height}` : joined([width, height], '')
      return `[Paid media that cannot be viewed here${joined(['', size, duration], ', ').replace(/^(?=.)/, ': ')}]`
    },
  ),
})

export const paidMedia = object<PaidMediaInfo>({
  star_count: phrases(words, (stars) => `[Paid media: ${stars} Telegram Stars to view]`),
  paid_media: list(paid),
})
