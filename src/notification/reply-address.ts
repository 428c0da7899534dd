import { createHmac, type KeyObject } from 'node:crypto'

/**
 * The token of a reply address: which delivery is answered, hence which editor or sender and which submission, and a
 * signature, so that nobody can make one up. 45 characters, for a mailbox name may have 64 (RFC 5321, 4.5.3.1.1).
 */
export function replyToken(key: KeyObject, deliveryId: string): string {
  const id = deliveryId.replaceAll('-', '')
  const signature = createHmac('sha256', key).update(`reply\0${deliveryId}`).digest('hex').slice(0, 13)
  return id + signature
}

export function addressOf(mailFrom: string): { local: string; domain: string } {
  const address = /<([^<>]+)>$/.exec(mailFrom)?.[1] ?? mailFrom
  const at = address.lastIndexOf('@')
  return { local: address.slice(0, at), domain: address.slice(at + 1) }
}
