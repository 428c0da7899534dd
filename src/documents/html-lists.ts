import { cssOf } from './css.ts'
import type { HtmlHandler } from './html-reader.ts'
import { type List, type Numbering, numeral } from './list-label.ts'
import { type Element, elementsIn } from './markup.ts'

/** Deeper lists look like these. */
const deepest = 20

const list: HtmlHandler = (element, scope, reader) => {
  const indent = Math.min((scope.place.indent ?? 0) + 1, deepest)
  const inner = { ...scope, place: { ...scope.place, indent }, list: listOf(element) }
  reader.apart(scope.place.indent === undefined ? 'block' : 'line', element, inner)
}

const item: HtmlHandler = (element, scope, reader) => {
  const indent = scope.place.indent ?? 1
  reader.builder.item(markerOf(element, scope.list))
  reader.within(element, { ...scope, place: { ...scope.place, indent } })
  reader.builder.boundary('line')
}

export const lists: [name: string, handler: HtmlHandler][] = [
  ['ul', list],
  ['ol', list],
  ['menu', list],
  ['dir', list],
  ['li', item],
]

const numberings: Record<string, Numbering> = {
  1: 'decimal',
  a: 'lower-letter',
  A: 'upper-letter',
  i: 'lower-roman',
  I: 'upper-roman',
}

const styles: Record<string, Numbering> = {
  decimal: 'decimal',
  'decimal-leading-zero': 'decimal-leading-zero',
  'lower-alpha': 'lower-letter',
  'lower-latin': 'lower-letter',
  'upper-alpha': 'upper-letter',
  'upper-latin': 'upper-letter',
  'lower-roman': 'lower-roman',
  'upper-roman': 'upper-roman',
}

function listOf(element: Element): List {
  const isCounted = element.name === 'ol' && !stylesOf(element).includes('none')
  if (!isCounted) return { next: 1, step: 1, numbering: numberingIn(element) }
  const items = elementsIn(element).filter(({ name }) => name === 'li').length
  const isReversed = 'reversed' in element.attribs
  const start = integer(element.attribs.start) ?? (isReversed ? items : 1)
  return { next: start, step: isReversed ? -1 : 1, numbering: numberingIn(element) ?? 'decimal' }
}

function numberingIn(element: Element): Numbering | undefined {
  const style = stylesOf(element).find((one) => Object.hasOwn(styles, one))
  if (style) return styles[style]
  const type = element.attribs.type ?? ''
  return Object.hasOwn(numberings, type) ? numberings[type] : undefined
}

function stylesOf({ attribs }: Element): string[] {
  const css = cssOf(attribs.style)
  return `${css.get('list-style-type') ?? ''} ${css.get('list-style') ?? ''}`.split(/\s+/)
}

function markerOf(element: Element, list: List | undefined): string {
  if (!list) return '-'
  const number = integer(element.attribs.value) ?? list.next
  const numbering = numberingIn(element) ?? list.numbering
  list.next = number + list.step
  return numbering ? `${numeral(number, numbering)}.` : '-'
}

function integer(text: string | undefined): number | undefined {
  return text !== undefined && /^\s*-?\d{1,9}\s*$/.test(text) ? Number(text) : undefined
}
