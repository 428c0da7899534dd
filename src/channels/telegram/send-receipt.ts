import type { Job, Unsent } from '../../jobs/job.ts'
import type { DraftToSubmit } from '../chat/draft.ts'
import type { ChatWords } from '../chat/words/words.ts'
import { inTopic, readAddress } from './address.ts'
import { breakingOff, errorCodeOf, type GetApi } from './client.ts'

type ReceiptContext = {
  getApi: GetApi
  draftById: (id: string) => Promise<DraftToSubmit | undefined>
  wordsFor: (draft: DraftToSubmit) => Promise<ChatWords>
  submissionById: (id: string) => Promise<{ reference: string; isConfidential: boolean } | undefined>
  siteUrl: string
  /** Remembers which message of the bot is about which submission. */
  remember: (chat: string, messageId: number, submissionId: string) => Promise<void>
}

/** Tells a chat that its submission has been received: with the receipt, where it is a new one. */
export function chatReceipts(app: ReceiptContext) {
  /** @throws JobError */
  return async ({ submissionId: draftId, ...job }: Job, signal: AbortSignal): Promise<Unsent | undefined> => {
    const draft = await app.draftById(draftId ?? '')
    const submissionId = draft?.becomes?.submissionId
    const submission = submissionId ? await app.submissionById(submissionId) : undefined
    if (!draft?.target || !submissionId || !submission) return { skipped: 'sent-already' }
    const words = await app.wordsFor(draft)
    const receipt =
      job.receipt ?? (job.ephemeralPayload !== 'lost' ? job.ephemeralPayload?.receipt : undefined)
    const text = receipt ? receivedText(words, submission, receipt) : words.joined(submission.reference)
    const api = await app.getApi()
    const address = readAddress(draft.target)
    const sent = await api
      .sendMessage(
        address.chatId,
        text,
        { link_preview_options: { is_disabled: true }, ...inTopic(address) },
        breakingOff(signal),
      )
      .catch((error: unknown) => {
        throw errorCodeOf(error)
      })
    await app.remember(draft.chat, sent.message_id, submissionId)
    return undefined
  }

  function receivedText(
    words: ChatWords,
    { reference, isConfidential }: { reference: string; isConfidential: boolean },
    receipt: string,
  ): string {
    const received = words.received(reference, receipt, `${app.siteUrl}/status`)
    return isConfidential ? `${received}\n\n${words.afterSending}` : received
  }
}
