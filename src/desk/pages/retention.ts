import type { Request, Response } from 'express'
import { Failure } from '../../core/errors.ts'
import { hold, keep } from '../../editorial/actions.ts'
import { erasedAt } from '../../submissions/retention-rules.ts'
import type { DeskContext } from '../http/context.ts'
import type { DeskRoute } from '../http/routes.ts'
import { formText } from '../http/routes.ts'
import type { Seat } from '../http/seat.ts'
import { actionRoute, actionsOf } from './action-route.ts'

/** More are not shown on one page. */
const shown = 200

/** How long submissions are kept: for longer, on hold, or erased now. */
export function keepingRoutes(app: DeskContext): DeskRoute[] {
  const { submissionOf, seenSubmission, actionContextOf, apply, orConflict, orBack, goOn, backTo } =
    actionsOf(app)
  const erasePath = '/desk/submissions/:reference/erase'
  return [
    actionRoute('keep', orBack(keepLonger)),
    actionRoute('hold', orBack(holdOrRelease)),
    { method: 'get', path: '/desk/retention', access: 'editor', handle: list },
    { method: 'get', path: erasePath, access: 'admin', handle: askToErase },
    { method: 'post', path: erasePath, access: 'admin', confirm: 'person', handle: orConflict(erase) },
  ]

  async function keepLonger(req: Request, res: Response, seat: Seat): Promise<void> {
    const submission = await submissionOf(req)
    const action = actionContextOf(submission, seat)
    await apply(action, keep(action))
    const isFromList = formText(req, 'from') === 'list'
    const to = isFromList ? `${app.base}/desk/retention` : backTo(req, submission)
    await goOn(req, res, seat, { to })
  }

  async function holdOrRelease(req: Request, res: Response, seat: Seat): Promise<void> {
    const submission = await submissionOf(req)
    const action = actionContextOf(submission, seat)
    await apply(action, hold(action, formText(req, 'hold') === 'yes'))
    await goOn(req, res, seat, { to: backTo(req, submission) })
  }

  /** What will be erased within a week. */
  async function list(_req: Request, res: Response, seat: Seat): Promise<void> {
    const { value: rules } = await app.settings.retention()
    const soon = await app.retention.soon(rules, shown + 1)
    const rows = soon
      .slice(0, shown)
      .map((submission) => ({ submission, at: erasedAt(submission, rules) ?? 0 }))
    await app.showPage(res, seat, 'desk/retention', {
      rows: rows.sort((a, b) => a.at - b.at),
      isMore: soon.length > shown,
      rules,
    })
  }

  async function askToErase(req: Request, res: Response, seat: Seat): Promise<void> {
    const submission = await submissionOf(req)
    const messages = await app.submissions.conversation(submission.id, seat.keys)
    await app.showPage(res, seat, 'desk/erase', { submission, messages, lastMessage: messages.at(-1)?.id })
  }

  /** Erases a submission for good, if it is as the admin saw it. */
  async function erase(req: Request, res: Response, seat: Seat): Promise<void> {
    const submission = await seenSubmission(req)
    if (!(await app.erase(submission, seat.editor.id, 'by-hand', app.now())))
      throw new Failure(
        'conflict',
        'Something changed here while you were at it, or something is on its way just now.',
      )
    app.changed()
    res.redirect(303, `${app.base}/desk?erased=${submission.reference}`)
  }
}
