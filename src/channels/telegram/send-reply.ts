import type { Readable } from 'node:stream'
import { InputFile } from 'grammy'
import { type EphemeralPayload, type Job, JobError, type Unsent } from '../../jobs/job.ts'
import { filesOf, type Message, telegramOf } from '../../submissions/model.ts'
import { type Address, inTopic } from './address.ts'
import { breakingOff, errorCodeOf, type GetApi } from './client.ts'

type AnswerContext = {
  getApi: GetApi
  conversation: (submissionId: string) => Promise<Message[]>
  /** Remembers which message of the bot is about which submission: a reply to it joins that. */
  remember: (address: Address, messageId: number, submissionId: string) => Promise<void>
  readFile: (id: string) => Promise<Readable>
  /** Opens an encrypted file with its own key. */
  readOpen: (id: string, fileKey: Uint8Array) => Promise<Readable>
  siteUrl: string
}

/** The most characters of one message. https://core.telegram.org/bots/api#sendmessage */
const longest = 4096

/** Sends an editor's answer to the chat that the sender last spoke in, as plain text. */
export function telegramAnswers(app: AnswerContext) {
  /** How much of an answer in several messages has arrived: what is tried again goes on from there. */
  const arrived = new Map<string, number>()
  /** @throws JobError */
  return async (job: Job, signal: AbortSignal): Promise<Unsent | undefined> => {
    const submissionId = job.submissionId ?? ''
    const messages = await app.conversation(submissionId)
    const message = messages.find((one) => one.id === job.messageId)
    const { ephemeralPayload } = job
    if (ephemeralPayload === 'lost') throw new JobError('sealed-away', { permanent: true })
    const sender = ephemeralPayload?.contact?.telegram ?? telegramOf(messages)
    if (!message || !sender) throw new JobError('submission-gone', { permanent: true })
    if (message.isWithdrawn) return { skipped: 'called-back' }
    const api = await app.getApi()
    const files = filesIn(message, ephemeralPayload)
    const isLeft = message.attachments.length > files.length
    const body = ephemeralPayload?.text ?? message.content.fields.body
    const words = ephemeralPayload && isLeft ? `${body}\n\n${fileNote(app.siteUrl)}` : body
    const more = { link_preview_options: { is_disabled: true }, ...inTopic(sender) }
    const steps = [
      ...inItems(words).map(
        (text) => () => api.sendMessage(sender.chatId, text, more, breakingOff(signal)).catch(refused),
      ),
      ...files.map(({ name, open }) => async () => {
        const file = new InputFile(await open(), name)
        return api.sendDocument(sender.chatId, file, inTopic(sender), breakingOff(signal)).catch(refused)
      }),
    ]
    const before = arrived.get(job.id) ?? 0
    for (const [i, step] of steps.slice(before).entries()) {
      const sent = await step()
      arrived.set(job.id, before + i + 1)
      await app.remember(sender, sent.message_id, submissionId)
    }
    arrived.delete(job.id)
    return undefined
  }

  function filesIn(message: Message, ephemeralPayload: EphemeralPayload | undefined) {
    if (ephemeralPayload) {
      return (ephemeralPayload.files ?? []).map(({ id, name, key }) => ({
        name,
        open: () => app.readOpen(id, Buffer.from(key, 'base64url')),
      }))
    }
    const kept = filesOf(message).filter(({ state }) => state === 'kept')
    return kept.map(({ id }) => ({ name: message.content.files[id]?.name, open: () => app.readFile(id) }))
  }
}

function refused(error: unknown): never {
  throw errorCodeOf(error)
}

/** What is encrypted, and not passed on with its key, opens with the receipt only. */
function fileNote(siteUrl: string): string {
  return `There is a file for you too. Get it with your receipt: ${siteUrl}/status`
}

/** Cuts a text into parts that Telegram takes: between paragraphs, else between lines, else between words. */
function inItems(text: string): string[] {
  const items: string[] = []
  let rest = text.trim()
  while (rest.length > longest) {
    const cut = lastBreak(rest.slice(0, longest))
    items.push(rest.slice(0, cut).trimEnd())
    rest = rest.slice(cut).trimStart()
  }
  return [...items, rest]
}

function lastBreak(text: string): number {
  const breaks = ['\n\n', '\n', ' '].map((mark) => text.lastIndexOf(mark))
  const best = breaks.find((at) => at > longest / 2)
  if (best !== undefined) return best
  // Never between the two halves of one character.
  return /[\uD800-\uDBFF]$/.test(text) ? longest - 1 : longest
}
