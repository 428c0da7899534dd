import { createHash, randomBytes } from 'node:crypto'

/** A secret of 160 random bits: a session's, or a one-time link's. */
export function newToken(): string {
  return randomBytes(20).toString('base64url')
}

/** What is kept of it. */
export function hashToken(token: string): string {
  return createHash('sha256').update('token\0').update(token).digest('base64url')
}

/** Goes into the forms of a session, for browsers that do not say which site a request comes from. */
export function formToken(sessionToken: string): string {
  return createHash('sha256').update('form\0').update(sessionToken).digest('base64url')
}
