import { z } from 'zod'
import { nameFrom } from '../../accounts/editor.ts'
import { Failure } from '../../core/errors.ts'
import { type JobType, jobStates } from '../../db/values.ts'
import type { EphemeralPayload } from '../../jobs/job.ts'
import { contactOf } from '../../submissions/contact.ts'
import type { DeskContext } from '../http/context.ts'
import { type DeskRoute, formText } from '../http/routes.ts'
import type { Seat } from '../http/seat.ts'
import { actionsOf } from './action-route.ts'
import { triesOf } from './submission.ts'

const pageSize = 50

/** What goes to a sender has to know who that is. */
const ofSender = new Set<JobType>(['sender-receipt', 'answer-mail', 'answer-telegram', 'answer-webhook'])

const Asked = z.object({
  state: z.enum(jobStates).optional().catch(undefined),
  after: z.uuid().optional().catch(undefined),
})

/** Every delivery with its life, and what failed to be tried again. */
export function jobRoutes(app: DeskContext): DeskRoute[] {
  const { jobs, base } = app
  const { orBack, goOn } = actionsOf(app)
  return [
    {
      method: 'get',
      path: '/desk/deliveries',
      access: 'editor',
      async handle(req, res, seat) {
        const { state, after } = Asked.parse(req.query)
        const page = await jobs.page({ state, after, size: pageSize + 1 })
        const rows = page.slice(0, pageSize)
        const ids = rows.flatMap((row) => row.submissionId ?? [])
        const names = await app.editors.names()
        await app.showPage(res, seat, 'desk/jobs', {
          state,
          rows,
          // What waits is shown as it will be carried; by then the rest comes up.
          next: page.length > pageSize && state !== 'pending' ? rows.at(-1)?.id : undefined,
          isMore: page.length > pageSize,
          attempts: triesOf(await jobs.attempts(rows.map((row) => row.id))),
          references: new Map(
            (await app.submissions.byIds([...new Set(ids)])).map((one) => [one.id, one.reference]),
          ),
          nameOf: nameFrom(names),
        })
      },
    },
    byHand('retry', async (id, seat) =>
      app.failedJobs.retry(id, seat.editor.id, app.now(), await lostPayload(id, seat)),
    ),
    byHand('drop', (id, seat) => app.failedJobs.drop(id, seat.editor.id, app.now())),
  ]

  /**
   * What a job about an encrypted submission has to know, where a restart has lost it: whoever can open the submission
   * knows it.
   * @throws Failure `forbidden` for whoever cannot
   */
  async function lostPayload(id: string, { keys }: Seat): Promise<EphemeralPayload | undefined> {
    const job = await jobs.byId(id)
    if (!job?.submissionId || !ofSender.has(job.type)) return undefined
    const messages = await app.submissions.conversation(job.submissionId, keys)
    const message = messages.find((one) => one.id === job.messageId)
    if (!message || message.access === 'clear') return undefined
    if (message.access !== 'open') {
      throw new Failure('forbidden', 'Whom this goes to is sealed. Unlock your session first.')
    }
    const { title, body } = message.content.fields
    return { contact: contactOf(messages), title, text: body }
  }

  function byHand(what: string, act: (id: string, seat: Seat) => Promise<void>): DeskRoute {
    return {
      method: 'post',
      path: `/desk/deliveries/:id/${what}`,
      access: 'editor',
      handle: orBack(async (req, res, seat) => {
        await act(String(req.params.id), seat)
        app.changed()
        await goOn(req, res, seat, { to: backTo(formText(req, 'back')) })
      }),
    }
  }

  /** To the submission it was done from, or to the ledger. */
  function backTo(reference: string): string {
    return /^[\dA-Z]{4}-[\dA-Z]{4}$/.test(reference)
      ? `${base}/desk/submissions/${reference}#deliveries`
      : `${base}/desk/deliveries?state=failed`
  }
}
