import type { Contact } from '../jobs/contact.ts'
import type { AnswerJobType } from '../jobs/job.ts'
import { type Content, type Message, telegramOf } from './model.ts'

/** The contact that a message tells of. */
export function contactIn({ fields, telegram, api, email }: Content): Contact {
  return {
    ...(fields.email && { email: fields.email }),
    ...(telegram && { telegram }),
    ...(api && { api }),
    ...(email?.messageId && { references: [email.messageId] }),
  }
}

/** The contact that a conversation tells of: as it began, and the chat that the sender last wrote from, or linked. */
export function contactOf(messages: Message[]): Contact {
  const [opening] = messages
  const telegram = telegramOf(messages)
  const began = opening ? contactIn(opening.content) : {}
  const references = messages
    .filter(({ author }) => author === 'sender')
    .flatMap(({ content }) => content.email?.messageId ?? [])
  return {
    ...began,
    ...(telegram && { telegram }),
    ...(telegram && !began.telegram && { isLinked: true }),
    ...(references.length > 0 && { references }),
  }
}

/** A contact with what a later message tells of it. */
export function laterContact(before: Contact, later: Contact): Contact {
  const { telegram, references = [] } = later
  return {
    ...before,
    ...(telegram && { telegram }),
    ...(telegram && (before.isLinked || !before.telegram) && { isLinked: true }),
    references: [...(before.references ?? []), ...references],
  }
}

/**
 * By which channels an answer goes out, besides the status page: the one that the sender came by, and a chat they
 * linked.
 */
export function replyChannels({ email, telegram, api, isLinked }: Contact, hasBot: boolean): AnswerJobType[] {
  return [
    ...(hasBot && telegram ? ['answer-telegram' as const] : []),
    ...(email && (!telegram || isLinked) ? ['answer-mail' as const] : []),
    ...(api ? ['answer-webhook' as const] : []),
  ]
}
