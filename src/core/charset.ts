import chardet from 'chardet'
import iconv from 'iconv-lite'

/** What is known of the charset of some bytes, besides what they themselves tell. */
export type CharsetHints = {
  /** The charset that they are said to be in. */
  declared?: string | undefined
  /** The charset of the text that they stand in or beside. */
  nearby?: string | undefined
}

/** As much as is looked at to tell a charset. Bytes. */
const sample = 64 * 1024

/** Of 100: what is less likely is taken for Windows-1252, which most mail without a charset is in. */
const sure = 20

/** Charsets of Latin letters are alike: another one is believed only if it is so much more likely than Windows-1252. */
const clearlyMore = 25

/** One byte a character: bytes that are sound UTF-8 are hardly ever meant to be anything else. */
const singleByte = /^(?:us-ascii|iso-8859-\d+|windows-125\d|ibm\d+|koi8-[ru]|macintosh|x-mac-[a-z]+)$/
const western = /^(?:ascii|iso-8859-1|windows-1252)$/i
const latin = /^(?:iso-8859-(?:2|9)|windows-125[0478])$/i

/**
 * Decodes bytes as the charset they are declared to be in, where they can be in it; otherwise as UTF-8, as the text
 * nearby, as they look, or as Windows-1252, in this order. The bytes themselves are always kept in the raw mail.
 */
export function decodeText(bytes: Uint8Array, { declared, nearby }: CharsetHints = {}): string {
  const named = canonical(declared)
  const utf8 = decodedAs('utf-8', bytes)
  if (utf8 !== undefined && (named === undefined || singleByte.test(named))) return utf8
  return (
    (named && decodedAs(named, bytes)) ??
    utf8 ??
    decodedAs(canonical(nearby) ?? '', bytes) ??
    decodedAs(guessed(bytes), bytes) ??
    new TextDecoder('windows-1252').decode(bytes)
  )
}

/** The charset that an HTML document says of itself in `<meta>` or in its XML declaration, near its beginning. */
export function charsetOfHtml(bytes: Uint8Array): string | undefined {
  const head = Buffer.from(bytes.buffer, bytes.byteOffset, Math.min(bytes.length, 4096)).toString('latin1')
  return /<(?:meta|\?xml)\b[^>]{0,200}?\b(?:charset|encoding)\s*=\s*["']?\s*([\w:.-]{2,40})/i.exec(head)?.[1]
}

/** Undefined where these bytes are not in this charset, or it is not known. */
function decodedAs(charset: string, bytes: Uint8Array): string | undefined {
  if (!charset) return undefined
  // ASCII that is none is declared by programs that do not care.
  if (charset === 'us-ascii') return bytes.every((byte) => byte < 0x80) ? asLatin(bytes) : undefined
  try {
    return new TextDecoder(charset, { fatal: true }).decode(bytes)
  } catch {
    return decodedByName(charset, bytes)
  }
}

function asLatin(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('latin1')
}

/** Charsets that browsers do not know: UTF-7, code pages of old systems. */
function decodedByName(charset: string, bytes: Uint8Array): string | undefined {
  if (isOfBrowsers(charset) || !iconv.encodingExists(charset) || noCharset.test(charset)) return undefined
  const text = iconv.decode(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length), charset)
  return text.includes('\uFFFD') ? undefined : text
}

/** Codings that the library knows besides, and that are no charsets. */
const noCharset = /^(?:base64|hex|internal|binary)$/

function isOfBrowsers(charset: string): boolean {
  try {
    return Boolean(new TextDecoder(charset))
  } catch {
    return false
  }
}

/** One name for the many that a charset goes by. */
function canonical(name: string | undefined): string | undefined {
  const plain = name
    ?.trim()
    .toLowerCase()
    .replace(/^["']|["']$/g, '')
  if (
    !plain ||
    /^(?:unknown|x-unknown|unknown-8bit|x-user-defined|default|none|binary|8bit|7bit)/.test(plain)
  )
    return undefined
  if (/^(?:us-)?ascii$|^ansi_x3\.4/.test(plain)) return 'us-ascii'
  const tidy = aliases[plain] ?? plain.replace(/^(?:cp|win|windows)[-_]?(125\d)$/, 'windows-$1')
  try {
    // Browsers read Latin-1 as Windows-1252, which is what such mail is in.
    return new TextDecoder(tidy).encoding
  } catch {
    return tidy
  }
}

const aliases: Record<string, string> = {
  'unicode-1-1-utf-7': 'utf-7',
  unicode11utf7: 'utf-7',
  'unicode-2-0-utf-7': 'utf-7',
  'iso-2022-jp-ms': 'iso-2022-jp',
  cp50220: 'iso-2022-jp',
  cp932: 'shift_jis',
  cp936: 'gbk',
  cp949: 'euc-kr',
  cp950: 'big5',
  ks_c_5601: 'euc-kr',
  'iso-8859-8-e': 'iso-8859-8',
  utf8mb4: 'utf-8',
  'utf-8-sig': 'utf-8',
}

/** The charset that these bytes look like, where that is clear enough. */
function guessed(bytes: Uint8Array): string {
  const found = chardet.analyse(bytes.subarray(0, sample))
  const [likely] = found
  if (!likely || likely.confidence < sure) return 'windows-1252'
  const usual = found.find(({ name }) => western.test(name))?.confidence ?? 0
  if (latin.test(likely.name) && likely.confidence < usual + clearlyMore) return 'windows-1252'
  return canonical(likely.name) ?? 'windows-1252'
}
