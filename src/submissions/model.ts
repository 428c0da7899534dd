import { isVisible, shortened } from '../core/visible-text.ts'
import type { Author, Channel, Kind, State } from '../db/values.ts'
import type { ContentAccess } from '../encryption/types.ts'
import type { ApiSender, TelegramSender } from '../jobs/contact.ts'
import type { Attachment, FileLabel } from './attachment.ts'
import type { Formatted } from './formatted-text.ts'
import type { QuarantineReason } from './quarantine.ts'
import type { UnreadableReason } from './unreadable.ts'

export const kindNames: Record<Kind, string> = {
  'guest-post': 'Guest post',
  expose: 'Exposé',
  'news-tip': 'News tip',
  'story-angle': 'Story angle',
  'human-interest': 'Human-interest story',
}

/** Kinds whose content may cost a source dearly: it is encrypted, and no mail, index or log carries it. */
export function isConfidentialKind(kind: Kind): boolean {
  return kind === 'expose' || kind === 'news-tip'
}

export const channelNames: Record<Channel, string> = {
  form: 'form',
  telegram: 'Telegram',
  email: 'e-mail',
  api: 'API',
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
  /** When the sender last wrote. */
  heardAt: number
  /** Grows with every change: who saved on top of an older one did not see all of it. */
  revision: number
  /** The editor who has claimed it. */
  assigneeId: string | null
  /** The last move: from which state, when, and from when the sender is told of it. Null until the first. */
  moved: { from: State; at: number; visibleAt: number } | null
  /** An earlier piece of this sender was marked as spam. */
  spamBefore: boolean
  /** Of a confidential kind, or marked so by its sender or an editor: it is encrypted. */
  isConfidential: boolean
  /** When its sender last wrote or an editor last did something with it. */
  activeAt: number
  /** When editors were told that it will be erased, if nothing has happened since. */
  warnedAt: number | null
  /** It must not be erased. */
  legalHold: boolean
  /** When its sender deleted their side: nobody can be answered any more. */
  senderLeftAt: number | null
}

/** What a list tells of a submission without opening its conversation. */
export type Summary = {
  /** The title; the first words where there is none. */
  title: string | undefined
  /** Who sent it, in the sender's own words: a name or an address. */
  sender: string | undefined
  attachments: number
}

/** Sums an opening message up. */
export function summaryOf(content: Content, attachments: number): Summary {
  const { byline, name, email, body } = content.fields
  return {
    title: titleOf(content.fields) ?? firstWords(body),
    sender: [name, byline, email].find((one) => one !== undefined && isVisible(one)),
    attachments,
  }
}

/** The title, if it shows anything. */
export function titleOf({ title }: Pick<Fields, 'title'>): string | undefined {
  return title !== undefined && isVisible(title) ? title : undefined
}

function firstWords(text: string): string | undefined {
  const words = text.replace(/\s+/g, ' ').trim()
  if (words.length <= 80) return isVisible(words) ? words : undefined
  const end = words.lastIndexOf(' ', 80) + 1
  return end > 0 ? `${words.slice(0, end).trim()} …` : shortened(words, 80)
}

export type Message = {
  id: string
  submissionId: string
  author: Author
  /** Says nothing where it is locked or damaged. */
  content: Content
  access: ContentAccess
  attachments: Attachment[]
  createdAt: number
  /** The editor who wrote it. */
  editorId: string | null
  /** Called back by its editor before it left; the sender never sees it. */
  isWithdrawn: boolean
  /** From when the sender may read it; until then its editor can stop it. */
  visibleAt: number
  /** The quarantined message that its editor made their own by this one. */
  settles: string | null
}

/** True if the sender may read the message now. */
export function isVisibleToSender(message: Message, now: number): boolean {
  if (message.isWithdrawn || message.author === 'unverified') return false
  return message.author === 'sender' || now >= message.visibleAt
}

/** What a message says. Everything in here is the sender's or an editor's own and is never logged. */
export type Content = {
  fields: Fields
  /** Names and captions of the attachments, by attachment id: they are content too. */
  files: Record<string, FileLabel>
  telegram?: TelegramSender
  api?: ApiSender
  email?: MailOrigin
  /** A changed wording of an earlier message, which stands as it was. */
  isEdit?: true
  /** What it came in as, where something of that could not be read: each as it came. */
  rawUpdates?: string[]
  /** The reference of a submission that is not confidential, which its sender went on with in this one. */
  earlier?: string
}

/** Where the sender can be reached by Telegram: the chat they last wrote from, or linked. */
export function telegramOf(messages: Message[]): TelegramSender | undefined {
  return messages.findLast((message) => message.content.telegram)?.content.telegram
}

/** What a mail tells besides its words. */
export type MailOrigin = {
  /** The address that it says it comes from. */
  from?: string
  /** Where it says that it is by several: all of them, with their names. */
  authors?: string[]
  /** The address of ours that it was sent to. */
  to?: string
  /** Its Message-ID, to be answered to. */
  messageId?: string
  /** When it was sent, by its sender's clock. */
  sentAt?: number
  /** The history it quotes, and its signature: kept, and shown folded. Of an editor's reply, all that was not sent. */
  quoted?: string
  /** The article with its formatting, where it came with any: `body` says the same in plain characters. */
  formatted?: Formatted
  /** Where the article is a document: what the mail itself said. */
  cover?: string
  /** Why it could not be read. */
  unreadable?: UnreadableReason
  /** How it is encrypted, or wrapped in a signature. */
  encryption?: Encryption
  /** A program sent it by itself, such as an out-of-office reply. */
  isAutomatic?: true
  /** Why it was held for an editor to look at. */
  quarantined?: QuarantineReason
  /** To the mail of which editor it replied. */
  quarantinedFor?: string
}

/** What keeps the words of a mail from being read here. */
export const encryptionNames = {
  pgp: 'This email, or a part of it, is encrypted with PGP. It can’t be opened here',
  'pgp-signed': 'This email is signed with PGP within its text',
  smime: 'This email, or a part of it, is encrypted with S/MIME. It can’t be opened here',
  'smime-signed': 'This email is wrapped in an S/MIME signature. It can’t be opened here',
}

export type Encryption = keyof typeof encryptionNames

/** What a sender wrote, field by field; which fields a kind has is said in `incoming.ts`. */
export type Fields = {
  title?: string | undefined
  body: string
  name?: string | undefined
  email?: string | undefined
  language?: string | undefined
  links?: string[] | undefined
} & { [detail in Detail]?: string | undefined }

/** The fields that only some kinds have. */
type Detail =
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
  /** Lines of a chat or a mail that were too long for their place, whole. */
  | 'inFull'

/** The fields that stand beside the text, in the order in which editors see them. */
export const detailFields = {
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
  inFull: 'In full',
} satisfies { [field in keyof Fields]?: string }

/** The files that somebody sent along: the raw mail they came in is none of them. */
export function filesOf({ attachments, content }: Pick<Message, 'attachments' | 'content'>): Attachment[] {
  return attachments.filter(({ id }) => !content.files[id]?.isRaw)
}

/** The mail that a message came in, as it came. */
export function rawMailOf({ attachments, content }: Message): Attachment | undefined {
  return attachments.find(({ id }) => content.files[id]?.isRaw)
}

/** True for a reply that an editor wrote, as far as a mail tells: it came from their address to the one made for them. */
export function isOfItsEditor(mail: MailOrigin | undefined): boolean {
  return mail?.quarantinedFor !== undefined && mail.quarantined !== 'not-theirs'
}

/** The state as the sender may know it: a decision that can still be taken back is not told. */
export function senderState(submission: Pick<Submission, 'state' | 'moved'>, now: number): State {
  const { state, moved } = submission
  return moved && now < moved.visibleAt ? moved.from : state
}
