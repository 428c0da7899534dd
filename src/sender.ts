import { createHmac, type KeyObject } from 'node:crypto'
import type { Content } from './submission.ts'

/**
 * By what the sender of a message would be known again: a mail address, a Telegram chat, the name a bot knows them by. As hashes under a key of the
 * server, so that a copied database names nobody.
 */
export function sendersOf(content: Pick<Content, 'fields' | 'telegram' | 'api'>, key: KeyObject): string[] {
  const { fields, telegram, api } = content
  const names = [
    ...(fields.email ? [`mail ${fields.email.toLowerCase()}`] : []),
    ...(telegram ? [`telegram ${telegram.chatId}`] : []),
    ...(api?.sender ? [`api ${api.tokenId} ${api.sender}`] : []),
  ]
  return names.map((name) => createHmac('sha256', key).update(name).digest('base64url'))
}
