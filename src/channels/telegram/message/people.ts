import type {
  Chat,
  MessageOrigin,
  MessageOriginChannel,
  MessageOriginChat,
  MessageOriginHiddenUser,
  MessageOriginUser,
  Story,
  User,
} from '@grammyjs/types'
import {
  envelope,
  isFields,
  joined,
  looks,
  type MessageFields,
  moment,
  object,
  oneOf,
  phrases,
  words,
} from './reader.ts'

/** A person or a bot: “Asha Noor (@asha)”. Who has no user name is known by their number. */
export const user = object<User>(
  {
    id: words,
    is_bot: looks,
    first_name: words,
    last_name: words,
    username: words,
    language_code: looks,
    is_premium: looks,
    added_to_attachment_menu: looks,
  },
  ({ id, first_name, last_name, username }) =>
    joined([first_name, last_name, username ? `(@${username})` : id && `(user ${id})`], ' '),
)

/** Whoever wrote the message: their name and language stand beside what they wrote, and not in it. */
export const sender = object<User>(
  {
    id: envelope,
    is_bot: envelope,
    first_name: words,
    last_name: words,
    username: words,
    language_code: words,
    is_premium: looks,
    added_to_attachment_menu: looks,
  },
  () => '',
)

const chatFields = {
  id: words,
  type: looks,
  title: words,
  username: words,
  first_name: words,
  last_name: words,
  is_forum: looks,
  is_direct_messages: looks,
}

/** A channel, a group or a person's chat: “County Updates (@county_updates)”. */
export const chat = object<Chat.SupergroupChat>(
  chatFields,
  ({ id, title, username, first_name, last_name }) =>
    joined([title, first_name, last_name, username ? `(@${username})` : id && `(chat ${id})`], ' '),
)

/** Where the message itself was written: that is known. */
export const ownChat = object<Chat.SupergroupChat>(
  {
    id: envelope,
    type: envelope,
    title: envelope,
    username: envelope,
    first_name: envelope,
    last_name: envelope,
    is_forum: envelope,
    is_direct_messages: envelope,
  },
  () => '',
)

const signed = phrases(words, (name) => `signed “${name}”`)

/** Where a message comes from, as far as Telegram tells: who, which message, when. */
export const origin = oneOf<MessageOrigin['type']>('type', {
  user: object<MessageOriginUser>({ type: looks, sender_user: user, date: moment }, inOneLine),
  hidden_user: object<MessageOriginHiddenUser>(
    { type: looks, sender_user_name: words, date: moment },
    inOneLine,
  ),
  chat: object<MessageOriginChat>(
    { type: looks, sender_chat: chat, author_signature: signed, date: moment },
    inOneLine,
  ),
  channel: object<MessageOriginChannel>(
    {
      type: looks,
      chat,
      message_id: phrases(words, (id) => `message ${id}`),
      author_signature: signed,
      date: moment,
    },
    (origin, value) => joined([inOneLine(origin), linkTo(value.chat, value.message_id)], ', '),
  ),
})

function inOneLine(phrases: Record<string, string>): string {
  return joined(Object.values(phrases), ', ')
}

/** The address of a message of a channel or a supergroup. https://core.telegram.org/api/links#message-links */
export function linkTo(chat: unknown, messageId: unknown): string {
  if (!isFields(chat) || typeof messageId !== 'number') return ''
  const place = placeOf(chat)
  return place && `https://t.me/${place}/${messageId}`
}

function placeOf({ username, id }: MessageFields): string {
  if (typeof username === 'string' && /^\w+$/.test(username)) return username
  const [, number = ''] = /^-100(\d+)$/.exec(String(id)) ?? []
  return number && `c/${number}`
}

/** A story can only be told of: bots are not given what it shows. */
export const story = object<Story>({ chat, id: words }, ({ chat: by, id }, { chat: place }) => {
  const username = isFields(place) && typeof place.username === 'string' ? place.username : ''
  const link = /^\w+$/.test(username) && `https://t.me/${username}/s/${id}`
  return joined([`story ${id}`, by && `of ${by}`, link || ''], ' ')
})
