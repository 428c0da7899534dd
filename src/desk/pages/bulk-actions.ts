import type { Request, Response } from 'express'
import { z } from 'zod'
import { Failure } from '../../core/errors.ts'
import { states } from '../../db/values.ts'
import { type ActionContext, both, type ChangeOf, claim, decide, move } from '../../editorial/actions.ts'
import { fill, valuesFor } from '../../editorial/letter-templates.ts'
import { learnSpam } from '../../editorial/spam.ts'
import type { Submission } from '../../submissions/model.ts'
import type { DeskContext } from '../http/context.ts'
import { chosen, type DeskRoute, formText, formTexts } from '../http/routes.ts'
import type { Seat } from '../http/seat.ts'
import { actionsOf, openingOf } from './action-route.ts'
import { DecisionGiven, writer } from './decision.ts'

const mostAtOnce = 50
const StateGiven = z.enum(states)

/** What is done with many submissions at once. */
export function bulkRoutes(app: DeskContext): DeskRoute[] {
  const { actionContextOf, apply } = actionsOf(app)
  const written = writer(app)
  return [{ method: 'post', path: '/desk/bulk', access: 'editor', handle: bulk }]

  /** The same for all that were ticked; those it is not possible for are left as they are, and counted. */
  async function bulk(req: Request, res: Response, seat: Seat): Promise<void> {
    const references = formTexts(req, 'references').slice(0, mostAtOnce)
    const what = formText(req, 'what')
    const done: string[] = []
    for (const reference of references) {
      const submission = await app.submissions.byReference(reference)
      if (submission && (await doOne(submission, what, seat))) done.push(reference)
    }
    const list = formText(req, 'list')
    const left = references.length - done.length
    const outcome = `done=${done.length}&left=${left}&undo=${done.join(',')}`
    res.redirect(303, `${app.base}/desk?${list}${list ? '&' : ''}${outcome}`)
  }

  async function doOne(submission: Submission, what: string, seat: Seat): Promise<boolean> {
    const action = actionContextOf(submission, seat)
    try {
      const moved = await apply(action, await bulkChange(action, seat, what), submission.revision)
      await learnSpam(app, seat, submission, moved)
      return true
    } catch (error) {
      if (error instanceof Failure && ['conflict', 'forbidden'].includes(error.code)) return false
      throw error
    }
  }

  async function bulkChange(action: ActionContext, seat: Seat, what: string): Promise<ChangeOf> {
    if (what === 'claim') return claim(action)
    const withLetter = /^(accepted|declined) with letter$/.exec(what)?.[1]
    if (withLetter === undefined) return move(action, chosen(StateGiven, what))
    const decision = chosen(DecisionGiven, withLetter)
    const { value: letter } = await app.settings.letter(decision)
    const opening = openingOf(await app.submissions.conversation(action.submission.id, seat.keys))
    const values = valuesFor(action.submission, opening.content.fields, app.newsroom)
    const wording = { title: fill(letter.subject, values), body: fill(letter.body, values) }
    return both(decide(action, decision), await written(action, seat, wording))
  }
}
