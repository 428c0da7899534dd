/**
 * A text with its formatting, block after block: what an article keeps of the HTML or the document it came as. Nothing
 * stands within anything else, so it is as easy to read as it is to show, however deep the markup was.
 */
export type Formatted = Block[]

export type Block = BlockPlace &
  (
    | { kind: 'paragraph'; runs: Run[]; marker?: string }
    | { kind: 'heading'; runs: Run[]; level: number }
    | { kind: 'preformatted'; runs: Run[] }
    | { kind: 'table'; rows: Cell[][] }
    | { kind: 'rule' }
  )

/** Where a block stands. */
export type BlockPlace = {
  /** How many quotations it is in. */
  quoted?: number
  /** How many lists it is in; an item of one has a marker, as `-` or `3.`. */
  indent?: number
}

/** Characters that look alike. A line break is `\n`. */
export type Run = Style & { text: string }

export type Style = {
  isStrong?: true
  isEmphasis?: true
  /** Struck out: its author takes it back. */
  isStruck?: true
  /** Where it leads: an address of the web or of a mailbox. */
  href?: string
}

export type Cell = { runs: Run[]; columns?: number; rows?: number; isHeading?: true }

/** What stands before and after struck words, wherever they are shown: without it they would say the opposite. */
const strike = '~~'

/**
 * The text in plain characters, as it is read wherever formatting cannot be shown. The marks are those of Markdown, for
 * people know them; nothing is escaped, and nothing reads them as Markdown again.
 */
export function writtenOut(blocks: Formatted): string {
  return linesOf(blocks).join('\n')
}

/** The blocks that the first lines of the written text are of. */
export function firstLines(blocks: Formatted, count: number): Formatted {
  const kept: Formatted = []
  let left = count
  for (const [i, block] of blocks.entries()) {
    left -= between(blocks[i - 1], block).length
    if (left <= 0) break
    kept.push(beginningOf(block, left))
    left -= written(block).length
  }
  return kept
}

/** Cuts a text that is written with more characters than `most`, and says so with this remark. */
export function shortenedTo(most: number, blocks: Formatted, remark: string): Formatted {
  if (writtenOut(blocks).length <= most) return blocks
  const kept = firstCharacters(blocks, most - remark.length - 2)
  return [...kept, { kind: 'paragraph', runs: [{ text: remark }] }]
}

/** The text with other characters, each run by itself. */
export function withCharacters(blocks: Formatted, change: (text: string) => string): Formatted {
  const changed = (runs: Run[]) => runs.map((run) => ({ ...run, text: change(run.text) }))
  return blocks.map((block) => {
    if ('runs' in block) return { ...block, runs: changed(block.runs) }
    if (block.kind !== 'table') return block
    return {
      ...block,
      rows: block.rows.map((row) => row.map((cell) => ({ ...cell, runs: changed(cell.runs) }))),
    }
  })
}

function firstCharacters(blocks: Formatted, most: number): Formatted {
  let left = most
  for (const [i, block] of blocks.entries()) {
    const apart = between(blocks[i - 1], block).join('').length + (i > 0 ? 2 : 0)
    const length = lengthOf(block)
    if (apart + length > left) return [...blocks.slice(0, i), ...cutTo(left - apart, block)]
    left -= apart + length
  }
  return blocks
}

/** As much of a block as is written with at most so many characters. */
function cutTo(most: number, block: Block): Formatted {
  let share = Math.max(0, most) / lengthOf(block)
  while (share > 0.001) {
    const cut = shareOf(block, share)
    if (lengthOf(cut) <= most) return [cut]
    share *= 0.9
  }
  return []
}

function shareOf(block: Block, share: number): Block {
  if (block.kind === 'table')
    return { ...block, rows: block.rows.slice(0, Math.floor(block.rows.length * share)) }
  if (!('runs' in block)) return block
  let left = Math.floor(textOf(block.runs).length * share)
  const runs: Run[] = []
  for (const run of block.runs) {
    if (left > 0) runs.push({ ...run, text: run.text.slice(0, left).toWellFormed() })
    left -= run.text.length
  }
  return { ...block, runs }
}

function lengthOf(block: Block): number {
  return written(block).join('\n').length
}

function linesOf(blocks: Formatted): string[] {
  return blocks.flatMap((block, i) => [...between(blocks[i - 1], block), ...written(block)])
}

/** The empty line between two blocks; there is none between the items of a list. */
function between(above: Block | undefined, block: Block): string[] {
  if (!above) return []
  const isInList = above.indent !== undefined && block.indent !== undefined
  const quoted = Math.min(above.quoted ?? 0, block.quoted ?? 0)
  const isOneList = isInList && above.quoted === block.quoted
  return isOneList ? [] : ['> '.repeat(quoted).trimEnd()]
}

/** The lines of a block. A line break in it is one in what is written. */
function written(block: Block): string[] {
  const quotation = '> '.repeat(block.quoted ?? 0)
  const marker = 'marker' in block && block.marker !== undefined ? `${block.marker} ` : ''
  // The marker stands in the indent of its list; what has none is below the words of the item.
  const indent = '  '.repeat(Math.max(0, (block.indent ?? 0) - (marker === '' ? 0 : 1)))
  return plainLines(block).map((line, i) => {
    const lead = i === 0 ? marker : ' '.repeat(marker.length)
    return `${quotation}${indent}${lead}${line}`.trimEnd()
  })
}

function plainLines(block: Block): string[] {
  switch (block.kind) {
    case 'heading':
      return [`${'#'.repeat(block.level)} ${marked(block.runs)}`]
    case 'table':
      return block.rows.map((row) => `| ${row.map(cellText).join(' | ')} |`)
    case 'rule':
      return ['* * *']
    case 'preformatted':
      return textOf(block.runs).split('\n')
    case 'paragraph':
      return marked(block.runs).split('\n')
  }
}

/** A row is one line: line breaks within a cell are written as in a quoted poem. */
function cellText({ runs }: Cell): string {
  return marked(runs).trim().replaceAll('\n', ' / ')
}

export function textOf(runs: Run[]): string {
  return runs.map(({ text }) => text).join('')
}

const layers: { of: (run: Run) => string | undefined; mark: (words: string, href: string) => string }[] = [
  { of: ({ href }) => href, mark: linked },
  { of: ({ isStrong }) => (isStrong ? '**' : undefined), mark: (words) => `**${words}**` },
  { of: ({ isEmphasis }) => (isEmphasis ? '*' : undefined), mark: (words) => `*${words}*` },
  { of: ({ isStruck }) => (isStruck ? strike : undefined), mark: (words) => strike + words + strike },
]

/** Runs with the marks of how they look; those that look alike in some way are marked as one. */
function marked(runs: Run[], [layer, ...within] = layers): string {
  if (!layer) return textOf(runs)
  return alike(runs, layer.of)
    .map(({ look, group }) => {
      const text = marked(group, within)
      return look === undefined ? text : aroundWords(text, (words) => layer.mark(words, look))
    })
    .join('')
}

function alike(runs: Run[], of: (run: Run) => string | undefined) {
  const groups: { look: string | undefined; group: Run[] }[] = []
  for (const run of runs) {
    const last = groups.at(-1)
    const look = of(run)
    if (last && last.look === look) last.group.push(run)
    else groups.push({ look, group: [run] })
  }
  return groups
}

/** Blanks stay outside of marks; marks around nothing say nothing. */
function aroundWords(text: string, mark: (words: string) => string): string {
  const words = text.trim()
  if (words === '') return text
  const begin = text.length - text.trimStart().length
  return text.slice(0, begin) + mark(words) + text.slice(begin + words.length)
}

/** A link is written out where it leads somewhere that its words do not say. */
function linked(words: string, href: string): string {
  const [shown, leadsTo] = [words, href].map((address) => address.replace(/\/$/, '')) as [string, string]
  const isShown = [shown, `mailto:${shown}`, `tel:${shown}`, `http://${shown}`, `https://${shown}`].includes(
    leadsTo,
  )
  return isShown ? words : `[${words}](${href})`
}

function beginningOf(block: Block, lines: number): Block {
  switch (block.kind) {
    case 'table':
      return { ...block, rows: block.rows.slice(0, lines) }
    case 'paragraph':
    case 'preformatted':
      return { ...block, runs: upToLine(block.runs, lines) }
    default:
      return block
  }
}

function upToLine(runs: Run[], count: number): Run[] {
  const kept: Run[] = []
  let left = count
  for (const run of runs) {
    const lines = run.text.split('\n')
    if (lines.length > left) return [...kept, { ...run, text: lines.slice(0, left).join('\n') }]
    kept.push(run)
    left -= lines.length - 1
  }
  return kept
}
