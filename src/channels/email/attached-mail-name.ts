import { simpleParser } from 'mailparser'
import { headerText } from './header-text.ts'

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

/** Its lines, each with all its letters, whatever they are in. A blank line ends it. */
function headerIn(beginning: Buffer): string {
  const [header = ''] = beginning
    .toString('latin1')
    .trimStart()
    .split(/\r?\n\r?\n/, 1)
  return header
    .split(/\r?\n(?![ \t])/)
    .map((line) => headerText(line))
    .join('\r\n')
}

/** What stands for folders and the like would cut the name short. */
function asName(subject: string): string {
  const plain = subject
    .slice(0, 10 * longest)
    .replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]+/gu, ' ')
    .replace(/[/\\:|]+/g, ' - ')
    .replace(/["<>*?]/g, '')
    .replace(/\s+/g, ' ')
    .replace(/^[.\s-]+|(?<![.\s-])[.\s-]+$/g, '')
  return plain.length <= longest ? plain : `${plain.slice(0, longest).toWellFormed().trimEnd()}…`
}
