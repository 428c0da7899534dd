/** An editor's public key, as they gave it or as their domain's key directory did. */
export type PgpKey = {
  /** The public key itself, and nothing secret. */
  armored: string
  /** Forty or more hexadecimal digits, in capitals. */
  fingerprint: string
  /** What mail is encrypted with, in words: `RSA 3072`, `Curve25519`. */
  algorithm: string
  /** Whose key it says that it is. */
  names: string[]
  /** Until when mail can be encrypted for it; null for ever. */
  usableUntil: number | null
  isRevoked: boolean
}

/** A key that is kept for an editor. */
export type StoredPgpKey = PgpKey & { wasLookedUp: boolean; givenAt: number }

/** `ending` is still good, for two weeks at most. */
export type PgpStanding = 'good' | 'ending' | 'expired' | 'revoked'

const twoWeeks = 14 * 86_400_000

/** How a key stands, as the desk tells it. Whether a mail can be encrypted is asked of the key itself, with each mail. */
export function standingOf(key: Pick<PgpKey, 'usableUntil' | 'isRevoked'>, now: number): PgpStanding {
  const left = (key.usableUntil ?? Number.POSITIVE_INFINITY) - now
  if (key.isRevoked) return 'revoked'
  if (left <= 0) return 'expired'
  return left <= twoWeeks ? 'ending' : 'good'
}

/**
 * How mail to an address leaves. `contentless` is for a key that cannot be used any more: then nothing but that
 * something is waiting is said.
 */
export type Protection =
  | { way: 'as-it-is' }
  | { way: 'encrypted'; encrypt: (mail: AsyncIterable<Uint8Array>) => Promise<AsyncIterable<string>> }
  | { way: 'contentless' }
