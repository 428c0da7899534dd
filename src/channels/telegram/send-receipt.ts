import type { Delivery, Instead } from '../../jobs/job.ts'
import type { PieceToSend } from '../chat/draft.ts'
import type { Words } from '../chat/words/words.ts'
import { inTopic, readAddress } from './address.ts'
import { breakingOff, faultOf, type GetApi } from './client.ts'

export type ReceiptContext = {
  getApi: GetApi
  pieceById: (id: string) => Promise<PieceToSend | undefined>
  wordsFor: (piece: PieceToSend) => Promise<Words>
  submissionById: (id: string) => Promise<{ reference: string; isConfidential: boolean } | undefined>
  siteUrl: string
  /** Remembers which message of the bot is about which submission. */
  remember: (chat: string, messageId: number, submissionId: string) => Promise<void>
}

/** Tells a chat that its piece has been received: with the receipt, where it is a new one. */
export function chatReceipts(app: ReceiptContext) {
  /** @throws CarryFault */
  return async (
    { submissionId: pieceId, ...told }: Delivery,
    signal: AbortSignal,
  ): Promise<Instead | undefined> => {
    const piece = await app.pieceById(pieceId ?? '')
    const submissionId = piece?.becomes?.submissionId
    const submission = submissionId ? await app.submissionById(submissionId) : undefined
    if (!piece?.target || !submissionId || !submission) return { needless: 'sent-already' }
    const words = await app.wordsFor(piece)
    const receipt = told.receipt ?? (told.passing !== 'lost' ? told.passing?.receipt : undefined)
    const text = receipt ? receivedText(words, submission, receipt) : words.joined(submission.reference)
    const api = await app.getApi()
    const address = readAddress(piece.target)
    const sent = await api
      .sendMessage(
        address.chatId,
        text,
        { link_preview_options: { is_disabled: true }, ...inTopic(address) },
        breakingOff(signal),
      )
      .catch((error: unknown) => {
        throw faultOf(error)
      })
    await app.remember(piece.chat, sent.message_id, submissionId)
    return undefined
  }

  function receivedText(
    words: Words,
    { reference, isConfidential }: { reference: string; isConfidential: boolean },
    receipt: string,
  ): string {
    const received = words.received(reference, receipt, `${app.siteUrl}/status`)
    return isConfidential ? `${received}\n\n${words.afterYouTold}` : received
  }
}
