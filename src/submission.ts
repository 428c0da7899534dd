import { z } from 'zod'

/** The five kinds of piece a newsroom asks for. */
export const kinds = ['guest-post', 'expose', 'news-tip', 'story-angle', 'human-interest'] as const
export const Kind = z.enum(kinds)
export type Kind = z.infer<typeof Kind>

export const kindNames: Record<Kind, string> = {
  'guest-post': 'Guest post',
  expose: 'Exposé',
  'news-tip': 'News tip',
  'story-angle': 'Story angle',
  'human-interest': 'Human-interest story',
}

/** Kinds whose content may cost a source dearly: no mail, index or log carries it. */
export function isConfidential(kind: Kind): boolean {
  return kind === 'expose' || kind === 'news-tip'
}

/** The door a submission came in by. */
export const channels = ['form', 'telegram', 'email', 'api'] as const
export type Channel = (typeof channels)[number]

export const channelNames: Record<Channel, string> = {
  form: 'form',
  telegram: 'Telegram',
  email: 'e-mail',
  api: 'API',
}

export const states = ['waiting', 'in-review', 'accepted', 'declined', 'spam'] as const
export type State = (typeof states)[number]

export const stateNames: Record<State, string> = {
  waiting: 'Waiting',
  'in-review': 'In review',
  accepted: 'Accepted',
  declined: 'Declined',
  spam: 'Spam',
}

/** What the sender is told of the state. */
export const senderStateNames: Record<State, string> = {
  waiting: 'Waiting to be read',
  'in-review': 'Being read',
  accepted: 'Accepted',
  declined: 'Declined',
  spam: 'Declined',
}

/** The whole life of a submission: from each state, where it may go. */
const moves: Record<State, readonly State[]> = {
  waiting: ['in-review', 'accepted', 'declined', 'spam'],
  'in-review': ['waiting', 'accepted', 'declined', 'spam'],
  accepted: ['in-review', 'declined'],
  declined: ['in-review', 'accepted'],
  spam: ['waiting'],
}

export function canMove(from: State, to: State): boolean {
  return moves[from].includes(to)
}

export type Submission = {
  id: string
  reference: string
  kind: Kind
  channel: Channel
  state: State
  /** Milliseconds since 1970, as every time in Barua. */
  createdAt: number
  /** When the conversation last grew. */
  updatedAt: number
}

export type Author = 'sender' | 'editor' | 'system'

export type Message = {
  id: string
  submissionId: string
  author: Author
  content: Content
  attachments: Attachment[]
  createdAt: number
}

/** What a message says. Everything in here is the sender's or an editor's own and is never logged. */
export type Content = {
  fields: Fields
  /** Names and captions of the attachments, by attachment id: they are content too. */
  files: Record<string, FileLabel>
  telegram?: TelegramSender
}

export type FileLabel = { name: string; caption?: string; credit?: string }

/** Where the bot can answer this sender. */
export type TelegramSender = { chatId: number; messageId: number }

/** What a sender wrote, field by field; which fields a kind has is said in `draft.ts`. */
export type Fields = {
  title?: string | undefined
  body: string
  name?: string | undefined
  email?: string | undefined
  language?: string | undefined
  links?: string[] | undefined
} & { [detail in Detail]?: string | undefined }

/** The fields that only some kinds have. */
export type Detail =
  | 'standfirst'
  | 'byline'
  | 'bio'
  | 'category'
  | 'website'
  | 'interest'
  | 'place'
  | 'when'
  | 'evidence'
  | 'consent'

/** The fields that stand beside the text, in the order in which editors see them. */
export const sideFields = {
  bio: 'About the author',
  category: 'Category',
  interest: 'Interest in the matter',
  place: 'Where',
  when: 'When',
  evidence: 'How do you know',
  language: 'Language',
  name: 'Name',
  email: 'E-mail',
  website: 'Website',
  consent: 'Consent to publish',
} satisfies { [field in keyof Fields]?: string }

/** `awaited` is still to be fetched from the door it came by; `failed` could not be. */
export type AttachmentState = 'kept' | 'awaited' | 'failed'

export type Attachment = {
  id: string
  state: AttachmentState
  /** Bytes; null until the file is kept. */
  size: number | null
  /** The media type found in its leading bytes, never the one the sender claimed. */
  type: string | null
}
