import { Failure } from '../failure.ts'
import { deedRoute, deedsOf } from './deeds.ts'
import type { DeskParts } from './parts.ts'
import type { DeskRoute } from './routes.ts'

/** Marking a piece as confidential, as it was seen: it is sealed, and there is no way back. */
export function markRoutes(parts: DeskParts): DeskRoute[] {
  const { seenSubmission, orConflict, backTo } = deedsOf(parts)
  const mark = orConflict(async (req, res, { editor }) => {
    const submission = await seenSubmission(req)
    if (submission.isConfidential) throw new Failure('conflict', 'It is confidential already.')
    const { id: submissionId, revision } = submission
    await parts.markConfidential({ submissionId, revision, editorId: editor.id, at: parts.now() })
    parts.changed()
    res.redirect(303, backTo(req, submission))
  })
  return [deedRoute('confidential', mark)]
}
