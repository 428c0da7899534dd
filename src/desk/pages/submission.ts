import type { Request, Response } from 'express'
import { nameFrom } from '../../accounts/editor.ts'
import type { Failure } from '../../core/errors.ts'
import { notCleaned } from '../../files/metadata/types.ts'
import type { Attempt, Job } from '../../jobs/job.ts'
import { contactOf, replyChannels } from '../../submissions/contact.ts'
import { filterOf } from '../../submissions/inbox.ts'
import type { Message, Submission } from '../../submissions/model.ts'
import { noSuchSubmission } from '../../submissions/not-found.ts'
import type { Note } from '../../submissions/note.ts'
import { erasedAt } from '../../submissions/retention-rules.ts'
import { movesFrom } from '../../submissions/states.ts'
import { quarantineBox, type Typed } from '../../web/typed-input.ts'
import type { DeskContext } from '../http/context.ts'
import { listOf, queryOf } from '../http/inbox-link.ts'
import type { DeskRoute } from '../http/routes.ts'
import type { Seat } from '../http/seat.ts'
import { articleOf } from './article-blocks.ts'
import { toClean } from './attachments.ts'
import { undoOffer } from './undo-offer.ts'

/** Which submission is shown, and out of which list it was opened. */
export type SubmissionRequest = {
  reference: string
  list?: unknown
  /** Of what something can be taken back. */
  undo?: unknown
  /** A message that was taken back, to be written anew. */
  again?: unknown
}

/** What was typed on the page and is not done with: it stands there again, with why something could not be done. */
type Unfinished = { typed: Typed; failure?: Failure; files?: string[] }

/** One submission, as an editor wants to read it and work on it. */
export function submissionRoutes(app: DeskContext): DeskRoute[] {
  const show = submissionShower(app)
  return [
    {
      method: 'get',
      path: '/desk/submissions/:reference',
      access: 'editor',
      handle: ({ params, query: { list, undo, again } }, res, seat) =>
        show(res, seat, { reference: String(params.reference), list, undo, again }),
    },
    { method: 'get', path: '/desk/submissions/:reference/next', access: 'editor', handle: next },
  ]

  /** The submission below this one in the list it was opened from. */
  async function next(req: Request, res: Response, seat: Seat): Promise<void> {
    const submission = await app.submissions.byReference(String(req.params.reference))
    if (!submission) throw noSuchSubmission()
    res.redirect(303, await wayOn(app, seat, submission, req.query.list))
  }
}

/** Shows the page of a submission, with what was typed there before. @throws Failure `not-found` */
export function submissionShower(app: DeskContext) {
  return show

  async function show(
    res: Response,
    seat: Seat,
    asked: SubmissionRequest,
    { typed, failure, files = [] }: Partial<Unfinished> = {},
  ): Promise<void> {
    const { editor } = seat
    const submission = await app.submissions.byReference(asked.reference)
    if (!submission) throw noSuchSubmission()
    const now = app.now()
    await app.attention.open(submission.id, editor.id, now)
    const messages = await app.submissions.conversation(submission.id, seat.keys)
    const contact = contactOf(messages)
    if (messages[0]?.access === 'open' && submission.senderLeftAt === null)
      await app.submissions.knowContact(submission.id, contact)
    const jobs = (await app.jobs.ofSubmission(submission.id)).filter(isShown)
    const nameOf = nameFrom(await app.editors.names())
    const present = await app.attention.present(submission.id, now)
    const list = listOf(asked.list)
    const words = Object.fromEntries(typed?.texts.map(({ name, text }) => [name, text]) ?? [])
    await app.showPage(res, seat, 'desk/submission', {
      submission,
      messages,
      opening: messages[0],
      article: submission.kind === 'guest-post' && messages[0] && articleOf(messages[0].content),
      turns: turnsOf(messages, await app.notes.of(submission.id, seat.keys)),
      jobs,
      attempts: triesOf(await app.jobs.attempts(jobs.map(({ id }) => id))),
      history: await app.history.of(submission.id),
      tags: await app.inbox.tagsOf(submission.id),
      allTags: await app.inbox.tagNames(),
      team: await app.editors.team(),
      others: present.filter((id) => id !== editor.id).map(nameOf),
      moves: movesFrom(submission.state),
      channels: submission.senderLeftAt === null ? replyChannels(contact, app.hasBot) : [],
      words: { note: '', tag: '', recipient: '', body: withdrawnText(messages, asked.again), ...words },
      quarantineBox,
      failure,
      errors: failure?.fields ?? {},
      filesToChoose: files,
      mostWithAnAnswer: app.mostWithAnAnswer,
      list: list && queryOf(list),
      view: list?.view,
      undo: await undoOffer(app, seat, asked.undo),
      erasedAt: erasedAt(submission, (await app.settings.retention()).value),
      undoAnswer: await undoOffer(app, seat, submission.reference),
      lastMessage: messages.at(-1)?.id,
      nameOf,
      reasons: await unsupportedReasons(messages),
    })
  }

  /** Which of the attachments have no clean copy, and why. */
  async function unsupportedReasons(messages: Message[]): Promise<Map<string, string>> {
    const reasons = new Map<string, string>()
    for (const message of messages) {
      for (const attachment of message.attachments) {
        const reason = await app.cleaner.reason(toClean(attachment, message))
        if (reason) reasons.set(attachment.id, notCleaned[reason])
      }
    }
    return reasons
  }
}

/** Where to go when a submission is done with: to the next one of the list, or back to the list. */
export async function wayOn(
  app: DeskContext,
  { editor }: Seat,
  submission: Submission,
  given: unknown,
  undo?: string,
): Promise<string> {
  const undoPart = undo === undefined ? '' : `&undo=${undo}`
  const list = listOf(given)
  if (!list) return `${app.base}/desk/submissions/${submission.reference}${undoPart.replace('&', '?')}`
  const query = queryOf(list)
  const filter = filterOf(list, editor.id)
  const asked = { filter, size: 1, editorId: editor.id }
  const page = list.q === undefined ? await app.inbox.page({ ...asked, after: submission.id }) : undefined
  const below = page?.rows[0]
  if (!below) return `${app.base}/desk?${query}${undoPart}`
  return `${app.base}/desk/submissions/${below.reference}?list=${encodeURIComponent(query)}${undoPart}`
}

/** Messages and notes in one line, as they came. */
function turnsOf(messages: Message[], notes: Note[]) {
  const turns = [
    ...messages.map((message) => ({ id: message.id, message, note: undefined })),
    ...notes.map((note) => ({ id: note.id, message: undefined, note })),
  ]
  return turns.sort((a, b) => (a.id < b.id ? -1 : 1))
}

/** Work inside the house is shown only where it failed. */
function isShown({ type, state }: Job): boolean {
  return (
    !['tell-editors', 'preview', 'chat-live', 'chat-send', 'chat-update'].includes(type) || state === 'failed'
  )
}

export function triesOf(attempts: Attempt[]): Map<string, Attempt[]> {
  return Map.groupBy(attempts, (one) => one.jobId)
}

function withdrawnText(messages: Message[], id: unknown): string {
  const message = messages.find((one) => one.id === id && one.isWithdrawn)
  return message?.content.fields.body ?? ''
}
