import type { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import type { Request, Response } from 'express'
import { z } from 'zod'
import { Failure } from '../../core/errors.ts'
import { ignorePrematureClose } from '../../core/streams.ts'
import type { Recipient } from '../../encryption/types.ts'
import type { Submission } from '../../submissions/model.ts'
import type { DeskContext } from '../http/context.ts'
import { chosen, type DeskRoute, formText } from '../http/routes.ts'
import type { Seat } from '../http/seat.ts'
import { actionRoute, actionsOf } from './action-route.ts'

export type TakeAlongContext = DeskContext & {
  /** A submission as it is encrypted: nothing is opened. */
  packEncrypted: (submission: Submission) => Promise<Readable>
  /** A submission with all that there is of it, as this seat can open it. @throws Failure `forbidden` where it cannot */
  packOpened: (submission: Submission, seat: Seat) => Promise<Readable>
  isRecipient: (text: string) => boolean
  encryptFor: (source: Readable, recipient: Recipient) => Readable
  noteExport: (submission: Submission, seat: Seat, way: string) => Promise<void>
}

const Way = z.enum(['sealed', 'for-key', 'opened'])

/**
 * One submission that is taken along: as it is encrypted, encrypted for a key from outside, or, if it is not
 * confidential, as it is.
 */
export function takeAlongRoutes(app: TakeAlongContext): DeskRoute[] {
  const { submissionOf, orBack } = actionsOf(app)
  // What is encrypted for a key from outside is out of our hands.
  const confirm = (req: Request) => (formText(req, 'way') === 'for-key' ? ('person' as const) : undefined)
  return [actionRoute('export', orBack(take), confirm)]

  async function take(req: Request, res: Response, seat: Seat): Promise<void> {
    const submission = await submissionOf(req)
    const way = chosen(Way, formText(req, 'way'))
    const recipient = formText(req, 'recipient').trim()
    if (way === 'sealed' && !submission.isConfidential) throw notEncrypted()
    if (way === 'opened' && submission.isConfidential) throw onlyEncrypted()
    if (way === 'for-key' && !app.isRecipient(recipient)) throw noRecipient()
    const packed =
      way === 'sealed' ? await app.packEncrypted(submission) : await app.packOpened(submission, seat)
    // Before anything leaves: what left and was not written down would be the worse.
    await app.noteExport(submission, seat, way === 'for-key' ? `for ${recipient}` : way)
    res.attachment(`${submission.reference}.tar${way === 'for-key' ? '.age' : ''}`)
    res.set('content-type', way === 'for-key' ? 'application/octet-stream' : 'application/x-tar')
    const sent = way === 'for-key' ? app.encryptFor(packed, recipient) : packed
    await pipeline(sent, res).catch(ignorePrematureClose)
  }
}

function notEncrypted(): Failure {
  return new Failure('conflict', 'This piece is not sealed.')
}

function onlyEncrypted(): Failure {
  return new Failure('forbidden', 'A confidential piece leaves only sealed.')
}

function noRecipient(): Failure {
  const message = 'This is no key to seal for. It begins with age1 and has 62 letters and digits.'
  return new Failure('invalid', message, { fields: { recipient: [message] } })
}
