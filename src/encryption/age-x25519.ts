import {
  createCipheriv,
  createDecipheriv,
  createPrivateKey,
  createPublicKey,
  diffieHellman,
  generateKeyPairSync,
  hkdfSync,
  type KeyObject,
} from 'node:crypto'
import { bech32 } from '@scure/base'
import { type Identity as AgeIdentity, type Recipient as AgeRecipient, Stanza } from 'age-encryption'
import type { Identity, Recipient } from './types.ts'

// age's own recipients through the X25519 and ChaCha20-Poly1305 of node:crypto. The library's are in JavaScript and go
// through WebCrypto: with them a text costs nearly three times as much (bench/README.md).

const label = 'age-encryption.org/v1/X25519'
const noNonce = Buffer.alloc(12)
const tagLength = 16

/** One recipient of a file. https://github.com/C2SP/C2SP/blob/main/age.md#the-x25519-recipient-type */
export class X25519Recipient implements AgeRecipient {
  readonly #bytes: Buffer
  readonly #key: KeyObject

  constructor(recipient: Recipient) {
    this.#bytes = Buffer.from(decoded(recipient, 'age'))
    this.#key = publicKey(this.#bytes)
  }

  wrapFileKey(fileKey: Uint8Array): Stanza[] {
    const ephemeral = generateKeyPairSync('x25519')
    const share = rawPublic(ephemeral.publicKey)
    const secret = diffieHellman({ privateKey: ephemeral.privateKey, publicKey: this.#key })
    const key = wrappingKey(secret, share, this.#bytes)
    const cipher = createCipheriv('chacha20-poly1305', key, noNonce, { authTagLength: tagLength })
    const body = Buffer.concat([cipher.update(fileKey), cipher.final(), cipher.getAuthTag()])
    return [new Stanza(['X25519', unpadded(share)], new Uint8Array(body))]
  }
}

/** Whoever opens a file. `matched` tells that the file is for them, whatever is wrong with the rest of it. */
export class X25519Identity implements AgeIdentity {
  matched = false
  readonly #key: KeyObject
  readonly #recipient: Buffer

  constructor(identity: Identity) {
    this.#key = privateKey(decoded(identity.toLowerCase(), 'age-secret-key-'))
    this.#recipient = rawPublic(createPublicKey(this.#key))
  }

  unwrapFileKey(stanzas: Stanza[]): Uint8Array | null {
    for (const { args, body } of stanzas) {
      const fileKey =
        args[0] === 'X25519' && args.length === 2 ? this.#unwrap(args[1] ?? '', body) : undefined
      if (fileKey) {
        this.matched = true
        return fileKey
      }
    }
    return null
  }

  #unwrap(encoded: string, body: Uint8Array): Uint8Array | undefined {
    const share = Buffer.from(encoded, 'base64')
    if (share.length !== 32 || body.length !== tagLength + 16) return undefined
    try {
      const secret = diffieHellman({ privateKey: this.#key, publicKey: publicKey(share) })
      const key = wrappingKey(secret, share, this.#recipient)
      const decipher = createDecipheriv('chacha20-poly1305', key, noNonce, { authTagLength: tagLength })
      decipher.setAuthTag(body.subarray(16))
      return new Uint8Array(Buffer.concat([decipher.update(body.subarray(0, 16)), decipher.final()]))
    } catch {
      // For somebody else: there is no telling before trying.
      return undefined
    }
  }
}

/** The identity whose scalar these 32 bytes are. */
export function identityOf(scalar: Uint8Array): Identity {
  return bech32.encodeFromBytes('AGE-SECRET-KEY-', scalar).toUpperCase()
}

/** For whom one encrypts so that this identity opens it. */
export function recipientOf(identity: Identity): Recipient {
  const key = privateKey(decoded(identity.toLowerCase(), 'age-secret-key-'))
  return bech32.encodeFromBytes('age', rawPublic(createPublicKey(key)))
}

/** True for what can be encrypted for. */
export function isRecipient(text: string): boolean {
  try {
    return decoded(text, 'age').length === 32
  } catch {
    return false
  }
}

/** True for what may open something. */
export function isIdentity(text: string): boolean {
  try {
    return decoded(text.toLowerCase(), 'age-secret-key-').length === 32
  } catch {
    return false
  }
}

function decoded(text: string, wanted: string): Uint8Array {
  const { prefix, bytes } = bech32.decodeToBytes(text)
  if (prefix !== wanted || bytes.length !== 32) throw new Error('not a key of age')
  return bytes
}

function wrappingKey(secret: Buffer, share: Buffer, recipient: Buffer): Buffer {
  // A share that leads to nothing is not honest (RFC 7748, 6.1).
  if (secret.every((byte) => byte === 0)) throw new Error('an X25519 share of low order')
  return Buffer.from(hkdfSync('sha256', secret, Buffer.concat([share, recipient]), label, 32))
}

function publicKey(raw: Uint8Array): KeyObject {
  return createPublicKey({ key: raw, format: 'raw-public', asymmetricKeyType: 'x25519' })
}

function privateKey(raw: Uint8Array): KeyObject {
  return createPrivateKey({ key: raw, format: 'raw-private', asymmetricKeyType: 'x25519' })
}

function rawPublic(key: KeyObject): Buffer {
  return key.export({ format: 'raw-public' })
}

function unpadded(bytes: Buffer): string {
  return bytes.toString('base64').replace(/={1,2}$/, '')
}
