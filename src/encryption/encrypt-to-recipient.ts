import { Readable } from 'node:stream'
import { headerFor, headerSize, nobody } from './age-header.ts'
import type { FileCipher } from './age-stream.ts'
import type { Recipient } from './types.ts'

/** Encrypts a stream for one recipient outside, as an age file. Nothing of it is held. */
export function encryptedForKey(cipher: FileCipher, source: Readable, recipient: Recipient): Readable {
  const { encrypted, fileKey } = cipher.encrypt(source)
  return Readable.from(withHeader(), { objectMode: false })

  async function* withHeader(): AsyncGenerator<Buffer> {
    let head = Buffer.alloc(0)
    for await (const chunk of encrypted as AsyncIterable<Buffer>) {
      if (head.length >= headerSize) {
        yield chunk
        continue
      }
      head = Buffer.concat([head, chunk])
      if (head.length < headerSize) continue
      yield headerFor(await fileKey, [recipient, nobody()])
      yield head.subarray(headerSize)
    }
  }
}
