import type { HtmlHandler, HtmlReader, HtmlScope } from './html-reader.ts'
import { childrenOf, descendants, type Element, isElement } from './markup.ts'
import { type ReadCell, tableOf } from './table.ts'

/** A table with more cells is read line by line. */
const mostCells = 10_000
const mostSpanned = 1000

const table: HtmlHandler = (element, scope, reader) => {
  const cells = [...descendants(childrenOf(element), 'td', 'th')].length
  if (cells > mostCells) return reader.apart('block', element, { ...scope, isInLines: true })
  const isForLayout = /^(?:presentation|none)$/i.test(element.attribs.role ?? '')
  reader.builder.boundary('block')
  const rows = rowsIn(element, scope, reader).map((row) => cellsIn(row, reader))
  reader.builder.append(tableOf(rows, isForLayout).map((one) => ({ ...scope.place, ...one })))
}

const cell: HtmlHandler = (element, scope, reader) => {
  reader.within(element, scope)
  if (scope.isInLines) reader.say(' | ', scope)
}

export const tables: [name: string, handler: HtmlHandler][] = [
  ['table', table],
  ['td', cell],
  ['th', cell],
]

type TableRow = { row: Element; scope: HtmlScope }

/** The rows of a table. What stands in it and in no row, as its caption does, is said first. */
function rowsIn(element: Element, scope: HtmlScope, reader: HtmlReader): TableRow[] {
  return childrenOf(element).flatMap((child): TableRow[] => {
    if (isElement(child) && child.name === 'tr') return [{ row: child, scope }]
    if (isElement(child) && /^(?:thead|tbody|tfoot)$/.test(child.name)) {
      return rowsIn(child, reader.looksIn(child, scope), reader)
    }
    reader.walk([child], scope)
    return []
  })
}

function cellsIn({ row, scope }: TableRow, reader: HtmlReader): ReadCell[] {
  if (reader.hidesWords(row)) return [{ blocks: reader.blocksOf(row, scope) }]
  const inner = reader.looksIn(row, scope)
  return childrenOf(row).flatMap((child) => {
    if (isElement(child) && /^t[dh]$/.test(child.name)) return [cellOf(child, inner, reader)]
    reader.walk([child], scope)
    return []
  })
}

function cellOf(element: Element, scope: HtmlScope, reader: HtmlReader): ReadCell {
  return {
    blocks: reader.blocksOf(element, { ...scope, place: {}, heading: undefined, list: undefined }),
    columns: spanOf(element.attribs.colspan),
    rows: spanOf(element.attribs.rowspan),
    isHeading: element.name === 'th',
  }
}

function spanOf(given: string | undefined): number {
  const span = Number.parseInt(given ?? '', 10)
  return span >= 1 ? Math.min(span, mostSpanned) : 1
}
