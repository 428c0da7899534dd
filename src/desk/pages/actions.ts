import type { Request, Response } from 'express'
import { z } from 'zod'
import { Failure } from '../../core/errors.ts'
import { states } from '../../db/values.ts'
import {
  type ActionContext,
  assign,
  type ChangeOf,
  claim,
  move,
  note,
  release,
  tag,
  untag,
} from '../../editorial/actions.ts'
import { learnSpam } from '../../editorial/spam.ts'
import type { DeskContext } from '../http/context.ts'
import { chosen, type DeskRoute, formText } from '../http/routes.ts'
import type { Seat } from '../http/seat.ts'
import { actionRoute, actionsOf, type Handle } from './action-route.ts'

const StateGiven = z.enum(states)

/** Undefined where it was done already. */
type Make = (
  action: ActionContext,
  req: Request,
  seat: Seat,
) => ChangeOf | undefined | Promise<ChangeOf | undefined>

/** What editors do with one submission without writing to its sender: claim, give, tag, note, move. */
export function actionRoutes(app: DeskContext): DeskRoute[] {
  const {
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
  } = actionsOf(app)
  const tagged: Make = (action, req) => tag(action, formText(req, 'tag'))
  // The box for a new tag may be filled in besides, so the button has a name of its own.
  const untagged: Make = (action, req) => untag(action, formText(req, 'untag') || formText(req, 'tag'))
  const assigned = async (action: ActionContext, req: Request) =>
    assign(action, await colleague(formText(req, 'editor')))
  const moved = (action: ActionContext, req: Request) =>
    move(action, chosen(StateGiven, formText(req, 'state')))
  return [
    // A claim needs no revision: whatever else changed, nobody may have it already. Neither do words that are only added.
    actionRoute('claim', orBack(orConflict(doing(claim)))),
    actionRoute('release', orBack(doing(release))),
    actionRoute('tag', orBack(doing(tagged, '#tags', ['tag']))),
    actionRoute('untag', orBack(doing(untagged, '#tags'))),
    actionRoute('note', orBack(doing(noted, '#conversation-title', ['note']))),
    actionRoute('look', look),
    actionRoute('assign', seen(assigned)),
    actionRoute('move', seen(moved)),
  ]

  /** Does it on top of whatever the submission is now: what changes between the look and the deed is looked at again. */
  function doing(change: Make, place = '', spent: string[] = []): Handle {
    return async (req, res, seat) => {
      const submission = await submissionOf(req)
      try {
        const action = actionContextOf(submission, seat)
        const made = await change(action, req, seat)
        if (made) await apply(action, made, submission.revision)
      } catch (error) {
        const isStale = (await submissionOf(req)).revision !== submission.revision
        if (isStale) return doing(change, place, spent)(req, res, seat)
        throw error
      }
      await goOn(req, res, seat, { to: backTo(req, submission) + place, spent })
    }
  }

  /** Does it only if the submission is as the editor saw it. */
  function seen(change: (action: ActionContext, req: Request) => ChangeOf | Promise<ChangeOf>): Handle {
    const orLost = orConflict(async (req, res, seat) => {
      const submission = await seenSubmission(req)
      const action = actionContextOf(submission, seat)
      const moved = await apply(action, await change(action, req), submission.revision)
      await learnSpam(app, seat, submission, moved)
      const to = await onwards(req, seat, submission, moved)
      await goOn(req, res, seat, { to, undo: moved.reference })
    })
    return orBack(orLost)
  }

  /** Shows the page as it is now, with what was typed on it. */
  async function look(req: Request, res: Response, seat: Seat): Promise<void> {
    await goOn(req, res, seat, { to: backTo(req, await submissionOf(req)) })
  }

  async function noted(action: ActionContext, req: Request, seat: Seat): Promise<ChangeOf | undefined> {
    const change = note(formText(req, 'note'))
    const last = (await app.notes.of(action.submission.id, seat.keys)).at(-1)
    const isSame = last?.editorId === action.editorId && last.body === change.note?.body
    // A page that was sent twice still shows what was there before the note.
    return isSame && !isAsSeen(req, action.submission) && formText(req, 'revision') !== ''
      ? undefined
      : change
  }

  async function colleague(id: string): Promise<string> {
    const editor = (await app.editors.team()).find((one) => one.id === id)
    if (!editor) throw new Failure('not-found', 'There is no such editor.')
    return editor.id
  }
}
