import type { RichBlockTable, RichBlockTableCell } from '@grammyjs/types'
import { isFields, joined, list, looks, type MessageFields, object, type Reader } from './reader.ts'
import { richText } from './rich-text.ts'

/** More columns than this a table does not have. https://core.telegram.org/bots/api#rich-message-limits */
const mostColumns = 20

const cell = object<RichBlockTableCell>({
  text: richText,
  is_header: looks,
  // A cell over several columns or rows is followed by empty ones, so that what stands below each other stays so.
  colspan: looks,
  rowspan: looks,
  align: looks,
  valign: looks,
})
const row = list(cell)
const cells = list(row)

/** The rows in lines, with bars between their cells. */
const rows: Reader = {
  ...cells,
  read(value, findings, around) {
    if (!Array.isArray(value)) return cells.read(value, findings, around)
    const grid: string[][] = value.map(() => [])
    for (const [y, given] of value.entries()) {
      if (!Array.isArray(given)) row.read(given, findings, around)
      else for (const one of given) place(grid, y, one, cell.read(one, findings, around))
    }
    const lines = grid.map((texts) => `| ${Array.from(texts, (text) => text ?? '').join(' | ')} |`)
    const [head, ...rest] = lines
    const rule = `|${' --- |'.repeat(grid[0]?.length ?? 0)}`
    return joined(rest.length === 0 ? lines : [head, rule, ...rest], '\n')
  },
}

/** Puts a text into the first place of a row that no cell from above reaches into, and keeps what the cell covers. */
function place(grid: string[][], y: number, one: unknown, text: string): void {
  const { colspan, rowspan }: MessageFields = isFields(one) ? one : {}
  const free = grid[y]?.findIndex((_, x) => grid[y]?.[x] === undefined) ?? -1
  const x = free === -1 ? (grid[y]?.length ?? 0) : free
  const width = span(colspan, mostColumns)
  for (const line of grid.slice(y, y + span(rowspan, grid.length))) {
    for (let column = x; column < x + width; column++) line[column] = ''
  }
  const line = grid[y]
  if (line) line[x] = text.replace(/(?<!\s)\s*\n\s*/g, ' ')
}

function span(value: unknown, most: number): number {
  return typeof value === 'number' && value > 1 ? Math.min(Math.trunc(value), most) : 1
}

export const table = object<RichBlockTable>({
  type: looks,
  caption: richText,
  cells: rows,
  is_bordered: looks,
  is_striped: looks,
  is_compact: looks,
})
