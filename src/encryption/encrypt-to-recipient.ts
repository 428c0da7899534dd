import { Readable } from 'node:stream'
import { headerFor, headerSize, nobody } from './age-header.ts'
import type { FileSealer } from './age-stream.ts'
import type { Recipient } from './types.ts'

/** Seals a stream for one recipient outside, as an age file. Nothing of it is held. */
export function sealedForKey(sealer: FileSealer, source: Readable, recipient: Recipient): Readable {
  const { sealed, fileKey } = sealer.seal(source)
  return Readable.from(withHeader(), { objectMode: false })

  async function* withHeader(): AsyncGenerator<Buffer> {
    let head = Buffer.alloc(0)
    for await (const piece of sealed as AsyncIterable<Buffer>) {
      if (head.length >= headerSize) {
        yield piece
        continue
      }
      head = Buffer.concat([head, piece])
      if (head.length < headerSize) continue
      yield headerFor(await fileKey, [recipient, nobody()])
      yield head.subarray(headerSize)
    }
  }
}
