import type { AnswerPurpose } from './delivery.ts'
import { type Message, telegramOf } from './submission.ts'

/** By which doors an answer to this sender goes out, besides the status page: the one they came by, and a chat they linked. */
export function answerChannels(messages: Message[], hasBot: boolean): AnswerPurpose[] {
  const { fields, telegram, api } = messages[0]?.content ?? {}
  return [
    ...(hasBot && telegramOf(messages) ? ['answer-telegram' as const] : []),
    ...(fields?.email && !telegram ? ['answer-mail' as const] : []),
    ...(api ? ['answer-webhook' as const] : []),
  ]
}
