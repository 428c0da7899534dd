/** Reads little-endian values one after the other. @throws RangeError beyond the end, whatever a length said. */
export class Cursor {
  readonly #bytes: Buffer
  #at = 0

  constructor(bytes: Buffer) {
    this.#bytes = bytes
  }

  get isAtEnd(): boolean {
    return this.#at >= this.#bytes.length
  }

  take(count: number): Buffer {
    const end = this.#at + count
    if (end > this.#bytes.length) throw new RangeError('beyond the end')
    const taken = this.#bytes.subarray(this.#at, end)
    this.#at = end
    return taken
  }

  u8(): number {
    return this.take(1).readUInt8()
  }

  u16(): number {
    return this.take(2).readUInt16LE()
  }

  u32(): number {
    return this.take(4).readUInt32LE()
  }

  /** What follows, and the bytes that fill it up to a multiple of four. */
  padded(count: number): Buffer {
    const taken = this.take(count)
    this.take((4 - (count % 4)) % 4)
    return taken
  }
}
