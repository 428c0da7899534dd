import libmime from 'libmime'
import { type CharsetHints, decodeText } from '../../core/charset.ts'

/** One word of RFC 2047, `=?charset?B or Q?coded text?=`, with a language perhaps (RFC 2231, 5). */
const word = /=\?([\w-]+)(?:\*[\w-]*)?\?([BbQq])\?([^?\s]*)\?=/g

/**
 * A header line as text, whatever its bytes are in: raw bytes that are not ASCII are decoded, and coded words that hold
 * other bytes than they say are coded anew, so that whoever decodes them next finds all their letters.
 * `line` holds a byte in each character.
 */
export function headerText(line: string, hints: CharsetHints = {}): string {
  const text = /^[\0-\x7F]*$/.test(line) ? line : decodeText(Buffer.from(line, 'latin1'), hints)
  return text.includes('=?') ? soundWords(text, hints) : text
}

/** The name that a header gives a file, with everything decoded once. */
export function parameterOf(line: string, name: string, hints: CharsetHints): string | undefined {
  const parsed = libmime.parseHeaderValue(headerText(line, hints), { stripComments: true })
  const value = parsed.params[name]
  if (!value) return undefined
  return parsed.decodedParams.includes(name) ? value : libmime.decodeWords(value)
}

/**
 * Words that stand beside each other are decoded as one, for a letter may be cut between them. One with letters that are
 * not of its charset is written as UTF-8.
 */
function soundWords(text: string, hints: CharsetHints): string {
  const words = [...text.matchAll(word)]
  const isSound = words.every(([whole]) => !libmime.decodeWords(whole).includes('\uFFFD'))
  if (isSound) return text
  return text.replace(/(?:=\?[^?\s]+\?[BbQq]\?[^?\s]*\?=\s*)+/g, (run) => recoded(run, hints))
}

function recoded(run: string, hints: CharsetHints): string {
  const words = [...run.matchAll(word)]
  const parts: { charset: string; bytes: Buffer }[] = []
  for (const [, charset = '', coding = '', coded = ''] of words) {
    const bytes = /b/i.test(coding) ? Buffer.from(coded, 'base64') : bytesOfQ(coded)
    const last = parts.at(-1)
    if (last?.charset === charset.toLowerCase()) last.bytes = Buffer.concat([last.bytes, bytes])
    else parts.push({ charset: charset.toLowerCase(), bytes })
  }
  const text = parts.map(({ charset, bytes }) => decodeText(bytes, { ...hints, declared: charset })).join('')
  return `=?utf-8?B?${Buffer.from(text).toString('base64')}?=${run.slice(run.trimEnd().length)}`
}

/** https://www.rfc-editor.org/rfc/rfc2047#section-4.2 */
function bytesOfQ(coded: string): Buffer {
  const plain = coded
    .replaceAll('_', ' ')
    .replace(/=([\dA-Fa-f]{2})/g, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)))
  return Buffer.from(plain, 'latin1')
}
