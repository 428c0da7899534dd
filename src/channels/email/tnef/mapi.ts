import { Cursor } from './cursor.ts'

/** A property of a message or attachment: its bytes, and of a text whether they are UTF-16. */
export type Property = { bytes: Buffer; isUnicode: boolean }

/** Properties are told apart by their number; those with names instead are passed over. */
export type Properties = Map<number, Property>

/** Those of use here: https://learn.microsoft.com/openspecs/exchange_server_protocols/ms-oxprops */
export const tags = {
  body: 0x1000,
  bodyRtf: 0x1009,
  bodyHtml: 0x1013,
  displayName: 0x3001,
  attachedData: 0x3701,
  attachedName: 0x3704,
  attachedLongName: 0x3707,
  internetCodePage: 0x3fde,
} as const

const widths: Record<number, number> = {
  2: 4,
  3: 4,
  4: 4,
  5: 8,
  6: 8,
  7: 8,
  10: 4,
  11: 4,
  20: 8,
  64: 8,
  72: 16,
}

const unicode = 0x1f
const objects = new Set([0x0d, 0x1e, unicode, 0x102])
const many = 0x1000
const firstNamed = 0x8000
const mostProperties = 5000

/**
 * Reads properties as TNEF has them: https://learn.microsoft.com/openspecs/exchange_server_protocols/ms-oxtnef, 2.1.3.4.
 * Of several values of one property the first counts.
 * @throws RangeError for what breaks off or is none
 */
export function propertiesIn(bytes: Buffer): Properties {
  const cursor = new Cursor(bytes)
  const properties: Properties = new Map()
  const count = cursor.u32()
  if (count > mostProperties) throw new RangeError('too many properties')
  for (let read = 0; read < count; read++) {
    const type = cursor.u16()
    const tag = cursor.u16()
    if (tag >= firstNamed) passName(cursor)
    const [first] = valuesOf(type, cursor)
    if (first && !properties.has(tag))
      properties.set(tag, { bytes: first, isUnicode: (type & ~many) === unicode })
  }
  return properties
}

function passName(cursor: Cursor): void {
  cursor.take(16)
  const isByText = cursor.u32() === 1
  if (isByText) cursor.padded(cursor.u32())
  else cursor.u32()
}

function valuesOf(type: number, cursor: Cursor): Buffer[] {
  const one = type & ~many
  const isObject = objects.has(one)
  const count = isObject || type !== one ? cursor.u32() : 1
  if (count > mostProperties) throw new RangeError('too many values')
  const width = widths[one]
  if (!isObject && width === undefined) throw new RangeError('an unknown type')
  return Array.from({ length: count }, () =>
    isObject ? cursor.padded(cursor.u32()) : cursor.take(width ?? 0),
  )
}
