import { textIn } from '../../../core/code-page.ts'
import { Cursor } from './cursor.ts'
import { type Properties, type Property, propertiesIn, tags } from './mapi.ts'
import { unpackedRtf, wordsOfRtf } from './rtf.ts'

/** What Outlook packs into a `winmail.dat`. */
type Tnef = {
  /** Its words, empty where it has none of that form. */
  plain: string
  html: string
  files: TnefFile[]
  /** False if it breaks off, or some of it could not be read: the files that are here may be not all. */
  isWhole: boolean
}

type TnefFile = { name: string; content: Buffer }

/** A larger one is not opened: it has to be held in memory as a whole, for names come behind what they name. Bytes. */
export const mostTnefBytes = 32 * 1024 * 1024

/** True for a part that Outlook packed its mail into, by its type or name. */
export function isTnef(contentType: string, name: string | undefined): boolean {
  return /^application\/(?:vnd\.)?ms-tnef$/i.test(contentType) || /^winmail\.dat$/i.test(name ?? '')
}

/** https://learn.microsoft.com/openspecs/exchange_server_protocols/ms-oxtnef, 2.1.3.3.2 */
const attributes = {
  codePage: 0x9007,
  body: 0x800c,
  properties: 0x9003,
  attachment: 0x9002,
  attachedName: 0x8010,
  attachedData: 0x800f,
  attachedProperties: 0x9005,
} as const

const signature = 0x223e9f78
const objectHeader = 16
const mostFiles = 500
const deepest = 4
const usualCodePage = 1252

/** Opens a `winmail.dat`; undefined if it is none. What is in it is not believed: no length leads beyond its end. */
export function tnefIn(bytes: Buffer): Tnef | undefined {
  return bytes.length <= mostTnefBytes ? opened(bytes, 0) : undefined
}

type Attached = { title: string; data: Buffer | undefined; properties: Properties }

function opened(bytes: Buffer, depth: number): Tnef | undefined {
  const cursor = new Cursor(bytes)
  if (bytes.length < 6 || cursor.u32() !== signature) return undefined
  cursor.u16()
  const read = {
    codePage: usualCodePage,
    body: '',
    properties: new Map() as Properties,
    attached: [] as Attached[],
  }
  let isWhole = true
  try {
    while (!cursor.isAtEnd && read.attached.length <= mostFiles) readAttribute(cursor, read)
  } catch (error) {
    if (!(error instanceof RangeError)) throw error
    isWhole = false
  }
  const words = wordsIn(read.properties, read.codePage)
  const plain = words.plain || read.body
  const files = read.attached.slice(0, mostFiles).flatMap((one) => filesOf(one, read.codePage, depth))
  return { ...words, plain, files, isWhole: isWhole && read.attached.length <= mostFiles }
}

type TnefReading = { codePage: number; body: string; properties: Properties; attached: Attached[] }

function readAttribute(cursor: Cursor, read: TnefReading): void {
  cursor.u8()
  const id = cursor.u32() & 0xffff
  const data = cursor.take(cursor.u32())
  // The checksum tells of broken wires only.
  cursor.u16()
  const last = read.attached.at(-1)
  switch (id) {
    case attributes.codePage:
      if (data.length >= 4) read.codePage = data.readUInt32LE()
      break
    case attributes.body:
      read.body = ended(textIn(data, read.codePage))
      break
    case attributes.properties:
      read.properties = propertiesIn(data)
      break
    case attributes.attachment:
      read.attached.push({ title: '', data: undefined, properties: new Map() })
      break
    case attributes.attachedName:
      if (last) last.title = ended(textIn(data, read.codePage))
      break
    case attributes.attachedData:
      if (last) last.data = data
      break
    case attributes.attachedProperties:
      if (last) last.properties = propertiesIn(data)
      break
  }
}

/** In the form that they were written in: HTML, in itself or within rich text, and plain. */
function wordsIn(properties: Properties, codePage: number): { plain: string; html: string } {
  const html = properties.get(tags.bodyHtml)
  const packed = properties.get(tags.bodyRtf)
  const rtf = packed && unpackedRtf(packed.bytes)
  const rich = { plain: '', html: '', ...(rtf && wordsOfRtf(rtf)) }
  const page = numberOf(properties.get(tags.internetCodePage)) ?? codePage
  return {
    plain: textOf(properties.get(tags.body), codePage) || rich.plain,
    html: textOf(html, page) || rich.html,
  }
}

function numberOf(property: Property | undefined): number | undefined {
  return property && property.bytes.length >= 4 ? property.bytes.readUInt32LE() : undefined
}

function textOf(property: Property | undefined, codePage: number): string {
  if (!property) return ''
  const { bytes, isUnicode } = property
  return ended(isUnicode ? new TextDecoder('utf-16le').decode(bytes) : textIn(bytes, codePage))
}

/** Texts end with a zero. */
function ended(text: string): string {
  return text.split('\0', 1)[0]?.replace(/\r\n?/g, '\n') ?? ''
}

/** A file; of a message that was attached its words and its files. */
function filesOf({ title, data, properties }: Attached, codePage: number, depth: number): TnefFile[] {
  const named = [tags.attachedLongName, tags.attachedName, tags.displayName]
  const name =
    [...named.map((tag) => textOf(properties.get(tag), codePage)), title].find((one) => one !== '') ?? 'file'
  const object = properties.get(tags.attachedData)?.bytes
  const message = object && depth < deepest ? opened(object.subarray(objectHeader), depth + 1) : undefined
  if (message) {
    const words = message.plain || message.html
    const itself =
      words === '' ? [] : [{ name: `${name}.${message.plain ? 'txt' : 'html'}`, content: Buffer.from(words) }]
    return [...itself, ...message.files]
  }
  const content = data ?? object
  return content ? [{ name, content }] : []
}
