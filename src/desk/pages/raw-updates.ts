import { Readable } from 'node:stream'
import type { Request, Response } from 'express'
import { Failure } from '../../core/errors.ts'
import { noSuchSubmission } from '../../submissions/not-found.ts'
import type { DeskContext } from '../http/context.ts'
import type { DeskRoute } from '../http/routes.ts'
import type { Seat } from '../http/seat.ts'

/** Telegram's updates that a message came in as, where something of them could not be read: each as it came. */
export function rawUpdateRoutes(app: DeskContext): DeskRoute[] {
  return [
    {
      method: 'get',
      path: '/desk/submissions/:reference/updates/:id',
      access: 'editor',
      handle: download,
    },
  ]

  async function download(req: Request, res: Response, { editor, keys }: Seat): Promise<void> {
    const submission = await app.submissions.byReference(String(req.params.reference))
    if (!submission) throw noSuchSubmission()
    const messages = await app.submissions.conversation(submission.id, keys)
    const message = messages.find(({ id }) => id === req.params.id)
    if (message?.access === 'locked') throw new Failure('forbidden', 'Unlock your session to read it.')
    const updates = message?.content.rawUpdates ?? []
    if (!message || updates.length === 0) throw new Failure('not-found', 'Nothing of it was left unread.')
    const { reference } = submission
    await app.audit.add(
      [{ action: 'downloaded', editorId: editor.id, reference, detail: `updates ${message.id}` }],
      app.now(),
    )
    // One in each line, where there are several.
    const ending = updates.length === 1 ? 'json' : 'jsonl'
    await app.sendCopy(res, {
      name: `telegram-${reference}.${ending}`,
      type: `application/${ending}`,
      content: Readable.from([updates.join('\n')]),
    })
  }
}
