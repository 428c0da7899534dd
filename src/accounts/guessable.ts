import { commonPhrases, commonWords } from './common-passphrases.ts'

/** So many characters have to be left when all that is tried first is taken out. */
const fewestOwn = 8

/** So many different characters, at least. */
const fewestDifferent = 6
const rows = [
  'abcdefghijklmnopqrstuvwxyz',
  '01234567890123456789',
  'qwertyuiopasdfghjklzxcvbnm',
  'qwertzuiopasdfghjklyxcvbnm',
  'azertyuiopqsdfghjklmwxcvbn',
  '1qaz2wsx3edc4rfv5tgb6yhn7ujm8ik9ol0p',
]
const shortestRun = 4

/** How letters are written as digits and signs, by those who hope that it helps. */
const disguised: Record<string, string> = {
  '0': 'o',
  '1': 'i',
  '3': 'e',
  '4': 'a',
  '5': 's',
  '7': 't',
  '@': 'a',
  $: 's',
  '!': 'i',
}

/**
 * Why a passphrase would be among the first that somebody tries, in words for whoever chose it; undefined where it
 * would not.
 */
export function whyGuessable(
  passphrase: string,
  { email, newsroom }: { email: string; newsroom: string },
): string | undefined {
  const plain = lettersOf(passphrase)
  const clear = lettersOf(undisguised(passphrase))
  if (new Set(plain).size < fewestDifferent || isRepetition(plain))
    return 'This repeats the same few characters. Five random words work well.'
  if ([plain, clear].some((text) => phrases.has(text) || phrases.has(text.replace(/(?<!\d)\d+$/, ''))))
    return 'This is on a list of common passphrases. Five random words work well.'
  const own = [plain, clear].map((text) => withoutRuns(without(text, knownWords(email, newsroom))))
  if (own.some((text) => text.length < fewestOwn))
    return 'This is made of common words, keys in a row, or the name of the newsroom or your address. Five random words work well.'
  return undefined
}

const phrases = new Set(commonPhrases.map(lettersOf))

/** The longest first, so that no part of one is taken out instead. */
function knownWords(email: string, newsroom: string): string[] {
  const names = [...email.split(/[^\p{L}\p{N}]+/u), ...newsroom.split(/[^\p{L}\p{N}]+/u), newsroom, email]
  const words = [...commonWords, ...names.map(lettersOf).filter((name) => name.length >= 3)]
  return words.toSorted((a, b) => b.length - a.length)
}

function lettersOf(text: string): string {
  return text.toLowerCase().replace(/[^\p{L}\p{N}]/gu, '')
}

function undisguised(text: string): string {
  return text.replace(/[0134570@$!]/g, (sign) => disguised[sign] ?? sign)
}

/** The same few letters again and again, also broken off: `abcabcab`. */
function isRepetition(text: string): boolean {
  for (let length = 1; length <= text.length / 2; length++)
    if (
      text ===
      text
        .slice(0, length)
        .repeat(Math.ceil(text.length / length))
        .slice(0, text.length)
    )
      return true
  return false
}

function without(text: string, words: string[]): string {
  return words.reduce((left, word) => left.replaceAll(word, ''), text)
}

/** Without what is typed along the keyboard or the alphabet, in either direction, or with one key. */
function withoutRuns(text: string): string {
  const lines = [...rows, ...rows.map((row) => [...row].reverse().join(''))]
  let left = ''
  for (let at = 0; at < text.length; ) {
    const run = Math.max(...lines.map((line) => runIn(text, at, line)), sameFrom(text, at))
    if (run < shortestRun) left += text[at]
    at += run < shortestRun ? 1 : run
  }
  return left
}

function runIn(text: string, at: number, line: string): number {
  let length = shortestRun
  if (!line.includes(text.slice(at, at + length)) || at + length > text.length) return 0
  while (at + length < text.length && line.includes(text.slice(at, at + length + 1))) length += 1
  return length
}

function sameFrom(text: string, at: number): number {
  let length = 1
  while (text[at + length] === text[at]) length += 1
  return length
}
