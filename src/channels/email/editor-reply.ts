import { findMark } from '../../outbound-mail/reply-delimiter.ts'
import { isDeviceLine, mayBeDeviceLine } from './device-lines.ts'
import { type Answered, headOfQuotation, quotationAtEnd } from './quoted-text.ts'

/** What an editor may ask for in the first line of a reply. */
const commands = ['accept', 'decline', 'claim', 'note'] as const
type MailCommand = (typeof commands)[number]

/** Why it is not certain which words are to be sent; an editor has to look. */
type Doubt = 'unsure' | 'words-below'

/** What an editor wrote above the mark. `command` is undefined for an answer to the sender. */
export type EditorReply = {
  command: MailCommand | { unknown: string } | undefined
  words: string
  /** The same with the command, and with what they may have written below the mark. */
  text: string
  /** What stood above the mark besides: what their mail program wrote there, and their signature. */
  leftOut: string
  /** The mark, and all below it. */
  below: string
  doubt: Doubt | undefined
}

/**
 * What an editor says in reply to a notice: all above the mark, but for what their mail program wrote directly above the
 * quotation, and a last block behind a line that is exactly `-- ` (RFC 3676, 4.3). No other line ends it.
 */
export function readEditorReply(text: string, answered: Answered, isHtmlOnly: boolean): EditorReply {
  const mark = findMark(text)
  const lines = text.split('\n')
  const end = mark ? quotationWith(lines, lineAt(text, mark.at)) : quotationAtEnd(lines)
  const head = headOfQuotation(lines, end, answered)
  const above = withoutDeviceLines(lines.slice(0, head.at))
  const { words, doubt } = withoutSignature(isHtmlOnly ? withoutPictures(above) : above, isHtmlOnly)
  const among = mark ? wordsBelow(lines.slice(end)) : ''
  const plain = words.join('\n').trim()
  return {
    ...asCommand(plain),
    text: [plain, among].filter((one) => one !== '').join('\n\n'),
    leftOut: lines.slice(words.length, end).join('\n').trim(),
    below: lines.slice(end).join('\n').trim(),
    doubt: doubt ?? (head.isCertain ? undefined : 'unsure') ?? (among === '' ? undefined : 'words-below'),
  }
}

function lineAt(text: string, at: number): number {
  return text.slice(0, at).split('\n').length - 1
}

const quoted = /^[\s\p{Cf}]*>/u
const blank = /^[\s\p{Cf}]*$/u

/** Where the mark is quoted, the quotation may begin some lines above it. */
function quotationWith(lines: string[], mark: number): number {
  if (!quoted.test(lines[mark] ?? '')) return mark
  let from = mark
  while (from > 0 && (quoted.test(lines[from - 1] ?? '') || blank.test(lines[from - 1] ?? ''))) from -= 1
  while (blank.test(lines[from] ?? '')) from += 1
  return from
}

/** Where what is quoted is told by its sign, words without it are the editor's, written below or between. */
function wordsBelow(below: string[]): string {
  if (!quoted.test(below[0] ?? '')) return ''
  const unquoted = below.filter((line) => !quoted.test(line))
  const signature = unquoted.findIndex((line) => /^-- ?$/.test(line))
  const words = signature === -1 ? unquoted : unquoted.slice(0, signature)
  return words.every((line) => blank.test(line) || isDeviceLine(line)) ? '' : words.join('\n').trim()
}

function withoutDeviceLines(lines: string[]): string[] {
  const end = lines.findLastIndex((line) => !blank.test(line))
  const last = lines[end]
  return last !== undefined && isDeviceLine(last) ? withoutDeviceLines(lines.slice(0, end)) : lines
}

/** Behind all words, what names a picture stands for one that goes, or does not, as a file. */
function withoutPictures(lines: string[]): string[] {
  const end = lines.findLastIndex((line) => !blank.test(line))
  return /^\[picture(?:: [^\]]*)?\]$/.test(lines[end] ?? '') ? withoutPictures(lines.slice(0, end)) : lines
}

/** More lines than this are no signature. */
const longestSignature = 8

function withoutSignature(
  lines: string[],
  isHtmlOnly: boolean,
): { words: string[]; doubt: Doubt | undefined } {
  const at = lines.findLastIndex((line) => line === '-- ' || line === '--')
  const below = lines.slice(at + 1).filter((line) => !blank.test(line)).length
  if (at === -1) return { words: lines, doubt: endsWithDeviceLine(lines) ? 'unsure' : undefined }
  if (below > longestSignature) return { words: lines, doubt: lines[at] === '-- ' ? 'unsure' : undefined }
  // HTML loses the blank.
  const isExact = lines[at] === '-- ' || isHtmlOnly
  return isExact
    ? { words: withoutDeviceLines(lines.slice(0, at)), doubt: undefined }
    : { words: lines, doubt: 'unsure' }
}

function endsWithDeviceLine(lines: string[]): boolean {
  const end = lines.findLastIndex((line) => !blank.test(line))
  const stands = end > 0 && blank.test(lines[end - 1] ?? '')
  return stands && mayBeDeviceLine(lines[end] ?? '')
}

/** Commands are held to their form: what only looks like one must not go to a sender as words. */
function asCommand(words: string): Pick<EditorReply, 'command' | 'words'> {
  const [, name, rest = ''] = /^\/([a-z][\w-]*)(?![^\s])[ \t]*([\s\S]*)$/i.exec(plainStart(words)) ?? []
  const command = commands.find((one) => one === name?.toLowerCase())
  if (command && !looksLikeCommand(rest)) return { command, words: rest.trim() }
  if (name !== undefined || looksLikeCommand(words)) return { command: { unknown: name ?? '' }, words }
  return { command: undefined, words }
}

/** Invisible characters hide what a text begins with. */
function plainStart(words: string): string {
  return words.replace(/^[\p{Cf}\s]+/u, '')
}

const slashed = /^[\s\p{Cf}"'“”‘’*_`>]*[/／\\⁄∕]+\s*\w/u
// Each line by itself: what only looks through them from each of many empty ones would take long.
const namesCommand = new RegExp(
  `^(?:[^\\S\\r\\n\\u2028\\u2029]|[\\p{Cf}"'“”‘’*_\`])*[/／\\\\⁄∕]+\\s*(?:${commands.join('|')})\\b`,
  'imu',
)

function looksLikeCommand(words: string): boolean {
  return slashed.test(words.split('\n', 1)[0] ?? '') || namesCommand.test(words)
}
