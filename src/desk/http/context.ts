import type { Readable } from 'node:stream'
import type { Response } from 'express'
import type { EditorStore } from '../../accounts/editor-store.ts'
import type { AuditStore } from '../../audit/store.ts'
import type { ActionStore } from '../../editorial/action-store.ts'
import type { AnswerFile } from '../../editorial/actions.ts'
import type { FailedJobStore } from '../../editorial/failed-job-store.ts'
import type { SettingStore } from '../../editorial/settings-store.ts'
import type { Keys } from '../../encryption/types.ts'
import type { Cleaner } from '../../files/metadata/cleaner.ts'
import type { JobStore } from '../../jobs/store.ts'
import type { RetentionStore } from '../../retention/store.ts'
import type { Attachment } from '../../submissions/attachment.ts'
import type { HistoryStore } from '../../submissions/history-store.ts'
import type { InboxStore } from '../../submissions/inbox-store.ts'
import type { StagedFile } from '../../submissions/incoming.ts'
import type { Fields, Message, Submission } from '../../submissions/model.ts'
import type { NoteStore } from '../../submissions/note-store.ts'
import type { AttentionStore } from '../../submissions/presence-store.ts'
import type { SubmissionStore } from '../../submissions/store.ts'
import type { ShowPage } from './render-page.ts'

/** What the desk's pages about submissions are handed where everything meets. */
export type DeskContext = {
  showPage: ShowPage
  submissions: SubmissionStore
  inbox: InboxStore
  work: ActionStore
  history: Pick<HistoryStore, 'of'>
  notes: Pick<NoteStore, 'of'>
  attention: AttentionStore
  failedJobs: FailedJobStore
  jobs: JobStore
  settings: Pick<SettingStore, 'letter' | 'retention'>
  retention: Pick<RetentionStore, 'soon'>
  audit: Pick<AuditStore, 'add'>
  /** Erases a submission for good, as it was seen; `why` is a code. False if it has changed, or has gone already. */
  erase: (erased: Submission, editorId: string, why: string, at: number) => Promise<boolean>
  /** Encrypts a submission that came in clear. @throws Failure `conflict` if it is no longer at this revision */
  makeConfidential: (confidential: {
    submissionId: string
    revision: number
    editorId: string
    at: number
  }) => Promise<void>
  /** Encrypts for whom it is now whatever is encrypted for others, with these keys. It resolves when that has begun. */
  reEncrypt: (keys: Keys) => Promise<void>
  /** Keeps the files of an answer while that is written, and for good if it was. */
  withFiles: <T>(
    submissionId: string,
    given: { files: StagedFile[] },
    write: (kept: AnswerFile[]) => Promise<T>,
  ) => Promise<T>
  /** So much may all files of an answer weigh, in bytes. */
  mostWithAnAnswer: number
  editors: Pick<EditorStore, 'team' | 'names'>
  /** The mail that this answer would be. */
  answerDraft: (
    submission: Submission,
    opening: Message,
    wording: Pick<Fields, 'title' | 'body'>,
  ) => Promise<{ to: string; subject: string; text: string }>
  /** By what a sender would be known again. */
  sendersOf: (message: Message) => string[]
  readFile: (attachment: Pick<Attachment, 'id' | 'encrypted'>, keys: Keys) => Promise<Readable>
  /** The preview of a file that is encrypted, made while it is looked at and kept nowhere. */
  previewNow: (type: string, content: Readable) => Promise<Buffer | undefined>
  /** Answers with a kept file, to be saved. */
  sendFile: (res: Response, attachment: Attachment, name: string, keys: Keys) => Promise<void>
  /** Answers with a clean copy, to be saved. */
  sendCopy: (res: Response, copy: { name: string; type: string; content: Readable }) => Promise<void>
  cleaner: Cleaner
  /** True if the bot can answer. */
  hasBot: boolean
  newsroom: string
  mailFrom: string
  base: string
  now: () => number
  /** Tells that something was changed, and that something may be due. */
  changed: () => void
}
