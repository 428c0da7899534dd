import { createHmac, hash, hkdfSync, randomBytes } from 'node:crypto'
import { Decrypter, type Stanza } from 'age-encryption'
import { identityOf, recipientOf, X25519Identity, X25519Recipient } from './age-x25519.ts'
import type { Identity, Recipient } from './types.ts'

/** A file in the store is for so many: the desk, and whoever has the receipt. So its header has one size only. */
export const fileRecipients = 2

const version = 'age-encryption.org/v1\n'
const stanzaSize = '-> X25519 \n'.length + 43 + 43 + '\n'.length

/** Bytes. A header can be written when the rest of the file is there already, and written anew. */
export const headerSize = version.length + fileRecipients * stanzaSize + '--- \n'.length + 43

/**
 * The header of a file or a text with this key, for these recipients.
 * https://github.com/C2SP/C2SP/blob/main/age.md#header
 */
export function headerFor(fileKey: Uint8Array, recipients: Recipient[]): Buffer {
  const stanzas = recipients.flatMap((recipient) => new X25519Recipient(recipient).wrapFileKey(fileKey))
  const head = `${version}${stanzas.map(lines).join('')}---`
  const macKey = Buffer.from(hkdfSync('sha256', fileKey, '', 'header', 32))
  const mac = createHmac('sha256', macKey).update(head).digest()
  return Buffer.from(`${head} ${unpadded(mac)}\n`)
}

/** The key of a file, for whoever its header is for. */
export async function fileKeyIn(
  header: Buffer,
  identities: Identity[],
): Promise<{ fileKey: Uint8Array } | { errorCode: 'locked' | 'damaged' }> {
  const openers = identities.map((identity) => new X25519Identity(identity))
  const decrypter = new Decrypter()
  for (const opener of openers) decrypter.addIdentity(opener)
  try {
    return { fileKey: await decrypter.decryptHeader(new Uint8Array(header)) }
  } catch {
    const isHeader = header.length === headerSize && header.toString('latin1').startsWith(version)
    return { errorCode: isHeader && !openers.some(({ matched }) => matched) ? 'locked' : 'damaged' }
  }
}

/** Somebody who is nobody: what is encrypted for them opens for none. */
export function nobody(): Recipient {
  return recipientOf(identityOf(new Uint8Array(randomBytes(32))))
}

/** By which a file is known again, without telling anything of it: one in another's place is found out. */
export function hashOfKey(fileKey: Uint8Array): string {
  return hash('sha256', Buffer.concat([Buffer.from('file\0'), fileKey]), 'base64url')
}

function lines({ args, body }: Stanza): string {
  return `-> ${args.join(' ')}\n${unpadded(Buffer.from(body))}\n`
}

function unpadded(bytes: Buffer): string {
  return bytes.toString('base64').replace(/={1,2}$/, '')
}
