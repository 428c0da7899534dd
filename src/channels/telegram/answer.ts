import { CarryFault, type Delivery, type Instead } from '../../delivery.ts'
import type { Message } from '../../submission.ts'
import { botApi, faultOf } from './api.ts'

export type AnswerParts = {
  token: string | undefined
  apiRoot: string
  conversation: (submissionId: string) => Promise<Message[]>
}

/** The most characters of one message. https://core.telegram.org/bots/api#sendmessage */
const longest = 4096

/** Sends an editor's answer to the chat it came from, as plain text. */
export function telegramAnswers(parts: AnswerParts) {
  /** @throws CarryFault */
  return async (delivery: Delivery): Promise<Instead | undefined> => {
    const messages = await parts.conversation(delivery.submissionId ?? '')
    const message = messages.find((one) => one.id === delivery.messageId)
    const sender = messages[0]?.content.telegram
    if (!message || !sender) throw new CarryFault('submission-gone', { permanent: true })
    if (message.isWithdrawn) return { needless: 'called-back' }
    if (!parts.token) throw new CarryFault('telegram-no-token')
    const api = await botApi(parts.token, parts.apiRoot)
    for (const text of inParts(message.content.fields.body)) {
      await api
        .sendMessage(sender.chatId, text, { link_preview_options: { is_disabled: true } })
        .catch((error: unknown) => {
          throw faultOf(error)
        })
    }
    return undefined
  }
}

/** Cuts a text into parts that Telegram takes: between paragraphs, else between lines, else between words. */
export function inParts(text: string): string[] {
  const parts: string[] = []
  let rest = text.trim()
  while (rest.length > longest) {
    const cut = lastBreak(rest.slice(0, longest))
    parts.push(rest.slice(0, cut).trimEnd())
    rest = rest.slice(cut).trimStart()
  }
  return [...parts, rest]
}

function lastBreak(text: string): number {
  const breaks = ['\n\n', '\n', ' '].map((mark) => text.lastIndexOf(mark))
  const best = breaks.find((at) => at > longest / 2)
  if (best !== undefined) return best
  // Never between the two halves of one character.
  return /[\uD800-\uDBFF]$/.test(text) ? longest - 1 : longest
}
