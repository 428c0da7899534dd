/** How the sender of a submission can be reached, besides the status page. */
export type Contact = {
  email?: string
  telegram?: TelegramSender
  api?: ApiSender
  /** Where the submission did not come from Telegram, a chat was linked later: answers go both ways. */
  isLinked?: true
  /** The sender's mails, to be answered to. */
  references?: string[]
}

/** Where the bot can answer this sender; `topicId` is theirs in the direct messages of a channel. */
export type TelegramSender = { chatId: number; topicId?: number; messageId: number }

/** Which token brought it, and by what name the bot there knows the sender. */
export type ApiSender = { tokenId: string; sender?: string }
