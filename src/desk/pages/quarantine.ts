import type { Request, Response } from 'express'
import type { ChangeOf } from '../../editorial/actions.ts'
import type { FileLabel } from '../../submissions/attachment.ts'
import { isOfItsEditor, type Submission } from '../../submissions/model.ts'
import { quarantineBox } from '../../web/typed-input.ts'
import type { DeskContext } from '../http/context.ts'
import { type DeskRoute, formText, formTexts } from '../http/routes.ts'
import type { Seat } from '../http/seat.ts'
import { actionRoute, actionsOf } from './action-route.ts'
import { writer } from './decision.ts'

/** What becomes of a reply by mail that was held: an editor sends it in their own name, or sets it aside. */
export function quarantineRoutes(app: DeskContext): DeskRoute[] {
  const { seenSubmission, actionContextOf, apply, orConflict, orBack, goOn, backTo } = actionsOf(app)
  const written = writer(app)
  return [actionRoute('held', orBack(orConflict(settle)))]

  async function settle(req: Request, res: Response, seat: Seat): Promise<void> {
    const submission = await seenSubmission(req)
    const action = actionContextOf(submission, seat)
    const isSent = formText(req, 'way') === 'send'
    // There may be several on the page: the address says which, and its box has a name of its own.
    const named = typeof req.query.quarantined === 'string' ? req.query.quarantined : undefined
    const settles = named ?? formText(req, 'held')
    const box = named === undefined ? 'body' : quarantineBox(named)
    const change = isSent ? await written(action, seat, { body: formText(req, box) }) : setAside
    const quarantinedFiles = isSent
      ? await filesOfQuarantined(submission, seat, settles, chosenIn(req, settles))
      : {}
    await apply(action, { ...change, settles, quarantinedFiles }, submission.revision)
    await app.reEncrypt(seat.keys)
    const to = `${backTo(req, submission)}#conversation-title`
    await goOn(req, res, seat, { to, spent: [box] })
  }

  /** The names of those files that came with it and are to be sent. */
  async function filesOfQuarantined(
    { id }: Submission,
    { keys }: Seat,
    quarantinedId: string,
    isChosen: (id: string, label: FileLabel, isOfItsEditor: boolean) => boolean,
  ): Promise<Record<string, FileLabel>> {
    const messages = await app.submissions.conversation(id, keys)
    const { files = {}, email } = messages.find((message) => message.id === quarantinedId)?.content ?? {}
    const isOffered = isOfItsEditor(email)
    return Object.fromEntries(
      Object.entries(files).filter(([id, label]) => !label.isRaw && isChosen(id, label, isOffered)),
    )
  }
}

/**
 * The files that are ticked; a form that offers none sends those that its editor meant for the sender, and no
 * stranger's.
 */
function chosenIn(
  req: Request,
  quarantinedId: string,
): (id: string, label: FileLabel, isOfItsEditor: boolean) => boolean {
  const ticked = new Set(formTexts(req, 'file'))
  return formTexts(req, 'offers').includes(quarantinedId)
    ? (id) => ticked.has(id)
    : (_id, { isLeftOut }, isOfItsEditor) => isOfItsEditor && !isLeftOut
}

const setAside: ChangeOf = { set: {}, jobs: [], entries: [{ action: 'set-aside' }] }
