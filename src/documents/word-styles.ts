import { type Look, laidOver } from './look.ts'
import { childOf, descendants, type Element, type Markup } from './markup.ts'
import { symbolFontOf } from './symbols.ts'
import { isOn, valueIn } from './word-package.ts'

/** What a paragraph is by its properties and its style. */
type ParagraphStyle = {
  level: number | undefined
  isQuotation: boolean
  numbering: { list: string; depth: number } | undefined
  look: Look
}

/** Styles lead to others that they are based on; more are a circle. */
const mostBases = 20

export class WordStyles {
  readonly #styles: ReadonlyMap<string, Element>
  readonly #default: string | undefined

  constructor(nodes: Markup[]) {
    const styles = [...descendants(nodes, 'w:style')]
    this.#styles = new Map(styles.map((style) => [style.attribs['w:styleId'] ?? '', style]))
    this.#default = styles.find(isDefaultParagraph)?.attribs['w:styleId']
  }

  ofParagraph(properties: Element | undefined): ParagraphStyle {
    const styles = this.#withBases(valueIn(properties, 'w:pStyle') ?? this.#default)
    const all = [properties, ...styles.map((style) => childOf(style, 'w:pPr'))]
    const names = styles.map((style) => valueIn(style, 'w:name') ?? '')
    return {
      level: levelOf(names, all),
      isQuotation: names.some((name) => /^(?:(?:intense )?quote|quotations)$/i.test(name)),
      numbering: numberingOf(all),
      look: laidOver(...styles.map((style) => lookOf(childOf(style, 'w:rPr')))),
    }
  }

  /** How a run looks: by its own properties, then by its style. */
  ofRun(properties: Element | undefined): Look {
    const styles = this.#withBases(valueIn(properties, 'w:rStyle'))
    return laidOver(lookOf(properties), ...styles.map((style) => lookOf(childOf(style, 'w:rPr'))))
  }

  /** The list that a style of lists stands for. */
  listOf(styleId: string): string | undefined {
    return numberingOf(this.#withBases(styleId).map((style) => childOf(style, 'w:pPr')))?.list
  }

  #withBases(id: string | undefined): Element[] {
    const found: Element[] = []
    let style = id === undefined ? undefined : this.#styles.get(id)
    while (style && found.length < mostBases) {
      found.push(style)
      style = this.#styles.get(valueIn(style, 'w:basedOn') ?? '')
    }
    return found
  }
}

function lookOf(properties: Element | undefined): Look {
  const fonts = childOf(properties, 'w:rFonts')?.attribs
  const family = fonts?.['w:ascii'] ?? fonts?.['w:hAnsi']
  return {
    isStrong: isOn(properties, 'w:b'),
    isEmphasis: isOn(properties, 'w:i'),
    isStruck: isOn(properties, 'w:strike') ?? isOn(properties, 'w:dstrike'),
    isHidden: isOn(properties, 'w:vanish'),
    shift: shiftOf(valueIn(properties, 'w:vertAlign')),
    font: family === undefined ? undefined : (symbolFontOf(family) ?? ''),
  }
}

function shiftOf(align: string | undefined): Look['shift'] {
  if (align === 'superscript') return 'raised'
  if (align === 'subscript') return 'lowered'
  return align === undefined ? undefined : 'none'
}

function isDefaultParagraph({ attribs }: Element): boolean {
  return attribs['w:type'] === 'paragraph' && /^(?:1|true|on)$/.test(attribs['w:default'] ?? '')
}

/** Styles that Word brings along are named in English in every language. */
function levelOf(names: string[], properties: (Element | undefined)[]): number | undefined {
  const named = names.flatMap(
    (name) => /^heading ([1-9])$/i.exec(name)?.[1] ?? (/^title$/i.test(name) ? '1' : []),
  )[0]
  const outline = properties.flatMap((one) => valueIn(one, 'w:outlineLvl') ?? [])[0]
  const level = named === undefined ? Number(outline ?? 9) + 1 : Number(named)
  return level >= 1 && level <= 9 ? Math.min(level, 6) : undefined
}

function numberingOf(properties: (Element | undefined)[]): ParagraphStyle['numbering'] {
  const numberings = properties.flatMap((one) => childOf(one, 'w:numPr') ?? [])
  const list = numberings.flatMap((one) => valueIn(one, 'w:numId') ?? [])[0]
  const depth = Number(numberings.flatMap((one) => valueIn(one, 'w:ilvl') ?? [])[0] ?? 0)
  // The list 0 is none: it takes a paragraph out of the list of its style.
  return list === undefined || list === '0'
    ? undefined
    : { list, depth: Math.min(Math.max(depth || 0, 0), 8) }
}
