import type { NewJob } from '../jobs/job.ts'
import type { QuarantineReason } from '../submissions/quarantine.ts'

/** What an editor is told of what became of their reply by mail: a code, which is kept with the job, and its words. */
const confirmations = {
  answered: 'Your reply goes to the sender.',
  accepted: 'You accepted it. The letter goes to the sender.',
  'accepted silently': 'You accepted it. No letter goes out, as your newsroom has chosen.',
  declined: 'You declined it. The letter goes to the sender.',
  'declined silently': 'You declined it. No letter goes out, as your newsroom has chosen.',
  claimed: 'You have claimed it.',
  noted: 'Your note is kept. Only colleagues see it.',
  'claimed and noted': 'You have claimed it. What you wrote is kept as a note; only colleagues see it.',
  'quarantined not-theirs':
    'Somebody replied to a mail that was sent to you, from an address that is not the one of your account. Nothing was sent to the sender. If it was you, send it from the desk.',
  'quarantined nothing-said':
    'There was nothing above the line, so nothing was sent to the sender. What your mail held can be seen at the desk.',
  'quarantined no-such-command':
    'The first line of your reply was a command that is not known here, so nothing was sent to the sender and nothing was changed. The commands are /accept, /decline, /claim and /note.',
  'quarantined not-possible':
    'What you asked for was not possible any more, so nothing was sent to the sender and nothing was changed. Perhaps a colleague was faster.',
  'quarantined automatic':
    'Your reply looks as if a program had sent it, so nothing was sent to the sender. If it was you, send it from the desk.',
  'quarantined tells-of-us':
    'Your reply holds the name or the address of an editor, or a link to the desk, so nothing was sent to the sender. Take it out and send it from the desk.',
  'quarantined encrypted':
    'Your reply is encrypted, or signed within its text, and cannot be read here, so nothing was sent to the sender. Please answer from the desk, or send a reply that is neither.',
  'quarantined file-tells-of-us':
    'A file of your reply holds the name or the address of an editor, or a link to the desk, so nothing was sent to the sender. Take that out of the file, or send your answer from the desk.',
  'quarantined unsure':
    'It is not certain which words of your reply are meant for the sender and which your mail program added, so nothing was sent. Please look at them at the desk and send them from there.',
  'quarantined words-below':
    'There are words of yours below the line, among what your mail quotes, so nothing was sent to the sender. Please send your answer from the desk.',
  'quarantined stopped':
    'You stopped it, so nothing was sent to the sender. Your words are kept at the desk.',
  'quarantined file-refused':
    'A file of your reply is too large or of a type that is not taken here, so nothing was sent to the sender.',
} as const satisfies { [quarantined in `quarantined ${QuarantineReason}`]: string } & {
  [done: string]: string
}

export type Confirmation = keyof typeof confirmations

/** A mail to an editor that tells it. */
export function confirmationTo(editorId: string, what: Confirmation): NewJob {
  return { type: 'deed-confirmation', editorId, target: what }
}

/** What a kept code says; undefined if it is none. */
export function confirmationWords(code: string | null): string | undefined {
  return code !== null && Object.hasOwn(confirmations, code) ? confirmations[code as Confirmation] : undefined
}
