import type { DirectMessagesTopic, Message } from '@grammyjs/types'
import { keyboard } from './buttons.ts'
import { entitiesOf, entitled } from './entities.ts'
import { chat, origin, ownChat, sender, story, user } from './people.ts'
import {
  envelope,
  type Findings,
  flag,
  inLines,
  isFields,
  joined,
  later,
  looks,
  type MessageFields,
  noFindings,
  object,
  type Phrases,
  phrases,
  quoted,
  type Reader,
  service,
  words,
} from './reader.ts'
import { externalReply, linkPreview, quote, shown, withPlaceOnce } from './replies.ts'
import { richMessage } from './rich-blocks.ts'
import {
  chatShared,
  gift,
  optionAdded,
  optionDeleted,
  passport,
  suggestedPost,
  suggestedPostDeclined,
  tasksAdded,
  tasksDone,
  topicCreated,
  topicEdited,
  uniqueGift,
  usersShared,
  webAppData,
} from './shared.ts'

/** Where the message stands, and how it came there. */
const place = {
  message_id: envelope,
  message_thread_id: envelope,
  from: sender,
  sender_chat: phrases(chat, (name) => `[Sent on behalf of ${name}]`),
  date: envelope,
  guest_query_id: envelope,
  business_connection_id: envelope,
  chat: ownChat,
  is_topic_message: envelope,
  direct_messages_topic: object<DirectMessagesTopic>({ topic_id: envelope, user: envelope }),
  receiver_user: envelope,
  ephemeral_message_id: envelope,
  edit_date: envelope,
  media_group_id: envelope,
  sender_boost_count: looks,
  has_protected_content: looks,
  show_caption_above_media: looks,
  has_media_spoiler: looks,
  effect_id: looks,
}

/** What a message tells of itself besides what is said in it. */
const about = {
  sender_tag: phrases(words, (tag) => `[Title in the chat: ${tag}]`),
  sender_business_bot: phrases(user, (name) => `[Sent by the bot ${name}]`),
  via_bot: phrases(user, (name) => `[Sent via the bot ${name}]`),
  guest_bot_caller_user: phrases(user, (name) => `[Called by ${name}]`),
  guest_bot_caller_chat: phrases(chat, (name) => `[Called in ${name}]`),
  author_signature: phrases(words, (signature) => `[Signed ${signature}]`),
  is_from_offline: flag('[Sent automatically, for example as a scheduled message]'),
  is_paid_post: flag('[A paid post]'),
  paid_star_count: phrases(words, (stars) => `[Sent for ${stars} Telegram Stars]`),
  link_preview_options: linkPreview,
  reply_markup: keyboard,
  suggested_post_info: suggestedPost,
}

/** What it replies to or passes on. */
const before = {
  forward_origin: origin,
  is_automatic_forward: flag('[Forwarded automatically from the linked channel]'),
  reply_to_message: repliedTo(),
  external_reply: externalReply,
  reply_to_story: phrases(story, (what) => `In reply to ${what}:`),
  reply_to_checklist_task_id: phrases(words, (id) => `[In reply to task ${id} of the list]`),
  reply_to_poll_option_id: phrases(words, (id) => `[In reply to option ${id} of the poll]`),
  quote,
}

const written = {
  text: entitled('entities'),
  entities: entitiesOf('text'),
  rich_message: richMessage,
  caption: entitled('caption_entities'),
  caption_entities: entitiesOf('caption'),
}

/** What somebody has done in the chat that is more than Telegram's own. */
const done = {
  web_app_data: webAppData,
  users_shared: usersShared,
  chat_shared: chatShared,
  gift,
  gift_upgrade_sent: gift,
  unique_gift: uniqueGift,
  checklist_tasks_done: tasksDone,
  checklist_tasks_added: tasksAdded,
  poll_option_added: optionAdded,
  poll_option_deleted: optionDeleted,
  suggested_post_declined: suggestedPostDeclined,
  forum_topic_created: topicCreated,
  forum_topic_edited: topicEdited,
  passport_data: passport,
}

/** What Telegram itself tells of a chat, or of payments to a bot that takes none: nobody wrote it to us. */
const ofTelegram = {
  suggested_post_approved: service,
  suggested_post_approval_failed: service,
  suggested_post_paid: service,
  suggested_post_refunded: service,
  chat_owner_left: service,
  chat_owner_changed: service,
  community_chat_added: service,
  community_chat_removed: service,
  community_chat_joined: service,
  new_chat_members: service,
  left_chat_member: service,
  new_chat_title: service,
  new_chat_photo: service,
  delete_chat_photo: service,
  group_chat_created: service,
  supergroup_chat_created: service,
  channel_chat_created: service,
  managed_bot_created: service,
  message_auto_delete_timer_changed: service,
  migrate_to_chat_id: service,
  migrate_from_chat_id: service,
  // What was said in it was taken in when it was said.
  pinned_message: service,
  successful_payment: service,
  refunded_payment: service,
  connected_website: service,
  write_access_allowed: service,
  proximity_alert_triggered: service,
  boost_added: service,
  chat_background_set: service,
  forum_topic_closed: service,
  forum_topic_reopened: service,
  general_forum_topic_hidden: service,
  general_forum_topic_unhidden: service,
  giveaway_created: service,
  giveaway_completed: service,
  paid_message_price_changed: service,
  direct_message_price_changed: service,
  video_chat_scheduled: service,
  video_chat_started: service,
  video_chat_ended: service,
  video_chat_participants_invited: service,
}

/**
 * A message of Telegram's, with a decision for every field that there is: what it says, in plain lines, with marks of
 * Markdown where the looks say something. https://core.telegram.org/bots/api#message
 */
export const message = object<Message>(
  { ...before, ...written, ...shown, ...done, ...about, ...place, ...ofTelegram },
  (phrases, value) => {
    const { location } = withPlaceOnce(phrases, value)
    const below = inLines({
      ...pick(phrases, shown),
      location,
      ...pick(phrases, done),
      ...pick(phrases, about),
    })
    const own = joined([inLines(pick(phrases, written)), phrases.sender_chat, below], '\n')
    // Nothing follows where only files are passed on.
    if (own === '') return headOf(phrases).replace(/:$/, '')
    return joined([headOf(phrases), own], phrases.quote || hasQuotation(phrases) ? '\n\n' : '\n')
  },
)

function headOf(phrases: Phrases<Message>): string {
  const { forward_origin: from, ...rest } = phrases
  const { is_automatic_forward, reply_to_message, external_reply, reply_to_story, quote: part } = rest
  return inLines({
    forwarded: from && `Forwarded from ${from}:`,
    is_automatic_forward,
    reply_to_message,
    external_reply,
    reply_to_story,
    task: rest.reply_to_checklist_task_id,
    option: rest.reply_to_poll_option_id,
    part: part && !external_reply ? `Quoted:\n${part}` : part,
  })
}

function hasQuotation({ reply_to_message, external_reply }: Phrases<Message>): boolean {
  return reply_to_message !== '' || external_reply !== ''
}

function pick<T extends object>(phrases: Phrases<Message>, fields: T): Record<string, string> {
  return Object.fromEntries(Object.keys(fields).map((name) => [name, phrases[name as keyof Message]]))
}

/**
 * The message that is replied to, quoted. What the bot itself has written is known; so are the files of this chat, which
 * are only named here.
 */
function repliedTo(): Reader {
  const inner = later(() => message)
  return {
    ...inner,
    read(value, findings, around) {
      if (!isFields(value)) return inner.read(value, findings, around)
      const isHere = !isFields(value.chat) || idOf(value.chat) === idOf(around.chat)
      if (isHere && isFields(value.from) && value.from.is_bot === true) return ''
      const { unparsed } = findings
      const named: Findings = { unparsed, files: [], isService: false }
      const inside = inner.read(value, isHere ? named : { ...findings, isService: false }, around)
      const who = whoWrote(value, around)
      const phrases = joined([inside, ...named.files.map(({ name }) => `[${name}]`)], '\n')
      if (phrases === '') return who && `[In reply to ${who}]`
      return `In reply to ${who || 'an earlier message'}:\n${quoted(phrases)}`
    },
  }
}

/** Who wrote a message, and where, as far as that is somebody or somewhere else. */
function whoWrote({ from, chat: place }: MessageFields, around: MessageFields): string {
  const isOwn = !isFields(from) || idOf(from) === idOf(around.from)
  const name = isOwn ? '' : user.read(from, noFindings(), around)
  const isHere = !isFields(place) || idOf(place) === idOf(around.chat)
  const where = isHere ? '' : chat.read(place, noFindings(), around)
  return joined([name || (where && 'a message'), where && `in ${where}`], ' ')
}

function idOf(value: unknown): unknown {
  return isFields(value) ? value.id : undefined
}
