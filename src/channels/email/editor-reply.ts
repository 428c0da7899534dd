import { findMark } from '../../reply-mark.ts'
import { fold } from './fold.ts'

/** What an editor may ask for in the first line of a reply. */
export const commands = ['accept', 'decline', 'claim', 'note'] as const
export type Command = (typeof commands)[number]

/** What an editor wrote above the mark. `command` is undefined for an answer to the sender. */
export type EditorReply = { command: Command | { unknown: string } | undefined; words: string }

/** What an editor says in reply to a notice: all above the mark, without quoted history, headers and signature. */
export function readEditorReply(text: string): EditorReply {
  const mark = findMark(text)
  const above = mark ? text.slice(0, mark.at) : text
  const { said } = fold(withQuoteBelow(plainly(above), mark !== undefined))
  return asCommand(mark && isOnlyHeaders(said) ? '' : withoutHeaders(said))
}

/** Invisible characters and marks of emphasis hide what a line begins with. */
function plainly(text: string): string {
  return text.replace(/^\p{Cf}+/gmu, '').replace(/^\*+([^*\n]+:)\*+/gm, '$1')
}

// The line that says who wrote what is quoted stands above the mark, and is told by the quotation below it.
function withQuoteBelow(above: string, isQuoted: boolean): string {
  return isQuoted ? `${above.trimEnd()}\n\n> quoted` : above
}

/** Nothing but the history: the parser then takes it all for said. */
function isOnlyHeaders(said: string): boolean {
  return said.trimEnd().endsWith('> quoted')
}

const headerLine = /^\s*\S[^:\n]{0,30}:\s/
const fewestHeaders = 3

/** The head of a quoted mail, as some programs write it in every language: lines of a name and what it names. */
function withoutHeaders(said: string): string {
  const lines = said.trimEnd().split('\n')
  let from = lines.length
  while (from > 0 && headerLine.test(`${lines[from - 1]} `)) from -= 1
  const headers = lines.slice(from)
  if (headers.length < fewestHeaders || !headers.some((line) => line.includes('@'))) return said
  const above = lines.slice(0, from).join('\n').trimEnd()
  return above.replace(/\n[-_*= ]{3,}[^\n]*$/, '')
}

/** Commands are held to their form: what only looks like one must not go to a sender as words. */
function asCommand(said: string): EditorReply {
  const words = said.trim()
  const [, name, rest = ''] = /^\/([a-z][\w-]*)(?![^\s])[ \t]*([\s\S]*)$/i.exec(words) ?? []
  const command = commands.find((one) => one === name?.toLowerCase())
  if (command && !looksLikeCommand(rest)) return { command, words: rest.trim() }
  if (name !== undefined || looksLikeCommand(words)) return { command: { unknown: name ?? '' }, words }
  return { command: undefined, words }
}

const slashed = /^[\s"'“”‘’*_`>]*[/／\\⁄∕]+\s*\w/
const namesCommand = new RegExp(`^[\\s"'“”‘’*_\`]*[/／\\\\⁄∕]+\\s*(?:${commands.join('|')})\\b`, 'im')

function looksLikeCommand(words: string): boolean {
  return slashed.test(words.split('\n', 1)[0] ?? '') || namesCommand.test(words)
}
