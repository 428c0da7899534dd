import { z } from 'zod'
import { Failure } from '../core/errors.ts'
import { idBehind } from '../core/ids.ts'
import { isVisible } from '../core/visible-text.ts'
import type { State } from '../db/values.ts'
import type { Contact } from '../jobs/contact.ts'
import type { AnswerJobType, EphemeralFile, NewJob } from '../jobs/job.ts'
import { type FileLabel, previewsOf } from '../submissions/attachment.ts'
import { moveDetail, type NewEntry } from '../submissions/history.ts'
import type { IdempotencyKey, StagedFile } from '../submissions/incoming.ts'
import type { EncryptedAs } from '../submissions/intake-record.ts'
import type { Content, Submission } from '../submissions/model.ts'
import { canMove, undoTime } from '../submissions/states.ts'
import { Tag } from '../submissions/tag.ts'
import { type Decision, stateAfter } from './letter-templates.ts'

/**
 * What an editor does with a submission, to be written in one transaction or not at all. With a `revision`, only on top
 * of exactly that one.
 */
export type Change = {
  submissionId: string
  revision?: number | undefined
  editorId: string
  at: number
  set: {
    state?: State
    assigneeId?: string | null
    moved?: { from: State; at: number; visibleAt: number } | null
    legalHold?: boolean
  }
  /** Text to the sender; a letter has a title. */
  message?: Written
  /** What it came by, where a repeat of that must not do it again. */
  idempotencyKey?: Omit<IdempotencyKey, 'secret'>
  /** The mail that it came in, with what of that was left out: kept for the desk, and settled by it. */
  original?: Original
  /** A held message that is settled by this: its files go with the new one. */
  settles?: string
  /** The names of the files that came with the held message. */
  quarantinedFiles?: Record<string, FileLabel>
  /** Text between editors, which no sender ever sees. */
  note?: { body: string }
  addTags?: string[]
  removeTags?: string[]
  jobs: NewJob[]
  entries: NewEntry[]
}

/** What an editor writes to a sender. */
export type Wording = { title?: string | undefined; body: string; files?: AnswerFile[] }

export type Written = Wording & {
  id: string
  /** From when the sender may read it; until then it can be stopped. */
  visibleAt: number
}

/** A reply by mail as it came. Only the desk can open it. */
export type Original = { id: string; content: Content; files: AnswerFile[] }

/** A file that goes with it, and by what it is known if it is encrypted. */
export type AnswerFile = StagedFile & Partial<EncryptedAs>

/** What an editor wants to take back: a message, a move, or both. */
export type Act = {
  submissionId: string
  editorId: string
  at: number
  messageId?: string | undefined
  movedAt?: number | undefined
  /** From when the sender is told. */
  visibleAt?: number | undefined
}

/** Whether an answer still waits, so that it can be stopped. */
export type AnswerFate = 'waiting' | 'sent' | 'stopped'

/**
 * Who does it, to which submission as they saw it, and when; and for how many milliseconds after that the sender is not
 * told, so that it can be stopped.
 */
export type ActionContext = { submission: Submission; editorId: string; at: number; wait?: number }

export type ChangeOf = Pick<Change, 'set' | 'jobs' | 'entries'> & Partial<Change>

const body = z
  .string()
  .transform((text) => text.toWellFormed().replace(/\r\n?/g, '\n').replaceAll('\0', '').trim())
  .transform((text) => (isVisible(text) ? text : ''))
  .pipe(z.string().min(1, 'Please write something.').max(100_000, 'Please keep this to 100,000 characters.'))

const subject = z.string().max(500, 'Please keep the subject to 500 characters.').optional()

/**
 * Takes a submission on. A waiting one is in review from then on.
 * @throws Failure `conflict` if a colleague has it.
 */
export function claim(action: ActionContext): ChangeOf {
  const { submission, editorId } = action
  if (submission.assigneeId && submission.assigneeId !== editorId) {
    throw new Failure('conflict', 'A colleague has claimed it meanwhile.')
  }
  return takenOn(action, editorId, { action: 'claimed' })
}

/**
 * Gives a submission up, for whoever takes it.
 * @throws Failure `conflict` if the editor does not have it.
 */
export function release({ submission, editorId }: ActionContext): ChangeOf {
  if (submission.assigneeId !== editorId) throw new Failure('conflict', 'You do not have it any more.')
  return { set: { assigneeId: null }, jobs: [], entries: [{ action: 'released' }] }
}

/** Gives a submission to an editor, who is told by mail unless they did it themselves. */
export function assign(action: ActionContext, toEditorId: string): ChangeOf {
  if (toEditorId === action.editorId) return takenOn(action, toEditorId, { action: 'claimed' })
  const change = takenOn(action, toEditorId, { action: 'assigned', detail: toEditorId })
  return { ...change, jobs: [{ type: 'assignment', editorId: toEditorId }] }
}

function visibleAtOf({ at, wait = undoTime }: ActionContext): number {
  return at + wait
}

function takenOn(action: ActionContext, assigneeId: string, entry: NewEntry): ChangeOf {
  const { state } = action.submission
  if (state !== 'waiting') return { set: { assigneeId }, jobs: [], entries: [entry] }
  const moved = { from: state, at: action.at, visibleAt: visibleAtOf(action) }
  return {
    set: { assigneeId, state: 'in-review', moved },
    jobs: [],
    entries: [entry, { action: 'moved', detail: moveDetail(state, 'in-review') }],
  }
}

/**
 * Moves a submission to another state, by the table in `submission.ts`.
 * @throws Failure `conflict` if there is no such move.
 */
export function move(action: ActionContext, to: State): ChangeOf {
  const from = action.submission.state
  if (!canMove(from, to)) throw new Failure('conflict', 'It cannot be moved there from where it is now.')
  return {
    set: { state: to, moved: { from, at: action.at, visibleAt: visibleAtOf(action) } },
    jobs: [],
    entries: [{ action: 'moved', detail: moveDetail(from, to) }],
  }
}

/**
 * Writes to the sender, behind the last message of the conversation. The text stands on the status page, and goes out
 * by `purposes`, once it can no longer be taken back.
 * @throws Failure `invalid`
 */
export function answer(
  action: ActionContext,
  wording: Wording,
  types: readonly AnswerJobType[],
  contact: Contact,
  last: string | undefined,
): ChangeOf {
  const { at, submission } = action
  const visibleAt = visibleAtOf(action)
  const message = { id: idBehind(last, at), ...wording, visibleAt }
  const text = parsed('body', body, message.body)
  parsed('title', subject, message.title)
  // Of a confidential submission nothing can be read when the answer goes out.
  const files = (message.files ?? []).flatMap(ephemeralFile)
  const ephemeralPayload = submission.isConfidential && {
    ephemeralPayload: { contact, text, title: message.title, files },
  }
  return {
    set: {},
    message: { ...message, body: text },
    jobs: [
      ...types.map((type) => ({ type, messageId: message.id, dueAt: visibleAt, ...ephemeralPayload })),
      ...(submission.isConfidential ? [] : previewsOf(message.files ?? [])),
    ],
    entries: [{ action: 'answered' }],
  }
}

function ephemeralFile({ id, name, fileKey }: AnswerFile): EphemeralFile[] {
  return fileKey ? [{ id, name, key: Buffer.from(fileKey).toString('base64url') }] : []
}

/** A decision moves a submission, unless it is there already: a change can be asked for again. */
export function decide(action: ActionContext, decision: Decision): ChangeOf {
  const to: State = stateAfter[decision]
  const staysThere = decision === 'please-change' && action.submission.state === to
  return staysThere ? { set: {}, jobs: [], entries: [] } : move(action, to)
}

/** Writes down something for colleagues. @throws Failure `invalid` */
export function note(words: string): ChangeOf {
  return {
    set: {},
    note: { body: parsed('note', body, words) },
    jobs: [],
    entries: [{ action: 'noted' }],
  }
}

/** @throws Failure `invalid` */
export function tag(_action: ActionContext, given: string): ChangeOf {
  const name = parsed('tag', Tag, given)
  return { set: {}, addTags: [name], jobs: [], entries: [{ action: 'tagged', detail: name }] }
}

/** @throws Failure `invalid` */
export function untag(_action: ActionContext, given: string): ChangeOf {
  const name = parsed('tag', Tag, given)
  return { set: {}, removeTags: [name], jobs: [], entries: [{ action: 'untagged', detail: name }] }
}

/** Keeps a submission for longer: whatever is done with it begins its time anew. */
export function keep(_action: ActionContext): ChangeOf {
  return { set: {}, jobs: [], entries: [{ action: 'kept' }] }
}

/** Puts a hold on a submission, so that nothing erases it, or lifts it. */
export function hold(_action: ActionContext, legalHold: boolean): ChangeOf {
  return { set: { legalHold }, jobs: [], entries: [{ action: legalHold ? 'hold-set' : 'hold-lifted' }] }
}

/** Two changes as one: what a decision and its letter are. */
export function both(first: ChangeOf, second: ChangeOf): ChangeOf {
  return {
    ...first,
    ...second,
    set: { ...first.set, ...second.set },
    jobs: [...first.jobs, ...second.jobs],
    entries: [...first.entries, ...second.entries],
  }
}

function parsed<T>(field: string, schema: z.ZodType<T>, value: T): T {
  const result = schema.safeParse(value)
  if (result.success) return result.data
  const errors = result.error.issues.map((issue) => issue.message)
  throw new Failure('invalid', errors.join(' '), { fields: { [field]: errors } })
}
