import type { Contact } from '../../jobs/contact.ts'
import { type Job, JobError } from '../../jobs/job.ts'
import { isRejectionReason, type RejectionReason } from '../../submissions/file-refusal.ts'
import { type Message, telegramOf } from '../../submissions/model.ts'
import type { DraftToSubmit } from '../chat/draft.ts'
import { type ChatWords, wordsIn } from '../chat/words/words.ts'
import { type Address, inTopic, readAddress } from './address.ts'
import { breakingOff, errorCodeOf, type GetApi } from './client.ts'

type FileNoticeContext = {
  getApi: GetApi
  draftById: (id: string) => Promise<DraftToSubmit | undefined>
  conversation: (submissionId: string) => Promise<Message[]>
  /** How the sender of an encrypted submission is reached, as far as this process knows. */
  contact: (submissionId: string) => Promise<Contact | 'lost'>
  wordsFor: (draft: DraftToSubmit) => Promise<ChatWords>
  /** A link by which files join this submission or submission, once. */
  linkFor: (id: string) => string
}

/** Tells a chat of files that do not come: where to send what Telegram does not give out, and what to send instead. */
export function fileNotices(app: FileNoticeContext) {
  return { uploadLink, fileRefused }

  /** A link to our own site, for exactly this submission. @throws JobError */
  async function uploadLink({ submissionId }: Job, signal: AbortSignal): Promise<undefined> {
    await say(submissionId ?? '', (words, id) => words.tooLarge(app.linkFor(id)), signal)
  }

  /** @throws JobError */
  async function fileRefused({ submissionId, target }: Job, signal: AbortSignal): Promise<undefined> {
    const reason = target !== null && isRejectionReason(target) ? target : 'other'
    await say(submissionId ?? '', (words) => words.notOpened[noticeFor(reason)], signal)
  }

  async function say(
    id: string,
    notice: (words: ChatWords, id: string) => string,
    signal: AbortSignal,
  ): Promise<void> {
    const { address, words } = await whereTo(id)
    const api = await app.getApi()
    await api
      .sendMessage(
        address.chatId,
        notice(words, id),
        { link_preview_options: { is_disabled: true }, ...inTopic(address) },
        breakingOff(signal),
      )
      .catch((error: unknown) => {
        throw errorCodeOf(error)
      })
  }

  /** The submission's chat, or where it has become a submission already, the one that its sender wrote from. */
  async function whereTo(id: string): Promise<{ address: Address; words: ChatWords }> {
    const draft = await app.draftById(id)
    if (draft?.target) return { address: readAddress(draft.target), words: await app.wordsFor(draft) }
    const messages = await app.conversation(id)
    const contact = await app.contact(id)
    const chat = telegramOf(messages) ?? (contact === 'lost' ? undefined : contact.telegram)
    if (!chat) throw new JobError('submission-gone', { permanent: true })
    return { address: chat, words: wordsIn(messages[0]?.content.fields.language) }
  }
}

/** In a chat less is told apart: Telegram does not give a file its name. */
function noticeFor(reason: RejectionReason): keyof ChatWords['notOpened'] {
  switch (reason) {
    case 'pages':
    case 'numbers':
    case 'keynote':
    case 'iwork':
      return 'iwork'
    case 'google-link':
    case 'shortcut':
      return 'link'
    case 'program':
    case 'archive':
      return reason
    default:
      return 'other'
  }
}
