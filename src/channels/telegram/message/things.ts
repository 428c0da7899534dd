import type {
  Checklist,
  ChecklistTask,
  Contact,
  Dice,
  Game,
  Giveaway,
  GiveawayWinners,
  Invoice,
  Link,
  Location,
  Poll,
  PollMedia,
  PollOption,
  Venue,
} from '@grammyjs/types'
import { entitiesOf, entitled } from './entities.ts'
import { animation, audio, document, livePhoto, photo, sticker, video } from './files.ts'
import { chat, linkTo, user } from './people.ts'
import {
  envelope,
  flag,
  inLines,
  joined,
  labelled,
  list,
  looks,
  moment,
  object,
  phraseOf,
  phrases,
  type Reader,
  words,
} from './reader.ts'

/** A place, as numbers and as an address that opens in a map (RFC 5870). */
export const location = object<Location>(
  {
    latitude: words,
    longitude: words,
    horizontal_accuracy: phrases(words, (metres) => `accurate to ${metres} m`),
    live_period: phrases(words, (seconds) => `live for ${seconds} seconds: only the starting point is kept`),
    heading: phrases(words, (degrees) => `heading ${degrees}°`),
    // It says when somebody wants to be told that another is near.
    proximity_alert_radius: envelope,
  },
  ({ latitude, longitude, horizontal_accuracy, heading, live_period }) =>
    joined(
      [`${latitude}, ${longitude} (geo:${latitude},${longitude})`, horizontal_accuracy, heading, live_period],
      ', ',
    ),
)

export const venue = object<Venue>(
  {
    title: words,
    address: words,
    location,
    // Numbers and kinds of it in the catalogues of others.
    foursquare_id: envelope,
    foursquare_type: envelope,
    google_place_id: envelope,
    google_place_type: envelope,
  },
  ({ title, address, location: place }) => inLines({ name: joined([title, address], ', '), place }),
)

export const contact = object<Contact>(
  {
    first_name: words,
    last_name: words,
    phone_number: words,
    user_id: phrases(words, (id) => `(tg://user?id=${id})`),
    vcard: words,
  },
  ({ first_name, last_name, phone_number, user_id, vcard }) =>
    inLines({ who: joined([first_name, last_name, phone_number, user_id], ' '), vcard }),
)

export const dice = object<Dice>({ emoji: words, value: words }, ({ emoji, value }) => `${emoji} ${value}`)

export const game = object<Game>({
  title: labelled('Game'),
  description: words,
  text: entitled('text_entities'),
  text_entities: entitiesOf('text'),
  photo,
  animation,
})

export const invoice = object<Invoice>(
  {
    title: labelled('Invoice'),
    description: words,
    total_amount: words,
    currency: words,
    start_parameter: envelope,
  },
  ({ title, description, total_amount, currency }) =>
    inLines({
      title,
      description,
      sum: total_amount && `${total_amount} in the smallest unit of ${currency}`,
    }),
)

const link = object<Link>({ url: words })

/** What belongs to a poll, its options or its explanation. */
const pollMedia = object<PollMedia>({
  animation,
  audio,
  document,
  link,
  live_photo: livePhoto,
  location,
  photo,
  sticker,
  venue,
  video,
})

const votes = phraseOf((value) => {
  if (typeof value !== 'number') return undefined
  return value === 0 ? '' : `${value} ${value === 1 ? 'vote' : 'votes'}`
})

const pollOption = object<PollOption>(
  {
    persistent_id: envelope,
    text: entitled('text_entities'),
    text_entities: entitiesOf('text'),
    voter_count: votes,
    added_by_user: phrases(user, (name) => `added by ${name}`),
    added_by_chat: phrases(chat, (name) => `added by ${name}`),
    addition_date: moment,
    media: pollMedia,
  },
  ({ text, voter_count, added_by_user, added_by_chat, addition_date, media }) => {
    const about = joined([voter_count, added_by_user, added_by_chat, addition_date], ', ')
    return inLines({ option: `– ${text}${about && ` (${about})`}`, media })
  },
)

export const poll = object<Poll>({
  id: envelope,
  question: entitled('question_entities'),
  question_entities: entitiesOf('question'),
  description: entitled('description_entities'),
  description_entities: entitiesOf('description'),
  media: pollMedia,
  options: list(pollOption),
  total_voter_count: phrases(votes, (count) => `Total: ${count}.`),
  is_closed: flag('The poll is closed.'),
  type: phraseOf((value) =>
    value === 'quiz' ? 'It is a quiz.' : typeof value === 'string' ? '' : undefined,
  ),
  correct_option_ids: phrases(list(optionNumber(), ', '), (numbers) => `Correct answer: option ${numbers}.`),
  explanation: entitled('explanation_entities'),
  explanation_entities: entitiesOf('explanation'),
  explanation_media: pollMedia,
  is_anonymous: flag('', 'Votes are public.'),
  allows_multiple_answers: flag('More than one answer allowed.'),
  allows_revoting: looks,
  members_only: flag('Only members of the chat can vote.'),
  country_codes: phrases(list(words, ', '), (countries) => `Only voters from ${countries}.`),
  open_period: phrases(words, (seconds) => `Open for ${seconds} seconds.`),
  close_date: phrases(moment, (time) => `Closes ${time}.`),
})

/** Options count from 0 at Telegram, and from 1 for people. */
function optionNumber(): Reader {
  return phraseOf((value) => (typeof value === 'number' ? String(value + 1) : undefined))
}

export const checklistTask = object<ChecklistTask>(
  {
    id: envelope,
    text: entitled('text_entities'),
    text_entities: entitiesOf('text'),
    completed_by_user: user,
    completed_by_chat: chat,
    completion_date: moment,
  },
  ({ text, completed_by_user, completed_by_chat, completion_date }) => {
    const done = joined([completed_by_user, completed_by_chat, completion_date], ', ')
    return `– [${done ? 'x' : ' '}] ${text}${done && ` (done by ${done})`}`
  },
)

export const checklist = object<Checklist>({
  title: entitled('title_entities'),
  title_entities: entitiesOf('title'),
  tasks: list(checklistTask),
  others_can_add_tasks: looks,
  others_can_mark_tasks_as_done: looks,
})

const prize = {
  prize_description: labelled('Prize'),
  prize_star_count: phrases(words, (stars) => `${stars} Telegram Stars`),
  premium_subscription_month_count: phrases(words, (months) => `Telegram Premium for ${months} months`),
}

export const giveaway = object<Giveaway>({
  chats: phrases(list(chat, ', '), (chats) => `Giveaway of ${chats}`),
  ...prize,
  winner_count: labelled('Winners'),
  winners_selection_date: phrases(moment, (time) => `Draw: ${time}`),
  only_new_members: flag('Only for new members.'),
  has_public_winners: flag('The winners will be named.'),
  country_codes: phrases(list(words, ', '), (countries) => `Only for people from ${countries}.`),
})

export const giveawayWinners = object<GiveawayWinners>(
  {
    chat: phrases(chat, (name) => `Giveaway of ${name}`),
    giveaway_message_id: phrases(words, (id) => `message ${id}`),
    ...prize,
    winner_count: labelled('Winners'),
    winners: list(user, ', '),
    winners_selection_date: phrases(moment, (time) => `Drawn: ${time}`),
    additional_chat_count: labelled('Other chats to join'),
    unclaimed_prize_count: labelled('Unclaimed prizes'),
    only_new_members: flag('Only for new members.'),
    was_refunded: flag('Cancelled: the payment was refunded.'),
  },
  ({ chat: by, giveaway_message_id: message, ...rest }, value) =>
    inLines({
      by: joined([by, message, linkTo(value.chat, value.giveaway_message_id)], ', '),
      ...rest,
    }),
)
