import { hash, randomBytes } from 'node:crypto'
import { z } from 'zod'
import { isVisible } from '../core/visible-text.ts'

/** What lets another bot in. The token itself is shown once and kept only as a hash. */
export type ApiToken = {
  id: string
  name: string
  /** Submissions and messages an hour; 0 for no limit. */
  hourlyLimit: number
  /** Where answers are posted, or null for a bot that asks for them. */
  hookUrl: string | null
  createdAt: number
  usedAt: number | null
}

export type NewApiToken = Pick<ApiToken, 'name' | 'hourlyLimit' | 'hookUrl'> & { tokenHash: string }

/** One submission a second on average is more than a bridge of people's chats needs. */
export const usualHourlyLimit = 3600

/** What is asked for a token, as the desk and the shell take it. `hosts` are those that answers may be posted to. */
export function tokenRules(hosts: string[]) {
  return z.object({
    name: z
      .string()
      .trim()
      .regex(
        /^[\p{L}\p{N}][\p{L}\p{N} ._-]{0,59}$/u,
        'A name has 1 to 60 letters, digits, blanks, dots and dashes.',
      )
      .refine(isVisible, 'A name has 1 to 60 letters, digits, blanks, dots and dashes.'),
    hourlyLimit: z.coerce
      .number('Please give a number.')
      .int('Please give a whole number.')
      .min(0, 'Please give 0 for no limit, or more.')
      .max(1_000_000, 'Please give at most 1,000,000.'),
    hookUrl: z
      .string()
      .trim()
      .transform((url) => url || null)
      .refine(
        (url) => url === null || isHook(url, hosts),
        'An https address at one of the hosts that WEBHOOK_HOSTS lists, without user name and password.',
      ),
  })
}

/** True if answers may be posted there: to the configured hosts and no others. Plain http only to this machine itself. */
export function isHook(url: string, hosts: string[]): boolean {
  if (!URL.canParse(url)) return false
  const { protocol, host, hostname, username, password } = new URL(url)
  const isSafe =
    protocol === 'https:' || (protocol === 'http:' && /^(localhost|127\.0\.0\.1)$/.test(hostname))
  return isSafe && username === '' && password === '' && (hosts.includes(host) || hosts.includes(hostname))
}

/** A new token: 240 bits, with a beginning that secret scanners can know. */
export function newToken(): string {
  return `barua_${randomBytes(30).toString('base64url')}`
}

/** What is kept of a token. 240 random bits need no slow hash. */
export function hashToken(token: string): string {
  return hash('sha256', `api-token\0${token}`, 'base64url')
}
