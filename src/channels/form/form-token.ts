import { createHmac, hash, type KeyObject, randomBytes, timingSafeEqual } from 'node:crypto'

/**
 * A nonce is put into every form that is served and comes back with it. It makes a form that is sent twice one
 * submission, its receipt is derived from it, and it shows that the form was ours. Only its hash is kept.
 */
export type Nonces = {
  make(): string
  /** True if we made it. */
  isOurs(nonce: unknown): nonce is string
}

export function nonceMaker(key: KeyObject): Nonces {
  const sign = (random: string) =>
    createHmac('sha256', key).update(`nonce\0${random}`).digest('base64url').slice(0, 22)
  const make = () => {
    const random = randomBytes(16).toString('base64url')
    return `${random}.${sign(random)}`
  }
  const isOurs = (nonce: unknown): nonce is string => {
    if (typeof nonce !== 'string' || nonce.length !== 45) return false
    const [random = '', signature = ''] = nonce.split('.')
    const expected = Buffer.from(sign(random))
    const given = Buffer.from(signature)
    return given.length === expected.length && timingSafeEqual(given, expected)
  }
  return { make, isOurs }
}

/** What is kept of a nonce. */
export function nonceHash(nonce: string): string {
  return hash('sha256', `nonce\0${nonce}`, 'base64url')
}
