import { hash } from 'node:crypto'
import type { Draft } from '../../draft.ts'
import { Failure } from '../../failure.ts'
import type { HandleUpdate, Reply } from './bot.ts'
import { partOf, type Reading, saysNothing } from './said.ts'
import { isService, type Message } from './update.ts'
import { en, type Words } from './words/en.ts'

export type AtOnceParts = {
  receive: (draft: Draft) => Promise<{ reference: string; receipt: string }>
  keepUnread: (reason: string, raw: string) => Promise<void>
  reading: Reading
  siteUrl: string
  /** Tells where the form is, which does not ask who writes. */
  saferForm: (words: Words) => string
  newsroom: string
}

/**
 * Without a token the bot cannot speak by itself, so there is no conversation: each message is a piece of its own,
 * received at once, and the receipt is in the webhook's reply. An album is one piece, a message for each of its files.
 */
export function receivingAtOnce(parts: AtOnceParts): HandleUpdate {
  return async ({ update_id: updateId, message }, raw, reply) => {
    if (message?.chat.type !== 'private') return
    if (isGreeting(message)) return say(reply, message, greeting(parts))
    const part = partOf(message, parts.reading)
    if (saysNothing(part)) {
      if (isService(raw)) return
      await parts.keepUnread('no-words-or-files', JSON.stringify(raw))
      return say(reply, message, en.notTaken)
    }
    await receivePiece(draftOf(updateId, message), message, raw, reply)
  }

  async function receivePiece(draft: Draft, message: Message, raw: object, reply?: Reply): Promise<void> {
    try {
      const received = await parts.receive(draft)
      const tooLarge = draft.awaited.some((file) => file.withheld !== undefined)
      say(reply, message, answer(received, parts.siteUrl) + (tooLarge ? largeFileNote(parts.siteUrl) : ''))
    } catch (error) {
      if (!(error instanceof Failure) || error.code === 'unavailable') throw error
      await parts.keepUnread(error.code, JSON.stringify(raw))
      say(reply, message, en.notTaken)
    }
  }

  function draftOf(updateId: number, message: Message): Draft {
    const { words, files, name, language, sender, album } = partOf(message, parts.reading)
    const awaited = files.map(({ mark: _, ...file }) => file)
    // With chat and message, for two bots that share this door may share an update id.
    const place =
      album === null ? `${updateId}:${sender.chatId}:${sender.messageId}` : `${sender.chatId}:${album}`
    return {
      kind: 'news-tip',
      channel: 'telegram',
      arrival: {
        source: 'telegram:0',
        // Kept only as a hash: the receipt is derived from it, and it says who wrote.
        key: hash('sha256', `telegram:0\0${place}`, 'base64url'),
        secret: place,
        digest: hash('sha256', JSON.stringify([place, words, awaited]), 'base64url'),
      },
      fields: { body: words, ...(name && { name }), ...(language && { language }) },
      files: [],
      awaited,
      telegram: sender,
    }
  }
}

/** A command alone, perhaps with the payload of a deep link. Whoever goes on writing is telling us something. */
function isGreeting(message: Message): boolean {
  return /^\/(start|help)(@\w+)?(\s[\w-]{1,64})?$/.test((message.text ?? '').trim())
}

function say(reply: Reply | undefined, message: Message, text: string): void {
  reply?.({
    method: 'sendMessage',
    chat_id: message.chat.id,
    text,
    link_preview_options: { is_disabled: true },
  })
}

function greeting({ newsroom, saferForm }: AtOnceParts): string {
  return [
    `This is the letterbox of ${newsroom}.`,
    'Write what you want to tell us, and add photos, documents, video or voice. You get a receipt for each message, and an editor reads it.',
    'Telegram knows who you are and that you write to us, and so may whoever looks into your phone. If that is a danger to you, do not use it for this.',
    saferForm(en),
  ].join('\n\n')
}

function answer(received: { reference: string; receipt: string }, siteUrl: string): string {
  return [
    'Received. Thank you.',
    `Reference: ${received.reference}\nReceipt: ${received.receipt}`,
    `Keep the receipt to yourself. With it you can read our answer and write again: ${siteUrl}/status`,
    en.afterYouTold,
  ].join('\n\n')
}

function largeFileNote(siteUrl: string): string {
  return `\n\nA file of more than 20 MB cannot be fetched from Telegram. Your words are safe; please send that file here: ${siteUrl}/submit/news-tip`
}
