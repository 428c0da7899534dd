import { recipientOf } from '../encryption/age-x25519.ts'
import type { Draft, FurtherDraft } from '../submissions/incoming.ts'
import { createIntake, type Intake } from '../submissions/intake.ts'
import { receiptIdentity } from '../submissions/receipt-key.ts'
import type { Parts } from './parts.ts'

/** What the doors call: the intake, told in the log and the figures, with the worker woken after it. */
export function createLetterbox({
  storage,
  files,
  secrets,
  metrics,
  outside,
  nudge,
  changed,
}: Parts): Intake {
  const intake = createIntake({
    record: storage.record,
    arrivedAs: storage.arrivedAs,
    files,
    recipientFor: (receipt) => recipientOf(receiptIdentity(receipt)),
    sealingOf: (submissionId) => storage.sealings.ofOne(submissionId),
    standingOf: (submissionId) => storage.submissions.standingOf(submissionId),
    conversation: (submissionId, receipt) =>
      storage.submissions.conversation(submissionId, async () => [receiptIdentity(receipt)]),
    deskRecipient: () => storage.sealings.desk(),
    receiptKey: secrets.keyFor('receipt'),
    senderKey: secrets.keyFor('sender'),
    now: outside.now,
  })
  return {
    async receive(draft: Draft) {
      const begun = performance.now()
      const received = await intake.receive(draft)
      const { reference, repeat, isConfidential } = received
      const ms = Math.round(performance.now() - begun)
      // A log tells when: of what is confidential nothing is kept finer than the minute.
      if (!isConfidential)
        outside.log.info({ reference, channel: draft.channel, kind: draft.kind, repeat, ms }, 'received')
      metrics.received(draft.channel, draft.kind, repeat)
      nudge('mail')
      nudge('desk')
      if (draft.files.length > 0) nudge('preview')
      if (draft.awaited.length > 0) nudge('file')
      changed()
      return received
    },
    async receiveFurther(draft: FurtherDraft) {
      const received = await intake.receiveFurther(draft)
      outside.log.debug({ repeat: received.repeat }, 'further message received')
      told(draft)
      return received
    },
    async receiveInto(draft: FurtherDraft & { messageId: string }) {
      const received = await intake.receiveInto(draft)
      outside.log.debug({ repeat: received.repeat }, 'more of a message received')
      told(draft)
      return received
    },
  }

  function told(draft: FurtherDraft): void {
    nudge('desk')
    if (draft.files.length > 0) nudge('preview')
    if (draft.awaited?.length) nudge('file')
    changed()
  }
}
