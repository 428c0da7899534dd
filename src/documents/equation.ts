import {
  charactersIn,
  childOf,
  childrenOf,
  type Element,
  elementsIn,
  isElement,
  type Markup,
} from './markup.ts'
import { named } from './named.ts'
import { shifted } from './shifted.ts'

const deepest = 60

/**
 * An equation in one line, by its structure: MathML (https://www.w3.org/TR/mathml-core/), or that of Word (ECMA-376,
 * 22.1).
 */
export function equation(element: Element): string {
  const alternative = element.attribs.alttext?.trim()
  return named('equation', alternative || lineOf(element, 0))
}

function lineOf(node: Markup, depth: number): string {
  if (!isElement(node))
    return node.type === 'text' && 'data' in node ? node.data.replace(/\s+/g, ' ') : all(node, depth)
  if (depth > deepest) return charactersIn([node])
  return (forms.get(localName(node)) ?? all)(node, depth + 1)
}

function localName({ name }: Element): string {
  return name.slice(name.indexOf(':') + 1)
}

function all(node: Markup, depth: number): string {
  return childrenOf(node)
    .map((child) => lineOf(child, depth))
    .join('')
    .replace(/^ +$/, '')
}

type EquationForm = (element: Element, depth: number) => string

const nothing: EquationForm = () => ''

/** MathML tells the parts of a form by their order. */
function ordered(write: (parts: string[]) => string): EquationForm {
  return (element, depth) => write(elementsIn(element).map((child) => lineOf(child, depth).trim()))
}

/** Word names them. */
function withParts(names: string[], write: (parts: string[], element: Element) => string): EquationForm {
  return (element, depth) =>
    write(
      names.map((name) => {
        const part = childOf(element, `m:${name}`)
        return part ? lineOf(part, depth).trim() : ''
      }),
      element,
    )
}

const forms = new Map<string, EquationForm>([
  ['msup', ordered(([base = '', above = '']) => base + raised(above, base))],
  ['msub', ordered(([base = '', below = '']) => base + lowered(below))],
  ['msubsup', ordered(([base = '', below = '', above = '']) => base + lowered(below) + raised(above, base))],
  ['mover', ordered(([base = '', above = '']) => base + raised(above, base))],
  ['munder', ordered(([base = '', below = '']) => base + lowered(below))],
  [
    'munderover',
    ordered(([base = '', below = '', above = '']) => base + lowered(below) + raised(above, base)),
  ],
  ['mfrac', ordered(([above = '', below = '']) => `${whole(above)}/${whole(below)}`)],
  ['mroot', ordered(([base = '', degree = '']) => `${raised(degree, '')}√${whole(base)}`)],
  ['msqrt', (element, depth) => `√${whole(all(element, depth).trim())}`],
  ['mtr', ordered((cells) => `${cells.join(', ')}; `)],
  ['semantics', ordered(([first = '']) => first)],
  ['mphantom', nothing],
  ['annotation', nothing],
  ['annotation-xml', nothing],
  ['sSup', withParts(['e', 'sup'], ([base = '', above = '']) => base + raised(above, base))],
  ['sSub', withParts(['e', 'sub'], ([base = '', below = '']) => base + lowered(below))],
  [
    'sSubSup',
    withParts(
      ['e', 'sub', 'sup'],
      ([base = '', below = '', above = '']) => base + lowered(below) + raised(above, base),
    ),
  ],
  [
    'sPre',
    withParts(
      ['sub', 'sup', 'e'],
      ([below = '', above = '', base = '']) => lowered(below) + raised(above, '') + base,
    ),
  ],
  ['f', withParts(['num', 'den'], fraction)],
  ['rad', withParts(['deg', 'e'], ([degree = '', base = '']) => `${raised(degree, '')}√${whole(base)}`)],
  [
    'nary',
    withParts(['sub', 'sup', 'e'], ([below = '', above = '', base = ''], element) => {
      return `${valueIn(element, 'naryPr', 'chr') ?? '∫'}${lowered(below)}${raised(above, '')} ${base}`
    }),
  ],
  ['limLow', withParts(['e', 'lim'], ([base = '', below = '']) => base + lowered(below))],
  ['limUpp', withParts(['e', 'lim'], ([base = '', above = '']) => base + raised(above, base))],
  ['d', delimited],
  ['mr', ordered((cells) => `${cells.join(', ')}; `)],
  ['func', withParts(['fName', 'e'], ([name = '', base = '']) => `${name} ${base}`)],
  ['acc', withParts(['e'], ([base = ''], element) => base + (valueIn(element, 'accPr', 'chr') ?? '\u0302'))],
])

function raised(text: string, base: string): string {
  return text === '' ? '' : around(text, shifted(text, 'raised', base.at(-1)), '^')
}

function lowered(text: string): string {
  return text === '' ? '' : around(text, shifted(text, 'lowered', undefined), '_')
}

/** What has no characters above or below the line is written after a mark, as everybody types it. */
function around(text: string, written: string, mark: string): string {
  const isMarked = written === text || /^[\^~]/.test(written)
  return isMarked ? mark + whole(text) : written
}

/** In brackets, unless it is one number or one name. */
function whole(text: string): string {
  return /^[\p{L}\p{N}.,∞]*$/u.test(text) ? text : `(${text})`
}

function fraction([above = '', below = '']: string[], element: Element): string {
  const isBinomial = valueIn(element, 'fPr', 'type') === 'noBar'
  return isBinomial ? `(${above} over ${below})` : `${whole(above)}/${whole(below)}`
}

function delimited(element: Element, depth: number): string {
  const parts = elementsIn(element)
    .filter(({ name }) => name === 'm:e')
    .map((part) => lineOf(part, depth).trim())
  const begin = valueIn(element, 'dPr', 'begChr') ?? '('
  const end = valueIn(element, 'dPr', 'endChr') ?? ')'
  return begin + parts.join(valueIn(element, 'dPr', 'sepChr') ?? '|') + end
}

/** A property as Word writes it: `<m:naryPr><m:chr m:val="∑"/></m:naryPr>`. */
function valueIn(element: Element, properties: string, name: string): string | undefined {
  return childOf(childOf(element, `m:${properties}`), `m:${name}`)?.attribs['m:val']
}
