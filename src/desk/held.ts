import type { Request, Response } from 'express'
import type { ChangeOf } from '../work.ts'
import { writer } from './decide.ts'
import { deedRoute, deedsOf } from './deeds.ts'
import type { DeskParts } from './parts.ts'
import { type DeskRoute, formText, type Seat } from './routes.ts'

/** What becomes of a reply by mail that was held: an editor sends it in their own name, or sets it aside. */
export function heldRoutes(parts: DeskParts): DeskRoute[] {
  const { seenSubmission, deedOf, apply, orConflict, backTo } = deedsOf(parts)
  const written = writer(parts)
  return [deedRoute('held', orConflict(settle))]

  async function settle(req: Request, res: Response, seat: Seat): Promise<void> {
    const submission = await seenSubmission(req)
    const deed = deedOf(submission, seat)
    const isSent = formText(req, 'way') === 'send'
    const change = isSent ? await written(deed, { body: formText(req, 'body') }) : setAside
    await apply(deed, { ...change, settles: formText(req, 'held') }, submission.revision)
    res.redirect(303, `${backTo(req, submission)}#conversation-title`)
  }
}

const setAside: ChangeOf = { set: {}, deliveries: [], entries: [{ action: 'set-aside' }] }
