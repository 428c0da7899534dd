import type { Formatted } from '../submissions/formatted-text.ts'
import { BlockBuilder, type Setting } from './block-builder.ts'
import { type Css, isHidden } from './css.ts'
import { type Looks, looksOf, shiftIn } from './html-looks.ts'
import type { List } from './list-label.ts'
import { charactersIn, childrenOf, type Element, isElement, type Markup } from './markup.ts'
import { named } from './named.ts'
import { mapped, type Shift, shiftOf } from './shifted.ts'
import type { StyleSheet } from './style-sheet.ts'
import { symbols } from './symbols.ts'

/** Deeper markup keeps its words and loses its formatting. */
const deepest = 300

/** Where the walk through the elements is. */
export type HtmlScope = Setting &
  Looks & {
    list: List | undefined
    /** How many quotation marks are open. */
    quotes: number
    /** Above or below the line; what its characters become there. */
    isShifted: boolean
    map: ReadonlyMap<string, string> | undefined
    /** In a table that is read line by line. */
    isInLines: boolean
  }

/** Reads an element of one name. */
export type HtmlHandler = (element: Element, scope: HtmlScope, reader: HtmlReader) => void
type Handlers = ReadonlyMap<string, HtmlHandler>

const top: HtmlScope = {
  style: {},
  place: {},
  blanks: 'collapsed',
  list: undefined,
  quotes: 0,
  font: undefined,
  isShifted: false,
  map: undefined,
  isInLines: false,
}

/** Goes through the elements of HTML and puts blocks together of what they say. */
export class HtmlReader {
  readonly builder = new BlockBuilder()
  readonly #sheet: StyleSheet
  readonly #handlers: Handlers
  #depth: number

  constructor(sheet: StyleSheet, handlers: Handlers, depth = 0) {
    this.#sheet = sheet
    this.#handlers = handlers
    this.#depth = depth
  }

  /** Reads a whole document, with a remark at its end, if there is one. */
  read(nodes: Markup[], remark: string | undefined): Formatted {
    this.walk(nodes, top)
    this.builder.boundary('block')
    if (remark) this.say(remark, top)
    return this.builder.finish()
  }

  walk(nodes: Markup[], scope: HtmlScope): void {
    for (const node of nodes) {
      if (isElement(node)) this.#element(node, scope)
      else if (node.type === 'text' && 'data' in node) this.say(characters(node.data, scope), scope)
    }
  }

  within(element: Element, scope: HtmlScope): void {
    this.walk(childrenOf(element), scope)
  }

  /** What is in an element, on lines of its own or as blocks of its own. */
  apart(strength: 'line' | 'block', element: Element, scope: HtmlScope): void {
    this.builder.boundary(strength)
    this.within(element, scope)
    this.builder.boundary(strength)
  }

  say(text: string, scope: HtmlScope): void {
    this.builder.add(text, scope)
  }

  /** The blocks of an element by itself. */
  blocksOf(element: Element, scope: HtmlScope): Formatted {
    const reader = new HtmlReader(this.#sheet, this.#handlers, this.#depth)
    reader.walk([element], scope)
    return reader.builder.finish()
  }

  /** How it looks in an element, for one that is not walked through by itself. */
  looksIn(element: Element, scope: HtmlScope): HtmlScope {
    return looking(scope, looksOf(element, this.#sheet.of(element), scope))
  }

  /** True if an element is not seen, although it has words. */
  hidesWords(element: Element): boolean {
    return isUnseen(element, this.#sheet.of(element)) && /\S/.test(wordsIn(element))
  }

  #element(element: Element, scope: HtmlScope): void {
    if (isSilent(element)) return
    const css = this.#sheet.of(element)
    if (this.#depth > deepest) this.#flat(element, scope)
    else if (!isUnseen(element, css)) this.#shown(element, css, scope)
    else if (/\S/.test(wordsIn(element))) this.say(named('hidden text'), scope)
  }

  #shown(element: Element, css: Css, scope: HtmlScope): void {
    const inner = looking(scope, looksOf(element, css, scope))
    const shift = scope.isShifted ? undefined : shiftIn(element, css)
    this.#depth += 1
    if (shift) this.#shifted(element, shift, inner)
    else this.#handle(element, inner)
    this.#depth -= 1
  }

  #handle(element: Element, scope: HtmlScope): void {
    const handler = this.#handlers.get(element.name)
    if (handler) handler(element, scope, this)
    else this.within(element, scope)
  }

  #shifted(element: Element, shift: Shift, scope: HtmlScope): void {
    const how = shiftOf(wordsIn(element), shift, this.builder.lastCharacter)
    const mark = how && 'mark' in how ? how.mark : ''
    this.say(mark, scope)
    this.#handle(element, { ...scope, isShifted: true, map: how && 'map' in how ? how.map : undefined })
    this.say(mark, scope)
  }

  /** The words of what is too deep, line by line. */
  #flat(element: Element, scope: HtmlScope): void {
    const isLine = ({ name }: Element) => this.#handlers.has(name)
    for (const line of charactersIn([element], { isLeftOut: isSilent, isLine }).split('\n')) {
      this.say(line, scope)
      this.builder.boundary('line')
    }
  }
}

const silent = new Set(['head', 'script', 'style', 'template', 'title', 'rp', 'datalist', 'colgroup', 'xml'])

function looking(scope: HtmlScope, looks: Looks): HtmlScope {
  return looks === scope ? scope : { ...scope, ...looks }
}

function isSilent({ name }: Element): boolean {
  return silent.has(name)
}

function isUnseen({ attribs }: Element, css: Css): boolean {
  return isHidden(css) || 'hidden' in attribs
}

/** The words in an element, whatever it is made of. */
export function wordsIn(element: Element): string {
  return charactersIn([element], { isLeftOut: isSilent })
}

function characters(text: string, { font, map }: HtmlScope): string {
  const shown = font === undefined ? text : symbols(text, font)
  return map ? mapped(shown, map) : shown
}
