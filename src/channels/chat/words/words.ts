import { type DraftItem, tally } from '../draft.ts'
import { type ChatWords, en } from './en.ts'
import { fr } from './fr.ts'
import { sw } from './sw.ts'

export type { ChatWords } from './en.ts'

/** The languages that the bot speaks. */
export const languages = { en, sw, fr }
type Language = keyof typeof languages

export function isLanguage(code: string): code is Language {
  return Object.hasOwn(languages, code)
}

/** The language asked for, as `sw` or `sw-KE`; English where we do not speak it. */
export function wordsIn(code: string | undefined): ChatWords {
  const language = code?.split('-')[0]?.toLowerCase() ?? ''
  return isLanguage(language) ? languages[language] : en
}

/** Where the form is, which does not ask who writes. */
export function saferForm(words: ChatWords, siteUrl: string, onionUrl: string | undefined): string {
  const form = words.saferForm(`${siteUrl}/`)
  return onionUrl === undefined ? form : `${form}\n${words.inTor(`${onionUrl}/`)}`
}

function codeOf(words: ChatWords): Language {
  return (Object.keys(languages) as Language[]).find((code) => languages[code] === words) ?? 'en'
}

/** “3 photos, 2 messages”. */
export function gathered(words: ChatWords, items: Pick<DraftItem, 'field' | 'sort'>[]): string {
  const counts = tally(items).map(([sort, count]) => counted(words, words.gathered[sort], count))
  if (counts.length === 0) return words.nothingYet
  return counts.join(', ')
}

/** “10 minutes”, “1 hour”. Milliseconds. */
export function lasting(words: ChatWords, ms: number): string {
  const minutes = Math.max(1, Math.round(ms / 60_000))
  return minutes >= 120
    ? counted(words, words.hours, Math.round(minutes / 60))
    : counted(words, words.minutes, minutes)
}

function counted(words: ChatWords, forms: { one: string; other: string }, count: number): string {
  const form = new Intl.PluralRules(codeOf(words)).select(count) === 'one' ? forms.one : forms.other
  return form.replace('{}', String(count))
}
