import type { Block, Formatted, Run } from '../../submissions/formatted-text.ts'

/** A longer line is no sub-heading. */
const longestHeading = 80

/** A shorter paragraph has none above it. */
export const shortestBelow = 100

/**
 * Text that somebody typed, for showing. Every character stays as it is, blanks and line breaks too, for what looks like
 * a mark is mostly none: `# of dead: 5`, `2 * 3`, `1986. A year`. Marked are only what nobody types by accident, words
 * between `**`, and lines after `##`; a short line by itself above a paragraph is set as a heading, and is not changed.
 */
export function typed(text: string): Formatted {
  const lines = text.split('\n')
  const blocks: Block[] = []
  let paragraph: string[] = []
  const close = () => {
    if (paragraph.length > 0) blocks.push({ kind: 'paragraph', runs: strongIn(paragraph.join('\n')) })
    paragraph = []
  }
  for (const [i, line] of lines.entries()) {
    const heading = line.trim() === '' ? undefined : headingIn(lines, i)
    if (line.trim() === '' || heading) close()
    else paragraph.push(line)
    if (heading) blocks.push(heading)
  }
  close()
  return blocks
}

function headingIn(lines: string[], i: number): Block | undefined {
  const line = lines[i] ?? ''
  const [, marks, words] = /^(#{2,6})[ \t]+(\S.*)$/.exec(line) ?? []
  if (marks && words) return { kind: 'heading', level: marks.length, runs: strongIn(words) }
  const isOne = i > 0 && isShort(line) && isApart(lines[i - 1]) && isAboveParagraph(lines, i)
  return isOne ? { kind: 'heading', level: 2, runs: strongIn(line) } : undefined
}

/** True for a few words on one line that are no sentence and no item of a list. */
export function isShort(line: string): boolean {
  const words = line.trim()
  return (
    words.length <= longestHeading &&
    !words.includes('\n') &&
    /\p{L}/u.test(words) &&
    !/[.,;:…]$/.test(words) &&
    !itemOrQuote.test(words)
  )
}

const itemOrQuote = /^(?:[-*+•–—>|#]|\d{1,3}[.)]|\p{L}[.)])(?:\s|$)/u

/** What is above it is no line of the same paragraph. */
function isApart(above = ''): boolean {
  return above.trim() === '' || above.length >= shortestBelow
}

/** Below it is a paragraph: one long line, or, after an empty one, several lines. */
function isAboveParagraph(lines: string[], i: number): boolean {
  const next = lines[i + 1] ?? ''
  if (next.trim() !== '') return next.length >= shortestBelow
  let begin = i + 1
  while (begin < lines.length && lines[begin]?.trim() === '') begin += 1
  let length = 0
  for (let at = begin; length < shortestBelow && lines[at]?.trim(); at += 1) length += lines[at]?.length ?? 0
  return length >= shortestBelow
}

// The marks stand at the edges of words: those within one, or by themselves, are something else.
const strong =
  /(?<![\p{L}\p{N}*\\/])\*\*(?=[\p{L}\p{N}"“'‘([¿¡$€£#@])([^*\n]+)(?<=[\p{L}\p{N}"”'’)\].!?…:;,%])\*\*(?![\p{L}\p{N}*])/gu

function strongIn(text: string): Run[] {
  const runs: Run[] = []
  let end = 0
  for (const { 0: whole, 1: words = '', index } of text.matchAll(strong)) {
    if (index > end) runs.push({ text: text.slice(end, index) })
    runs.push({ text: words, isStrong: true })
    end = index + whole.length
  }
  return end < text.length ? [...runs, { text: text.slice(end) }] : runs
}
