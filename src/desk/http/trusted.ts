import type { KeyRing } from '../../accounts/keyring/keyring.ts'
import type { Seat } from './seat.ts'

type TrustContext = {
  keyRing: Pick<KeyRing, 'isIn'>
  /** The desk's key is kept elsewhere: then no identity tells who was let in. */
  isOffline: boolean
}

/** True of a session in which one may change who opens what: it opens what its editor has been let in to. */
export async function isTrusted(
  { identity, session }: Pick<Seat, 'identity' | 'session'>,
  { keyRing, isOffline }: TrustContext,
): Promise<boolean> {
  if (isOffline) return session.confirmedAt !== null
  return identity !== undefined && (await keyRing.isIn(identity))
}
