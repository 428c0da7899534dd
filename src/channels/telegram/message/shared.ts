import type {
  ChatShared,
  ChecklistTasksAdded,
  ChecklistTasksDone,
  EncryptedPassportElement,
  ForumTopicCreated,
  ForumTopicEdited,
  GiftInfo,
  PassportData,
  PollOptionAdded,
  PollOptionDeleted,
  SharedUser,
  SuggestedPostDeclined,
  SuggestedPostInfo,
  SuggestedPostPrice,
  UniqueGiftInfo,
  UsersShared,
  WebAppData,
} from '@grammyjs/types'
import { entitiesOf, entitled } from './entities.ts'
import { photo } from './files.ts'
import {
  envelope,
  joined,
  labelled,
  list,
  looks,
  moment,
  object,
  phrases,
  service,
  unreadable,
  words,
} from './reader.ts'
import { checklistTask } from './things.ts'

const name = { first_name: words, last_name: words }

export const usersShared = object<UsersShared>({
  request_id: envelope,
  users: list(
    object<SharedUser>(
      { user_id: words, ...name, username: phrases(words, (username) => `@${username}`), photo },
      ({ user_id, first_name, last_name, username }) =>
        `Shared: ${joined([first_name, last_name, username, `(user ${user_id})`], ' ')}`,
    ),
  ),
})

export const chatShared = object<ChatShared>(
  {
    request_id: envelope,
    chat_id: words,
    title: words,
    username: phrases(words, (username) => `@${username}`),
    photo,
  },
  ({ chat_id, title, username }) => `Shared: ${joined([title, username, `(chat ${chat_id})`], ' ')}`,
)

export const webAppData = object<WebAppData>(
  { button_text: words, data: words },
  ({ button_text, data }) => `${button_text}: ${data}`,
)

const price = object<SuggestedPostPrice>(
  { amount: words, currency: words },
  ({ amount, currency }) => `${amount} in the smallest unit of ${currency}`,
)

/** A post that somebody suggests to a channel: its words are the message's own. */
export const suggestedPost = object<SuggestedPostInfo>(
  {
    state: words,
    price: phrases(price, (sum) => `for ${sum}`),
    send_date: phrases(moment, (time) => `to be published ${time}`),
  },
  ({ state, price: sum, send_date }) => `[Suggested post: ${joined([state, sum, send_date], ', ')}]`,
)

export const suggestedPostDeclined = object<SuggestedPostDeclined>({
  // It was taken in when it was suggested.
  suggested_post_message: envelope,
  comment: labelled('The suggested post was declined'),
})

const ownWords = { text: entitled('entities'), entities: entitiesOf('text') }

export const gift = object<GiftInfo>({
  ...ownWords,
  gift: service,
  owned_gift_id: envelope,
  convert_star_count: envelope,
  prepaid_upgrade_star_count: envelope,
  can_be_upgraded: envelope,
  is_upgrade_separate: envelope,
  unique_gift_number: envelope,
  is_private: looks,
})

export const uniqueGift = object<UniqueGiftInfo>({
  ...ownWords,
  gift: service,
  origin: envelope,
  owned_gift_id: envelope,
  transfer_star_count: envelope,
  last_resale_currency: envelope,
  last_resale_amount: envelope,
  next_transfer_date: envelope,
  is_private: looks,
})

export const tasksAdded = object<ChecklistTasksAdded>({
  checklist_message: envelope,
  tasks: list(checklistTask),
})

export const tasksDone = object<ChecklistTasksDone>({
  checklist_message: envelope,
  marked_as_done_task_ids: phrases(list(words, ', '), (ids) => `Tasks marked as done: ${ids}`),
  marked_as_not_done_task_ids: phrases(list(words, ', '), (ids) => `Tasks marked as not done: ${ids}`),
})

const option = {
  poll_message: envelope,
  option_persistent_id: envelope,
  option_text: entitled('option_text_entities'),
  option_text_entities: entitiesOf('option_text'),
}

export const optionAdded = object<PollOptionAdded>(
  option,
  ({ option_text }) => `Added to the poll: ${option_text}`,
)

export const optionDeleted = object<PollOptionDeleted>(
  option,
  ({ option_text }) => `Removed from the poll: ${option_text}`,
)

export const topicCreated = object<ForumTopicCreated>({
  name: labelled('New topic'),
  is_name_implicit: looks,
  icon_color: looks,
  icon_custom_emoji_id: looks,
})

export const topicEdited = object<ForumTopicEdited>({
  name: labelled('Topic renamed'),
  icon_custom_emoji_id: looks,
})

/** Documents that are encrypted for a bot that has asked for them, as ours does not. */
export const passport = object<PassportData>({
  data: list(
    object<EncryptedPassportElement>({
      type: labelled('From Telegram Passport'),
      phone_number: words,
      email: words,
      data: unreadable,
      files: unreadable,
      front_side: unreadable,
      reverse_side: unreadable,
      selfie: unreadable,
      translation: unreadable,
      hash: envelope,
    }),
  ),
  credentials: unreadable,
})
