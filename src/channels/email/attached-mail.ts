import { simpleParser } from 'mailparser'
import { textIn } from './code-page.ts'

/** So many characters of a subject tell a mail from others. */
const longest = 90
const unnamed = 'attached mail'

/**
 * How to call a mail that is attached to another: by its subject, as `Re - The bridge.eml`. `beginning` is what it begins
 * with, its header at least.
 */
export async function attachedMailName(beginning: Buffer): Promise<string> {
  const subject = await subjectIn(headerIn(beginning))
  return `${asName(subject) || unnamed}.eml`
}

/** Empty where there is none, or the header was made to break whatever reads it. */
async function subjectIn(header: string): Promise<string> {
  const read = await simpleParser(`${header}\r\n\r\n`).catch(() => undefined)
  return read?.subject ?? ''
}

/** In UTF-8 (RFC 6532), or in the letters that were usual before. A blank line ends it. */
function headerIn(beginning: Buffer): string {
  const text = isUtf8(beginning) ? beginning.toString() : textIn(beginning, 1252)
  return text.trimStart().split(/\r?\n\r?\n/, 1)[0] ?? ''
}

function isUtf8(bytes: Buffer): boolean {
  try {
    // It may be cut in the middle of a character.
    new TextDecoder('utf-8', { fatal: true }).decode(bytes, { stream: true })
    return true
  } catch {
    return false
  }
}

/** What stands for folders and the like would cut the name short. */
function asName(subject: string): string {
  const plain = subject
    .slice(0, 10 * longest)
    .replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]+/gu, ' ')
    .replace(/\s*[/\\:|]+\s*/g, ' - ')
    .replace(/["<>*?]/g, '')
    .replace(/\s+/g, ' ')
    .replace(/^[.\s-]+|[.\s-]+$/g, '')
  return plain.length <= longest ? plain : `${plain.slice(0, longest).toWellFormed().trimEnd()}…`
}
