import type { Request } from 'express'
import { z } from 'zod'
import { Failure } from '../failure.ts'
import { states } from '../submission.ts'
import { assign, type ChangeOf, claim, type Deed, move, note, release, tag, untag } from '../work.ts'
import { deedRoute, deedsOf, type Handle } from './deeds.ts'
import type { DeskParts } from './parts.ts'
import { chosen, type DeskRoute, formText } from './routes.ts'
import { learnSpam } from './spam.ts'

const StateGiven = z.enum(states)

type Make = (deed: Deed, req: Request) => ChangeOf | Promise<ChangeOf>

/** What editors do with one submission without writing to its sender: claim, give, tag, note, move. */
export function workRoutes(parts: DeskParts): DeskRoute[] {
  const { submissionOf, seenSubmission, deedOf, apply, orConflict, backTo, onwards } = deedsOf(parts)
  const tagged: Make = (deed, req) => tag(deed, formText(req, 'tag'))
  const untagged: Make = (deed, req) => untag(deed, formText(req, 'tag'))
  const noted: Make = (deed, req) => note(deed, formText(req, 'note'))
  const assigned: Make = async (deed, req) => assign(deed, await colleague(formText(req, 'editor')))
  const moved: Make = (deed, req) => move(deed, chosen(StateGiven, formText(req, 'state')))
  return [
    // A claim needs no revision: whatever else changed, nobody may have it already. Neither do words that are only added.
    deedRoute('claim', orConflict(doing(claim))),
    deedRoute('release', doing(release)),
    deedRoute('tag', doing(tagged, '#tags')),
    deedRoute('untag', doing(untagged, '#tags')),
    deedRoute('note', doing(noted, '#conversation-title')),
    deedRoute('assign', seen(assigned)),
    deedRoute('move', seen(moved)),
  ]

  /** Does it on top of whatever the submission is now: what changes between the look and the deed is looked at again. */
  function doing(change: Make, place = ''): Handle {
    return async (req, res, seat) => {
      const submission = await submissionOf(req)
      try {
        const deed = deedOf(submission, seat)
        await apply(deed, await change(deed, req), submission.revision)
      } catch (error) {
        const isStale = (await submissionOf(req)).revision !== submission.revision
        if (isStale) return doing(change, place)(req, res, seat)
        throw error
      }
      res.redirect(303, backTo(req, submission) + place)
    }
  }

  /** Does it only if the submission is as the editor saw it. */
  function seen(change: Make): Handle {
    return orConflict(async (req, res, seat) => {
      const submission = await seenSubmission(req)
      const deed = deedOf(submission, seat)
      const moved = await apply(deed, await change(deed, req), submission.revision)
      await learnSpam(parts, seat, submission, moved)
      res.redirect(303, await onwards(req, seat, submission, moved))
    })
  }

  async function colleague(id: string): Promise<string> {
    const editor = (await parts.editors.active()).find((one) => one.id === id)
    if (!editor) throw new Failure('not-found', 'There is no such editor.')
    return editor.id
  }
}
