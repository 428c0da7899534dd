import { Readable } from 'node:stream'
import { type Markup, parseXml, XmlBudget } from './markup.ts'

const mostUnpacked = 50 * 1024 * 1024
const mostFiles = 5000

/** The parts of a Word or OpenDocument file, by their names. Each is read once, however often it is asked for. */
export type Archive = { part: (name: string) => Promise<Markup[] | undefined> }

/**
 * Opens a document that is a zip. Undefined if more is packed in it than anybody writes: it is unpacked for that once,
 * and not held.
 * @throws for what is no zip
 */
export async function openArchive(document: Buffer): Promise<Archive | undefined> {
  const { default: JSZip } = await import('jszip')
  const zip = await JSZip.loadAsync(document)
  const files = Object.values(zip.files)
  if (files.length > mostFiles) return undefined
  let size = 0
  for (const file of files) {
    for await (const chunk of new Readable().wrap(file.nodeStream())) {
      size += chunk.length
      if (size > mostUnpacked) return undefined
    }
  }
  const budget = new XmlBudget()
  const read = new Map<string, Markup[] | undefined>()
  return {
    async part(name) {
      const path = name.replace(/^\//, '')
      if (!read.has(path)) {
        const bytes = await zip.file(path)?.async('uint8array')
        read.set(path, bytes && parseXml(decoded(bytes), budget))
      }
      return read.get(path)
    },
  }
}

/** XML says by its first bytes whether it is UTF-16 (XML 1.0, F.1); otherwise it is UTF-8 in these documents. */
function decoded(bytes: Uint8Array): string {
  const [first, second] = bytes
  const isLittle = first === 0xff && second === 0xfe
  const isBig = first === 0xfe && second === 0xff
  return new TextDecoder(isLittle ? 'utf-16le' : isBig ? 'utf-16be' : 'utf-8').decode(bytes)
}
