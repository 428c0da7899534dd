import type { Readable } from 'node:stream'
import type { Response } from 'express'
import type { Colleague, Editor } from '../../accounts/editor.ts'
import type { NewTrailEntry } from '../../audit/log.ts'
import type { DeliveryState } from '../../db/values.ts'
import type { Act, Change, WrittenFile } from '../../editorial/actions.ts'
import type { FailedJobStore } from '../../editorial/failed-job-store.ts'
import type { Kept, Letter, LetterName } from '../../editorial/letter-templates.ts'
import type { Keys } from '../../encryption/types.ts'
import type { FileToClean, Finding, NotCleaned } from '../../files/metadata/types.ts'
import type { Contact } from '../../jobs/contact.ts'
import type { Delivery, Try } from '../../jobs/job.ts'
import type { Attachment } from '../../submissions/attachment.ts'
import type { Entry } from '../../submissions/history.ts'
import type { Asked, Filter, Page } from '../../submissions/inbox.ts'
import type { StagedFile } from '../../submissions/incoming.ts'
import type { Fields, Message, Submission } from '../../submissions/model.ts'
import type { Note } from '../../submissions/note.ts'
import type { RetentionRules } from '../../submissions/retention-rules.ts'
import type { Term } from '../../submissions/search-query.ts'
import type { ShowPage } from './render-page.ts'

/** What the desk's pages about submissions are handed where everything meets. */
export type DeskParts = {
  showPage: ShowPage
  submissions: {
    byReference(reference: string): Promise<Submission | undefined>
    conversation(submissionId: string, keys: Keys): Promise<Message[]>
    keptAttachment(id: string, keys: Keys): Promise<{ attachment: Attachment; message: Message } | undefined>
    knowContact(submissionId: string, contact: Contact): Promise<void>
    byIds(ids: string[]): Promise<Submission[]>
    standingOf(submissionId: string): Promise<{ last: string } | undefined>
  }
  inbox: {
    page(asked: Asked): Promise<Page>
    search(asked: Asked & { terms: Term[] }): Promise<Page>
    texts(ids: string[]): Promise<Map<string, string[]>>
    count(filter: Filter, most: number): Promise<number>
    tagNames(): Promise<string[]>
    tagsOf(submissionId: string): Promise<string[]>
  }
  work: {
    apply(change: Change): Promise<Submission>
    lastAct(submissionId: string, editorId: string, at: number): Promise<Act | undefined>
    takeBack(act: Act): Promise<void>
    rememberSpammers(senders: string[], at: number): Promise<void>
    forgetSpammers(senders: string[], since: number): Promise<void>
  }
  history: { of(submissionId: string): Promise<Entry[]> }
  notes: { of(submissionId: string, keys: Keys): Promise<Note[]> }
  attention: {
    open(submissionId: string, editorId: string, at: number): Promise<void>
    /** Something of it is seen beside its page: that is in the trail too. */
    look(submissionId: string, editorId: string, at: number): Promise<void>
    stay(submissionId: string, editorId: string, at: number): Promise<void>
    leave(submissionId: string, editorId: string): Promise<void>
    present(submissionId: string, now: number): Promise<string[]>
  }
  failedJobs: FailedJobStore
  deliveries: {
    ofSubmission(submissionId: string): Promise<Delivery[]>
    page(asked: {
      state?: DeliveryState | undefined
      size: number
      after?: string | undefined
    }): Promise<Delivery[]>
    tries(deliveryIds: string[]): Promise<Try[]>
    byId(id: string): Promise<Delivery | undefined>
  }
  settings: {
    letter(name: LetterName): Promise<Kept<Letter>>
    retention(): Promise<Kept<RetentionRules>>
  }
  retention: {
    soon(rules: RetentionRules, most: number): Promise<Submission[]>
  }
  trail: { add(entries: NewTrailEntry[], at: number): Promise<void> }
  /** Erases a piece for good, as it was seen; `why` is a code. False if it has changed, or has gone already. */
  erase: (piece: Submission, editorId: string, why: string, at: number) => Promise<boolean>
  /** Seals a piece that came in clear. @throws Failure `conflict` if it is no longer at this revision */
  markConfidential: (marking: {
    submissionId: string
    revision: number
    editorId: string
    at: number
  }) => Promise<void>
  /** Seals for whom it is now whatever is sealed for others, with these keys. It resolves when that has begun. */
  sealAnew: (keys: Keys) => Promise<void>
  /** Keeps the files of an answer while that is written, and for good if it was. */
  withFiles: <T>(
    submissionId: string,
    given: { files: StagedFile[] },
    write: (kept: WrittenFile[]) => Promise<T>,
  ) => Promise<T>
  /** So much may all files of an answer weigh, in bytes. */
  mostWithAnAnswer: number
  editors: {
    team(): Promise<Colleague[]>
    names(): Promise<Map<string, Pick<Editor, 'name' | 'email'>>>
  }
  /** The mail that this answer would be. */
  answerDraft: (
    submission: Submission,
    opening: Message,
    said: Pick<Fields, 'title' | 'body'>,
  ) => Promise<{ to: string; subject: string; text: string }>
  /** By what a sender would be known again. */
  sendersOf: (message: Message) => string[]
  readFile: (attachment: Pick<Attachment, 'id' | 'sealed'>, keys: Keys) => Promise<Readable>
  /** The preview of a file that is sealed, made while it is looked at and kept nowhere. */
  previewNow: (type: string, content: Readable) => Promise<Buffer | undefined>
  /** Answers with a kept file, to be saved. */
  sendFile: (res: Response, attachment: Attachment, name: string, keys: Keys) => Promise<void>
  /** Answers with a clean copy, to be saved. */
  sendCopy: (res: Response, copy: { name: string; type: string; content: Readable }) => Promise<void>
  cleaner: {
    hindrance(file: FileToClean): Promise<NotCleaned | undefined>
    clean(
      file: FileToClean,
      open: () => Promise<Readable>,
      leaving: AbortSignal,
    ): Promise<{ type: string; ending: string; content: Readable } | NotCleaned>
    look(
      file: FileToClean,
      open: () => Promise<Readable>,
      leaving: AbortSignal,
    ): Promise<Finding[] | undefined>
  }
  /** True if the bot can answer. */
  hasBot: boolean
  newsroom: string
  mailFrom: string
  base: string
  now: () => number
  /** Tells that something was changed, and that something may be due. */
  changed: () => void
}
