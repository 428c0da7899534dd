import { createCipheriv, createDecipheriv, hash, type KeyObject, randomBytes } from 'node:crypto'

/** A secret of 160 random bits: a session's, or a one-time link's. */
export function newToken(): string {
  return randomBytes(20).toString('base64url')
}

/** What is kept of it. */
export function hashToken(token: string): string {
  return hash('sha256', `token\0${token}`, 'base64url')
}

/** Goes into the forms of a session, for browsers that do not say which site a request comes from. */
export function formToken(sessionToken: string): string {
  return hash('sha256', `form\0${sessionToken}`, 'base64url')
}

/** Seals a short secret with AES-256-GCM, for `owner` only: moved to another account it does not open. */
export function sealSecret(key: KeyObject, secret: string, owner: string): string {
  const nonce = randomBytes(12)
  const cipher = createCipheriv('aes-256-gcm', key, nonce).setAAD(Buffer.from(owner))
  const sealed = Buffer.concat([cipher.update(secret, 'utf8'), cipher.final()])
  return Buffer.concat([nonce, cipher.getAuthTag(), sealed]).toString('base64url')
}

/** Opens what `sealSecret` sealed. Throws if it was tampered with. */
export function openSecret(key: KeyObject, stored: string, owner: string): string {
  const bytes = Buffer.from(stored, 'base64url')
  const decipher = createDecipheriv('aes-256-gcm', key, bytes.subarray(0, 12))
  decipher.setAAD(Buffer.from(owner)).setAuthTag(bytes.subarray(12, 28))
  return decipher.update(bytes.subarray(28), undefined, 'utf8') + decipher.final('utf8')
}
