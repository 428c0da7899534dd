import { createCipheriv, createDecipheriv, createHmac, randomBytes } from 'node:crypto'
import { derivedKey } from '../core/aead.ts'
import type { ProcessKey } from './types.ts'

const nonceLength = 12
const tagLength = 16

/**
 * Hides what has to be written down but must not outlast this process: under a key that is in memory only. After a
 * restart nobody can read it, which is the point. Machines that work together share a secret that is on no disk of theirs.
 */
export function processKey(shared?: string): ProcessKey {
  const secret = shared ?? randomBytes(32)
  const key = derivedKey(secret, 'barua/memory')
  const digestKey = derivedKey(secret, 'barua/memory/digest')
  const digest = (text: string) => createHmac('sha256', digestKey).update(text).digest('base64url')
  const id = digest('').slice(0, 8)
  return {
    encrypt(text) {
      const nonce = randomBytes(nonceLength)
      const cipher = createCipheriv('aes-256-gcm', key, nonce)
      const processCodec = Buffer.concat([cipher.update(text, 'utf8'), cipher.final()])
      return Buffer.concat([nonce, cipher.getAuthTag(), processCodec]).toString('base64url')
    },
    decrypt(processCodec) {
      const bytes = Buffer.from(processCodec, 'base64url')
      try {
        const decipher = createDecipheriv('aes-256-gcm', key, bytes.subarray(0, nonceLength))
        decipher.setAuthTag(bytes.subarray(nonceLength, nonceLength + tagLength))
        return (
          decipher.update(bytes.subarray(nonceLength + tagLength), undefined, 'utf8') + decipher.final('utf8')
        )
      } catch {
        return undefined
      }
    },
    digest: (text) => `${id}.${digest(text)}`,
    isOurs: (given) => given.startsWith(`${id}.`),
  }
}
