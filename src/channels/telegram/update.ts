import { z } from 'zod'

/**
 * The part of the Bot API's Update that a conversation is made of. Unknown fields pass; a known one of the wrong shape
 * makes the update one that cannot be understood. https://core.telegram.org/bots/api#update
 */
const file = {
  file_id: z.string().min(1).max(1000),
  file_unique_id: z.string().optional(),
  file_size: z.number().optional(),
}
const named = z.object({ ...file, file_name: z.string().optional() })
const unnamed = z.object(file)
const photoSize = z.object({ ...file, width: z.number(), height: z.number() })
const user = z.object({
  id: z.number().int().optional(),
  first_name: z.string().optional(),
  last_name: z.string().optional(),
  username: z.string().optional(),
  language_code: z.string().optional(),
})
const chat = z.object({
  id: z.number().int(),
  type: z.string(),
  title: z.string().optional(),
  username: z.string().optional(),
})
const entity = z.object({
  type: z.string(),
  offset: z.number(),
  length: z.number(),
  url: z.string().optional(),
  user: user.optional(),
})
const location = z.object({
  latitude: z.number(),
  longitude: z.number(),
  live_period: z.number().optional(),
})

const Message = z.object({
  message_id: z.number().int(),
  date: z.number(),
  edit_date: z.number().optional(),
  media_group_id: z.string().optional(),
  chat,
  from: user.optional(),
  reply_to_message: z.object({ message_id: z.number().int(), from: user.optional() }).optional(),
  forward_origin: z
    .object({
      type: z.string(),
      sender_user: user.optional(),
      sender_user_name: z.string().optional(),
      sender_chat: chat.optional(),
      chat: chat.optional(),
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
  location: location.optional(),
  venue: z.object({ location, title: z.string(), address: z.string() }).optional(),
  contact: z
    .object({
      phone_number: z.string(),
      first_name: z.string(),
      last_name: z.string().optional(),
      vcard: z.string().optional(),
    })
    .optional(),
  sticker: z.object({ emoji: z.string().optional() }).optional(),
  dice: z.object({ emoji: z.string(), value: z.number() }).optional(),
  poll: z.object({ question: z.string(), options: z.array(z.object({ text: z.string() })) }).optional(),
  live_photo: z.object({ ...file, photo: z.array(photoSize).optional() }).optional(),
  checklist: z.object({ title: z.string(), tasks: z.array(z.object({ text: z.string() })) }).optional(),
  rich_message: z.object({ blocks: z.array(z.unknown()) }).optional(),
})
export type Message = z.infer<typeof Message>

const Press = z.object({
  id: z.string(),
  from: user,
  /** Absent, or without text, where the message is too old for Telegram to show. */
  message: z.object({ message_id: z.number().int(), chat }).optional(),
  data: z.string().optional(),
})
/** The press of a button under one of our messages. */
export type Press = z.infer<typeof Press>

export const Update = z.object({
  update_id: z.number().int(),
  message: Message.optional(),
  edited_message: Message.optional(),
  callback_query: Press.optional(),
})
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
  'guest_message',
  'stopped_message_generation',
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
  'managed_bot',
  'subscription',
]

export function isNoPiece(update: object): boolean {
  return noPieces.some((kind) => kind in update)
}

/** What Telegram itself says in a chat, and nobody wrote. */
const service =
  /^(new_chat_\w+|left_chat_member|delete_chat_photo|\w*chat_created|message_auto_delete_timer_changed|migrate_\w+|pinned_message|invoice|successful_payment|refunded_payment|users_shared|chat_shared|connected_website|write_access_allowed|passport_data|proximity_alert_triggered|boost_added|chat_background_set|forum_topic_\w+|general_forum_topic_\w+|giveaway\w*|paid_message_price_changed|direct_message_price_changed|suggested_post_\w+|video_chat_\w+|web_app_data|gift\w*|unique_gift\w*|checklist_tasks_\w+|chat_owner_\w+|poll_option_\w+|community_\w+|managed_bot_\w+)$/

export function isService(update: object): boolean {
  const message: unknown = 'message' in update ? update.message : undefined
  return (
    typeof message === 'object' && message !== null && Object.keys(message).some((key) => service.test(key))
  )
}
