import type { Readable } from 'node:stream'
import { InputFile } from 'grammy'
import { CarryFault, type Delivery, type Instead, type Passing } from '../../jobs/job.ts'
import { filesOf, type Message, telegramOf } from '../../submissions/model.ts'
import { type Address, inTopic } from './address.ts'
import { breakingOff, faultOf, type GetApi } from './client.ts'

export type AnswerContext = {
  getApi: GetApi
  conversation: (submissionId: string) => Promise<Message[]>
  /** Remembers which message of the bot is about which submission: a reply to it joins that. */
  remember: (address: Address, messageId: number, submissionId: string) => Promise<void>
  readFile: (id: string) => Promise<Readable>
  /** Opens a sealed file with its own key. */
  readOpen: (id: string, fileKey: Uint8Array) => Promise<Readable>
  siteUrl: string
}

/** The most characters of one message. https://core.telegram.org/bots/api#sendmessage */
const longest = 4096

/** Sends an editor's answer to the chat that the sender last spoke in, as plain text. */
export function telegramAnswers(app: AnswerContext) {
  /** How much of an answer in several messages has arrived: what is tried again goes on from there. */
  const arrived = new Map<string, number>()
  /** @throws CarryFault */
  return async (delivery: Delivery, signal: AbortSignal): Promise<Instead | undefined> => {
    const submissionId = delivery.submissionId ?? ''
    const messages = await app.conversation(submissionId)
    const message = messages.find((one) => one.id === delivery.messageId)
    const { passing } = delivery
    if (passing === 'lost') throw new CarryFault('sealed-away', { permanent: true })
    const sender = passing?.contact?.telegram ?? telegramOf(messages)
    if (!message || !sender) throw new CarryFault('submission-gone', { permanent: true })
    if (message.isWithdrawn) return { needless: 'called-back' }
    const api = await app.getApi()
    const files = filesIn(message, passing)
    const isLeft = message.attachments.length > files.length
    const said = passing?.text ?? message.content.fields.body
    const words = passing && isLeft ? `${said}\n\n${fileNote(app.siteUrl)}` : said
    const more = { link_preview_options: { is_disabled: true }, ...inTopic(sender) }
    const steps = [
      ...inParts(words).map(
        (text) => () => api.sendMessage(sender.chatId, text, more, breakingOff(signal)).catch(refused),
      ),
      ...files.map(({ name, open }) => async () => {
        const file = new InputFile(await open(), name)
        return api.sendDocument(sender.chatId, file, inTopic(sender), breakingOff(signal)).catch(refused)
      }),
    ]
    const before = arrived.get(delivery.id) ?? 0
    for (const [i, step] of steps.slice(before).entries()) {
      const sent = await step()
      arrived.set(delivery.id, before + i + 1)
      await app.remember(sender, sent.message_id, submissionId)
    }
    arrived.delete(delivery.id)
    return undefined
  }

  function filesIn(message: Message, passing: Passing | undefined) {
    if (passing) {
      return (passing.files ?? []).map(({ id, name, key }) => ({
        name,
        open: () => app.readOpen(id, Buffer.from(key, 'base64url')),
      }))
    }
    const kept = filesOf(message).filter(({ state }) => state === 'kept')
    return kept.map(({ id }) => ({ name: message.content.files[id]?.name, open: () => app.readFile(id) }))
  }
}

function refused(error: unknown): never {
  throw faultOf(error)
}

/** What is sealed, and not passed on with its key, opens with the receipt only. */
function fileNote(siteUrl: string): string {
  return `There is a file for you too. Get it with your receipt: ${siteUrl}/status`
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
