import { Transform, type TransformCallback } from 'node:stream'

const longestLine = 1000

/**
 * Decodes a part in uuencode (https://pubs.opengroup.org/onlinepubs/9799919799/utilities/uuencode.html), as old programs
 * send files: what stands before `begin` and behind `end` is passed over.
 */
export class UudecodeStream extends Transform {
  #rest = ''
  #state: 'before' | 'within' | 'behind' = 'before'

  override _transform(chunk: Buffer, _encoding: BufferEncoding, done: TransformCallback): void {
    const lines = (this.#rest + chunk.toString('latin1')).split('\n')
    this.#rest = (lines.pop() ?? '').slice(0, longestLine)
    for (const line of lines) this.#take(line.replace(/\r$/, ''))
    done()
  }

  override _flush(done: TransformCallback): void {
    this.#take(this.#rest)
    done()
  }

  #take(line: string): void {
    if (this.#state === 'before' && /^begin [0-7]{3,4} \S/.test(line)) this.#state = 'within'
    else if (this.#state === 'within' && /^end\s*$/.test(line)) this.#state = 'behind'
    else if (this.#state === 'within') this.push(bytesOfLine(line))
  }
}

/** The first character tells how many bytes there are; each group of four characters holds three. */
function bytesOfLine(line: string): Buffer {
  const length = valueAt(line, 0)
  const bytes = Buffer.alloc(Math.ceil(length / 3) * 3)
  for (let group = 0; group * 3 < length; group++) {
    const [a, b, c, d] = [1, 2, 3, 4].map((place) => valueAt(line, group * 4 + place)) as [
      number,
      number,
      number,
      number,
    ]
    bytes.writeUIntBE((a << 18) | (b << 12) | (c << 6) | d, group * 3, 3)
  }
  return bytes.subarray(0, length)
}

/** Blanks at the end of a line may have been lost on the way. */
function valueAt(line: string, at: number): number {
  return at < line.length ? (line.charCodeAt(at) - 32) & 63 : 0
}
