import { argon2, hkdfSync, randomBytes, timingSafeEqual } from 'node:crypto'
import { promisify } from 'node:util'
import { Failure } from '../core/errors.ts'
import { whyGuessable } from './guessable.ts'

const derive = promisify(argon2)

/** RFC 9106, section 4, the second recommended choice: 64 MiB, three passes. About a tenth of a second. */
const chosen = { memory: 65_536, passes: 3, parallelism: 4 }
const keyLength = 32

/** Long enough not to be guessed from a copied disk, where a second factor helps nobody (NIST SP 800-63B-4, 3.1.1.2). */
const shortest = 15
const longest = 1000

/** 64 MiB each: more at once could fill the memory of a small server. */
const atOnce = 2
let running = 0
const waiting: (() => void)[] = []

const kept = /^argon2id m=(\d+) t=(\d+) p=(\d+) ([\w-]+) ([\w-]+)(?: short)?$/

/**
 * What is kept of a passphrase: algorithm, parameters, salt and proof. Behind what was kept when eight characters were
 * enough beside a second factor stands a word where it is so short. And what is not kept: the secret that only the
 * passphrase gives, under which its editor's identity is wrapped.
 */
export async function hashPassphrase(passphrase: string): Promise<{ hash: string; secret: Uint8Array }> {
  const salt = randomBytes(16)
  const derived = await keyOf(passphrase, salt, chosen)
  const key = proofOf(derived)
  const { memory, passes, parallelism } = chosen
  const parameters = `m=${memory} t=${passes} p=${parallelism}`
  const hash = `argon2id ${parameters} ${salt.toString('base64url')} ${key.toString('base64url')}`
  return { hash, secret: secretOf(derived) }
}

/** True of a passphrase from when eight characters were enough beside a second factor: its editor is asked for another. */
export function isTooShort(hash: string): boolean {
  return hash.endsWith(' short')
}

/**
 * The secret that the passphrase gives, if it is the right one. Without a hash it takes as long, and is undefined: the
 * time of the answer does not tell whether there is such an account.
 */
export async function openPassphrase(
  passphrase: string,
  hash: string | undefined,
): Promise<Uint8Array | undefined> {
  const found = kept.exec(hash ?? '')
  if (!found) {
    await keyOf(passphrase, Buffer.alloc(16), chosen)
    return undefined
  }
  const [memory, passes, parallelism] = found.slice(1, 4).map(Number) as [number, number, number]
  const [salt, key] = found.slice(4, 6).map((part) => Buffer.from(part, 'base64url')) as [Buffer, Buffer]
  const derived = await keyOf(passphrase, salt, { memory, passes, parallelism })
  return timingSafeEqual(proofOf(derived), key) ? secretOf(derived) : undefined
}

/**
 * A passphrase that may be set, and the same again: 15 to 1000 characters, and nothing that is tried first by whoever
 * guesses. There are no rules about signs, for those make people write it down.
 * @throws Failure `invalid`, with the faulty field `passphrase` or `again`
 */
export function checkPassphrase(
  passphrase: string,
  again: string,
  known: { email: string; newsroom: string },
): void {
  const errorCode = errorIn(passphrase, known)
  if (errorCode) throw new Failure('invalid', errorCode, { fields: { passphrase: [errorCode] } })
  if (passphrase === again) return
  const differs = 'The two passphrases differ.'
  throw new Failure('invalid', differs, { fields: { again: [differs] } })
}

function errorIn(passphrase: string, known: { email: string; newsroom: string }): string | undefined {
  const length = lengthOf(passphrase)
  if (length < shortest) return `Use at least ${shortest} characters. Five random words work well.`
  if (length > longest) return `Use at most ${longest} characters.`
  return whyGuessable(passphrase.normalize('NFC'), known)
}

/** What is kept leads to nothing that opens: both come from the passphrase, neither from the other. */
function proofOf(derived: Buffer): Buffer {
  return Buffer.from(hkdfSync('sha256', derived, '', 'barua/passphrase/proof', keyLength))
}

function secretOf(derived: Buffer): Uint8Array {
  return new Uint8Array(hkdfSync('sha256', derived, '', 'barua/passphrase/secret', keyLength))
}

function lengthOf(passphrase: string): number {
  return [...passphrase.normalize('NFC')].length
}

async function keyOf(passphrase: string, nonce: Buffer, parameters: typeof chosen): Promise<Buffer> {
  while (running >= atOnce) await new Promise<void>((resolve) => waiting.push(resolve))
  running += 1
  try {
    const message = passphrase.normalize('NFC')
    return await derive('argon2id', { message, nonce, tagLength: keyLength, ...parameters })
  } finally {
    running -= 1
    waiting.shift()?.()
  }
}
