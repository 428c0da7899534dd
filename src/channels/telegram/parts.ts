import type { FurtherDraft } from '../../draft.ts'
import type { Chat, NewPart, OpenPiece, Part, Step, TakenPart, UpdateName } from '../../open-piece.ts'
import type { Kind, Submission } from '../../submission.ts'
import type { GetApi } from './api.ts'
import type { ChatKey } from './chat-key.ts'
import type { Reading } from './said.ts'
import type { Words } from './words/words.ts'

/** What a chat has chosen. */
export type Session = { language?: string }

/** What the conversation is handed where everything meets. */
export type ConversationParts = {
  token: string
  getApi: GetApi
  chatKey: ChatKey
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
    change(chat: string, part: Part, at: number): Promise<boolean>
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
  link: (
    token: string,
    chat: Chat,
    sender: { chatId: number; messageId: number },
  ) => Promise<string | undefined>
  receiveFurther: (draft: FurtherDraft) => Promise<{ repeat: boolean }>
  /** Keeps what cannot be understood as it came. */
  keepUnread: (reason: string, raw: string) => Promise<void>
  /** Wakes the worker: what was written is to be carried. */
  nudge: () => void
  now: () => number
  /** Told of what a call to Telegram failed with, as a code. */
  onFault: (code: string) => void
}
