import { type Block, type Cell, type Run, textOf } from '../submissions/formatted-text.ts'

/** A cell as it was read, with the columns and rows that it covers. */
export type ReadCell = {
  blocks: Block[]
  columns?: number
  rows?: number
  isHeading?: boolean
  /** It only goes on with the cell above it. */
  isContinued?: boolean
}

/** A cell that holds more is no figure or name: the table only places what is in it. */
const longestCell = 2000
const mostBlocks = 8
const mostColumns = 100

/** Cells that only fill up what another one covers. */
const mostFilled = 20_000

/** What a cell that goes on from above says in a row of its own. */
const ditto = '″'

/**
 * A table with every cell in its column, the empty ones too. Where it is there only to place things on the page, as
 * programs that write mails use tables, the blocks of its cells, one after the other.
 */
export function tableOf(rows: ReadCell[][], isForLayout = false): Block[] {
  // What holds other tables is for layout: their cells are not put together here once more for each that is around them.
  const mayBeForData = !isForLayout && rows.every((row) => row.every(isOfData)) && !isOneRowOfLines(rows)
  const grid = mayBeForData ? withoutEmpty(filled(rows)) : []
  if (widthOf(grid) <= 1) return rows.flatMap((row) => row.flatMap(({ blocks }) => blocks))
  return [{ kind: 'table', rows: grid }]
}

function isOfData({ blocks }: ReadCell): boolean {
  if (blocks.length > mostBlocks) return false
  const isPlain = blocks.every(
    ({ kind }) => kind === 'paragraph' || (kind === 'heading' && blocks.length === 1),
  )
  return isPlain && textOf(runsIn(blocks)).length <= longestCell
}

/** How much a cell is when it stands there once more. */
export function sizeOf(blocks: Block[]): number {
  return blocks.length + textOf(runsIn(blocks)).length
}

/** Two columns of lines side by side have no rows to read across. */
function isOneRowOfLines(rows: ReadCell[][]): boolean {
  const [only, ...others] = rows.filter((row) => row.some(({ blocks }) => blocks.length > 0))
  return others.length === 0 && (only ?? []).some(({ blocks }) => textOf(runsIn(blocks)).includes('\n'))
}

/** Rows with a cell also where another one goes on. */
function filled(rows: ReadCell[][]): Cell[][] {
  const spans = new Spans()
  return rows.map((row) => {
    const cells: Cell[] = []
    for (const read of row) {
      spans.goOn(cells)
      spans.place(read, cells)
    }
    spans.goOn(cells)
    return cells
  })
}

/** Cells that cover more than one column or row. */
class Spans {
  readonly #below = new Map<number, { rows: number; cell: Cell }>()
  #left = mostFilled

  /** Adds the cells that go on from above at the end of a row that is being put together. */
  goOn(cells: Cell[]): void {
    for (let above = this.#below.get(cells.length); above?.rows; above = this.#below.get(cells.length)) {
      above.rows -= 1
      cells.push(above.cell)
    }
  }

  place(read: ReadCell, cells: Cell[]): void {
    const columns = this.#allowed((read.columns ?? 1) - 1, mostColumns - cells.length) + 1
    const below = this.#allowed(((read.rows ?? 1) - 1) * columns, mostFilled) / columns
    for (const cell of [cellOf(read), ...emptyCells(columns - 1)]) {
      if (below >= 1) this.#below.set(cells.length, { rows: Math.floor(below), cell: goingOn(cell) })
      cells.push(cell)
    }
  }

  /** So many more cells may be filled. */
  #allowed(wanted: number, most: number): number {
    const count = Math.max(0, Math.min(wanted, most, this.#left))
    this.#left -= count
    return count
  }
}

function cellOf({ blocks, isHeading, isContinued }: ReadCell): Cell {
  return { runs: isContinued ? [{ text: ditto }] : runsIn(blocks), ...(isHeading && { isHeading: true }) }
}

function goingOn({ runs }: Cell): Cell {
  return { runs: runs.length === 0 ? [] : [{ text: ditto }] }
}

/** What is empty from end to end only keeps others apart. All rows that are left are of one width. */
function withoutEmpty(grid: Cell[][]): Cell[][] {
  const rows = grid.filter((cells) => cells.some(isFull))
  const width = widthOf(rows)
  const columns = new Set(rows.flatMap((cells) => cells.flatMap((cell, i) => (isFull(cell) ? [i] : []))))
  const isEven = rows.length * width <= mostFilled
  return rows.map((cells) => {
    const missing = isEven ? width - cells.length : 0
    return [...cells, ...emptyCells(missing)].filter((_cell, i) => columns.has(i))
  })
}

function emptyCells(count: number): Cell[] {
  return Array.from({ length: count }, () => ({ runs: [] }))
}

function isFull({ runs }: Cell): boolean {
  return textOf(runs).trim() !== ''
}

function widthOf(grid: Cell[][]): number {
  return grid.reduce((widest, cells) => Math.max(widest, cells.length), 0)
}

/** The blocks of a cell, line below line. */
function runsIn(blocks: Block[]): Run[] {
  return blocks.flatMap((block, i) => [...(i > 0 ? [{ text: '\n' }] : []), ...runsOf(block)])
}

function runsOf(block: Block): Run[] {
  switch (block.kind) {
    case 'paragraph':
      return block.marker === undefined ? block.runs : [{ text: `${block.marker} ` }, ...block.runs]
    case 'table':
      return block.rows.flatMap((cells, i) => [
        ...(i > 0 ? [{ text: '\n' }] : []),
        ...cells.flatMap(({ runs }, j) => (j > 0 ? [{ text: ' | ' }, ...runs] : runs)),
      ])
    case 'rule':
      return []
    default:
      return block.runs
  }
}
