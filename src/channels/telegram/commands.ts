import { type CommandName, commandNames } from '../chat/command-names.ts'
import { languages } from '../chat/words/words.ts'

export type BotCommand = {
  /** Undefined for what looks like a command and is none. */
  name: CommandName | undefined
  /** What stands after it. Empty for a command alone. */
  rest: string
  /** Where that begins. UTF-16 units. */
  restAt: number
}

/**
 * A slash, as a keyboard of any script has it, a word, perhaps the name of a bot and what ends a sentence: alone, or with
 * words after it. Entities are not asked: a relay may not pass them on. `/etc/passwd` and `/help-desk` are no commands.
 */
const shape =
  /^([\s\u200B-\u200F\uFEFF]*[/\uFF0F\u2044\u2215](\s*)([\p{L}_][\p{L}\p{M}\p{N}_]{0,31})(?:@\w{1,64})?[.,:;!?\u2026]{0,3})(?:\s+|$)/u

/**
 * The command that a text is or begins with. Phones write capitals where nobody has, and every language has its own
 * words.
 */
export function commandIn(text: string): BotCommand | undefined {
  const [whole = '', , blanks = '', word = ''] = shape.exec(text) ?? []
  if (word === '') return undefined
  const name = named.get(folded(word))
  // “/ and so on” is no command; “/ cancel” is one.
  if (blanks !== '' && name === undefined) return undefined
  const rest = text.slice(whole.length)
  return { name, rest: rest.trimEnd(), restAt: whole.length }
}

/** A word without capitals, accents and the wide letters of some keyboards. */
function folded(word: string): string {
  return word.normalize('NFKD').replace(/\p{M}/gu, '').toLowerCase()
}

const named = new Map<string, CommandName>(
  commandNames.flatMap((name) => [
    [name, name] as const,
    ...Object.values(languages).flatMap(({ commandWords }) =>
      commandWords[name].map((word) => [folded(word), name] as const),
    ),
  ]),
)

/** The payload of a deep link, which Telegram puts after `/start`. https://core.telegram.org/bots/features#deep-linking */
export function isPayload(rest: string): boolean {
  return /^[\w-]{0,64}$/.test(rest)
}
