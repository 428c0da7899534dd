import { z } from 'zod'
import type { SecurityAction, SessionWay } from '../db/values.ts'

/*
 * What changes who may come in, or who opens what. Each is in the audit log, and is mailed to whom it concerns: so an
 * editor hears of what somebody else does in their name.
 */

/** Who is mailed: nobody, the editor whose account it is, that editor and all admins, or every editor. */
export type Audience = 'nobody' | 'editor' | 'admins' | 'everyone'

/** Of each event, how the audit log and a mail say it, and who is mailed. In the audit log a name stands before it. */
export const securityEvents = {
  'signed-in': { words: 'signed in', audience: 'nobody' },
  unlocked: { words: 'unlocked a session', audience: 'nobody' },
  passphrase: { words: 'set a new passphrase', audience: 'editor' },
  'totp-on': { words: 'turned on the authenticator app', audience: 'editor' },
  'totp-off': { words: 'turned off the authenticator app', audience: 'editor' },
  'recovery-codes': { words: 'generated new recovery codes', audience: 'editor' },
  'passkey-added': { words: 'added a passkey', audience: 'editor' },
  'passkey-removed': { words: 'removed a passkey', audience: 'editor' },
  'pgp-key': { words: 'set a new PGP key', audience: 'editor' },
  'pgp-key-removed': { words: 'removed the PGP key', audience: 'editor' },
  invited: { words: 'invited', audience: 'admins' },
  'codes-guessed': { words: 'counted many wrong sign-in codes', audience: 'editor' },
  role: { words: 'changed the role', audience: 'admins' },
  reset: { words: 'reset the access', audience: 'admins' },
  removed: {
    words: 'removed an editor. The recovery sheet stopped working: make a new one',
    audience: 'everyone',
  },
  asked: { words: 'asked to reset a forgotten passphrase', audience: 'everyone' },
  stopped: { words: 'cancelled the request to reset a passphrase', audience: 'everyone' },
  'began-anew': { words: 'started over with a new passphrase', audience: 'everyone' },
  'let-in': { words: 'granted access', audience: 'admins' },
  'gave-up': { words: 'gave up what an earlier passphrase opens', audience: 'everyone' },
  'sheet-made': {
    words: 'made a new recovery sheet. Any earlier sheet stopped working',
    audience: 'everyone',
  },
  'sheet-used': { words: 'used the recovery sheet', audience: 'everyone' },
  'token-added': { words: 'added an API token', audience: 'admins' },
  'token-revoked': { words: 'revoked an API token', audience: 'admins' },
  'confidential-by-mail': {
    words: 'changed whether encrypted email includes confidential text',
    audience: 'everyone',
  },
  setting: { words: 'changed a setting', audience: 'nobody' },
  'exported-for-key': { words: 'exported a submission, encrypted for a key', audience: 'editor' },
} as const satisfies Record<SecurityAction, { words: string; audience: Audience }>

export type SecurityEvent = {
  action: SecurityAction
  /** Who did it; null for the shell, and for whoever followed a link in a mail. */
  editorId: string | null
  /** Whose account it is about; their own where it is not said. */
  aboutId?: string
  /** A code, or an id. */
  detail?: string
  /** The session that it was done in. */
  session?: { beganAt: number; way: SessionWay | null }
}

/** An event that what is done is noted with, where somebody did it at the desk, and when. */
export type Noted = { event: SecurityEvent; at: number }

/** How a session was begun, in words. */
export const sessionWays: Record<SessionWay, string> = {
  passphrase: 'with the passphrase',
  passkey: 'with a passkey',
  link: 'by a link in an email',
  'key-link': 'by the link to set up',
}

const StoredEvent = z.object({
  action: z.enum(Object.keys(securityEvents) as [SecurityAction, ...SecurityAction[]]),
  editorId: z.string().nullable(),
  aboutId: z.string().optional(),
  detail: z.string().optional(),
  session: z
    .object({ beganAt: z.number(), way: z.enum(['passphrase', 'passkey', 'link', 'key-link']).nullable() })
    .optional(),
})

/** An event as it stands in the outbox, until the mail about it has gone. */
export function eventText(event: SecurityEvent): string {
  return JSON.stringify(event)
}

/** What stands there; undefined if it is none. */
export function eventIn(text: string | null): SecurityEvent | undefined {
  try {
    const parsed = StoredEvent.safeParse(JSON.parse(text ?? ''))
    return parsed.success ? (parsed.data as SecurityEvent) : undefined
  } catch {
    return undefined
  }
}
