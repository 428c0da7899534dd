import type { ApiToken } from '../accounts/api-token.ts'
import { addressOf } from '../core/email-address.ts'
import type { Contact } from '../jobs/contact.ts'
import { carrierOf, type Delivery } from '../jobs/job.ts'

export type LaneContext = {
  editorById: (id: string) => Promise<{ email: string } | undefined>
  /** What a chat gathers, or has sent. */
  pieceById: (id: string) => Promise<{ chat: string } | undefined>
  /** How the sender of a submission is reached, as far as that can be read. */
  contactOf: (submissionId: string) => Promise<Contact>
  submissionOf: (attachmentId: string) => Promise<string | undefined>
  tokenById: (id: string) => Promise<Pick<ApiToken, 'hookUrl'> | undefined>
}

/**
 * Where a delivery goes: the domain of a mail, a chat, or the host of a webhook; of a preview the submission that it is
 * for. Only so many deliveries go to one place at once, so that one that hangs there holds up nobody else. Undefined for other
 * work inside the house, and where it is not known.
 */
export function laneFinder({ editorById, pieceById, contactOf, tokenById, submissionOf }: LaneContext) {
  return async (delivery: Delivery): Promise<string | undefined> => {
    switch (carrierOf[delivery.purpose]) {
      case 'mail':
        return domainOf(await mailAddress(delivery))
      case 'telegram':
      case 'file':
      case 'chat':
        return chatOf(delivery)
      case 'hook': {
        const { api } = await contactFor(delivery)
        const token = api && (await tokenById(api.tokenId))
        return token?.hookUrl ? new URL(token.hookUrl).host : undefined
      }
      case 'preview':
        return delivery.attachmentId === null ? undefined : submissionOf(delivery.attachmentId)
      case 'desk':
        return undefined
    }
  }

  async function mailAddress(delivery: Delivery): Promise<string | undefined> {
    if (delivery.purpose !== 'sender-receipt' && delivery.purpose !== 'answer-mail')
      return delivery.editorId === null ? undefined : (await editorById(delivery.editorId))?.email
    return delivery.target ?? (await contactFor(delivery)).email
  }

  async function chatOf(delivery: Delivery): Promise<string | undefined> {
    if (delivery.purpose === 'chat-update' || delivery.submissionId === null) return undefined
    const piece = await pieceById(delivery.submissionId)
    if (piece) return piece.chat
    const { telegram } = await contactFor(delivery)
    return telegram ? String(telegram.chatId) : delivery.submissionId
  }

  async function contactFor({ passing, submissionId }: Delivery): Promise<Contact> {
    if (passing === 'lost' || submissionId === null) return {}
    return passing?.contact ?? contactOf(submissionId)
  }
}

function domainOf(address: string | undefined): string | undefined {
  return address === undefined ? undefined : addressOf(address).domain
}
