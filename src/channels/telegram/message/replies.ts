import type { ExternalReplyInfo, LinkPreviewOptions, TextQuote } from '@grammyjs/types'
import { entitiesOf, entitled } from './entities.ts'
import {
  animation,
  audio,
  document,
  livePhoto,
  paidMedia,
  photo,
  sticker,
  video,
  videoNote,
  voice,
} from './files.ts'
import { chat, linkTo, origin, story } from './people.ts'
import { envelope, inLines, isFields, joined, looks, object, phrases, quoted, words } from './reader.ts'
import {
  checklist,
  contact,
  dice,
  game,
  giveaway,
  giveawayWinners,
  invoice,
  location,
  poll,
  venue,
} from './things.ts'

export const linkPreview = object<LinkPreviewOptions>({
  is_disabled: looks,
  url: phrases(words, (url) => `Link preview: ${url}`),
  prefer_small_media: looks,
  prefer_large_media: looks,
  show_above_text: looks,
})

/** The part of a message that is replied to. */
export const quote = object<TextQuote>(
  { text: entitled('entities'), entities: entitiesOf('text'), position: envelope, is_manual: looks },
  ({ text }) => quoted(text),
)

/** What a message shows besides its text; also what one shows that is replied to elsewhere. */
export const shown = {
  animation,
  audio,
  document,
  photo,
  live_photo: livePhoto,
  paid_media: paidMedia,
  sticker,
  story: phrases(story, (what) => `[A ${what}]`),
  video,
  video_note: videoNote,
  voice,
  contact,
  dice,
  game,
  poll,
  venue,
  location,
  checklist,
  invoice,
  giveaway,
  giveaway_winners: giveawayWinners,
}

/** A message elsewhere that is replied to: where it stands and what it shows. What is quoted of it comes apart. */
export const externalReply = object<ExternalReplyInfo>(
  {
    origin,
    chat,
    message_id: words,
    link_preview_options: linkPreview,
    ...shown,
    has_media_spoiler: looks,
  },
  ({ origin: from, chat: place, message_id, link_preview_options, ...things }, value) => {
    const isKnown = isFields(value.origin) && value.origin.message_id === value.message_id
    const where = isKnown ? [] : [message_id && `message ${message_id}`, linkTo(value.chat, value.message_id)]
    const elsewhere = place !== '' && !from.includes(place) ? `in ${place}` : ''
    const head = `In reply to ${joined([from, elsewhere, ...where], ', ') || 'a message elsewhere'}:`
    return inLines({ head, things: quoted(inLines(withPlaceOnce(things, value))), link_preview_options })
  },
)

/** A venue says its place itself, and Telegram gives the place once more for programs that know no venues. */
export function withPlaceOnce<T extends { location: string }>(
  things: T,
  { venue }: Record<string, unknown>,
): T {
  return isFields(venue) ? { ...things, location: '' } : things
}
