import { type Submission, titleOf } from '../../submissions/model.ts'
import type { DeskContext } from '../http/context.ts'
import type { Seat } from '../http/seat.ts'

/** What can be taken back now: of which submissions, and what it was of the first one. */
type UndoOffer = {
  references: string[]
  title: string
  state: Submission['state']
  messageId: string | undefined
  movedAt: number | undefined
  /** From when the sender is told. */
  visibleAt: number | undefined
}

const mostAtOnce = 50

/** What this editor may take back of the submissions named in a link. */
export async function undoOffer(
  app: DeskContext,
  seat: Seat,
  given: unknown,
): Promise<UndoOffer | undefined> {
  const offers: UndoOffer[] = []
  for (const submission of await submissionsOf(app, referencesIn(given))) {
    const act = await app.work.lastAct(submission.id, seat.editor.id, app.now())
    if (!act) continue
    const { reference, state } = submission
    const [opening] = offers.length === 0 ? await app.submissions.conversation(submission.id, seat.keys) : []
    const title = (opening && titleOf(opening.content.fields)) ?? reference
    const { messageId, movedAt, visibleAt } = act
    offers.push({ references: [reference], title, state, messageId, movedAt, visibleAt })
  }
  const [first] = offers
  return first && { ...first, references: offers.flatMap((offer) => offer.references) }
}

/** The submissions that a form or a link names. */
export function referencesIn(given: unknown): string[] {
  const names = typeof given === 'string' ? given.split(',') : []
  return names.filter((name) => /^[\dA-Z]{4}-[\dA-Z]{4}$/.test(name)).slice(0, mostAtOnce)
}

export async function submissionsOf(app: DeskContext, references: string[]): Promise<Submission[]> {
  const found = await Promise.all(references.map((reference) => app.submissions.byReference(reference)))
  return found.filter((one) => one !== undefined)
}
