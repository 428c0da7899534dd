import { createHmac, type KeyObject } from 'node:crypto'
import type { Content } from './submission.ts'

/**
 * By what the sender of a message would be known again: a mail address, a Telegram chat. As hashes under a key of the
 * server, so that a copied database names nobody.
 */
export function sendersOf(content: Pick<Content, 'fields' | 'telegram'>, key: KeyObject): string[] {
  const { fields, telegram } = content
  const names = [
    ...(fields.email ? [`mail ${fields.email.toLowerCase()}`] : []),
    ...(telegram ? [`telegram ${telegram.chatId}`] : []),
  ]
  return names.map((name) => createHmac('sha256', key).update(name).digest('base64url'))
}
