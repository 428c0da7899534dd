import type { Readable } from 'node:stream'
import { InputFile } from 'grammy'
import { CarryFault, type Delivery, type Instead } from '../../delivery.ts'
import { filesOf, type Message, telegramOf } from '../../submission.ts'
import { faultOf, type GetApi } from './api.ts'

export type AnswerParts = {
  getApi: GetApi
  conversation: (submissionId: string) => Promise<Message[]>
  /** Remembers which message of the bot is about which submission: a reply to it joins that. */
  remember: (chatId: number, messageId: number, submissionId: string) => Promise<void>
  readFile: (id: string) => Promise<Readable>
}

/** The most characters of one message. https://core.telegram.org/bots/api#sendmessage */
const longest = 4096

/** Sends an editor's answer to the chat that the sender last spoke in, as plain text. */
export function telegramAnswers(parts: AnswerParts) {
  /** @throws CarryFault */
  return async (delivery: Delivery): Promise<Instead | undefined> => {
    const submissionId = delivery.submissionId ?? ''
    const messages = await parts.conversation(submissionId)
    const message = messages.find((one) => one.id === delivery.messageId)
    const sender = telegramOf(messages)
    if (!message || !sender) throw new CarryFault('submission-gone', { permanent: true })
    if (message.isWithdrawn) return { needless: 'called-back' }
    const api = await parts.getApi()
    for (const text of inParts(message.content.fields.body)) {
      const sent = await api
        .sendMessage(sender.chatId, text, { link_preview_options: { is_disabled: true } })
        .catch((error: unknown) => {
          throw faultOf(error)
        })
      await parts.remember(sender.chatId, sent.message_id, submissionId)
    }
    for (const { id, state } of filesOf(message)) {
      if (state !== 'kept') continue
      const file = new InputFile(await parts.readFile(id), message.content.files[id]?.name)
      const sent = await api.sendDocument(sender.chatId, file).catch((error: unknown) => {
        throw faultOf(error)
      })
      await parts.remember(sender.chatId, sent.message_id, submissionId)
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
