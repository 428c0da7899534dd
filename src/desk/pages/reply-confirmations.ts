import type { Request, Response } from 'express'
import { Failure } from '../../core/errors.ts'
import type { ActionStore } from '../../editorial/action-store.ts'
import type { Act } from '../../editorial/actions.ts'
import type { SubmissionStore } from '../../submissions/store.ts'
import { type DeskRoute, formText } from '../http/routes.ts'

type ReplyContext = {
  work: ActionStore
  submissions: Pick<SubmissionStore, 'byId'>
  /** The message that a link of a confirmation speaks of; undefined for a link that is not ours, or too old. */
  messageOfLink: (token: string) => string | undefined
  renderDesk: (view: string, data?: Record<string, unknown>) => string
  /** Something at the desk is new, and something may be due now. */
  changed: () => void
  base: string
  now: () => number
}

/**
 * Stopping a reply by mail before the sender is told, or sending it at once: by the links in its confirmation, without
 * signing in. To open such a link does nothing, for programs open links too.
 */
export function replyRoutes(app: ReplyContext): DeskRoute[] {
  const path = '/desk/replies/:link'
  return [
    { method: 'get', path, access: 'anyone', handle: (req, res) => show(req, res) },
    { method: 'post', path, access: 'anyone', handle: act },
  ]

  async function show(req: Request, res: Response): Promise<void> {
    const { fate, submission } = await answerOf(req)
    const { reference } = submission
    const isToSend = req.query.do === 'send'
    const page = { fate, reference, isToSend, token: String(req.params.link) }
    res.type('html').send(app.renderDesk('desk/reply', page))
  }

  async function act(req: Request, res: Response): Promise<void> {
    const answer = await answerOf(req)
    if (answer.fate === 'waiting') await stopOrSend(answer.act, formText(req, 'do'))
    res.redirect(303, `${app.base}/desk/replies/${String(req.params.link)}`)
  }

  async function stopOrSend(act: Act, what: string): Promise<void> {
    if (what === 'send') await app.work.tellNow(act)
    else await app.work.takeBack(act).catch(orTooLate)
    app.changed()
  }

  /** @throws Failure `not-found` */
  async function answerOf(req: Request) {
    const messageId = app.messageOfLink(String(req.params.link))
    const answer = messageId && (await app.work.answered(messageId, app.now()))
    const submission = answer && (await app.submissions.byId(answer.act.submissionId))
    if (!answer || !submission) throw new Failure('not-found', 'This link is not valid any more.')
    return { ...answer, submission }
  }
}

/** The worker was faster by a moment: the page then says that it was sent. */
function orTooLate(error: unknown): void {
  if (!(error instanceof Failure) || error.code !== 'conflict') throw error
}
