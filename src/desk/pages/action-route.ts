import type { Request, Response } from 'express'
import { z } from 'zod'
import { nameFrom } from '../../accounts/editor.ts'
import { Failure, type FailureCode } from '../../core/errors.ts'
import type { ActionContext, ChangeOf } from '../../editorial/actions.ts'
import type { Message, Submission } from '../../submissions/model.ts'
import { noSuchSubmission } from '../../submissions/not-found.ts'
import { quarantineBox, type Typed, typedIn } from '../../web/typed-input.ts'
import type { DeskContext } from '../http/context.ts'
import { type Confirm, type DeskRoute, formText, type SentFiles } from '../http/routes.ts'
import type { Seat } from '../http/seat.ts'
import { type SubmissionRequest, submissionShower, wayOn } from './submission.ts'

export type Handle = (req: Request, res: Response, seat: Seat, sent?: SentFiles) => Promise<void>

const Revision = z.coerce.number().int().positive()

/** Why something is not done although the page can be shown: with which status. */
const statuses: Partial<Record<FailureCode, number>> = { invalid: 422, conflict: 409, forbidden: 403 }

/** What everything that editors do has in common: on which submission, on top of what, and where one goes afterwards. */
export function actionsOf(app: DeskContext) {
  const showSubmission = submissionShower(app)
  return {
    submissionOf,
    seenSubmission,
    isAsSeen,
    actionContextOf,
    apply,
    orConflict,
    orBack,
    goOn,
    backTo,
    onwards,
  }

  async function submissionOf(req: Request): Promise<Submission> {
    const submission = await app.submissions.byReference(String(req.params.reference))
    if (!submission) throw noSuchSubmission()
    return submission
  }

  /** The submission, if it is as the form's page showed it. */
  async function seenSubmission(req: Request): Promise<Submission> {
    const submission = await submissionOf(req)
    if (isAsSeen(req, submission)) return submission
    throw new Failure('conflict', 'Something has changed here since you opened it.')
  }

  function isAsSeen(req: Request, submission: Submission): boolean {
    return Revision.safeParse(formText(req, 'revision')).data === submission.revision
  }

  function actionContextOf(submission: Submission, { editor }: Seat): ActionContext {
    return { submission, editorId: editor.id, at: app.now() }
  }

  async function apply(action: ActionContext, change: ChangeOf, revision?: number): Promise<Submission> {
    const { submission, editorId, at } = action
    const changed = await app.work.apply({ ...change, submissionId: submission.id, editorId, at, revision })
    app.changed()
    return changed
  }

  /**
   * Where a lost race ends: what is there now, what was wanted, and nothing lost. A conflict with something that was
   * there to be seen is no race, and is thrown.
   */
  function orConflict(handle: Handle): Handle {
    return async (req, res, seat, sent) => {
      try {
        await handle(req, res, seat, sent)
      } catch (error) {
        const isConflict = error instanceof Failure && error.code === 'conflict'
        if (!isConflict || isAsSeen(req, await submissionOf(req))) throw error
        await showConflict(req, res, seat, error)
      }
    }
  }

  async function showConflict(req: Request, res: Response, seat: Seat, failure: Failure): Promise<void> {
    const submission = await submissionOf(req)
    await app.attention.look(submission.id, seat.editor.id, app.now())
    const messages = await app.submissions.conversation(submission.id, seat.keys)
    const seenId = formText(req, 'seen')
    const names = await app.editors.names()
    const { texts, others } = typedIn(req.body)
    res.status(409)
    await app.showPage(res, seat, 'desk/conflict', {
      submission,
      failure,
      since: messages.filter((message) => message.id > seenId && !message.isWithdrawn),
      history: (await app.history.of(submission.id)).slice(-5).reverse(),
      fields: Object.fromEntries(others.map(({ name, value }) => [name, value])),
      others: others.filter(({ name }) => name !== 'revision' && name !== 'seen'),
      texts,
      action: req.originalUrl,
      done: req.path.split('/').at(-1),
      takesFiles: req.is('multipart/form-data') === 'multipart/form-data',
      // A colleague who has it keeps it, until they give it up or it is given on.
      canInsist: !req.path.endsWith('/claim'),
      lastMessage: messages.at(-1)?.id,
      nameOf: nameFrom(names),
    })
  }

  /** Where something cannot be done as it was asked for, its page says why, and holds all that was typed there. */
  function orBack(handle: Handle): Handle {
    return async (req, res, seat, sent) => {
      try {
        await handle(req, res, seat, sent)
      } catch (error) {
        const status = error instanceof Failure ? statuses[error.code] : undefined
        const asked = pageOf(req)
        if (!status || !asked) throw error
        res.status(status)
        const typed = typedIn(req.body)
        await showSubmission(res, seat, asked, {
          typed,
          failure: error as Failure,
          files: [...(sent?.names ?? []), ...typed.files],
        })
      }
    }
  }

  /**
   * Goes on when something is done: to where the browser is sent. Only where more was typed on the page than what is done
   * with now, the page comes back at once and holds it.
   */
  async function goOn(
    req: Request,
    res: Response,
    seat: Seat,
    { to, spent = [], undo }: { to: string; spent?: string[]; undo?: string | undefined },
  ): Promise<void> {
    const asked = pageOf(req)
    const typed = typedIn(req.body)
    const left = asked ? await unfinished(asked, seat, typed, spent) : []
    const files = spent.includes('files') ? [] : typed.files
    if (!asked || left.length + files.length === 0) return res.redirect(303, to)
    await showSubmission(res, seat, { ...asked, undo }, { typed: { ...typed, texts: left }, files })
  }

  /** What was typed and is not done with. A held mail that nobody has changed is no text of theirs. */
  async function unfinished(
    { reference }: SubmissionRequest,
    seat: Seat,
    { texts }: Typed,
    spent: string[],
  ): Promise<Typed['texts']> {
    const left = texts.filter(({ name }) => !spent.includes(name))
    if (!left.some(({ name }) => name.startsWith(quarantineBox('')))) return left
    const submission = await app.submissions.byReference(reference)
    const messages = submission ? await app.submissions.conversation(submission.id, seat.keys) : []
    const quarantined = new Map(messages.map(({ id, content }) => [quarantineBox(id), content.fields.body]))
    return left.filter(({ name, text }) => !isSame(text, quarantined.get(name)))
  }

  /** The submission on whose page a form stands, and out of which list; undefined for a form of another page. */
  function pageOf(req: Request): SubmissionRequest | undefined {
    const reference = formText(req, 'back') || String(req.params.reference ?? '')
    return reference === '' ? undefined : { reference, list: formText(req, 'list') }
  }

  /** After a decision, to the next of the list; otherwise where one was. */
  async function onwards(req: Request, seat: Seat, before: Submission, after: Submission): Promise<string> {
    const isDone = after.state !== before.state && after.state !== 'waiting' && after.state !== 'in-review'
    if (!isDone) return backTo(req, before)
    return wayOn(app, seat, after, formText(req, 'list'), after.reference)
  }

  function backTo(req: Request, { reference }: Submission): string {
    const list = formText(req, 'list')
    const query = list ? `?list=${encodeURIComponent(list)}` : ''
    return `${app.base}/desk/submissions/${reference}${query}`
  }
}

/** As a browser sends it, with other line ends and without those around it. */
function isSame(typed: string, original: string | undefined): boolean {
  return typed.replace(/\r\n?/g, '\n').trim() === original?.trim()
}

/** The route of something that is done with one submission. */
export function actionRoute(
  what: string,
  handle: Handle,
  confirm?: (req: Request) => Confirm | undefined,
): DeskRoute {
  const path = `/desk/submissions/:reference/${what}`
  return { method: 'post', path, access: 'editor', handle, ...(confirm && { confirm }) }
}

/** The message that began the conversation. */
export function openingOf(messages: Message[]): Message {
  const [opening] = messages
  if (!opening) throw new Error('a submission has no opening message')
  return opening
}
