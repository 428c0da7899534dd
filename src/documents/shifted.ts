// The characters of Unicode that are above or below the line: https://www.unicode.org/charts/PDF/U2070.pdf
const raised = mapOf('0123456789+-−=()in', '⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻⁻⁼⁽⁾ⁱⁿ')
const lowered = mapOf('0123456789+-−=()aeox', '₀₁₂₃₄₅₆₇₈₉₊₋₋₌₍₎ₐₑₒₓ')

export type Shift = 'raised' | 'lowered'

/** How raised or lowered text is written: with characters of its own, with a mark around it, or as it is. */
type Shifted = { map: ReadonlyMap<string, string> } | { mark: string } | undefined

/** More characters are raised for their looks, not for what they say. */
const longest = 40

/**
 * How to write text that is raised or lowered so that it does not become part of what stands beside it: 10⁶ and not 106.
 * @param before the character that it follows
 */
export function shiftOf(text: string, shift: Shift, before: string | undefined): Shifted {
  const words = text.trim()
  const map = shift === 'raised' ? raised : lowered
  if (words === '' || words.length > longest) return undefined
  if ([...words].every((character) => map.has(character))) return { map }
  return speaksForItself(words, before) ? undefined : { mark: shift === 'raised' ? '^' : '~' }
}

/** As `shiftOf` says, for text that is at hand. */
export function shifted(text: string, shift: Shift, before: string | undefined): string {
  const how = shiftOf(text, shift, before)
  if (how === undefined) return text
  return 'mark' in how ? how.mark + text + how.mark : mapped(text, how.map)
}

export function mapped(text: string, map: ReadonlyMap<string, string>): string {
  return [...text].map((character) => map.get(character) ?? character).join('')
}

/** A numeral with its ending, as in 5th, and the mark of a note in brackets. */
function speaksForItself(words: string, before = ''): boolean {
  return (/^(?:st|nd|rd|th)$/i.test(words) && /\d/.test(before)) || /^\[[^[\]]*\]$/.test(words)
}

function mapOf(from: string, to: string): ReadonlyMap<string, string> {
  const targets = [...to]
  return new Map([...from].map((character, i) => [character, targets[i] ?? character]))
}
