import { deEncapsulateSync, Tokenize } from 'rtf-stream-parser'
import { ToPlainText } from 'rtf-stream-parser/dist/src/ToPlainText.js'
import { textIn } from '../../../core/code-page.ts'

/** The words of a rich text: the HTML that it was made from, or plain. */
type RtfWords = { plain: string } | { html: string }

/** What is longer nobody wrote by hand. Bytes. */
const longest = 2 * 1024 * 1024

/** Reading takes time with the square of the depth. */
const deepest = 200

/** More bytes than this are no length that the parser should make room for. */
const binary = /\\bin\d{7}/

/**
 * What a rich text says. Outlook keeps HTML in it:
 * https://learn.microsoft.com/openspecs/exchange_server_protocols/ms-oxrtfex. Undefined for what is no rich text, or
 * was made to break whatever reads it.
 */
export function wordsOfRtf(rtf: Buffer): RtfWords | undefined {
  const text = rtf.toString('latin1')
  if (rtf.length > longest || !text.startsWith('{\\rtf') || binary.test(text) || depthOf(text) > deepest)
    return undefined
  try {
    return /\\from(?:html|text)/.test(text.slice(0, 500)) ? encapsulated(rtf) : { plain: plainly(rtf) }
  } catch {
    return undefined
  }
}

const options = {
  decode: (bytes: Buffer, encoding: string) => textIn(bytes, Number(/\d+/.exec(encoding)?.[0] ?? 1252)),
  warn: () => undefined,
}

function encapsulated(rtf: Buffer): RtfWords {
  const { mode, text } = deEncapsulateSync(rtf, options)
  const words = String(text).replace(/\r\n?/g, '\n')
  return mode === 'html' ? { html: words } : { plain: words }
}

/** The parser’s streams are led by hand, as it does itself where all is there at once. */
function plainly(rtf: Buffer): string {
  const tokens = new Tokenize()
  const words = new ToPlainText(options)
  const chunks: string[] = []
  const orThrow = (error?: Error | null) => {
    if (error) throw error
  }
  tokens.push = (token) => {
    words._transform(token, 'utf8', orThrow)
    return true
  }
  words.push = (chunk) => {
    chunks.push(String(chunk))
    return true
  }
  tokens._transform(rtf, 'utf8', orThrow)
  tokens._flush(orThrow)
  words._flush(orThrow)
  return chunks.join('').replace(/\r\n?/g, '\n').trim()
}

function depthOf(text: string): number {
  let depth = 0
  let most = 0
  for (const [mark] of text.matchAll(/\\.|[{}]/gs)) {
    if (mark === '{') depth += 1
    if (mark === '}') depth -= 1
    most = Math.max(most, depth)
  }
  return most
}

const compressed = 0x75465a4c
const uncompressed = 0x414c454d
const headerLength = 16
const window = 4096
const beginning =
  '{\\rtf1\\ansi\\mac\\deff0\\deftab720{\\fonttbl;}{\\f0\\fnil \\froman \\fswiss \\fmodern \\fscript \\fdecor MS Sans SerifSymbolArialTimes New RomanCourier{\\colortbl\\red0\\green0\\blue0\r\n\\par \\pard\\plain\\f0\\fs20\\b\\i\\u\\tab\\tx'

/**
 * Unpacks a rich text as Outlook packs it: https://learn.microsoft.com/openspecs/exchange_server_protocols/ms-oxrtfcp.
 * Undefined for what is none, or is longer than anybody writes.
 */
export function unpackedRtf(packed: Buffer): Buffer | undefined {
  if (packed.length < headerLength) return undefined
  const size = packed.readUInt32LE(4)
  const kind = packed.readUInt32LE(8)
  const body = packed.subarray(headerLength)
  if (kind === uncompressed) return body.subarray(0, size)
  return kind === compressed && size <= longest ? decompressed(body, size) : undefined
}

/** LZ77 with a window that begins with what most rich texts begin with. Whatever breaks off is taken as far as it goes. */
function decompressed(body: Buffer, size: number): Buffer {
  const dictionary = Buffer.alloc(window)
  let write = dictionary.write(beginning, 'latin1')
  const out = Buffer.alloc(size)
  let length = 0
  const put = (byte: number) => {
    dictionary[write] = byte
    write = (write + 1) % window
    if (length < size) out[length++] = byte
  }
  for (let at = 0, run = 0, control = 0; at < body.length && length < size; run = (run + 1) % 8) {
    if (run === 0) control = body[at++] ?? 0
    if ((control & (1 << run)) === 0) {
      put(body[at++] ?? 0)
      continue
    }
    if (at + 2 > body.length) break
    const token = body.readUInt16BE(at)
    at += 2
    const from = token >> 4
    if (from === write) break
    for (let copied = 0; copied < (token & 15) + 2; copied++) put(dictionary[(from + copied) % window] ?? 0)
  }
  return out.subarray(0, length)
}
