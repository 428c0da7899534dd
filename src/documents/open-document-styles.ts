import { type Numbering, numeral } from './list-label.ts'
import { type Look, laidOver } from './look.ts'
import { childOf, descendants, type Element, elementsIn, type Markup } from './markup.ts'
import { symbolFontOf } from './symbols.ts'

/** Styles lead to others that they are based on; more are a circle. */
const mostParents = 20

/** The styles of an OpenDocument text, those of its own and those that it makes for itself. */
export class OpenDocumentStyles {
  readonly #styles = new Map<string, Element>()
  readonly #fonts: ReadonlyMap<string, string>
  readonly #lists: ReadonlyMap<string, Levels>
  readonly outline: Levels

  constructor(nodes: Markup[]) {
    for (const style of descendants(nodes, 'style:style')) {
      const key = keyOf(style.attribs['style:family'], style.attribs['style:name'])
      // Those of the text come first: headers have styles of their own under the same names.
      if (!this.#styles.has(key)) this.#styles.set(key, style)
    }
    const fonts = [...descendants(nodes, 'style:font-face')]
    this.#fonts = new Map(
      fonts.map(({ attribs }) => [attribs['style:name'] ?? '', attribs['svg:font-family'] ?? '']),
    )
    const lists = [...descendants(nodes, 'text:list-style')]
    this.#lists = new Map(lists.map((list) => [list.attribs['style:name'] ?? '', new Levels(list, '-')]))
    const [outline] = descendants(nodes, 'text:outline-style')
    this.outline = new Levels(outline, '')
  }

  ofParagraph(name: string | undefined): { look: Look; isTitle: boolean; isQuotation: boolean } {
    const styles = this.#withParents('paragraph', name)
    const names = styles.map(({ attribs }) => attribs['style:name'])
    return {
      look: this.#lookOf(styles),
      isTitle: names.includes('Title'),
      isQuotation: names.includes('Quotations'),
    }
  }

  /** How a span looks where its surroundings look so. */
  ofText(name: string | undefined, around: Look): Look {
    return laidOver(this.#lookOf(this.#withParents('text', name)), around)
  }

  levelsOf(name: string): Levels {
    return this.#lists.get(name) ?? new Levels(undefined, '-')
  }

  #withParents(family: string, name: string | undefined): Element[] {
    const found: Element[] = []
    let style = this.#styles.get(keyOf(family, name))
    while (style && found.length < mostParents) {
      found.push(style)
      style = this.#styles.get(keyOf(family, style.attribs['style:parent-style-name']))
    }
    return found
  }

  #lookOf(styles: Element[]): Look {
    return laidOver(...styles.map((style) => this.#lookIn(childOf(style, 'style:text-properties'))))
  }

  #lookIn(properties: Element | undefined): Look {
    const attribute = (name: string) => properties?.attribs[name]
    const family =
      attribute('fo:font-family') ??
      this.#fonts.get(attribute('style:font-name') ?? '') ??
      attribute('style:font-name')
    return {
      isStrong: means(attribute('fo:font-weight'), /^(?:bold|[6-9]00)$/),
      isEmphasis: means(attribute('fo:font-style'), /^(?:italic|oblique)$/),
      isStruck: means(
        attribute('style:text-line-through-style') ?? attribute('style:text-line-through-type'),
        /^(?!none$)/,
      ),
      isHidden: means(attribute('text:display'), /^none$/),
      shift: shiftOf(attribute('style:text-position')),
      font: family === undefined ? undefined : (symbolFontOf(family) ?? ''),
    }
  }
}

/** The levels of a list, or of the headings: what each item has before it. */
export class Levels {
  readonly #levels: ReadonlyMap<string | undefined, Element>
  readonly #otherwise: string

  /** @param otherwise what stands before the items of a level that nothing is said of */
  constructor(style: Element | undefined, otherwise: '-' | '') {
    const levels = style ? elementsIn(style) : []
    this.#levels = new Map(levels.toReversed().map((level) => [level.attribs['text:level'], level]))
    this.#otherwise = otherwise
  }

  /**
   * What stands before the next item on a level: `-` for a bullet, empty where there is nothing.
   * @param counts how far each level has counted; it is counted on
   * @param start what the item is counted from, where it says so
   */
  label(counts: number[], depth: number, start: number | undefined): string {
    const level = this.#level(depth)
    for (let above = 0; above < depth; above += 1) counts[above] ??= this.#startOf(above)
    const next = counts[depth] === undefined ? this.#startOf(depth) : counts[depth] + 1
    counts[depth] = start ?? next
    counts.length = depth + 1
    if (level === undefined) return this.#otherwise
    if (/bullet|image/.test(level.name)) return '-'
    if (!formatOf(level)) return ''
    const shown = Number(level.attribs['text:display-levels'] ?? 1) || 1
    const numbers = counts
      .slice(Math.max(0, depth + 1 - shown))
      .map((count, i, all) => ({ count, format: formatOf(this.#level(depth + 1 - all.length + i)) }))
      .flatMap(({ count, format }) => (format ? [numeral(count, format)] : []))
    return `${around(level, 'style:num-prefix')}${numbers.join('.')}${around(level, 'style:num-suffix')}`.trim()
  }

  #level(depth: number): Element | undefined {
    return this.#levels.get(String(depth + 1))
  }

  #startOf(depth: number): number {
    return Number(this.#level(depth)?.attribs['text:start-value'] ?? 1) || 1
  }
}

/** What stands beside a number is short: it is said once more for each item. */
function around({ attribs }: Element, name: string): string {
  return (attribs[name] ?? '').slice(0, 40).toWellFormed()
}

const formats: Record<string, Numbering> = {
  1: 'decimal',
  a: 'lower-letter',
  A: 'upper-letter',
  i: 'lower-roman',
  I: 'upper-roman',
}

/** Undefined for no number at all; those of other scripts are counted in figures. */
function formatOf(level: Element | undefined): Numbering | undefined {
  const format = level?.attribs['style:num-format'] ?? ''
  if (format === '') return undefined
  return Object.hasOwn(formats, format) ? formats[format] : 'decimal'
}

function means(value: string | undefined, meaning: RegExp): boolean | undefined {
  return value === undefined ? undefined : meaning.test(value)
}

/** `super 58%`, `sub 58%`, or how far it is moved: `33% 58%`. */
function shiftOf(position: string | undefined): Look['shift'] {
  if (position === undefined) return undefined
  if (position.startsWith('super')) return 'raised'
  if (position.startsWith('sub')) return 'lowered'
  const moved = Number.parseFloat(position)
  return moved > 0 ? 'raised' : moved < 0 ? 'lowered' : 'none'
}

function keyOf(family: string | undefined, name: string | undefined): string {
  return `${family ?? ''} ${name ?? ''}`
}
