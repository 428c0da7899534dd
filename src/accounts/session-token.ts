import { hash, randomBytes } from 'node:crypto'

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
