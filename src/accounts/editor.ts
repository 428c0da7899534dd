import { isVisible } from '../core/visible-text.ts'
import type { Role, SessionWay } from '../db/values.ts'
import type { NoticePolicy } from './notification-policy.ts'

/** A person with an account at the desk. */
export type Editor = {
  id: string
  email: string
  /** How colleagues see them; empty until they say. */
  name: string
  role: Role
  policy: NoticePolicy
}

/** An editor as another one sees them. */
export type Colleague = Pick<Editor, 'id' | 'email' | 'name' | 'role'>
export const roleNames: Record<Role, string> = { editor: 'Editor', admin: 'Admin' }

/** What colleagues call an editor. */
function editorName(editor: Pick<Editor, 'name' | 'email'>): string {
  return isVisible(editor.name) ? editor.name : (editor.email.split('@')[0] ?? editor.email)
}

/** Says what an editor is called, by id; whatever no editor did, Barua did. */
export function nameFrom(names: Map<string, Pick<Editor, 'name' | 'email'>>): (id: string | null) => string {
  return (id) => (id === null ? 'Barua' : editorName(names.get(id) ?? { name: '', email: '?' }))
}

/** The same with the address, which cannot be chosen: where it matters who it was. */
export function fullNameFrom(
  names: Map<string, Pick<Editor, 'name' | 'email'>>,
): (id: string) => string | undefined {
  return (id) => {
    const editor = names.get(id)
    return editor && (isVisible(editor.name) ? `${editor.name} <${editor.email}>` : editor.email)
  }
}

/** A device that signs for its editor: https://www.w3.org/TR/webauthn-3/. Keys in base64url. */
export type Passkey = {
  id: string
  editorId: string
  publicKey: string
  counter: number
  name: string
  /** The host it was made for: a browser gives it to no other. Null for that of the public address. */
  host: string | null
  createdAt: number
  usedAt: number | null
}

/**
 * So many codes of an authenticator app may be wrong in a row. A guess hits three times in a million, so all of them
 * together do once in three thousand times.
 */
export const mostWrongCodes = 100

/** Nobody mistypes so many: an editor who signs in after them is told. */
export const suspiciousCodes = 10

/** What is known of a session besides whose it is. */
export type SessionFacts = {
  beganAt: number
  /** Null of one that began before this was noted. */
  way: SessionWay | null
  /** When its editor last gave their passphrase, or used a passkey, in it; null if never. */
  confirmedAt: number | null
}

/** How long sessions last: those begun and seen since these times are good. Milliseconds. */
export type SessionLimits = { begunSince: number; seenSince: number; now: number }

/** A session as its editor sees it in the list of their own. */
export type ListedSession = { createdAt: number; seenAt: number; isThis: boolean; way: SessionWay | null }
