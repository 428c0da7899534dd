import { franc } from 'franc-min'

/** Fewer letters tell no language. Characters of Chinese or Japanese say as much as three. */
const fewest = 60
const weight = 3

/** More characters make it no clearer. */
const enough = 1000

/**
 * The language a text is written in, by its English name as the form suggests it: the one that the mail itself names
 * (Content-Language, RFC 3282), or the one it looks like. Undefined where that cannot be told.
 */
export function languageOf(text: string, named?: string): string | undefined {
  const code = named?.split(',')[0]?.trim() || guessed(text.slice(0, enough))
  if (code === undefined) return undefined
  try {
    return new Intl.DisplayNames(['en'], { type: 'language', fallback: 'none' }).of(code)
  } catch {
    return undefined
  }
}

function guessed(text: string): string | undefined {
  const words = text.replace(/https?:\S+|<[^>]*>|[^\p{L}\p{M}\s]/gu, '')
  const letters = words.match(/\p{L}/gu)?.length ?? 0
  const ideographs = words.match(/[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}]/gu)?.length ?? 0
  if (letters + (weight - 1) * ideographs < fewest) return undefined
  const code = franc(words, { minLength: 1 })
  return code === 'und' ? undefined : code
}
