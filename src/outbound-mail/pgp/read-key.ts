import type { Key, PublicKey } from 'openpgp'
import { Failure } from '../../core/errors.ts'
import type { PgpKey } from './key.ts'

/** Keys with many signatures of others are large; what is larger is no key of one person. Bytes. */
export const mostKeyBytes = 256 * 1024

const begins = /-----BEGIN PGP ([A-Z ]+)-----/g

/**
 * Reads the one public key in what somebody gave, armored or not; whether it can be used is another question.
 * @throws Failure `invalid` in plain words: for a private key, several keys, or no key
 */
export async function readPgpKey(given: Uint8Array, now: number): Promise<PgpKey> {
  return describe(await onlyKeyIn(given), now)
}

/**
 * What is known of the same key by an earlier copy too: what was revoked stays so, whether it is the key or all of its
 * parts that encrypt. Another key is as it was given.
 */
export async function joinedPgpKeys(before: PgpKey | undefined, given: PgpKey, now: number): Promise<PgpKey> {
  if (before?.fingerprint !== given.fingerprint) return given
  const { readKey } = await import('openpgp')
  const [older, newer] = await Promise.all([
    readKey({ armoredKey: before.armored }),
    readKey({ armoredKey: given.armored }),
  ])
  const both = await older.update(newer as PublicKey, new Date(now))
  const read = await describe(both, now)
  return { ...read, isRevoked: read.isRevoked || (await encryptingKeys(both)).length === 0 }
}

/** Why nothing can be encrypted for this key now, in plain words; undefined where it can. */
export async function whyUnusable(
  { armored, usableUntil, isRevoked }: PgpKey,
  now: number,
): Promise<string | undefined> {
  if (isRevoked) return 'This key has been revoked.'
  const { readKey } = await import('openpgp')
  const key = await readKey({ armoredKey: armored })
  if ((await encryptingKeys(key)).length === 0) return whyNever(key)
  if (usableUntil !== null && usableUntil <= now) return 'This key has expired.'
  return undefined
}

/** The keys that a key directory gave for this address, each with no other name than that. */
export async function keysNamed(given: Uint8Array, address: string, now: number): Promise<PgpKey[]> {
  const keys = await keysIn(given)
  const named = keys.flatMap((key) => {
    key.users = key.users.filter(({ userID }) => userID?.email.toLowerCase() === address)
    return key.users.length > 0 && !key.isPrivate() ? [key] : []
  })
  return Promise.all(named.map((key) => describe(key, now)))
}

async function onlyKeyIn(given: Uint8Array): Promise<Key> {
  if (given.length > mostKeyBytes) throw refused('This is too large for a key of one person.')
  const kinds = [...Buffer.from(given).toString('latin1').matchAll(begins)].map(([, kind]) => kind)
  if (kinds.includes('PRIVATE KEY BLOCK')) throw isPrivate()
  if (kinds.length > 1) throw severalKeys()
  const [key, ...others] = await keysIn(given)
  if (!key) throw noKey()
  if (others.length > 0) throw severalKeys()
  if (key.isPrivate()) throw isPrivate()
  return key
}

async function keysIn(given: Uint8Array): Promise<Key[]> {
  const { readKeys } = await import('openpgp')
  const text = Buffer.from(given).toString('latin1')
  const isArmored = text.includes('-----BEGIN PGP')
  const keys = isArmored
    ? readKeys({ armoredKeys: text.slice(text.indexOf('-----BEGIN PGP')) })
    : readKeys({ binaryKeys: given })
  return keys.catch(() => {
    throw noKey()
  })
}

async function describe(key: Key, now: number): Promise<PgpKey> {
  const encrypting = await encryptingKeys(key)
  const primaryUntil = timeOf(await key.getExpirationTime())
  const ends = await Promise.all(encrypting.map(async (one) => timeOf(await one.getExpirationTime())))
  const until = ends.length === 0 ? primaryUntil : Math.min(primaryUntil, Math.max(...ends))
  return {
    armored: key.toPublic().armor(),
    fingerprint: key.getFingerprint().toUpperCase(),
    algorithm: algorithmOf(encrypting[0] ?? key),
    names: key.getUserIDs(),
    usableUntil: Number.isFinite(until) ? until : null,
    isRevoked: await key.isRevoked(undefined, undefined, new Date(now)),
  }
}

type OpenedKeyPart = Key | Key['subkeys'][number]

/** All of its parts that mail could be encrypted with at any time, the one that would be taken first. */
async function encryptingKeys(key: Key): Promise<OpenedKeyPart[]> {
  const ids = [undefined, ...key.getKeys().map((one) => one.getKeyID())]
  const found = await Promise.all(ids.map((id) => key.getEncryptionKey(id, null).catch(() => undefined)))
  return found.filter((one) => one !== undefined)
}

/** `null` is what openpgp says of a key without a sound signature of its own. */
function timeOf(time: Date | typeof Infinity | null): number {
  return time === null ? 0 : time.valueOf()
}

const names: Record<string, string> = {
  curve25519Legacy: 'Curve25519',
  ed25519Legacy: 'Ed25519',
  x25519: 'Curve25519',
  ed25519: 'Ed25519',
  x448: 'Curve448',
  ed448: 'Ed448',
}

function algorithmOf(key: OpenedKeyPart): string {
  const { algorithm, bits, curve } = key.getAlgorithmInfo()
  if (bits !== undefined) return `${/^[a-z]+/.exec(algorithm)?.[0].toUpperCase()} ${bits}`
  const name = curve ?? algorithm
  return names[name] ?? name
}

async function whyNever(key: Key): Promise<string> {
  const { config } = await import('openpgp')
  const anyKey = { minRSABits: 0, rejectPublicKeyAlgorithms: new Set([]), rejectCurves: new Set([]) }
  const weak = key.getEncryptionKey(undefined, null, undefined, { ...config, ...anyKey })
  return weak.then(
    () => 'This key is too weak to be relied on. Please make a new one: RSA of 3072 bits, or Curve25519.',
    () => 'Nothing can be encrypted for this key: it has no part for that.',
  )
}

function isPrivate(): Failure {
  return refused(
    'This is a private key. It has not been kept. Nobody but you should ever see it: please give the public one.',
  )
}

function severalKeys(): Failure {
  return refused('These are several keys. Please give the one that mail to you is to be encrypted for.')
}

function noKey(): Failure {
  return refused(
    'This is no PGP key that can be read. It begins with “-----BEGIN PGP PUBLIC KEY BLOCK-----”.',
  )
}

function refused(message: string): Failure {
  return new Failure('invalid', message)
}
