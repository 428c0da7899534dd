import { createHash, type Hash, hash } from 'node:crypto'
import { once } from 'node:events'
import type { Readable, Transform } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import mailsplit, { type MessageChunk, type MimeNode, type SplitterChunk } from '@zone-eu/mailsplit'
import libmime from 'libmime'
import { charsetOfHtml, decodeText } from '../../core/charset.ts'
import { parameterOf } from './header-text.ts'
import { UudecodeStream } from './uuencode.ts'

/** A part of a mail (RFC 2046): the mail itself, a container of parts, a text, or a file. */
export type Part = {
  /** The media type in small letters, as `text/plain`. */
  type: string
  /** The name it bears; a part with a name is a file. */
  name: string | undefined
  isAttachment: boolean
  /** What an S/MIME wrapping holds, as `enveloped-data` (RFC 8551, 3.2.2). */
  smimeType: string | undefined
  /** By what HTML names it, without brackets. */
  contentId: string | undefined
  /** In a container: its parts, in their order. */
  children: Part[]
  parent: Part | undefined
  /** What a text says, and a container before its first part; undefined for what is no text. */
  text: string | undefined
  /** What tells this part from another one in its place. */
  digest: string
}

/** A mail as it is built. */
export type MimeTree = {
  root: Part
  /** The header lines as they came: a byte in each character, names in small letters. */
  headerLines: { key: string; line: string }[]
  /** The charset of its first text, where it names one. */
  charset: string | undefined
  /** It holds more text than is read; the rest is in the raw mail. */
  isCut: boolean
}

/** Takes a file of a mail; resolves when it has been read to its end. */
type TakePart = (part: Part, content: AsyncIterable<Uint8Array>) => Promise<void>

const mostParts = 1000
const mostHeaderBytes = 1024 * 1024

/** Of all texts of a mail together. Bytes. */
const mostText = 4 * 1024 * 1024

const readAsText = /^(?:text\/(?:plain|html)|multipart\/.*)$/

/**
 * Reads a mail while it streams by: texts into memory, everything that is or may be a file through `takeFile`, one after
 * the other. Mails within a mail are files. A part that is both, a text with a name, is both here.
 * @throws what the splitter throws: an error with the code `EMAXLEN` where a limit is passed
 */
export async function readMime(source: Readable, takeFile: TakePart): Promise<MimeTree> {
  const splitter = new mailsplit.Splitter({
    ignoreEmbedded: true,
    maxChildNodes: mostParts,
    maxHeadSize: mostHeaderBytes,
  })
  const reading = new TreeReader(takeFile)
  await Promise.all([reading.readAll(splitter), pipeline(source, splitter)])
  return reading.tree()
}

class TreeReader {
  readonly #takeFile: TakePart
  readonly #parts = new Map<MimeNode, Part>()
  #root: Part | undefined
  #headerLines: MimeTree['headerLines'] = []
  #leaf: Leaf | undefined
  #charset: string | undefined
  #textLeft = mostText
  #isCut = false

  constructor(takeFile: TakePart) {
    this.#takeFile = takeFile
  }

  async readAll(splitter: AsyncIterable<unknown>): Promise<void> {
    try {
      for await (const chunk of splitter as AsyncIterable<SplitterChunk>) {
        if (chunk.type === 'node') await this.#begin(chunk)
        else await this.#takeContent(chunk)
      }
      await this.#end()
    } finally {
      this.#leaf?.destroy()
    }
  }

  tree(): MimeTree {
    const root = this.#root ?? newPart('text/plain', undefined)
    return { root, headerLines: this.#headerLines, charset: this.#charset, isCut: this.#isCut }
  }

  /** What stands behind the last part of a container is nobody's. */
  async #takeContent({ node, value }: MessageChunk): Promise<void> {
    if (this.#leaf?.node === node) await this.#leaf.write(value)
  }

  async #begin(node: MimeNode): Promise<void> {
    await this.#end()
    const parent = node.parentNode ? this.#parts.get(node.parentNode) : undefined
    const lines = node.headers ? node.headers.getList() : []
    const part = newPart(typeOf(node, parent), parent)
    this.#parts.set(node, part)
    if (parent) parent.children.push(part)
    else {
      this.#root = part
      this.#headerLines = lines
    }
    const hints = { nearby: (node.charset || this.#charset) ?? undefined }
    const valueIn = (key: string) => lines.find((line) => line.key === key)?.line.replace(/^[^:]*:\s*/, '')
    part.name =
      parameterOf(valueIn('content-disposition') ?? '', 'filename', hints) ??
      parameterOf(valueIn('content-type') ?? '', 'name', hints)
    part.smimeType = parameterOf(valueIn('content-type') ?? '', 'smime-type', hints)?.toLowerCase()
    part.isAttachment = /^\s*attachment\b/i.test(valueIn('content-disposition') ?? '')
    part.contentId = valueIn('content-id')?.trim().replace(/^<|>$/g, '') || undefined
    if (readAsText.test(part.type)) this.#charset ??= node.charset || undefined
    this.#leaf = new Leaf(part, node, this.#textLeft, this.#takeFile)
  }

  async #end(): Promise<void> {
    const leaf = this.#leaf
    if (!leaf) return
    const { bytes, isCut } = await leaf.finish()
    this.#leaf = undefined
    const { part, node } = leaf
    if (!readAsText.test(part.type)) return
    this.#textLeft -= bytes.length
    this.#isCut ||= isCut
    part.text = textOf(bytes, part, node, this.#charset)
    // The way of a mail may change its line ends; it stays the same mail.
    if (!isCut) part.digest = hash('sha256', part.text.replace(/\s+/g, ' ').trim(), 'base64url')
  }
}

function newPart(type: string, parent: Part | undefined): Part {
  return {
    type,
    name: undefined,
    isAttachment: false,
    smimeType: undefined,
    contentId: undefined,
    children: [],
    parent,
    text: undefined,
    digest: '',
  }
}

/** Without a type of its own a part is plain text, and in a digest a mail (RFC 2046, 5.1.5). */
function typeOf(node: MimeNode, parent: Part | undefined): string {
  const isSilent = node.headers === false || !node.headers.hasHeader('content-type')
  if (isSilent && parent?.type === 'multipart/digest') return 'message/rfc822'
  const type = node.contentType || 'text/plain'
  return type.includes('/') ? type : 'text/plain'
}

/** All but texts that have no name and are not said to be attachments. */
function isFile(part: Part): boolean {
  return !readAsText.test(part.type) || part.name !== undefined || part.isAttachment
}

function textOf(bytes: Buffer, { type }: Part, node: MimeNode, nearby: string | undefined): string {
  const isHtml = type === 'text/html'
  const declared = node.charset || (isHtml ? charsetOfHtml(bytes) : undefined)
  const flowed = node.flowed ? unwrapped(bytes, node.delSp) : bytes
  return decodeText(flowed, { declared, nearby: (isHtml && charsetOfHtml(bytes)) || nearby }).replace(
    /\r\n?/g,
    '\n',
  )
}

/** https://www.rfc-editor.org/rfc/rfc3676: a byte in each character, so that the charset does not matter. */
function unwrapped(bytes: Buffer, delSp: boolean): Buffer {
  return Buffer.from(libmime.decodeFlowed(bytes.toString('latin1'), delSp), 'latin1')
}

/** A part without parts, while its content passes: on to whoever takes files, and into memory where it is a text. */
class Leaf {
  readonly part: Part
  readonly node: MimeNode
  readonly #decoder: Transform
  readonly #digest: Hash = createHash('sha256')
  readonly #kept: Buffer[] = []
  readonly #reading: Promise<void>
  #left: number

  constructor(part: Part, node: MimeNode, mostText: number, takeFile: TakePart) {
    this.part = part
    this.node = node
    this.#left = readAsText.test(part.type) ? mostText : 0
    this.#decoder = decoderOf(node)
    this.#reading = isFile(part) ? takeFile(part, this.#content()) : this.#readToEnd()
    // It is heard of when the part ends.
    this.#reading.catch(() => undefined)
  }

  async write(bytes: Buffer): Promise<void> {
    if (this.#decoder.destroyed || this.#decoder.write(bytes)) return
    await Promise.race([once(this.#decoder, 'drain'), once(this.#decoder, 'close')])
  }

  /** The beginning of its content, as far as there is room for it, and whether that is all. */
  async finish(): Promise<{ bytes: Buffer; isCut: boolean }> {
    this.#decoder.end()
    await this.#reading
    this.part.digest = this.#digest.digest('base64url')
    return { bytes: Buffer.concat(this.#kept), isCut: this.#left < 0 }
  }

  destroy(): void {
    this.#decoder.destroy()
  }

  async *#content(): AsyncGenerator<Uint8Array> {
    for await (const chunk of this.#decoder as AsyncIterable<Buffer>) {
      this.#digest.update(chunk)
      if (readAsText.test(this.part.type)) this.#keep(chunk)
      yield chunk
    }
  }

  #keep(chunk: Buffer): void {
    if (this.#left > 0) this.#kept.push(chunk.subarray(0, this.#left))
    this.#left -= chunk.length
  }

  async #readToEnd(): Promise<void> {
    for await (const _ of this.#content());
  }
}

function decoderOf(node: MimeNode): Transform {
  const isUuencoded = /^(?:x-)?uu(?:e|encode)$/.test(node.encoding || '')
  const decoder = isUuencoded ? new UudecodeStream() : node.getDecoder()
  // Whoever reads it hears that it broke; where nobody reads any more, nobody needs to.
  return decoder.on('error', () => undefined)
}
