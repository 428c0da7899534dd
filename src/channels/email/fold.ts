import EmailReplyParser from 'email-reply-parser'

/** What somebody said in a mail, and what only stands below it: the history they quoted, their signature. */
export type Folded = { said: string; folded: string }

/** A text that is longer is nobody's reply, and is left as it is. */
const longest = 100_000

/**
 * Tells what is said from what stands below it. Nothing is lost: the two together are the text. Quotations between the
 * words stay where they are; a mail that passes another one on is all said.
 */
export function fold(text: string): Folded {
  if (text.length > longest || isPassedOn(text)) return { said: text, folded: '' }
  const fragments = new EmailReplyParser().read(withoutGaps(text)).getFragments()
  const last = fragments.findLastIndex((one) => !one.isQuoted() && !one.isSignature())
  const below = fragments.slice(last + 1)
  const from = startOf(below.map((one) => one.getContent()).join(''), text)
  const words = text.slice(0, from)
  const above = below.some((one) => one.isQuoted()) ? attributionIn(words) : ''
  const said = words
    .trimEnd()
    .slice(0, words.trimEnd().length - above.length)
    .trim()
  if (said === '') return { said: text, folded: '' }
  return { said, folded: (above && `${above}\n\n`) + text.slice(from).trim() }
}

/** Some of the parser's patterns look at each blank from each blank before it. */
function withoutGaps(text: string): string {
  return text.replace(/\n\s*\n/g, '\n\n').replace(/[^\S\n]{8,}/g, ' ')
}

/** Where the end of a text begins that has as many letters as `end`: the parser changes blanks, and nothing else. */
function startOf(end: string, text: string): number {
  let left = end.replace(/\s/g, '').length
  let at = text.length
  while (left > 0 && at > 0) {
    at -= 1
    if (/\S/.test(text.charAt(at))) left -= 1
  }
  return at
}

/** “Mnamo Jumatatu … Barua <barua@example.org> aliandika:”: who wrote what is quoted below, in whatever language. */
const attributionLine = /(?:^|\n\n)([^\n]{0,200}\n?[^\n]{0,200}[^\s<>@]+@[^\s<>@]+[^\n]{0,80}:)\s*$/

function attributionIn(words: string): string {
  return attributionLine.exec(words.slice(-600))?.[1]?.trimEnd() ?? ''
}

const passedOn =
  /^[\t ]*(?:-{2,}|_{5,}|Begin)[\t ]*(?:Forwarded|Original|Weitergeleitete|Mensaje reenviado|Message transféré|Ujumbe)/im

function isPassedOn(text: string): boolean {
  return passedOn.test(text) && !/^>/m.test(text)
}
