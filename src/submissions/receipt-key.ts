import { hkdfSync } from 'node:crypto'
import { identityOf } from '../encryption/age-x25519.ts'
import type { Identity } from '../encryption/types.ts'

/** Part of what is derived: another use of a receipt must never give the same key. */
const label = 'barua/receipt/age-x25519/v1'

/**
 * The identity that a receipt opens its conversation with: HKDF-SHA-256 (RFC 5869) over the receipt's 120 random bits as
 * they are printed, without salt.
 */
export function receiptIdentity(receipt: string): Identity {
  return identityOf(new Uint8Array(hkdfSync('sha256', receipt, '', label, 32)))
}
