import { createHmac, type KeyObject } from 'node:crypto'
import { type Address, writtenAddress } from './address.ts'

/**
 * By which names chats and files in them are known to us: hashes under a key of the server, so that a copied database
 * names nobody.
 */
export type ChatKeys = {
  chat(address: Address): string
  /** A file of one message, by the mark that Telegram gives it. */
  file(address: Address, messageId: number, mark: string): string
}

export function chatKeys(key: KeyObject, token: string | undefined): ChatKeys {
  const bot = token?.split(':')[0] ?? ''
  const hashed = (name: string) => createHmac('sha256', key).update(`${bot}:${name}`).digest('base64url')
  return {
    chat: (address) => hashed(writtenAddress(address)),
    file: (address, messageId, mark) => hashed(`${writtenAddress(address)} ${messageId} ${mark}`),
  }
}
