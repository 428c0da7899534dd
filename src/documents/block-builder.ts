import type { Block, BlockPlace, Cell, Run, Style } from '../submissions/formatted-text.ts'

/** Where characters go, and how they look there. */
export type Setting = {
  style: Style
  place: BlockPlace
  /** The level of the heading they are in. */
  heading?: number | undefined
  /**
   * What becomes of blanks: HTML makes one of many; a document says each of them; preformatted text is one block with
   * all its lines.
   */
  blanks: 'collapsed' | 'kept' | 'preformatted'
}

// As with everything that is typed: line ends of every platform are one, and other control characters carry no text.
const lineEnds = /\r\n?|[\v\f\u0085\u2028\u2029]/g
const controls = /[\p{Cc}--[\n\t]]/gv

/** Puts blocks together from characters, line breaks and boundaries, as a reader meets them on the way through a text. */
export class BlockBuilder {
  readonly #blocks: Block[] = []
  #open: Block | undefined
  #marker: string | undefined
  /** Line breaks to be made before the next characters: one begins a line, two begin a block. */
  #owed = 0
  /** Nothing but blanks stands on this line so far. */
  #isFresh = true
  /** The blanks that the line begins with, where they say something. */
  #indent = ''
  /** The line has blanks that cannot be broken: many programs write an empty line so. */
  #isKeptOpen = false
  #last = ''

  add(given: string, setting: Setting): void {
    const text = given.toWellFormed().replace(lineEnds, '\n').replace(controls, '')
    if (setting.blanks === 'collapsed') this.#addToLine(text.replace(/[ \t\n]+/g, ' '), setting)
    else {
      for (const [i, line] of text.split('\n').entries()) {
        if (i > 0) this.lineBreak(setting)
        this.#addToLine(line, setting)
      }
    }
  }

  lineBreak({ blanks }: Pick<Setting, 'blanks'>): void {
    if (blanks === 'preformatted' && this.#open?.kind === 'preformatted' && this.#owed === 0) {
      this.#lastRun.text += '\n'
      return
    }
    this.#owed += 1
    this.#beginLine()
  }

  /** The end of something: what follows begins a line of its own, or a block. */
  boundary(strength: 'line' | 'block'): void {
    if (this.#isKeptOpen) this.#owed += 1
    this.#owed = Math.max(this.#owed, strength === 'line' ? 1 : 2)
    this.#beginLine()
  }

  /** An item of a list begins, with this before it. */
  item(marker: string): void {
    this.boundary('line')
    this.#marker = marker
  }

  rule(place: BlockPlace): void {
    this.#push({ ...place, kind: 'rule' })
  }

  table(rows: Cell[][], place: BlockPlace): void {
    this.#push({ ...place, kind: 'table', rows })
  }

  /** Blocks that were put together elsewhere. */
  append(blocks: Block[]): void {
    for (const block of blocks) this.#push(block)
  }

  /** The last character that was added; undefined at the beginning of a line. */
  get lastCharacter(): string | undefined {
    return this.#isFresh ? undefined : this.#last
  }

  finish(): Block[] {
    this.boundary('block')
    this.#close()
    return this.#blocks
  }

  #push(block: Block): void {
    this.boundary('block')
    this.#close()
    this.#blocks.push(block)
  }

  #addToLine(text: string, setting: Setting): void {
    const isCollapsed = setting.blanks === 'collapsed'
    if (this.#isFresh && text.trim() === '') {
      if (isCollapsed) this.#isKeptOpen ||= text.includes('\u00A0')
      else this.#indent += text
      return
    }
    const joined = isCollapsed ? this.#collapsed(text) : text
    if (joined === '') return
    const begun = this.#isFresh ? this.#begun(joined) : joined
    this.#makeRoom(setting)
    this.#addRun({ ...setting.style, text: begun })
  }

  /** Without the blanks that stand after another one. */
  #collapsed(text: string): string {
    if (this.#isFresh) return text.trimStart()
    return this.lastCharacter === ' ' ? text.replace(/^ /, '') : text
  }

  /** The beginning of a line. What has a marker before it needs no blanks. */
  #begun(text: string): string {
    return this.#marker === undefined ? this.#indent + text : text.trimStart()
  }

  #beginLine(): void {
    this.#isFresh = true
    this.#indent = ''
    this.#isKeptOpen = false
  }

  /** Opens the block that the next characters belong to, or the next line of it. */
  #makeRoom(setting: Setting): void {
    if (this.#open && this.#owed < 2 && this.#marker === undefined && belongs(this.#open, setting)) {
      if (this.#owed === 1) this.#lastRun.text += this.#open.kind === 'heading' ? ' ' : '\n'
    } else {
      this.#close()
      this.#open = opened(setting, this.#marker)
      this.#marker = undefined
    }
    this.#owed = 0
    this.#beginLine()
    this.#isFresh = false
  }

  #addRun(run: Run): void {
    this.#last = run.text.at(-1) ?? ''
    const runs = runsOf(this.#open)
    const last = runs.at(-1)
    if (last && looksLike(last, run)) last.text += run.text
    else runs.push(run)
  }

  get #lastRun(): Run {
    return runsOf(this.#open).at(-1) ?? { text: '' }
  }

  #close(): void {
    const block = this.#open
    this.#open = undefined
    const runs = tidied(runsOf(block))
    if (block && runs.length > 0) this.#blocks.push(withRuns(block, runs))
  }
}

function opened({ place, heading, blanks }: Setting, marker: string | undefined): Block {
  if (heading !== undefined) return { ...place, kind: 'heading', level: heading, runs: [] }
  if (blanks === 'preformatted') return { ...place, kind: 'preformatted', runs: [] }
  return { ...place, kind: 'paragraph', runs: [], ...(marker !== undefined && { marker }) }
}

function belongs(block: Block, setting: Setting): boolean {
  const { kind } = opened(setting, undefined)
  const isOfLevel = block.kind !== 'heading' || block.level === setting.heading
  const isThere = block.quoted === setting.place.quoted && block.indent === setting.place.indent
  return block.kind === kind && isOfLevel && isThere
}

function looksLike(one: Style, other: Style): boolean {
  return (
    one.isStrong === other.isStrong &&
    one.isEmphasis === other.isEmphasis &&
    one.isStruck === other.isStruck &&
    one.href === other.href
  )
}

function runsOf(block: Block | undefined): Run[] {
  return block && 'runs' in block ? block.runs : []
}

function withRuns(block: Block, runs: Run[]): Block {
  // All of a heading in bold is only how headings look.
  const isBold =
    block.kind === 'heading' && runs.every(({ isStrong, text }) => isStrong || text.trim() === '')
  return { ...block, runs: isBold ? runs.map(({ isStrong, ...run }) => run) : runs } as Block
}

/** Without blanks at the ends of lines, and without what says nothing. */
function tidied(runs: Run[]): Run[] {
  let left = runs
    .map(({ text }) => text)
    .join('')
    .trimEnd().length
  const kept: Run[] = []
  for (const run of runs) {
    const text = run.text.slice(0, left)
    left -= text.length
    if (text !== '') kept.push({ ...run, text: text.includes('\n') ? withoutEnds(text) : text })
  }
  return kept
}

function withoutEnds(text: string): string {
  return text.replace(/(?<![ \t\u00A0])[ \t\u00A0]+\n/g, '\n')
}
