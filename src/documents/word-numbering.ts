import { type Numbering, numeral } from './list-label.ts'
import { descendants, type Element, elementsIn, type Markup } from './markup.ts'
import { isOn, valueIn } from './word-package.ts'

type Level = { start: number; format: string; text: string; isLegal: boolean }
type Definition = { id: string; levels: ReadonlyMap<number, Level>; styleLink: string | undefined }
type WordList = {
  definition: string
  starts: ReadonlyMap<number, number>
  levels: ReadonlyMap<number, Level>
}

const numberings: Record<string, Numbering> = {
  decimal: 'decimal',
  decimalZero: 'decimal-leading-zero',
  lowerLetter: 'lower-letter',
  upperLetter: 'upper-letter',
  lowerRoman: 'lower-roman',
  upperRoman: 'upper-roman',
}

/** A number in one of Word's formats; those of other scripts are counted in figures. */
export function wordNumeral(number: number, format: string): string {
  if (format === 'none') return ''
  return numeral(number, (Object.hasOwn(numberings, format) && numberings[format]) || 'decimal')
}

/** Counts the paragraphs of lists as Word does, for it writes their numbers nowhere (ECMA-376, 17.9). */
export class WordNumbering {
  readonly #definitions: ReadonlyMap<string, Definition>
  readonly #lists: ReadonlyMap<string, WordList>
  readonly #listOfStyle: (styleId: string) => string | undefined
  readonly #counts = new Map<string, number[]>()
  readonly #begun = new Set<string>()

  constructor(nodes: Markup[], listOfStyle: (styleId: string) => string | undefined) {
    const definitions = [...descendants(nodes, 'w:abstractNum')].map(definitionOf)
    this.#definitions = new Map(definitions.map((definition) => [definition.id, definition]))
    this.#lists = new Map(
      [...descendants(nodes, 'w:num')].map((num): [string, WordList] => [
        num.attribs['w:numId'] ?? '',
        listOf(num),
      ]),
    )
    this.#listOfStyle = listOfStyle
  }

  /** What stands before the next paragraph of a list: `-` for a bullet, empty where there is nothing. */
  next(id: string, depth: number): string {
    const list = this.#lists.get(id)
    const definition = this.#definitionOf(list)
    if (!list || !definition) return '-'
    const levelAt = (at: number) => list.levels.get(at) ?? definition.levels.get(at)
    const counts = this.#counts.get(definition.id) ?? []
    this.#counts.set(definition.id, counts)
    const startAt = (at: number) => list.starts.get(at) ?? levelAt(at)?.start ?? 1
    for (let above = 0; above < depth; above += 1) counts[above] ??= startAt(above)
    const isNew = !this.#begun.has(`${id} ${depth}`) && list.starts.has(depth)
    this.#begun.add(`${id} ${depth}`)
    const count = counts[depth]
    counts[depth] = count === undefined || isNew ? startAt(depth) : count + 1
    counts.length = depth + 1
    const level = levelAt(depth)
    if (!level || level.format === 'bullet') return '-'
    return level.text.replace(/%([1-9])/g, (_place, digit: string) => {
      const at = Number(digit) - 1
      const format = level.isLegal ? 'decimal' : (levelAt(at)?.format ?? 'decimal')
      return wordNumeral(counts[at] ?? startAt(at), format)
    })
  }

  /** A list may be defined by a style, which names another list. */
  #definitionOf(list: WordList | undefined): Definition | undefined {
    const definition = this.#definitions.get(list?.definition ?? '')
    const linked = definition?.styleLink && this.#lists.get(this.#listOfStyle(definition.styleLink) ?? '')
    return linked ? this.#definitions.get(linked.definition) : definition
  }
}

function definitionOf(element: Element): Definition {
  return {
    id: element.attribs['w:abstractNumId'] ?? '',
    levels: levelsIn(element),
    styleLink: valueIn(element, 'w:numStyleLink'),
  }
}

function listOf(num: Element): WordList {
  const overrides = elementsIn(num).filter(({ name }) => name === 'w:lvlOverride')
  const starts = overrides.flatMap((one): [number, number][] => {
    const start = valueIn(one, 'w:startOverride')
    return start === undefined ? [] : [[Number(one.attribs['w:ilvl']), Number(start)]]
  })
  return {
    definition: valueIn(num, 'w:abstractNumId') ?? '',
    starts: new Map(starts),
    levels: new Map(overrides.flatMap((one) => [...levelsIn(one)])),
  }
}

function levelsIn(element: Element): ReadonlyMap<number, Level> {
  return new Map(
    elementsIn(element)
      .filter(({ name }) => name === 'w:lvl')
      .map((level): [number, Level] => [Number(level.attribs['w:ilvl']), levelOf(level)]),
  )
}

function levelOf(element: Element): Level {
  const format = valueIn(element, 'w:numFmt') ?? 'decimal'
  return {
    start: Number(valueIn(element, 'w:start') ?? 0) || 0,
    format,
    // It is said once more for each item.
    text: (valueIn(element, 'w:lvlText') ?? '').slice(0, 80).toWellFormed(),
    isLegal: isOn(element, 'w:isLgl') ?? false,
  }
}
