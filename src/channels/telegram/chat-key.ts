import { createHmac, type KeyObject } from 'node:crypto'

/** By which name a chat is known to us: a hash under a key of the server, so that a copied database names nobody. */
export type ChatKey = (chatId: number) => string

export function chatKeys(key: KeyObject, token: string | undefined): ChatKey {
  const bot = token?.split(':')[0] ?? ''
  return (chatId) => createHmac('sha256', key).update(`${bot}:${chatId}`).digest('base64url')
}
