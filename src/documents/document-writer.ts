import { type Block, type Formatted, writtenOut } from '../submissions/formatted-text.ts'
import { BlockBuilder, type Setting } from './block-builder.ts'
import { named } from './named.ts'
import { type Shift, shifted } from './shifted.ts'

/** What is gathered over a whole document, to be said at its end. */
type Gathered = { notes: Block[]; outside: Set<string>; hasDeletions: boolean; left: number }

/** More characters than these are not shown in any case (`article.ts`): what follows them is not put together. */
const mostCharacters = 400_000

/** Writes down what is read of a document: its text in order, and below it what the pages show elsewhere. */
export class DocumentWriter {
  readonly #builder = new BlockBuilder()
  readonly #gathered: Gathered
  #shift: { text: string; setting: Setting; shift: Shift } | undefined
  #asides: Block[] = []
  /** The last thing said was that something is hidden. */
  #isHidden = false

  constructor(
    gathered: Gathered = { notes: [], outside: new Set(), hasDeletions: false, left: mostCharacters },
  ) {
    this.#gathered = gathered
  }

  /** Characters, as they are; raised or lowered ones are said so that they do not run into what stands beside them. */
  say(text: string, setting: Setting, shift?: Shift): void {
    this.#isHidden = false
    if (this.#gathered.left <= 0) return
    this.#gathered.left -= text.length + 1
    if (shift && this.#shift?.shift === shift) {
      this.#shift.text += text
      return
    }
    this.#settle()
    if (shift) this.#shift = { text, setting, shift }
    else this.#builder.add(text, setting)
  }

  /** Characters of what is too deep to be read as it is, paragraph by paragraph. */
  sayLines(text: string, setting: Setting): void {
    this.say(text, { ...setting, blanks: 'kept' })
    if (text.includes('\n')) this.endParagraph()
  }

  /** Characters that the document keeps from being seen. */
  hide(text: string, setting: Setting): void {
    if (text.trim() === '' || this.#isHidden) return
    this.say(named('hidden text'), setting)
    this.#isHidden = true
  }

  lineBreak(setting: Setting): void {
    this.#settle()
    this.#builder.lineBreak(setting)
  }

  item(marker: string): void {
    this.#settle()
    this.#builder.item(marker)
  }

  rule(setting: Setting): void {
    this.#settle()
    this.#builder.rule(setting.place)
  }

  /** The end of a paragraph. What floats beside it follows. */
  endParagraph(): void {
    this.#settle()
    this.#builder.boundary('block')
    this.#builder.append(this.#asides.splice(0))
  }

  /** The end of a paragraph that goes on with the next one, for the mark between them was deleted. */
  joinNext(): void {
    this.#settle()
  }

  append(blocks: Block[]): void {
    this.#settle()
    this.#builder.append(blocks)
  }

  /** Blocks of a box that stands beside the text. */
  aside(write: (writer: DocumentWriter) => void): void {
    this.#asides.push(...this.apart(write))
  }

  /** A note: the text has its mark, and the note itself stands at the end. */
  note(label: string, setting: Setting, write: (writer: DocumentWriter) => void): void {
    const mark = `[${label}]`
    this.say(mark, setting)
    const blocks = this.apart((below) => {
      below.item(mark)
      write(below)
    })
    const isMarked = blocks.some((block) => block.kind === 'paragraph' && block.marker === mark)
    this.#gathered.notes.push(...(isMarked ? [] : [remark(mark)]), ...blocks)
  }

  /** What is printed on every page. A number by itself only counts them. */
  onEveryPage(where: 'header' | 'footer', write: (writer: DocumentWriter) => void): void {
    const text = writtenOut(this.apart(write))
    const label = named(where, text)
    if (/\p{L}/u.test(text)) this.#gathered.outside.add(label)
  }

  /** Words that were deleted while changes were tracked: they are no longer what their author says. */
  deleted(words: string): void {
    if (words.trim() !== '') this.#gathered.hasDeletions = true
  }

  /** Blocks that are written by themselves. */
  apart(write: (writer: DocumentWriter) => void): Block[] {
    const writer = new DocumentWriter(this.#gathered)
    write(writer)
    writer.endParagraph()
    return writer.#builder.finish()
  }

  /** All that was written, with what belongs below it. */
  finish(): Formatted {
    this.endParagraph()
    const { notes, outside, hasDeletions } = this.#gathered
    const remarks = [
      ...outside,
      ...(hasDeletions
        ? ['[Words were deleted with changes tracked. They are in the original file only.]']
        : []),
    ]
    const below = [...notes, ...remarks.map(remark)]
    const blocks = this.#builder.finish()
    return below.length === 0 || blocks.length === 0
      ? [...blocks, ...below]
      : [...blocks, { kind: 'rule' }, ...below]
  }

  #settle(): void {
    if (!this.#shift) return
    const { text, setting, shift } = this.#shift
    this.#shift = undefined
    this.#builder.add(shifted(text, shift, this.#builder.lastCharacter), setting)
  }
}

function remark(text: string): Block {
  return { kind: 'paragraph', runs: [{ text }] }
}
