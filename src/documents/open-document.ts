import type { BlockPlace, Formatted } from '../submissions/formatted-text.ts'
import type { Archive } from './archive.ts'
import type { Setting } from './block-builder.ts'
import { DocumentWriter } from './document-writer.ts'
import { equation } from './equation.ts'
import { addressOf, type Look, styleOf } from './look.ts'
import {
  charactersIn,
  childOf,
  childrenOf,
  descendants,
  type Element,
  elementsIn,
  isElement,
  type Markup,
} from './markup.ts'
import { named } from './named.ts'
import { type Levels, OpenDocumentStyles } from './open-document-styles.ts'
import { symbols } from './symbols.ts'
import { type ReadCell, sizeOf, tableOf } from './table.ts'

/** Where the walk through the elements is. */
type OpenDocumentScope = {
  depth: number
  look: Look
  place: BlockPlace
  heading?: number | undefined
  href?: string | undefined
  list?: OpenDocumentList | undefined
  /** How many boxes it is in. */
  boxes?: number
}

/** A list that is being read: what it looks like on each level, and how far each has counted. */
type OpenDocumentList = { style: string; levels: Levels; depth: number; counts: number[] }

type OpenDocumentHandler = (element: Element, scope: OpenDocumentScope, writer: DocumentWriter) => void

const deepest = 400

/** Boxes within boxes: what is deeper keeps its words only. */
const deepestBox = 5
const deepestList = 10
const mostBlanks = 1000
const mostRepeated = 100

/** How much may be there only because a cell says that it is repeated: characters, and blocks. */
const mostInRepeats = 100_000

/** The text of an OpenDocument text (https://docs.oasis-open.org/office/OpenDocument/v1.3/), with its formatting. */
export async function formattedOfOpenDocument(archive: Archive): Promise<Formatted> {
  const content = (await archive.part('content.xml')) ?? []
  const styles = (await archive.part('styles.xml')) ?? []
  const reader = new OpenDocumentReader(
    new OpenDocumentStyles([...content, ...styles]),
    await objectsIn(content, archive),
  )
  const writer = new DocumentWriter()
  for (const text of descendants(content, 'office:text')) reader.read(text, writer)
  for (const page of descendants(styles, 'style:master-page')) {
    for (const part of elementsIn(page)) {
      const [, where] = /^style:(header|footer)/.exec(part.name) ?? []
      if (where === 'header' || where === 'footer') writer.onEveryPage(where, (on) => reader.read(part, on))
    }
  }
  return writer.finish()
}

/** What is embedded, as equations and charts are, is a document of its own within the document. */
async function objectsIn(content: Markup[], archive: Archive): Promise<ReadonlyMap<string, Markup[]>> {
  const objects = new Map<string, Markup[]>()
  for (const { attribs } of descendants(content, 'draw:object')) {
    const path = (attribs['xlink:href'] ?? '').replace(/^\.\//, '')
    const nodes = path === '' || objects.has(path) ? undefined : await archive.part(`${path}/content.xml`)
    if (nodes) objects.set(path, nodes)
  }
  return objects
}

class OpenDocumentReader {
  readonly #styles: OpenDocumentStyles
  readonly #objects: ReadonlyMap<string, Markup[]>
  /** How far the lists of each style have counted, for those that go on with another one. */
  readonly #countsOfStyles = new Map<string, number[]>()
  readonly #countsOfLists = new Map<string, number[]>()
  readonly #headingCounts: number[] = []
  readonly #objectNames = new Map<Markup[], string | undefined>()
  #repeats = mostInRepeats

  constructor(styles: OpenDocumentStyles, objects: ReadonlyMap<string, Markup[]>) {
    this.#styles = styles
    this.#objects = objects
  }

  read(element: Element, writer: DocumentWriter): void {
    this.#within(element, { depth: 0, look: {}, place: {} }, writer)
  }

  #element(element: Element, scope: OpenDocumentScope, writer: DocumentWriter): void {
    if (scope.depth > deepest) writer.sayLines(wordsIn(element), settingOf(scope))
    else if (!isSilent(element)) {
      const handler = this.#handlers.get(element.name) ?? (isShape(element) ? this.#shape : this.#within)
      handler(element, { ...scope, depth: scope.depth + 1 }, writer)
    }
  }

  // What is not known is gone through for the words in it.
  readonly #within: OpenDocumentHandler = (element, scope, writer) => {
    for (const node of childrenOf(element)) {
      if (isElement(node)) this.#element(node, scope, writer)
      else if (node.type === 'text' && 'data' in node) this.#say(node.data, scope, writer)
    }
  }

  readonly #shape: OpenDocumentHandler = (element, scope, writer) => {
    const boxes = (scope.boxes ?? 0) + 1
    if (boxes > deepestBox) return writer.sayLines(wordsIn(element), settingOf(scope))
    const hasText = [...descendants([element], 'text:p', 'text:h')].length > 0
    if (hasText)
      writer.aside((beside) =>
        this.#within(element, { ...scope, boxes, look: {}, place: {}, heading: undefined }, beside),
      )
    else this.#say(named('drawing', ...remarkOf(element)), scope, writer)
  }

  readonly #handlers = new Map<string, OpenDocumentHandler>([
    ['text:p', (element, scope, writer) => this.#paragraph(element, scope, writer)],
    ['text:h', (element, scope, writer) => this.#heading(element, scope, writer)],
    ['text:span', (element, scope, writer) => this.#span(element, scope, writer)],
    ['text:a', (element, scope, writer) => this.#link(element, scope, writer)],
    ['draw:a', (element, scope, writer) => this.#link(element, scope, writer)],
    [
      'text:s',
      (element, scope, writer) =>
        this.#keep(' '.repeat(countIn(element, 'text:c', mostBlanks)), scope, writer),
    ],
    ['text:tab', (_element, scope, writer) => this.#keep('\t', scope, writer)],
    ['text:line-break', (_element, scope, writer) => writer.lineBreak(settingOf(scope))],
    ['text:list', (element, scope, writer) => this.#list(element, scope, writer)],
    ['text:list-item', (element, scope, writer) => this.#item(element, scope, writer)],
    ['text:note', (element, scope, writer) => this.#note(element, scope, writer)],
    ['text:section', (element, scope, writer) => this.#section(element, scope, writer)],
    [
      'text:hidden-text',
      (element, scope, writer) => writer.hide(element.attribs['text:string-value'] ?? '', settingOf(scope)),
    ],
    ['text:ruby', (element, scope, writer) => this.#ruby(element, scope, writer)],
    // Comments are talk between those who wrote it. What they say, and who says it, is in the original only.
    ['office:annotation', (_element, scope, writer) => this.#say(named('comment'), scope, writer)],
    ['text:tracked-changes', (element, _scope, writer) => noteDeletions(element, writer)],
    ['table:table', (element, scope, writer) => this.#table(element, scope, writer)],
    ['draw:frame', (element, scope, writer) => this.#frame(element, scope, writer)],
    ['draw:g', (element, scope, writer) => this.#within(element, scope, writer)],
    ['draw:control', (_element, scope, writer) => this.#say(named('form field'), scope, writer)],
    ['math:math', (element, scope, writer) => this.#say(equation(element), scope, writer)],
  ])

  #say(text: string, scope: OpenDocumentScope, writer: DocumentWriter): void {
    const { isHidden, shift, font } = scope.look
    const shown = font ? symbols(text, font) : text
    if (isHidden) writer.hide(shown, settingOf(scope))
    else writer.say(shown, settingOf(scope), shift === 'none' ? undefined : shift)
  }

  /** Blanks that are said one by one. */
  #keep(blanks: string, scope: OpenDocumentScope, writer: DocumentWriter): void {
    if (!scope.look.isHidden) writer.say(blanks, { ...settingOf(scope), blanks: 'kept' })
  }

  #paragraph(element: Element, scope: OpenDocumentScope, writer: DocumentWriter): void {
    const { look, isTitle, isQuotation } = this.#styles.ofParagraph(element.attribs['text:style-name'])
    const place = isQuotation ? { ...scope.place, quoted: 1 } : scope.place
    this.#within(element, { ...scope, look, place, ...(isTitle && { heading: 1 }) }, writer)
    writer.endParagraph()
  }

  #heading(element: Element, scope: OpenDocumentScope, writer: DocumentWriter): void {
    const { attribs } = element
    const { look } = this.#styles.ofParagraph(attribs['text:style-name'])
    const level = countIn(element, 'text:outline-level', deepestList)
    const within = { ...scope, look, place: {}, heading: Math.min(level, 6) }
    if (attribs['text:is-list-header'] !== 'true') {
      const number = this.#styles.outline.label(this.#headingCounts, level - 1, undefined)
      if (number) this.#say(`${number} `, within, writer)
    }
    this.#within(element, within, writer)
    writer.endParagraph()
  }

  #span(element: Element, scope: OpenDocumentScope, writer: DocumentWriter): void {
    const look = this.#styles.ofText(element.attribs['text:style-name'], scope.look)
    this.#within(element, { ...scope, look }, writer)
  }

  #link(element: Element, scope: OpenDocumentScope, writer: DocumentWriter): void {
    const href = addressOf(element.attribs['xlink:href']) ?? scope.href
    this.#within(element, { ...scope, href }, writer)
  }

  #list(element: Element, scope: OpenDocumentScope, writer: DocumentWriter): void {
    const { attribs } = element
    const depth = Math.min(scope.list ? scope.list.depth + 1 : 0, deepestList - 1)
    const style = attribs['text:style-name'] ?? scope.list?.style ?? ''
    const counts = scope.list?.counts ?? this.#goneOnWith(element, style) ?? []
    const list: OpenDocumentList = { style, levels: this.#styles.levelsOf(style), depth, counts }
    this.#countsOfStyles.set(style, counts)
    if (attribs['xml:id']) this.#countsOfLists.set(attribs['xml:id'], counts)
    this.#within(element, { ...scope, list, place: { ...scope.place, indent: depth + 1 } }, writer)
  }

  /** How far the list has counted that this one goes on with. */
  #goneOnWith({ attribs }: Element, style: string): number[] | undefined {
    const other = attribs['text:continue-list']
    if (other) return this.#countsOfLists.get(other)
    return attribs['text:continue-numbering'] === 'true' ? this.#countsOfStyles.get(style) : undefined
  }

  #item(element: Element, scope: OpenDocumentScope, writer: DocumentWriter): void {
    const start = element.attribs['text:start-value']
    const { list } = scope
    const marker = list?.levels.label(
      list.counts,
      list.depth,
      start === undefined ? undefined : Number(start),
    )
    if (marker) writer.item(marker)
    this.#within(element, scope, writer)
  }

  #note(element: Element, scope: OpenDocumentScope, writer: DocumentWriter): void {
    const citation = childOf(element, 'text:note-citation')
    const body = childOf(element, 'text:note-body')
    const label = citation ? charactersIn([citation]).trim() : ''
    const within: OpenDocumentScope = { depth: scope.depth, look: {}, place: {} }
    writer.note(label || '*', settingOf(scope), (below) => body && this.#within(body, within, below))
  }

  #section(element: Element, scope: OpenDocumentScope, writer: DocumentWriter): void {
    if (element.attribs['text:display'] === 'none') writer.hide(wordsIn(element), settingOf(scope))
    else this.#within(element, scope, writer)
    writer.endParagraph()
  }

  #ruby(element: Element, scope: OpenDocumentScope, writer: DocumentWriter): void {
    const [base, text] = [childOf(element, 'text:ruby-base'), childOf(element, 'text:ruby-text')]
    if (base) this.#within(base, scope, writer)
    if (text) this.#say(`(${charactersIn([text])})`, scope, writer)
  }

  #table(element: Element, scope: OpenDocumentScope, writer: DocumentWriter): void {
    const rows = rowsIn(element, false).map(({ row, isHeading }) =>
      elementsIn(row)
        .filter(({ name }) => name === 'table:table-cell')
        .flatMap((cell) => this.#cells(cell, isHeading, scope, writer)),
    )
    writer.append(tableOf(rows))
  }

  #cells(element: Element, isHeading: boolean, scope: OpenDocumentScope, writer: DocumentWriter): ReadCell[] {
    const within: OpenDocumentScope = { depth: scope.depth, look: {}, place: {} }
    const cell: ReadCell = {
      blocks: writer.apart((apart) => this.#within(element, within, apart)),
      columns: countIn(element, 'table:number-columns-spanned', mostRepeated),
      rows: countIn(element, 'table:number-rows-spanned', mostRepeated),
      isHeading,
    }
    const size = sizeOf(cell.blocks)
    const more = Math.min(
      countIn(element, 'table:number-columns-repeated', mostRepeated) - 1,
      size === 0 ? mostRepeated : Math.floor(this.#repeats / size),
    )
    this.#repeats -= more * size
    return Array.from({ length: 1 + more }, () => cell)
  }

  #frame(element: Element, scope: OpenDocumentScope, writer: DocumentWriter): void {
    const boxes = elementsIn(element).filter(({ name }) => name === 'draw:text-box')
    const object = childOf(element, 'draw:object')
    if (object) this.#say(this.#objectNamed(object, element), scope, writer)
    else if (boxes.length === 0) this.#say(named(thingFramed(element), ...remarkOf(element)), scope, writer)
    const depth = (scope.boxes ?? 0) + 1
    for (const box of boxes) {
      if (depth > deepestBox) writer.sayLines(wordsIn(box), settingOf(scope))
      else
        writer.aside((beside) =>
          this.#within(box, { depth: scope.depth, boxes: depth, look: {}, place: {} }, beside),
        )
    }
  }

  /** An equation is read; other objects are only named. */
  #objectNamed(object: Element, frame: Element): string {
    const path = (object.attribs['xlink:href'] ?? '').replace(/^\.\//, '')
    const content = this.#objects.get(path) ?? childrenOf(object)
    if (!this.#objectNames.has(content)) this.#objectNames.set(content, nameOf(content))
    const name = this.#objectNames.get(content) ?? 'embedded object'
    return name.startsWith('[') ? name : named(name, ...remarkOf(frame))
  }
}

/** The words of an equation; what another object is, where it says so. */
function nameOf(content: Markup[]): string | undefined {
  const [math] = descendants(content, 'math', 'math:math')
  if (math) return equation(math)
  const [chart] = descendants(content, 'office:chart')
  return chart && 'chart'
}

const silent =
  /^(?:office:(?:forms|scripts?|binary-data|event-listeners)|svg:(?:title|desc)|text:(?:.*-decls|.*-source|script|number)|dc:.*|meta:.*|table:(?:title|desc))$/

function wordsIn(element: Element): string {
  return charactersIn([element], { isLeftOut: isSilent, isLine: isParagraph })
}

function isParagraph({ name }: Element): boolean {
  return name === 'text:p' || name === 'text:h'
}

function isSilent({ name }: Element): boolean {
  return silent.test(name)
}

/** Shapes that are drawn: there may be text in them. */
const shape =
  /^(?:draw:(?:rect|line|polyline|polygon|regular-polygon|path|circle|ellipse|measure|caption|connector|custom-shape)|dr3d:scene)$/

function isShape({ name }: Element): boolean {
  return shape.test(name)
}

function settingOf({ look, place, heading, href }: OpenDocumentScope): Setting {
  return { style: styleOf(look, href, heading), place, heading, blanks: 'collapsed' }
}

function noteDeletions(changes: Element, writer: DocumentWriter): void {
  const deletions = [...descendants([changes], 'text:deletion')].flatMap((one) => [
    ...descendants([one], 'text:p', 'text:h'),
  ])
  writer.deleted(charactersIn(deletions))
}

function rowsIn(element: Element, isHeading: boolean): { row: Element; isHeading: boolean }[] {
  const found: { row: Element; isHeading: boolean }[] = []
  const look = (within: Element, isHeading: boolean, depth: number) => {
    for (const child of elementsIn(within)) {
      if (child.name === 'table:table-row') found.push({ row: child, isHeading })
      else if (depth < deepest && /^table:table-(?:header-rows|rows|row-group)$/.test(child.name))
        look(child, isHeading || child.name === 'table:table-header-rows', depth + 1)
    }
  }
  look(element, isHeading, 0)
  return found
}

function thingFramed(frame: Element): string {
  if (childOf(frame, 'draw:object-ole')) return 'embedded object'
  if (childOf(frame, 'draw:plugin') || childOf(frame, 'draw:applet')) return 'embedded file'
  return childOf(frame, 'draw:floating-frame') ? 'frame' : 'picture'
}

/** What its author wrote about it. */
function remarkOf(element: Element): string[] {
  const [about] = descendants(childrenOf(element), 'svg:desc')
  const [title] = descendants(childrenOf(element), 'svg:title')
  const remark = about && charactersIn([about]).trim() !== '' ? about : title
  return remark ? [charactersIn([remark])] : []
}

function countIn({ attribs }: Element, name: string, most: number): number {
  const count = Number.parseInt(attribs[name] ?? '', 10)
  return count >= 1 ? Math.min(count, most) : 1
}
