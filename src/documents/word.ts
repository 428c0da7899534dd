import type { BlockPlace, Formatted } from '../submissions/formatted-text.ts'
import type { Archive } from './archive.ts'
import type { Setting } from './block-builder.ts'
import { DocumentWriter } from './document-writer.ts'
import { equation } from './equation.ts'
import { addressOf, type Look, laidOver, styleOf } from './look.ts'
import {
  charactersIn,
  childOf,
  childrenOf,
  descendants,
  type Element,
  elementsIn,
  isElement,
  type Markup,
  within,
} from './markup.ts'
import { named } from './named.ts'
import { symbol, symbolFontOf, symbols } from './symbols.ts'
import { type ReadCell, tableOf } from './table.ts'
import { WordNumbering, wordNumeral } from './word-numbering.ts'
import { isOn, openWord, type Relationships, valueIn, type WordPart, type WordParts } from './word-package.ts'
import { WordStyles } from './word-styles.ts'

/** Where the walk through the elements is. */
type WordScope = {
  depth: number
  /** How characters look by the style of their paragraph. */
  base: Look
  /** How they look by that of their run. */
  look: Look
  place: BlockPlace
  heading?: number | undefined
  href?: string | undefined
  /** In a note, which may name itself. */
  isNote?: boolean
  /** The mark that the author gave the note of this run. */
  noteMark?: string | undefined
  /** How many boxes it is in. */
  boxes?: number
  /** What the part that is read leads to. */
  relationships: Relationships
}

/** The footnotes or endnotes of a document, and how many were met. */
type Notes = {
  /** Those that have not been said: each is, where it is first referred to. */
  byId: Map<string, Element>
  relationships: Relationships
  format: string
  count: number
}

/** A field: what it asks for, and where it leads once its result is shown (ECMA-376, 17.16). */
type Field = { instruction: string; href?: string | undefined }

type WordHandler = (element: Element, scope: WordScope, writer: DocumentWriter) => void

const deepest = 400

/** Boxes within boxes: what is deeper keeps its words only. */
const deepestBox = 5

/** A field asks for more only to be dear. Characters. */
const longestInstruction = 4000
const aroundRowsAndCells = /^w:(?:sdt|sdtContent|customXml|ins|moveTo)$/

/** The text of a Word document (ECMA-376, part 1), with its formatting. */
export async function formattedOfWord(archive: Archive): Promise<Formatted> {
  const parts = await openWord(archive)
  const reader = new WordReader(parts)
  const writer = new DocumentWriter()
  reader.readMain(writer)
  const noted = new Set<Markup[]>()
  for (const [id, where] of headersAndFooters(parts.main.nodes)) {
    const page = await parts.page(id)
    if (noted.has(page.nodes)) continue
    noted.add(page.nodes)
    writer.onEveryPage(where, (on) => reader.read(page.nodes, page.relationships, on))
  }
  return writer.finish()
}

/** Each once: sections share them. */
function headersAndFooters(nodes: Markup[]): Map<string, 'header' | 'footer'> {
  const found = [...descendants(nodes, 'w:headerReference', 'w:footerReference')]
  return new Map(
    found.map(({ name, attribs }) => [
      attribs['r:id'] ?? '',
      name === 'w:headerReference' ? 'header' : 'footer',
    ]),
  )
}

class WordReader {
  readonly #parts: WordParts
  readonly #styles: WordStyles
  readonly #numbering: WordNumbering
  readonly #fields: Field[] = []
  readonly #notes: { footnote: Notes; endnote: Notes }

  constructor(app: WordParts) {
    this.#parts = app
    this.#styles = new WordStyles(app.styles)
    this.#numbering = new WordNumbering(app.numbering, (style) => this.#styles.listOf(style))
    const format = (kind: string) => noteFormat(app.main.nodes, `w:${kind}Pr`)
    this.#notes = {
      footnote: notesIn(app.footnotes, 'w:footnote', format('footnote') ?? 'decimal'),
      endnote: notesIn(app.endnotes, 'w:endnote', format('endnote') ?? 'lowerRoman'),
    }
  }

  readMain(writer: DocumentWriter): void {
    this.read(this.#parts.main.nodes, this.#parts.main.relationships, writer)
  }

  read(nodes: Markup[], relationships: Relationships, writer: DocumentWriter, isNote = false): void {
    this.#walk(nodes, { depth: 0, base: {}, look: {}, place: {}, relationships, isNote }, writer)
  }

  #walk(nodes: Markup[], scope: WordScope, writer: DocumentWriter): void {
    for (const node of nodes) if (isElement(node)) this.#element(node, scope, writer)
  }

  #element(element: Element, scope: WordScope, writer: DocumentWriter): void {
    if (scope.depth > deepest) writer.sayLines(wordsIn([element]), this.#setting(scope))
    else
      (this.#handlers.get(element.name) ?? this.#within)(
        element,
        { ...scope, depth: scope.depth + 1 },
        writer,
      )
  }

  // What is not known is gone through for the words in it.
  readonly #within: WordHandler = (element, scope, writer) => this.#walk(childrenOf(element), scope, writer)

  readonly #handlers = new Map<string, WordHandler>([
    ['w:p', (element, scope, writer) => this.#paragraph(element, scope, writer)],
    ['w:r', (element, scope, writer) => this.#run(element, scope, writer)],
    [
      'w:t',
      (element, scope, writer) => this.#say(charactersIn([element]).replace(/[\r\n]+/g, ' '), scope, writer),
    ],
    ['w:tab', (_element, scope, writer) => this.#say('\t', scope, writer)],
    ['w:ptab', (_element, scope, writer) => this.#say('\t', scope, writer)],
    ['w:noBreakHyphen', (_element, scope, writer) => this.#say('\u2011', scope, writer)],
    ['w:softHyphen', (_element, scope, writer) => this.#say('\u00AD', scope, writer)],
    ['w:cr', (_element, scope, writer) => writer.lineBreak(this.#setting(scope))],
    ['w:br', (element, scope, writer) => this.#lineOrPage(element, scope, writer)],
    ['w:sym', (element, scope, writer) => this.#symbol(element, scope, writer)],
    ['w:tbl', (element, scope, writer) => this.#table(element, scope, writer)],
    ['w:hyperlink', (element, scope, writer) => this.#hyperlink(element, scope, writer)],
    ['w:fldSimple', (element, scope, writer) => this.#simpleField(element, scope, writer)],
    ['w:fldChar', (element, scope, writer) => this.#fieldCharacter(element, scope, writer)],
    ['w:instrText', (element) => this.#instruct(charactersIn([element]))],
    [
      'w:footnoteReference',
      (element, scope, writer) => this.#note(this.#notes.footnote, element, scope, writer),
    ],
    [
      'w:endnoteReference',
      (element, scope, writer) => this.#note(this.#notes.endnote, element, scope, writer),
    ],
    // Comments are talk between those who wrote it. What they say, and who says it, is in the original only.
    ['w:commentReference', (_element, scope, writer) => this.#say(named('comment'), scope, writer)],
    ['w:del', (element, _scope, writer) => writer.deleted(charactersIn([element]))],
    // It stands where it was moved to.
    ['w:moveFrom', () => undefined],
    ['w:ruby', (element, scope, writer) => this.#ruby(element, scope, writer)],
    ['m:oMath', (element, scope, writer) => this.#say(equation(element), scope, writer)],
    ['mc:AlternateContent', (element, scope, writer) => this.#alternative(element, scope, writer)],
    ['w:drawing', (element, scope, writer) => this.#drawing(element, scope, writer)],
    ['w:pict', (element, scope, writer) => this.#drawing(element, scope, writer)],
    ['w:object', (element, scope, writer) => this.#drawing(element, scope, writer)],
    ['w:altChunk', (_element, scope, writer) => this.#say(named('embedded document'), scope, writer)],
    ['w:subDoc', (_element, scope, writer) => this.#say(named('embedded document'), scope, writer)],
    ...['w:pPr', 'w:rPr', 'w:sdtPr', 'w:sectPr', 'w:tblPr', 'w:fldData'].map(
      (name): [string, WordHandler] => [name, () => undefined],
    ),
  ])

  #say(text: string, scope: WordScope, writer: DocumentWriter): void {
    const { isHidden, shift, font } = lookIn(scope)
    const shown = font ? symbols(text, font) : text
    if (isHidden) writer.hide(shown, this.#setting(scope))
    else writer.say(shown, this.#setting(scope), shift === 'none' ? undefined : shift)
  }

  #setting(scope: WordScope): Setting {
    const href = scope.href ?? this.#fields.at(-1)?.href
    const style = styleOf(lookIn(scope), href, scope.heading)
    return { style, place: scope.place, heading: scope.heading, blanks: 'kept' }
  }

  #lineOrPage({ attribs }: Element, scope: WordScope, writer: DocumentWriter): void {
    if (attribs['w:type'] === 'page' || attribs['w:type'] === 'column') writer.endParagraph()
    else writer.lineBreak(this.#setting(scope))
  }

  #paragraph(element: Element, scope: WordScope, writer: DocumentWriter): void {
    const properties = childOf(element, 'w:pPr')
    const { level, isQuotation, numbering, look } = this.#styles.ofParagraph(properties)
    const marker = numbering ? this.#numbering.next(numbering.list, numbering.depth).trim() : ''
    const within: WordScope = {
      ...scope,
      base: look,
      heading: level,
      place: {
        ...(isQuotation && { quoted: 1 }),
        ...(numbering && level === undefined && { indent: numbering.depth + 1 }),
      },
    }
    if (level === undefined && marker !== '') writer.item(marker)
    else if (marker !== '' && marker !== '-') this.#say(`${marker} `, within, writer)
    this.#within(element, within, writer)
    if (isOn(childOf(properties, 'w:rPr'), 'w:del')) writer.joinNext()
    else writer.endParagraph()
  }

  #run(element: Element, scope: WordScope, writer: DocumentWriter): void {
    const within = { ...scope, look: this.#styles.ofRun(childOf(element, 'w:rPr')) }
    const marked = elementsIn(element).find(({ attribs }) =>
      /^(?:1|true|on)$/.test(attribs['w:customMarkFollows'] ?? ''),
    )
    if (marked) this.#element(marked, { ...within, noteMark: wordsIn([element]).trim() || '*' }, writer)
    else this.#within(element, within, writer)
  }

  #symbol({ attribs }: Element, scope: WordScope, writer: DocumentWriter): void {
    const code = Number.parseInt(attribs['w:char'] ?? '', 16)
    const font = symbolFontOf(attribs['w:font'])
    const shown = font && code ? symbol(code, font) : named('symbol', attribs['w:font'], attribs['w:char'])
    writer.say(shown, this.#setting(scope))
  }

  #ruby(element: Element, scope: WordScope, writer: DocumentWriter): void {
    const [base, text] = [childOf(element, 'w:rubyBase'), childOf(element, 'w:rt')]
    if (base) this.#within(base, scope, writer)
    this.#say('(', scope, writer)
    if (text) this.#within(text, scope, writer)
    this.#say(')', scope, writer)
  }

  #hyperlink(element: Element, scope: WordScope, writer: DocumentWriter): void {
    const link = scope.relationships.get(element.attribs['r:id'] ?? '')
    const href = link?.isExternal ? addressOf(link.target) : undefined
    this.#within(element, { ...scope, href: href ?? scope.href }, writer)
  }

  #simpleField(element: Element, scope: WordScope, writer: DocumentWriter): void {
    const href = addressIn(element.attribs['w:instr'] ?? '')
    this.#within(element, { ...scope, href: href ?? scope.href }, writer)
  }

  #fieldCharacter(element: Element, scope: WordScope, writer: DocumentWriter): void {
    const field = this.#fields.at(-1)
    switch (element.attribs['w:fldCharType']) {
      case 'begin':
        this.#fields.push({ instruction: '', href: field?.href })
        this.#say(entered(childOf(element, 'w:ffData')), scope, writer)
        break
      case 'separate':
        if (field) field.href = addressIn(field.instruction) ?? field.href
        break
      case 'end':
        this.#fields.pop()
    }
  }

  #instruct(text: string): void {
    const field = this.#fields.at(-1)
    if (field && field.instruction.length < longestInstruction) field.instruction += text
  }

  #note(notes: Notes, { attribs }: Element, scope: WordScope, writer: DocumentWriter): void {
    const note = scope.isNote ? undefined : notes.byId.get(attribs['w:id'] ?? '')
    if (note) notes.byId.delete(attribs['w:id'] ?? '')
    if (scope.noteMark === undefined) notes.count += 1
    const label = scope.noteMark ?? wordNumeral(notes.count, notes.format)
    writer.note(label, this.#setting(scope), (below) =>
      this.read(note ? [note] : [], notes.relationships, below, true),
    )
  }

  /** The same thing for programs of different age: one of them is enough. */
  #alternative(element: Element, scope: WordScope, writer: DocumentWriter): void {
    const one = childOf(element, 'mc:Choice') ?? childOf(element, 'mc:Fallback')
    if (one) this.#within(one, scope, writer)
  }

  #drawing(element: Element, scope: WordScope, writer: DocumentWriter): void {
    const depth = (scope.boxes ?? 0) + 1
    if (depth > deepestBox) {
      writer.sayLines(wordsIn([element]), this.#setting(scope))
      return
    }
    const boxes = [...descendants([element], 'w:txbxContent', 'mc:Fallback')].filter(
      ({ name }) => name === 'w:txbxContent',
    )
    const thing = thingDrawn(element)
    if (thing === 'line') writer.rule(this.#setting(scope))
    else if (thing || boxes.length === 0)
      this.#say(named(thing ?? 'drawing', ...remarkOf(element)), scope, writer)
    for (const box of boxes) {
      writer.aside((beside) =>
        this.#within(box, { ...scope, boxes: depth, look: {}, heading: undefined, place: {} }, beside),
      )
    }
  }

  #table(element: Element, scope: WordScope, writer: DocumentWriter): void {
    const rows = rowsIn(element, writer).map((row) => this.#cells(row, scope, writer))
    writer.append(tableOf(rows))
  }

  #cells(row: Element, scope: WordScope, writer: DocumentWriter): ReadCell[] {
    const properties = childOf(row, 'w:trPr')
    const before = Number(valueIn(properties, 'w:gridBefore') ?? 0) || 0
    const isHeading = isOn(properties, 'w:tblHeader') ?? false
    const cells = within(row, 'w:tc', aroundRowsAndCells).map((cell): ReadCell => {
      const of = childOf(cell, 'w:tcPr')
      const isContinued =
        (valueIn(of, 'w:vMerge') ?? 'continue') === 'continue' && childOf(of, 'w:vMerge') !== undefined
      const blocks = writer.apart((apart) =>
        this.#within(cell, { ...scope, place: {}, heading: undefined }, apart),
      )
      return { blocks, columns: Number(valueIn(of, 'w:gridSpan') ?? 1) || 1, isHeading, isContinued }
    })
    return before > 0 ? [{ blocks: [], columns: before }, ...cells] : cells
  }
}

function lookIn({ look, base }: WordScope): Look {
  return laidOver(look, base)
}

/** The characters of what is too deep, paragraph by paragraph. */
function wordsIn(nodes: Markup[]): string {
  return charactersIn(nodes, {
    isLeftOut: ({ name }) => /^(?:w:(?:del|moveFrom|instrText|fldData)|mc:Fallback)$/.test(name),
    isLine: ({ name }) => name === 'w:p',
  })
}

/** Rows and cells may stand in controls and marks of changes. */
function rowsIn(table: Element, writer: DocumentWriter): Element[] {
  return within(table, 'w:tr', aroundRowsAndCells).filter((row) => {
    const isDeleted = childOf(childOf(row, 'w:trPr'), 'w:del') !== undefined
    if (isDeleted) writer.deleted(wordsIn([row]))
    return !isDeleted
  })
}

function addressIn(instruction: string): string | undefined {
  const [, quoted, bare] = /^\s*HYPERLINK\s+(?:"([^"]*)"|([^\s\\"]+))/i.exec(instruction) ?? []
  return addressOf(quoted ?? bare)
}

/** What was ticked or chosen in a field of a form; a field for text shows what was typed as its result. */
function entered(form: Element | undefined): string {
  const box = childOf(form, 'w:checkBox')
  if (box) return (isOn(box, 'w:checked') ?? isOn(box, 'w:default')) ? '[x]' : '[ ]'
  const list = childOf(form, 'w:ddList')
  const entries = list ? elementsIn(list).filter(({ name }) => name === 'w:listEntry') : []
  return entries[Number(valueIn(list, 'w:result') ?? 0)]?.attribs['w:val'] ?? ''
}

function notesIn({ nodes, relationships }: WordPart, name: string, format: string): Notes {
  const notes = [...descendants(nodes, name)]
  return {
    byId: new Map(notes.map((note) => [note.attribs['w:id'] ?? '', note])),
    relationships,
    format,
    count: 0,
  }
}

function noteFormat(nodes: Markup[], properties: string): string | undefined {
  return [...descendants(nodes, properties)].flatMap((one) => valueIn(one, 'w:numFmt') ?? [])[0]
}

/** What a drawing shows; undefined for shapes, which may only be there for the text in them. */
function thingDrawn(drawing: Element): string | undefined {
  const [data] = descendants([drawing], 'a:graphicData')
  const [embedded] = descendants([drawing], 'o:OLEObject')
  const [picture] = descendants([drawing], 'pic:pic', 'v:imagedata', 'a:blip')
  const [line] = descendants([drawing], 'v:rect').filter(({ attribs }) => attribs['o:hr'] !== undefined)
  if (embedded) return /^equation/i.test(embedded.attribs.ProgID ?? '') ? 'equation' : 'embedded object'
  if (/\/chart/.test(data?.attribs.uri ?? '')) return 'chart'
  if (/\/diagram/.test(data?.attribs.uri ?? '')) return 'diagram'
  if (picture) return 'picture'
  return line && 'line'
}

/** What its author wrote about a drawing, and the letters that it is made of. */
function remarkOf(drawing: Element): (string | undefined)[] {
  const [about] = descendants([drawing], 'wp:docPr')
  const [shape] = descendants([drawing], 'v:shape').filter(({ attribs }) => attribs.alt)
  const [letters] = descendants([drawing], 'v:textpath')
  return [about?.attribs.descr || about?.attribs.title || shape?.attribs.alt, letters?.attribs.string]
}
