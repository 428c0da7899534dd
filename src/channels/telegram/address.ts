import type { TelegramSender } from '../../jobs/contact.ts'
import type { TelegramMessage } from './update-schema.ts'

/** Where somebody is written to: a chat, and in the direct messages of a channel the topic that is theirs. */
export type Address = Pick<TelegramSender, 'chatId' | 'topicId'>

/** Where a message was written. */
export function addressOf({
  chat,
  direct_messages_topic: topic,
}: Pick<TelegramMessage, 'chat' | 'direct_messages_topic'>): Address {
  return { chatId: chat.id, ...(topic && { topicId: topic.topic_id }) }
}

/** The address as one text, which `readAddress` reads. */
export function writtenAddress({ chatId, topicId }: Address): string {
  return topicId === undefined ? String(chatId) : `${chatId}/${topicId}`
}

export function readAddress(written: string): Address {
  const [chatId, topicId] = written.split('/').map(Number)
  return { chatId: chatId ?? 0, ...(topicId !== undefined && { topicId }) }
}

/** The topic as calls name it. https://core.telegram.org/bots/api#sendmessage */
export function inTopic({ topicId }: Address): { direct_messages_topic_id?: number } {
  return topicId === undefined ? {} : { direct_messages_topic_id: topicId }
}

/** True for chats where a person writes to the newsroom and to nobody else, and it is told who. */
export function isToUs({
  chat,
  direct_messages_topic: topic,
}: Pick<TelegramMessage, 'chat' | 'direct_messages_topic'>): boolean {
  return chat.type === 'private' || (chat.is_direct_messages === true && topic !== undefined)
}

/** True for chats where people talk with each other: what is said there is not said to us. */
export function isGroup({ chat }: Pick<TelegramMessage, 'chat'>): boolean {
  return (chat.type === 'group' || chat.type === 'supergroup') && chat.is_direct_messages !== true
}

/**
 * True in the direct messages of a channel for what its owner does not write: an admin of the channel answers there by
 * hand, or a button is pressed by one.
 */
export function isByAnother({
  from,
  direct_messages_topic: topic,
}: Pick<TelegramMessage, 'from' | 'direct_messages_topic'>): boolean {
  const owner = topic?.user?.id
  return owner !== undefined && from?.id !== owner
}
