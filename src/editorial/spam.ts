import type { Keys } from '../encryption/types.ts'
import type { Message, Submission } from '../submissions/model.ts'
import type { SubmissionStore } from '../submissions/store.ts'
import type { ActionStore } from './action-store.ts'

type SpamContext = {
  submissions: Pick<SubmissionStore, 'conversation'>
  work: Pick<ActionStore, 'rememberSpammers' | 'forgetSpammers'>
  /** By what a sender would be known again. */
  sendersOf: (message: Message) => string[]
  now: () => number
}

/**
 * Learns from a move: the senders of spam are known again, those of what turned out to be none are
 * forgotten, as far as they have been remembered since `since`.
 */
export async function learnSpam(
  app: SpamContext,
  { keys }: { keys: Keys },
  before: Pick<Submission, 'state'>,
  after: Submission,
  since = 0,
): Promise<void> {
  const [wasSpam, isSpam] = [before.state === 'spam', after.state === 'spam']
  if (wasSpam === isSpam) return
  const [opening] = await app.submissions.conversation(after.id, keys)
  if (!opening) return
  if (isSpam) await app.work.rememberSpammers(app.sendersOf(opening), app.now())
  else await app.work.forgetSpammers(app.sendersOf(opening), since)
}
