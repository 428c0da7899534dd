/** Whom a command of SMTP names, and the parameters that follow. */
type SmtpPath = { address: string; parameters: string }

/**
 * Reads the path of `MAIL FROM:` or `RCPT TO:` (RFC 5321, 4.1.2) as mail servers write it in fact: also without angle
 * brackets, with blanks or a name before it, and with whatever stands in it. Only a route before the address is left out,
 * as the standard asks. Whether the address is one that mail can be sent to, nobody has to know here.
 * Undefined if it is another command, or holds control characters.
 */
export function pathIn(command: string, verb: 'MAIL FROM' | 'RCPT TO'): SmtpPath | undefined {
  const [, given, rest = ''] = /^\s*([a-z]+\s+[a-z]+)\s*:\s*(.*)$/is.exec(command) ?? []
  if (given?.replace(/\s+/g, ' ').toUpperCase() !== verb || /\p{Cc}/u.test(rest.replaceAll('\t', ' '))) {
    return undefined
  }
  const { inside, after } = bracketed(rest) ?? split(unbracketed, rest) ?? { inside: '', after: rest }
  return { address: withoutRoute(inside.trim()), parameters: after.trim() }
}

/** Nothing in quotation marks ends a path, nor does what stands behind a backslash there. */
const upToBracket = /^(?:"(?:\\.|[^"\\])*"|[^"<])*(?=<)/
const inBrackets = /^[\s<]*(?![\s<])((?:"(?:\\.|[^"\\])*"|[^">])*)>+/
const unclosed = /^[\s<]*([^\s>]*)>*/
const unbracketed = /^((?:"(?:\\.|[^"\\])*"|\S)*)/

function bracketed(text: string): Split | undefined {
  const before = upToBracket.exec(text)?.[0]
  // Brackets among the parameters, as in `AUTH=<>`, are none of the path.
  if (before === undefined || before.includes('=')) return undefined
  const path = text.slice(before.length)
  return split(inBrackets, path) ?? split(unclosed, path)
}

type Split = { inside: string; after: string }

function split(pattern: RegExp, text: string): Split | undefined {
  const [whole, inside = ''] = pattern.exec(text) ?? []
  return whole === undefined ? undefined : { inside, after: text.slice(whole.length) }
}

/** A route is to be taken and left out of account: `<@relay.example:jane@example.org>` (RFC 5321, appendix C). */
function withoutRoute(address: string): string {
  return address.replace(/^@[^\s,:@]+(?:\s*,\s*@[^\s,:@]+)*\s*:\s*/, '')
}
