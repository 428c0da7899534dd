import { createHmac, type KeyObject } from 'node:crypto'
import { mailSender } from './sender-fingerprint.ts'

/**
 * That a mail with this Message-ID, answered from this address, belongs to a submission. As hashes under a key of the
 * server, so that a copied database names nobody.
 */
export type ThreadKey = { message: string; address: string }

/** Marks a mail that `address` has sent or been sent: what it replies to it later belongs to the same submission. */
export function threadKey(key: KeyObject, messageId: string, address: string): ThreadKey {
  return { message: messageKey(key, messageId), address: mailSender(address, key) }
}

export function messageKey(key: KeyObject, messageId: string): string {
  return createHmac('sha256', key).update(`message ${messageId}`).digest('base64url')
}
