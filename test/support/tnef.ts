/** Writes a `winmail.dat` as Outlook does, attribute by attribute: https://learn.microsoft.com/openspecs/exchange_server_protocols/ms-oxtnef */
export function tnef(...attributes: Buffer[]): Buffer {
  return Buffer.concat([u32(0x223e9f78), u16(1), ...attributes])
}

export const attributes = {
  codePage: (page: number) => attribute(1, 0x00069007, Buffer.concat([u32(page), u32(0)])),
  body: (bytes: Buffer) => attribute(1, 0x0002800c, bytes),
  properties: (...all: Buffer[]) => attribute(1, 0x00069003, list(all)),
  attachment: () => attribute(2, 0x00069002, Buffer.alloc(14)),
  title: (bytes: Buffer) => attribute(2, 0x00018010, bytes),
  data: (bytes: Buffer) => attribute(2, 0x0006800f, bytes),
  attachedProperties: (...all: Buffer[]) => attribute(2, 0x00069005, list(all)),
}

export const property = {
  number: (tag: number, value: number) => Buffer.concat([u16(3), u16(tag), u32(value)]),
  flag: (tag: number) => Buffer.concat([u16(0x0b), u16(tag), u32(1)]),
  unicode: (tag: number, text: string) => sized(0x1f, tag, Buffer.from(`${text}\0`, 'utf16le')),
  bytes: (tag: number, value: Buffer) => sized(0x102, tag, value),
  object: (tag: number, value: Buffer) => sized(0x0d, tag, Buffer.concat([Buffer.alloc(16), value])),
  many: (tag: number, values: number[]) =>
    Buffer.concat([u16(0x1003), u16(tag), u32(values.length), ...values.map(u32)]),
  named: (text: string, value: number) =>
    Buffer.concat([
      u16(3),
      u16(0x8001),
      Buffer.alloc(16),
      u32(1),
      u32(text.length * 2),
      padded(Buffer.from(text, 'utf16le')),
      u32(value),
    ]),
}

/** Packed as Outlook packs rich text, without saving anything. */
export function packedRtf(rtf: string): Buffer {
  const bytes = Buffer.from(rtf, 'latin1')
  const runs = Array.from({ length: Math.ceil(bytes.length / 8) }, (_, i) =>
    Buffer.concat([Buffer.from([0]), bytes.subarray(8 * i, 8 * i + 8)]),
  )
  return packed(Buffer.concat(runs), bytes.length)
}

/** A packed rich text of which somebody else made the body. */
export function packed(body: Buffer, size: number): Buffer {
  return Buffer.concat([u32(body.length + 12), u32(size), u32(0x75465a4c), u32(0), body])
}

function attribute(level: number, id: number, data: Buffer): Buffer {
  const sum = data.reduce((all, byte) => (all + byte) & 0xffff, 0)
  return Buffer.concat([Buffer.from([level]), u32(id), u32(data.length), data, u16(sum)])
}

function list(properties: Buffer[]): Buffer {
  return Buffer.concat([u32(properties.length), ...properties])
}

function sized(type: number, tag: number, value: Buffer): Buffer {
  return Buffer.concat([u16(type), u16(tag), u32(1), u32(value.length), padded(value)])
}

function padded(bytes: Buffer): Buffer {
  return Buffer.concat([bytes, Buffer.alloc((4 - (bytes.length % 4)) % 4)])
}

function u16(value: number): Buffer {
  const bytes = Buffer.alloc(2)
  bytes.writeUInt16LE(value)
  return bytes
}

function u32(value: number): Buffer {
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32LE(value)
  return bytes
}
