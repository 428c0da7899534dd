import { createHmac, type KeyObject } from 'node:crypto'
import { mailboxOf } from '../core/email-address.ts'
import type { TelegramSender } from '../jobs/contact.ts'
import type { Content } from './model.ts'

/**
 * By what the sender of a message would be known again: a mail address, a Telegram chat, the name a bot knows them by.
 * As hashes under a key of the server, so that a copied database names nobody.
 */
export function sendersOf(content: Pick<Content, 'fields' | 'telegram' | 'api'>, key: KeyObject): string[] {
  const { fields, telegram, api } = content
  return [
    ...(fields.email ? [mailSender(fields.email, key)] : []),
    ...(telegram ? [hashed(`telegram ${chatOf(telegram)}`, key)] : []),
    ...(api?.sender ? [hashed(`api ${api.tokenId} ${api.sender}`, key)] : []),
  ]
}

/** A chat; in the direct messages of a channel, which are one chat for all, the topic of one person. */
function chatOf({ chatId, topicId }: TelegramSender): string {
  return topicId === undefined ? String(chatId) : `${chatId}/${topicId}`
}

/** By what whoever has this mail address is known again. */
export function mailSender(address: string, key: KeyObject): string {
  return hashed(`mail ${address.toLowerCase().replace(/(?<!\.)\.+$/, '')}`, key)
}

/** By which a mailbox is counted that mail goes to, however its address is written: as `mailboxOf` tells it. */
export function mailboxKey(address: string, key: KeyObject): string {
  return mailSender(mailboxOf(address), key)
}

function hashed(name: string, key: KeyObject): string {
  return createHmac('sha256', key).update(name).digest('base64url')
}
