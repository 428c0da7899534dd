import type { Request, Response } from 'express'
import { Failure } from '../../core/errors.ts'
import { learnSpam } from '../../editorial/spam.ts'
import type { Submission } from '../../submissions/model.ts'
import { listOf, queryOf } from '../http/inbox-link.ts'
import type { DeskParts } from '../http/parts.ts'
import { type DeskRoute, formText } from '../http/routes.ts'
import type { Seat } from '../http/seat.ts'
import { deedsOf } from './action-route.ts'
import { referencesIn, submissionsOf } from './undo-offer.ts'

/** Taking back what one did within the last ten seconds. */
export function undoRoutes(parts: DeskParts): DeskRoute[] {
  const { orBack, goOn } = deedsOf(parts)
  return [{ method: 'post', path: '/desk/undo', access: 'editor', handle: orBack(undo) }]

  async function undo(req: Request, res: Response, seat: Seat): Promise<void> {
    const references = referencesIn(formText(req, 'references'))
    const list = listOf(formText(req, 'list'))
    const query = list && queryOf(list)
    let undone = 0
    for (const submission of await submissionsOf(parts, references)) {
      if (await takeBack(submission, seat)) undone += 1
    }
    const [reference, ...more] = references
    if (undone === 0) {
      if (formText(req, 'back') !== '') throw tooLate()
      res.status(409)
      return parts.showPage(res, seat, 'desk/too-late', { reference, list: query })
    }
    parts.changed()
    await parts.sealAnew(seat.keys)
    if (more.length > 0) return res.redirect(303, `${parts.base}/desk${query ? `?${query}` : ''}`)
    const from = query ? `?list=${encodeURIComponent(query)}` : ''
    await goOn(req, res, seat, { to: `${parts.base}/desk/submissions/${reference}${from}` })
  }

  async function takeBack(submission: Submission, seat: Seat): Promise<boolean> {
    const act = await parts.work.lastAct(submission.id, seat.editor.id, parts.now())
    if (!act) return false
    try {
      await parts.work.takeBack(act)
    } catch (error) {
      // The worker was faster by a moment.
      if (error instanceof Failure && error.code === 'conflict') return false
      throw error
    }
    const after = await parts.submissions.byReference(submission.reference)
    if (after) await learnSpam(parts, seat, submission, after, act.movedAt)
    return true
  }
}

function tooLate(): Failure {
  return new Failure('conflict', 'It is too late to undo that: it has already been sent.')
}
