import type { TelegramSender } from '../../jobs/contact.ts'
import type { IncomingMessage, IncomingSubmission } from '../../submissions/incoming.ts'
import type { Received } from '../../submissions/intake.ts'
import type { Submission } from '../../submissions/model.ts'
import type { AddedItem, Chat, NewDraftItem } from '../chat/draft.ts'
import type { DraftStore } from '../chat/draft-store/draft-store.ts'
import type { ChatWords } from '../chat/words/words.ts'
import type { ChatKeys } from './chat-id-hash.ts'
import type { GetApi } from './client.ts'
import type { ReadingOptions } from './parse-message.ts'

/** What a chat has chosen. */
export type ChatSession = { language?: string }

/** What the conversation is handed where everything meets. */
export type ConversationContext = {
  token: string
  getApi: GetApi
  keys: ChatKeys
  newsroom: string
  /** Tells where the form is, which does not ask who writes. */
  saferForm: (words: ChatWords) => string
  reading: ReadingOptions
  /** Takes a part in durably; parts that come together may share a commit. */
  take: (item: NewDraftItem) => Promise<AddedItem>
  drafts: DraftStore
  chats: {
    sessions: {
      read(chat: string): Promise<ChatSession | undefined>
      write(chat: string, session: ChatSession): Promise<void>
      delete(chat: string): Promise<void>
    }
    submissions(chat: string): Promise<Submission[]>
    answered(chat: string, messageId: number): Promise<string | undefined>
    lastAnswered(chat: string, since: number): Promise<string | undefined>
  }
  /**
   * Links a chat to the submission that a one-time token names; gives its reference, or undefined if the token is no
   * good.
   */
  link: (token: string, chat: Chat, sender: TelegramSender) => Promise<string | undefined>
  receive: (incoming: IncomingSubmission) => Promise<Received>
  receiveFurther: (incoming: IncomingMessage) => Promise<{ repeat: boolean }>
  submissionById: (id: string) => Promise<Submission | undefined>
  siteUrl: string
  /** Keeps what cannot be understood as it came. */
  keepDeadLetter: (reason: string, raw: string) => Promise<void>
  /** Wakes the worker: what was written is to be carried. */
  nudge: () => void
  now: () => number
  /** Told of what a call to Telegram failed with, as a code. */
  onError: (code: string) => void
}
