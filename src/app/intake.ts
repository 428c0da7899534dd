import { recipientOf } from '../encryption/age-x25519.ts'
import type { IncomingMessage, IncomingSubmission } from '../submissions/incoming.ts'
import { createIntake, type Intake } from '../submissions/intake.ts'
import { hashReceipt } from '../submissions/receipt.ts'
import { receiptIdentity } from '../submissions/receipt-key.ts'
import type { App } from './context.ts'

/** What the channels call: the intake, told in the log and the figures, with the worker woken after it. */
export function createLetterbox({ storage, files, secrets, metrics, outside, nudge, changed }: App): Intake {
  const intake = createIntake({
    record: storage.record,
    receivedAs: storage.receivedAs,
    files,
    recipientFor: (receipt) => recipientOf(receiptIdentity(receipt)),
    recipientsOf: (submissionId) => storage.recipientsStore.ofOne(submissionId),
    standingOf: (submissionId) => storage.submissions.standingOf(submissionId),
    conversation: (submissionId, receipt) =>
      storage.submissions.conversation(submissionId, async () => [receiptIdentity(receipt)]),
    opensConfidential: async (receipts) => {
      for (const receipt of receipts)
        if ((await storage.submissions.byReceiptHash(hashReceipt(receipt)))?.isConfidential) return true
      return false
    },
    deskRecipient: () => storage.recipientsStore.desk(),
    receiptKey: secrets.keyFor('receipt'),
    senderKey: secrets.keyFor('sender'),
    now: outside.now,
  })
  return {
    async receive(incoming: IncomingSubmission) {
      const begun = performance.now()
      const received = await intake.receive(incoming)
      const { reference, repeat, isConfidential } = received
      const ms = Math.round(performance.now() - begun)
      // A log tells when: of what is confidential nothing is kept finer than the minute.
      if (!isConfidential)
        outside.log.info(
          { reference, channel: incoming.channel, kind: incoming.kind, repeat, ms },
          'received',
        )
      metrics.received(incoming.channel, incoming.kind, repeat)
      nudge('mail')
      nudge('desk')
      if (incoming.files.length > 0) nudge('preview')
      if (incoming.awaited.length > 0) nudge('file')
      changed()
      return received
    },
    async receiveFurther(incoming: IncomingMessage) {
      const received = await intake.receiveFurther(incoming)
      outside.log.debug({ repeat: received.repeat }, 'further message received')
      wake(incoming)
      return received
    },
    async receiveInto(incoming: IncomingMessage & { messageId: string }) {
      const received = await intake.receiveInto(incoming)
      outside.log.debug({ repeat: received.repeat }, 'more of a message received')
      wake(incoming)
      return received
    },
  }

  function wake(incoming: IncomingMessage): void {
    nudge('desk')
    if (incoming.files.length > 0) nudge('preview')
    if (incoming.awaited?.length) nudge('file')
    changed()
  }
}
