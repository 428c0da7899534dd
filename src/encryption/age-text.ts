import { createCipheriv, hkdfSync, randomBytes } from 'node:crypto'
import { armor, Decrypter } from 'age-encryption'
import { fileKeyIn, headerFor } from './age-header.ts'
import { X25519Identity } from './age-x25519.ts'
import type { TextCipher } from './types.ts'

const chunkSize = 64 * 1024
const tagLength = 16

/**
 * Encrypts texts as armored age files, in this thread. It is done by node:crypto, for the library streams through WebCrypto
 * what is one chunk here: that took three times as long (bench/README.md).
 */
export const textCipher: TextCipher = {
  async encrypt(text, recipients) {
    const fileKey = new Uint8Array(randomBytes(16))
    const file = Buffer.concat([headerFor(fileKey, recipients), payload(fileKey, Buffer.from(text))])
    return armor.encode(new Uint8Array(file))
  },

  async reEncrypt(encrypted, identities, recipients) {
    try {
      const file = Buffer.from(armor.decode(encrypted))
      const end = file.indexOf('\n', file.indexOf('\n--- ') + 1) + 1
      const found = await fileKeyIn(file.subarray(0, end), identities)
      if ('errorCode' in found) return undefined
      const renewed = Buffer.concat([headerFor(found.fileKey, recipients), file.subarray(end)])
      return armor.encode(new Uint8Array(renewed))
    } catch {
      return undefined
    }
  },

  async open(encrypted, identities) {
    const openers = identities.map((identity) => new X25519Identity(identity))
    const decrypter = new Decrypter()
    for (const opener of openers) decrypter.addIdentity(opener)
    try {
      return { text: await decrypter.decrypt(armor.decode(encrypted), 'text') }
    } catch {
      return { errorCode: openers.some(({ matched }) => matched) ? 'damaged' : accessWithoutKey(encrypted) }
    }
  },
}

/** Chunks, each with its number and whether it is the last. https://github.com/C2SP/C2SP/blob/main/age.md#payload */
function payload(fileKey: Uint8Array, text: Buffer): Buffer {
  const salt = randomBytes(16)
  const key = Buffer.from(hkdfSync('sha256', fileKey, salt, 'payload', 32))
  const parts = [salt]
  let from = 0
  do {
    const isLast = from + chunkSize >= text.length
    const nonce = Buffer.alloc(12)
    nonce.writeUInt32BE(from / chunkSize, 7)
    nonce.writeUInt8(isLast ? 1 : 0, 11)
    const cipher = createCipheriv('chacha20-poly1305', key, nonce, { authTagLength: tagLength })
    parts.push(cipher.update(text.subarray(from, from + chunkSize)), cipher.final(), cipher.getAuthTag())
    from += chunkSize
  } while (from < text.length)
  return Buffer.concat(parts)
}

/** Without its key one cannot tell a good file from a bad one, unless it is none at all. */
function accessWithoutKey(encrypted: string): 'locked' | 'damaged' {
  try {
    const head = Buffer.from(armor.decode(encrypted).subarray(0, 200)).toString('latin1')
    return head.startsWith('age-encryption.org/v1\n-> X25519 ') ? 'locked' : 'damaged'
  } catch {
    return 'damaged'
  }
}
