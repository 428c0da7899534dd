import type { ApiToken } from '../accounts/api-token.ts'
import { addressOf } from '../core/email-address.ts'
import type { Contact } from '../jobs/contact.ts'
import { type Job, queueOf } from '../jobs/job.ts'

type LaneContext = {
  editorById: (id: string) => Promise<{ email: string } | undefined>
  /** What a chat gathers, or has sent. */
  draftById: (id: string) => Promise<{ chat: string } | undefined>
  /** How the sender of a submission is reached, as far as that can be read. */
  contactOf: (submissionId: string) => Promise<Contact>
  submissionOf: (attachmentId: string) => Promise<string | undefined>
  tokenById: (id: string) => Promise<Pick<ApiToken, 'hookUrl'> | undefined>
}

/**
 * Where a job goes: the domain of a mail, a chat, or the host of a webhook; of a preview the submission that it is
 * for. Only so many jobs go to one place at once, so that one that hangs there holds up nobody else. Undefined for other
 * work inside the house, and where it is not known.
 */
export function laneFinder({ editorById, draftById, contactOf, tokenById, submissionOf }: LaneContext) {
  return async (job: Job): Promise<string | undefined> => {
    switch (queueOf[job.type]) {
      case 'mail':
        return domainOf(await mailAddress(job))
      case 'telegram':
      case 'file':
      case 'chat':
        return chatOf(job)
      case 'hook': {
        const { api } = await contactFor(job)
        const token = api && (await tokenById(api.tokenId))
        return token?.hookUrl ? new URL(token.hookUrl).host : undefined
      }
      case 'preview':
        return job.attachmentId === null ? undefined : submissionOf(job.attachmentId)
      case 'desk':
        return undefined
    }
  }

  async function mailAddress(job: Job): Promise<string | undefined> {
    if (job.type !== 'sender-receipt' && job.type !== 'answer-mail')
      return job.editorId === null ? undefined : (await editorById(job.editorId))?.email
    return job.target ?? (await contactFor(job)).email
  }

  async function chatOf(job: Job): Promise<string | undefined> {
    if (job.type === 'chat-update' || job.submissionId === null) return undefined
    const draft = await draftById(job.submissionId)
    if (draft) return draft.chat
    const { telegram } = await contactFor(job)
    return telegram ? String(telegram.chatId) : job.submissionId
  }

  async function contactFor({ ephemeralPayload, submissionId }: Job): Promise<Contact> {
    if (ephemeralPayload === 'lost' || submissionId === null) return {}
    return ephemeralPayload?.contact ?? contactOf(submissionId)
  }
}

function domainOf(address: string | undefined): string | undefined {
  return address === undefined ? undefined : addressOf(address).domain
}
