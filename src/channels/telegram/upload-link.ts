import type { Contact } from '../../contact.ts'
import { CarryFault, type Delivery } from '../../delivery.ts'
import type { PieceToSend } from '../../open-piece.ts'
import { type Message, telegramOf } from '../../submission.ts'
import { type Address, inTopic, readAddress } from './address.ts'
import { faultOf, type GetApi } from './api.ts'
import { type Words, wordsIn } from './words/words.ts'

export type UploadLinkParts = {
  getApi: GetApi
  pieceById: (id: string) => Promise<PieceToSend | undefined>
  conversation: (submissionId: string) => Promise<Message[]>
  /** How the sender of a sealed piece is reached, as far as this process knows. */
  contact: (submissionId: string) => Promise<Contact | 'lost'>
  wordsFor: (piece: PieceToSend) => Promise<Words>
  /** A link by which files join this piece or submission, once. */
  linkFor: (id: string) => string
}

/** Tells a chat where to send a file that Telegram does not give out: to our own site, for exactly this piece. */
export function uploadLinks(parts: UploadLinkParts) {
  /** @throws CarryFault */
  return async ({ submissionId: id }: Delivery): Promise<undefined> => {
    const { address, words } = await whereTo(id ?? '')
    const api = await parts.getApi()
    await api
      .sendMessage(address.chatId, words.tooLarge(parts.linkFor(id ?? '')), {
        link_preview_options: { is_disabled: true },
        ...inTopic(address),
      })
      .catch((error: unknown) => {
        throw faultOf(error)
      })
  }

  /** The piece's chat, or where it has become a submission already, the one that its sender wrote from. */
  async function whereTo(id: string): Promise<{ address: Address; words: Words }> {
    const piece = await parts.pieceById(id)
    if (piece?.target) return { address: readAddress(piece.target), words: await parts.wordsFor(piece) }
    const messages = await parts.conversation(id)
    const contact = await parts.contact(id)
    const chat = telegramOf(messages) ?? (contact === 'lost' ? undefined : contact.telegram)
    if (!chat) throw new CarryFault('submission-gone', { permanent: true })
    return { address: chat, words: wordsIn(messages[0]?.content.fields.language) }
  }
}
