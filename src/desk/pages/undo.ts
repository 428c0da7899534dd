import type { Request, Response } from 'express'
import { Failure } from '../../core/errors.ts'
import { learnSpam } from '../../editorial/spam.ts'
import type { Submission } from '../../submissions/model.ts'
import type { DeskContext } from '../http/context.ts'
import { listOf, queryOf } from '../http/inbox-link.ts'
import { type DeskRoute, formText } from '../http/routes.ts'
import type { Seat } from '../http/seat.ts'
import { actionsOf } from './action-route.ts'
import { referencesIn, submissionsOf } from './undo-offer.ts'

/** Taking back what one did within the last ten seconds. */
export function undoRoutes(app: DeskContext): DeskRoute[] {
  const { orBack, goOn } = actionsOf(app)
  return [{ method: 'post', path: '/desk/undo', access: 'editor', handle: orBack(undo) }]

  async function undo(req: Request, res: Response, seat: Seat): Promise<void> {
    const references = referencesIn(formText(req, 'references'))
    const list = listOf(formText(req, 'list'))
    const query = list && queryOf(list)
    let undone = 0
    for (const submission of await submissionsOf(app, references)) {
      if (await takeBack(submission, seat)) undone += 1
    }
    const [reference, ...more] = references
    if (undone === 0) {
      if (formText(req, 'back') !== '') throw tooLate()
      res.status(409)
      return app.showPage(res, seat, 'desk/too-late', { reference, list: query })
    }
    app.changed()
    await app.reEncrypt(seat.keys)
    if (more.length > 0) return res.redirect(303, `${app.base}/desk${query ? `?${query}` : ''}`)
    const from = query ? `?list=${encodeURIComponent(query)}` : ''
    await goOn(req, res, seat, { to: `${app.base}/desk/submissions/${reference}${from}` })
  }

  async function takeBack(submission: Submission, seat: Seat): Promise<boolean> {
    const act = await app.work.lastAct(submission.id, seat.editor.id, app.now())
    if (!act) return false
    try {
      await app.work.takeBack(act)
    } catch (error) {
      // The worker was faster by a moment.
      if (error instanceof Failure && error.code === 'conflict') return false
      throw error
    }
    const after = await app.submissions.byReference(submission.reference)
    if (after) await learnSpam(app, seat, submission, after, act.movedAt)
    return true
  }
}

function tooLate(): Failure {
  return new Failure('conflict', 'It is too late to undo that: it has already been sent.')
}
