import type { Request, Response } from 'express'
import { Failure } from '../failure.ts'
import type { Submission } from '../submission.ts'
import { listOf, queryOf } from './list.ts'
import type { DeskParts } from './parts.ts'
import { type DeskRoute, formText, type Seat } from './routes.ts'
import { learnSpam } from './spam.ts'

/** What can be taken back now: of which submissions, and what it was of the first one. */
export type UndoOffer = {
  references: string[]
  title: string
  state: Submission['state']
  messageId: string | undefined
  movedAt: number | undefined
  /** From when the sender is told. */
  toldAt: number | undefined
}

const mostAtOnce = 50

/** Taking back what one did within the last ten seconds. */
export function undoRoutes(parts: DeskParts): DeskRoute[] {
  return [{ method: 'post', path: '/desk/undo', access: 'editor', handle: undo }]

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
      res.status(409)
      return parts.showPage(res, seat, 'desk/too-late', { reference, list: query })
    }
    parts.changed()
    await parts.sealAnew(seat.keys)
    if (more.length > 0) return res.redirect(303, `${parts.base}/desk${query ? `?${query}` : ''}`)
    const from = query ? `?list=${encodeURIComponent(query)}` : ''
    res.redirect(303, `${parts.base}/desk/submissions/${reference}${from}`)
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

/** What this editor may take back of the submissions named in a link. */
export async function undoOffer(
  parts: DeskParts,
  seat: Seat,
  given: unknown,
): Promise<UndoOffer | undefined> {
  const offers: UndoOffer[] = []
  for (const submission of await submissionsOf(parts, referencesIn(given))) {
    const act = await parts.work.lastAct(submission.id, seat.editor.id, parts.now())
    if (!act) continue
    const { reference, state } = submission
    const [opening] =
      offers.length === 0 ? await parts.submissions.conversation(submission.id, seat.keys) : []
    const title = opening?.content.fields.title ?? reference
    const { messageId, movedAt, toldAt } = act
    offers.push({ references: [reference], title, state, messageId, movedAt, toldAt })
  }
  const [first] = offers
  return first && { ...first, references: offers.flatMap((offer) => offer.references) }
}

function referencesIn(given: unknown): string[] {
  const names = typeof given === 'string' ? given.split(',') : []
  return names.filter((name) => /^[\dA-Z]{4}-[\dA-Z]{4}$/.test(name)).slice(0, mostAtOnce)
}

async function submissionsOf(parts: DeskParts, references: string[]): Promise<Submission[]> {
  const found = await Promise.all(references.map((reference) => parts.submissions.byReference(reference)))
  return found.filter((one) => one !== undefined)
}
