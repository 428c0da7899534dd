import { randomInt } from 'node:crypto'
import { Secret, TOTP } from 'otpauth'
import encodeQR from 'qr'
import { hashToken } from './session-token.ts'

/** Codes of the step before and after are good too: clocks differ. RFC 6238, section 5.2. */
const window = 1
const recoveryCodes = 10

/** Crockford's letters: none that is mistaken for another. */
const alphabet = '0123456789abcdefghjkmnpqrstvwxyz'

/** A new secret for an authenticator app, in base 32. */
export function newTotpSecret(): string {
  return new Secret({ size: 20 }).base32
}

/** True for six digits, however they are set apart. */
export function isTotpShaped(typed: string): boolean {
  return /^\d{6}$/.test(typed.replace(/\s/g, ''))
}

/** The step of the clock whose code this is; undefined if it is none. `now` in milliseconds. */
export function totpStep(secret: string, typed: string, now: number): number | undefined {
  if (!isTotpShaped(typed)) return undefined
  const token = typed.replace(/\s/g, '')
  const totp = new TOTP({ secret })
  const delta = totp.validate({ token, window, timestamp: now })
  return delta === null ? undefined : totp.counter({ timestamp: now }) + delta
}

/** What an authenticator app reads to take the secret on: an address, and its picture as SVG. */
export function enrolment(secret: string, account: string, newsroom: string) {
  const uri = new TOTP({ issuer: newsroom, label: account, secret }).toString()
  return { uri, picture: encodeQR(uri, 'svg', { ecc: 'medium', border: 4 }) }
}

/** Ten codes, each for one sign-in without the second factor: 50 random bits, in two groups. */
export function newRecoveryCodes(): string[] {
  const group = () => Array.from({ length: 5 }, () => alphabet[randomInt(alphabet.length)]).join('')
  return Array.from({ length: recoveryCodes }, () => `${group()}-${group()}`)
}

/** What is kept of a recovery code, however it was typed. Undefined if it cannot be one. */
export function recoveryHash(editorId: string, typed: string): string | undefined {
  const letters = typed
    .toLowerCase()
    .replace(/[\s\p{Pd}]/gu, '')
    .replaceAll('o', '0')
    .replace(/[il]/g, '1')
  return /^[0-9a-z]{10}$/.test(letters) ? hashToken(`recovery ${editorId} ${letters}`) : undefined
}
