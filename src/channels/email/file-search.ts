import { Readable } from 'node:stream'
import { inflateSync } from 'node:zlib'

/** Whether a file holds one of some words; undefined where it is too large to be looked through. */
export type SearchResult = boolean | undefined

/** An answer takes no more than this. Bytes. */
const mostBytes = 20 * 1024 * 1024
const mostUnpacked = 100 * 1024 * 1024
const mostStreams = 5000

/**
 * Looks for words in a file, in capital or small letters: as it is, in the parts of an office document, which is a zip
 * archive, and in the packed streams of a PDF. Words that a picture or a recording shows are not found.
 */
export async function holdsAnyOf(words: string[], content: AsyncIterable<Uint8Array>): Promise<SearchResult> {
  const file = await whole(content)
  if (!file) return undefined
  const isHere = searching(words)
  if (isHere(file)) return true
  const start = file.toString('latin1', 0, 1024)
  if (start.startsWith('PK')) return inZip(file, isHere)
  return start.includes('%PDF-') && inPdf(file, isHere)
}

async function whole(content: AsyncIterable<Uint8Array>): Promise<Buffer | undefined> {
  const chunks: Uint8Array[] = []
  let size = 0
  for await (const chunk of content) {
    size += chunk.length
    if (size <= mostBytes) chunks.push(chunk)
  }
  return size <= mostBytes ? Buffer.concat(chunks) : undefined
}

type Search = (bytes: Buffer) => boolean

/** Texts are in UTF-8 or in UTF-16, and markup may stand between the words. */
function searching(words: string[]): Search {
  const wanted = words.map(squeezed)
  const isIn = (text: string) => wanted.some((word) => text.includes(word))
  return (bytes) => {
    const utf8 = bytes.toString('utf8')
    const utf16 = bytes.includes(0) ? [bytes.toString('utf16le'), bytes.subarray(1).toString('utf16le')] : []
    return [utf8, utf8.replace(/<[^<>]*>/g, ''), ...utf16].map(squeezed).some(isIn)
  }
}

function squeezed(text: string): string {
  return text.toLowerCase().replace(/\s+/g, ' ')
}

async function inZip(file: Buffer, isHere: Search): Promise<SearchResult> {
  const { default: JSZip } = await import('jszip')
  const zip = await JSZip.loadAsync(file)
  let left = mostUnpacked
  for (const entry of Object.values(zip.files)) {
    if (isHere(Buffer.from(entry.name))) return true
    const chunks: Buffer[] = []
    for await (const chunk of new Readable().wrap(entry.nodeStream()) as AsyncIterable<Buffer>) {
      left -= chunk.length
      if (left < 0) return undefined
      chunks.push(chunk)
    }
    if (isHere(Buffer.concat(chunks))) return true
  }
  return false
}

/** Streams that are packed as PDF does mostly (ISO 32000-1, 7.4.4); what is packed otherwise is not looked into. */
function inPdf(file: Buffer, isHere: Search): SearchResult {
  let at = 0
  for (let count = 0; count < mostStreams; count++) {
    const begins = file.indexOf('stream', at)
    if (begins === -1) return false
    const ends = file.indexOf('endstream', begins)
    if (ends === -1) return false
    at = ends + 'endstream'.length
    const packed = file.subarray(begins + 'stream'.length, ends)
    if (isHere(unpacked(packed.subarray(packed.indexOf('\n') + 1)))) return true
  }
  return undefined
}

function unpacked(bytes: Buffer): Buffer {
  try {
    return inflateSync(bytes, { maxOutputLength: mostBytes })
  } catch {
    return Buffer.alloc(0)
  }
}
