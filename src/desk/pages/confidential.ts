import { Failure } from '../../core/errors.ts'
import type { DeskContext } from '../http/context.ts'
import type { DeskRoute } from '../http/routes.ts'
import { actionRoute, actionsOf } from './action-route.ts'

/** Marking a submission as confidential, as it was seen: it is encrypted, and there is no way back. */
export function confidentialRoutes(app: DeskContext): DeskRoute[] {
  const { seenSubmission, orConflict, orBack, goOn, backTo } = actionsOf(app)
  const mark = orConflict(async (req, res, seat) => {
    const submission = await seenSubmission(req)
    if (submission.isConfidential) throw new Failure('conflict', 'It is confidential already.')
    const { id: submissionId, revision } = submission
    await app.makeConfidential({ submissionId, revision, editorId: seat.editor.id, at: app.now() })
    app.changed()
    await goOn(req, res, seat, { to: backTo(req, submission) })
  })
  return [actionRoute('confidential', orBack(mark))]
}
