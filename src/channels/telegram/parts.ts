import type { Kind, Step } from '../../db/values.ts'
import type { TelegramSender } from '../../jobs/contact.ts'
import type { FurtherDraft } from '../../submissions/incoming.ts'
import type { Submission } from '../../submissions/model.ts'
import type { Chat, NewPart, OpenPiece, Part, TakenPart, UpdateName } from '../chat/draft.ts'
import type { Words } from '../chat/words/words.ts'
import type { ChatKeys } from './chat-id-hash.ts'
import type { GetApi } from './client.ts'
import type { Reading } from './parse-message.ts'

/** What a chat has chosen. */
export type Session = { language?: string }

/** What the conversation is handed where everything meets. */
export type ConversationParts = {
  token: string
  getApi: GetApi
  keys: ChatKeys
  newsroom: string
  /** Tells where the form is, which does not ask who writes. */
  saferForm: (words: Words) => string
  reading: Reading
  /** Takes a part in durably; parts that come together may share a commit. */
  take: (part: NewPart) => Promise<TakenPart>
  pieces: {
    ofChat(chat: string): Promise<OpenPiece[]>
    byId(id: string): Promise<OpenPiece | undefined>
    lastHeardAt(chat: string): Promise<number>
    parts(id: string): Promise<Part[]>
    begin(update: UpdateName, chat: Chat, kind: Kind, at: number): Promise<OpenPiece>
    goOn(
      update: UpdateName,
      piece: OpenPiece,
      to: Step | null,
      more: { part?: Part; chat?: Chat; forgets?: Step; at: number },
    ): Promise<OpenPiece | undefined>
    fateOf(
      chat: string,
      messageId: number,
    ): Promise<
      | {
          digest: string
          editedAt: number
          field: Step | null
          state: OpenPiece['state']
          isTaken: boolean
          submissionId: string | null
        }
      | undefined
    >
    isKnown(fate: { digest: string; editedAt: number }, part: Part): boolean
    change(chat: string, part: Part, fileNames: UpdateName[], at: number): Promise<boolean>
    /** Which of these files were taken in before. */
    knownFiles(names: UpdateName[]): Promise<Set<string>>
    /** Remembers what an edit of a part that was sent says now. */
    edited(chat: string, part: Part, fileNames: UpdateName[], at: number): Promise<void>
    wait(id: string, at: number): Promise<void>
    close(id: string, at: number): Promise<void>
    detach(update: UpdateName, id: string, chat: string, at: number): Promise<boolean>
    discard(update: UpdateName, id: string, at: number): Promise<void>
    restore(update: UpdateName, id: string, at: number): Promise<boolean>
  }
  chats: {
    sessions: {
      read(chat: string): Promise<Session | undefined>
      write(chat: string, session: Session): Promise<void>
      delete(chat: string): Promise<void>
    }
    submissions(chat: string): Promise<Submission[]>
    answered(chat: string, messageId: number): Promise<string | undefined>
    lastAnswered(chat: string, since: number): Promise<string | undefined>
  }
  /** Links a chat to the submission that a one-time token names; gives its reference, or undefined if the token is no good. */
  link: (token: string, chat: Chat, sender: TelegramSender) => Promise<string | undefined>
  receiveFurther: (draft: FurtherDraft) => Promise<{ repeat: boolean }>
  /** Keeps what cannot be understood as it came. */
  keepUnread: (reason: string, raw: string) => Promise<void>
  /** Wakes the worker: what was written is to be carried. */
  nudge: () => void
  now: () => number
  /** Told of what a call to Telegram failed with, as a code. */
  onFault: (code: string) => void
}
