import { createHmac, hash, type KeyObject, timingSafeEqual } from 'node:crypto'

/** What a token is good for. */
type TokenUse = 'link' | 'upload' | 'reply' | 'request'

const macLength = 15

/**
 * A token that says which submission it is for and until when, under a key of the server: nothing is kept of it until
 * it is used. 48 characters of A-Z, a-z, 0-9, _ and -, as a Telegram deep link takes them.
 */
export function makeToken(key: KeyObject, use: TokenUse, id: string, expiresAt: number): string {
  const payload = Buffer.alloc(21)
  payload.write(id.replaceAll('-', ''), 'hex')
  payload.writeUIntBE(Math.ceil(expiresAt / 1000), 16, 5)
  return Buffer.concat([payload, macOf(key, use, payload)]).toString('base64url')
}

/** What a token of ours says, or undefined if it is not ours, is for something else, or is too old. */
export function readToken(
  key: KeyObject,
  use: TokenUse,
  token: string,
  now: number,
): { id: string; expiresAt: number; hash: string } | undefined {
  if (!/^[\w-]{48}$/.test(token)) return undefined
  const bytes = Buffer.from(token, 'base64url')
  const payload = bytes.subarray(0, 21)
  if (!timingSafeEqual(bytes.subarray(21), macOf(key, use, payload))) return undefined
  const expiresAt = payload.readUIntBE(16, 5) * 1000
  if (expiresAt <= now) return undefined
  const hex = payload.toString('hex', 0, 16)
  const id = hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5')
  return { id, expiresAt, hash: hash('sha256', `${use}\0${token}`, 'base64url') }
}

function macOf(key: KeyObject, use: TokenUse, payload: Buffer): Buffer {
  return createHmac('sha256', key).update(`${use}\0`).update(payload).digest().subarray(0, macLength)
}
