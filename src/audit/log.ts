import { hash } from 'node:crypto'
import type { AuditAction, SecurityAction } from '../db/values.ts'
import { securityEvents } from './security-event.ts'

/**
 * Who had a submission in their hands, who came in, and who changed what opens: the audit log. Each entry's hash covers
 * the one before it, so that nothing in it can be changed, left out or put between without that being seen by whoever
 * knows a later hash.
 */
export type AuditEntry = {
  number: number
  at: number
  /** Null where Barua did it by itself, or the sender. */
  editorId: string | null
  action: AuditAction
  /** Of which submission; null where it was many, or none. */
  reference: string | null
  /** Codes and ids, never what anybody wrote. */
  detail: string | null
  hash: string
}

export const auditNames: Record<AuditAction, string> = {
  ...(Object.fromEntries(
    Object.entries(securityEvents).map(([action, { words }]) => [action, words]),
  ) as Record<SecurityAction, string>),
  opened: 'opened',
  downloaded: 'downloaded a file of',
  exported: 'exported',
  moved: 'moved',
  encrypted: 'marked as confidential',
  kept: 'keeps for longer',
  'hold-set': 'put a hold on',
  'hold-lifted': 'lifted the hold on',
  'sender-left': 'the sender deleted their side of',
  erased: 'erased',
}

export type NewAuditEntry = Pick<AuditEntry, 'action' | 'editorId'> &
  Partial<Pick<AuditEntry, 'reference' | 'detail'>>

/** The hash of an entry: SHA-256 over the hash before it and the entry as a JSON list, in hexadecimal. */
export function auditHash(before: string, entry: Omit<AuditEntry, 'hash'>): string {
  const { number, at, editorId, action, reference, detail } = entry
  return hash('sha256', `${before}\n${JSON.stringify([number, at, editorId, action, reference, detail])}`)
}

type AuditVerification =
  | { isWhole: true; entries: number; head: string }
  | { isWhole: false; brokenAt: number }

/**
 * Reads the whole trail and tells whether it is as it was written. `head` is the last entry as the head names it: with
 * fewer entries some were cut off its end. `known` is a hash that was noted earlier: it has to be in the audit log.
 */
export async function verifyAuditLog(
  entries: AsyncIterable<AuditEntry>,
  head: Pick<AuditEntry, 'number' | 'hash'>,
  known?: string,
): Promise<AuditVerification> {
  let before = ''
  let number = 0
  let isKnown = known === undefined
  for await (const entry of entries) {
    // Added since the head was read.
    if (number === head.number) break
    number += 1
    if (entry.number !== number || entry.hash !== auditHash(before, entry))
      return { isWhole: false, brokenAt: number }
    before = entry.hash
    isKnown ||= known === before
  }
  const isWhole = head.number === number && head.hash === before && isKnown
  return isWhole ? { isWhole, entries: number, head: before } : { isWhole, brokenAt: number + 1 }
}
