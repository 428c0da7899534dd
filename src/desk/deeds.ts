import type { Request, Response } from 'express'
import { z } from 'zod'
import { nameFrom } from '../editor.ts'
import { Failure } from '../failure.ts'
import type { Message, Submission } from '../submission.ts'
import type { ChangeOf, Deed } from '../work.ts'
import { noSuchSubmission } from './inbox.ts'
import type { DeskParts } from './parts.ts'
import { wayOn } from './piece.ts'
import { type DeskRoute, formText, type Seat } from './routes.ts'

export type Handle = (req: Request, res: Response, seat: Seat) => Promise<void>

const Revision = z.coerce.number().int().positive()

/** What everything that editors do has in common: on which submission, on top of what, and where one goes afterwards. */
export function deedsOf(parts: DeskParts) {
  return { submissionOf, seenSubmission, deedOf, apply, orConflict, backTo, onwards }

  async function submissionOf(req: Request): Promise<Submission> {
    const submission = await parts.submissions.byReference(String(req.params.reference))
    if (!submission) throw noSuchSubmission()
    return submission
  }

  /** The submission, if it is as the form's page showed it. */
  async function seenSubmission(req: Request): Promise<Submission> {
    const submission = await submissionOf(req)
    const revision = Revision.safeParse(formText(req, 'revision'))
    if (revision.data === submission.revision) return submission
    throw new Failure('conflict', 'Something changed here while you were at it.')
  }

  function deedOf(submission: Submission, { editor }: Seat): Deed {
    return { submission, editorId: editor.id, at: parts.now() }
  }

  async function apply(deed: Deed, change: ChangeOf, revision?: number): Promise<Submission> {
    const { submission, editorId, at } = deed
    const changed = await parts.work.apply({ ...change, submissionId: submission.id, editorId, at, revision })
    parts.changed()
    return changed
  }

  /** Where a lost race ends: what is there now, what was wanted, and nothing lost. */
  function orConflict(handle: Handle): Handle {
    return async (req, res, seat) => {
      try {
        await handle(req, res, seat)
      } catch (error) {
        if (!(error instanceof Failure) || error.code !== 'conflict') throw error
        await showConflict(req, res, seat, error)
      }
    }
  }

  async function showConflict(req: Request, res: Response, seat: Seat, failure: Failure): Promise<void> {
    const submission = await submissionOf(req)
    await parts.attention.look(submission.id, seat.editor.id, parts.now())
    const messages = await parts.submissions.conversation(submission.id, seat.keys)
    const seenId = formText(req, 'seen')
    const names = await parts.editors.names()
    const { token: _, revision: __, seen: ___, ...fields } = (req.body ?? {}) as Record<string, unknown>
    res.status(409)
    await parts.showPage(res, seat, 'desk/conflict', {
      submission,
      failure,
      since: messages.filter((message) => message.id > seenId && !message.isWithdrawn),
      history: (await parts.history.of(submission.id)).slice(-5).reverse(),
      fields,
      action: req.originalUrl,
      takesFiles: req.is('multipart/form-data') === 'multipart/form-data',
      // A colleague who has it keeps it, until they give it up or it is given on.
      canInsist: !req.path.endsWith('/claim'),
      lastMessage: messages.at(-1)?.id,
      nameOf: nameFrom(names),
    })
  }

  /** After a decision, to the next of the list; otherwise where one was. */
  async function onwards(req: Request, seat: Seat, before: Submission, after: Submission): Promise<string> {
    const isDone = after.state !== before.state && after.state !== 'waiting' && after.state !== 'in-review'
    if (!isDone) return backTo(req, before)
    return wayOn(parts, seat, after, formText(req, 'list'), after.reference)
  }

  function backTo(req: Request, { reference }: Submission): string {
    const list = formText(req, 'list')
    const query = list ? `?list=${encodeURIComponent(list)}` : ''
    return `${parts.base}/desk/submissions/${reference}${query}`
  }
}

/** The route of something that is done with one submission. */
export function deedRoute(what: string, handle: Handle): DeskRoute {
  return { method: 'post', path: `/desk/submissions/:reference/${what}`, access: 'editor', handle }
}

/** The message that began the conversation. */
export function openingOf(messages: Message[]): Message {
  const [opening] = messages
  if (!opening) throw new Error('a submission has no opening message')
  return opening
}
