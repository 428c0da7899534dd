import { hash } from 'node:crypto'
import { Failure } from '../../core/errors.ts'
import type { AwaitedFile, IncomingMessage, IncomingSubmission } from '../../submissions/incoming.ts'
import type { RemoteFile, UpdateName } from '../chat/draft.ts'
import { type ChatWords, en } from '../chat/words/en.ts'
import { addressOf, inTopic, isByAnother, isGroup, isToUs, writtenAddress } from './address.ts'
import type { HandleUpdate, Reply } from './bot.ts'
import type { ChatKeys } from './chat-id-hash.ts'
import { commandIn, isPayload } from './commands.ts'
import { namesOfFiles, newFiles, wordsRemoved } from './edits.ts'
import { isService, type ReadingOptions, type ReadMessage, readMessage } from './parse-message.ts'
import { type Incoming, messageIn, type TelegramMessage } from './update-schema.ts'

/** The receipt is empty where it was told before. */
type ReceivedAtOnce = { reference: string; receipt: string; repeat: boolean }

type AtOnceContext = {
  receive: (received: IncomingSubmission) => Promise<ReceivedAtOnce>
  receiveFurther: (received: IncomingMessage) => Promise<unknown>
  keepDeadLetter: (reason: string, raw: string) => Promise<void>
  keys: ChatKeys
  /** Tells what was said from something else, without anybody being able to try out what it was. */
  digestOf: (content: string) => string
  /** The submission that a message of a chat became. */
  submissionOf: (chat: string, messageId: number) => Promise<string | undefined>
  /** Remembers what a message of a chat became, for when it is edited. */
  remember: (chat: string, messageId: number, reference: string) => Promise<void>
  files: {
    known(names: UpdateName[]): Promise<Set<string>>
    note(names: UpdateName[]): Promise<void>
  }
  reading: ReadingOptions
  siteUrl: string
  /** Tells where the form is, which does not ask who writes. */
  saferForm: (words: ChatWords) => string
  newsroom: string
}

/**
 * Without a token the bot cannot speak by itself, so there is no conversation: each message is a piece of its own,
 * received at once, and the receipt is in the webhook's reply. It is made by chance, for all that an update tells can
 * be guessed: an update that comes again is told that it was received, and no receipt. An album is one submission, a
 * message for each of its files; an edit is a further message of the submission that its message became.
 */
export function receivingAtOnce(app: AtOnceContext): HandleUpdate {
  return async (heard, reply) => {
    const incoming = messageIn(heard)
    if (!incoming) return
    const { message, update, raw } = incoming
    if (isGroup(message)) return
    if (!isToUs(message)) return app.keepDeadLetter('not-said-to-the-bot', raw)
    if (isByAnother(message)) {
      return isService(incoming, app.reading) ? undefined : app.keepDeadLetter('not-by-the-sender', raw)
    }
    if (isCommandAlone(message)) return say(reply, message, greeting(app))
    // Where a place began that is shared live is what was said; no later one is kept.
    if (update.edited_message && incoming.fields.location !== undefined) return
    const read = readMessage(incoming, app.reading)
    if (read.nature === 'service') return
    if (read.nature === 'nothing') {
      await app.keepDeadLetter('no-words-or-files', raw)
      return say(reply, message, en.notTaken)
    }
    try {
      await (update.edited_message ? receiveEdit(incoming, read) : receiveSubmission(incoming, read, reply))
    } catch (error) {
      if (!(error instanceof Failure) || error.code === 'unavailable') throw error
      await app.keepDeadLetter(error.code, raw)
      say(reply, message, en.notTaken)
    }
  }

  async function receiveSubmission(incoming: Incoming, read: ReadMessage, reply?: Reply): Promise<void> {
    const { message } = incoming
    const submission = incomingOf(incoming, read, app.digestOf)
    const received = await app.receive(submission)
    await app.remember(app.keys.chat(addressOf(message)), message.message_id, received.reference)
    await app.files.note(namesOfFiles(app.keys, message, read.item.files))
    const tooLarge = submission.awaited.some((file) => file.withheld !== undefined)
    const lines = [
      answer(received, app.siteUrl),
      tooLarge ? largeFileNote(app.siteUrl) : '',
      read.nature === 'unreadable' ? en.notTaken : '',
    ]
    say(reply, message, lines.filter((text) => text !== '').join('\n\n'))
  }

  /** An edit joins the submission that its message became; where that is not known it is kept raw. */
  async function receiveEdit({ message, update, raw }: Incoming, { item }: ReadMessage): Promise<void> {
    const submissionId = await app.submissionOf(app.keys.chat(addressOf(message)), message.message_id)
    if (!submissionId) return app.keepDeadLetter('edit-of-nothing-known', raw)
    const names = namesOfFiles(app.keys, message, item.files)
    const files = await newFiles(item.files, names, app.files.known)
    await app.receiveFurther({
      submissionId,
      idempotencyKey: { source: 'telegram-edit', key: hashed(`${update.update_id}:${placeOf(message)}`) },
      fields: { body: item.words || wordsRemoved },
      files: [],
      awaited: withoutMarks(files),
      telegram: item.sender,
      ...(item.rawUpdate && { rawUpdates: [item.rawUpdate.raw] }),
      isEdit: true,
    })
    await app.files.note(names)
  }
}

function incomingOf(
  { update, message }: Incoming,
  { item }: ReadMessage,
  digestOf: AtOnceContext['digestOf'],
): IncomingSubmission {
  const { words, files, name, language, sender, album, rawUpdate } = item
  const awaited = withoutMarks(files)
  // With chat and message, for two bots that share this channel may share an update id.
  const own = `${update.update_id}:${placeOf(message)}`
  const place = album === null ? own : `${writtenAddress(sender)}:${album}`
  return {
    kind: 'news-tip',
    channel: 'telegram',
    idempotencyKey: {
      source: 'telegram:0',
      // Kept only as a hash: it says who wrote.
      key: hashed(place),
      // Of an album, which of its messages it is: each is one of its own.
      digest: album === null ? digestOf(JSON.stringify([words, awaited])) : `album.${hashed(own)}`,
    },
    fields: { body: words, ...(name && { name }), ...(language && { language }) },
    files: [],
    awaited,
    telegram: sender,
    ...(rawUpdate && { rawUpdates: [rawUpdate.raw] }),
  }
}

function withoutMarks(files: RemoteFile[]): AwaitedFile[] {
  return files.map(({ mark: _, ...file }) => file)
}

function hashed(place: string): string {
  return hash('sha256', `telegram:0\0${place}`, 'base64url')
}

function placeOf(message: TelegramMessage): string {
  return `${writtenAddress(addressOf(message))}:${message.message_id}`
}

/**
 * A command alone, known or not, perhaps with the payload of a deep link. Whoever goes on writing is telling us
 * something.
 */
function isCommandAlone({ text }: TelegramMessage): boolean {
  const command = commandIn(text ?? '')
  if (!command) return false
  return command.rest === '' || (command.name === 'start' && isPayload(command.rest))
}

function say(reply: Reply | undefined, message: TelegramMessage, text: string): void {
  reply?.({
    method: 'sendMessage',
    chat_id: message.chat.id,
    ...inTopic(addressOf(message)),
    text,
    link_preview_options: { is_disabled: true },
  })
}

function greeting({ newsroom, saferForm }: AtOnceContext): string {
  return [
    `This is the letterbox of ${newsroom}.`,
    'Write what you want to tell us, and add photos, documents, video or voice. You get a receipt for each message, and an editor reads it.',
    'Telegram knows who you are and that you write to us, and so may whoever looks into your phone. If that is a danger to you, do not use it for this.',
    saferForm(en),
  ].join('\n\n')
}

function answer(received: ReceivedAtOnce, siteUrl: string): string {
  if (received.receipt === '') {
    return [
      `${received.repeat ? 'Received before.' : 'Received, with what you sent before.'} Reference: ${received.reference}`,
      'Its receipt was told once, and nobody can tell it again.',
    ].join('\n\n')
  }
  return [
    'Received. Thank you.',
    `Reference: ${received.reference}\nReceipt: ${received.receipt}`,
    `Keep the receipt to yourself. With it you can read our answer and write again: ${siteUrl}/status`,
    en.afterSending,
  ].join('\n\n')
}

function largeFileNote(siteUrl: string): string {
  return `A file of more than 20 MB cannot be fetched from Telegram. Your words are safe; please send that file here: ${siteUrl}/submit/news-tip`
}
