import { DomHandler, parseDocument } from 'htmlparser2'
import sax from 'sax'

/** A piece of HTML or XML: an element, characters, or something that says nothing. */
export type Markup = ReturnType<typeof parseDocument>['children'][number]
export type Element = Extract<Markup, { attribs: unknown }>

export function parseHtml(text: string): Markup[] {
  return parseDocument(text).children
}

/** Elements of XML within each other: no program writes more, and it would cost too much to look for their ends. */
const deepestXml = 5000

/** How much XML is read of one document: characters, and elements with their attributes. A long book has half of it. */
export class XmlBudget {
  #characters = 24 * 1024 * 1024
  #nodes = 600_000

  /** @throws RangeError where it is used up */
  spend(spent: { characters?: number; nodes?: number }): void {
    this.#characters -= spent.characters ?? 0
    this.#nodes -= spent.nodes ?? 0
    if (this.#characters < 0 || this.#nodes < 0) throw new RangeError('the XML is too long')
  }
}

/**
 * Reads XML without what a document type declares: entities of a stranger's making stay as they are written.
 * @throws RangeError for what is nested deeper than 5000 elements, or is more than its budget; Error for what is no
 * well-formed XML
 */
export function parseXml(text: string, budget: XmlBudget): Markup[] {
  budget.spend({ characters: text.length })
  const handler = new DomHandler()
  const parser = sax.parser(true)
  let depth = 0
  parser.onopentag = ({ name, attributes }) => {
    depth += 1
    if (depth > deepestXml) throw new RangeError('the XML is too deep')
    budget.spend({ nodes: 1 + Object.keys(attributes).length })
    handler.onopentag(name, attributes as Record<string, string>)
  }
  parser.onclosetag = () => {
    depth -= 1
    handler.onclosetag()
  }
  parser.ontext = (characters) => handler.ontext(characters)
  parser.oncdata = (characters) => handler.ontext(characters)
  parser.onerror = (error) => {
    // An entity that XML itself does not have stays as it is written.
    if (!error.message.startsWith('Invalid character entity')) throw error
    parser.resume()
  }
  parser.write(text).close()
  return handler.root.children
}

export function isElement(node: Markup): node is Element {
  return 'attribs' in node
}

export function childrenOf(node: Markup): Markup[] {
  return 'children' in node ? node.children : []
}

export function elementsIn(node: Markup): Element[] {
  return childrenOf(node).filter(isElement)
}

/** The first children by their names, of elements that were asked for them: those of a style are, for each paragraph. */
const firstChildren = new WeakMap<Markup, Map<string, Element>>()

/** The first child of this name. */
export function childOf(node: Markup | undefined, name: string): Element | undefined {
  if (!node) return undefined
  let known = firstChildren.get(node)
  if (!known) {
    known = new Map(
      elementsIn(node)
        .toReversed()
        .map((child) => [child.name, child]),
    )
    firstChildren.set(node, known)
  }
  return known.get(name)
}

/** Every element below with one of these names, in their order; nothing is looked for within one that was found. */
export function* descendants(nodes: Markup[], ...names: string[]): Generator<Element> {
  for (const node of everythingIn(nodes, (element) => names.includes(element.name))) {
    if (isElement(node) && names.includes(node.name)) yield node
  }
}

/** The elements with this name that are below, however many others of these names they stand in. */
export function within(element: Element, name: string, around: RegExp): Element[] {
  const isClosed = (one: Element) => one.name === name || !around.test(one.name)
  return [...everythingIn(childrenOf(element), isClosed)].filter(
    (node) => isElement(node) && node.name === name,
  ) as Element[]
}

/** Which elements count for nothing, and which begin a line of their own. */
type MarkupReading = { isLeftOut?: (element: Element) => boolean; isLine?: (element: Element) => boolean }

const never = () => false

/** The characters below, as they are. */
export function charactersIn(
  nodes: Markup[],
  { isLeftOut = never, isLine = never }: MarkupReading = {},
): string {
  let text = ''
  for (const node of everythingIn(nodes, isLeftOut)) {
    if (isElement(node)) text += isLine(node) ? '\n' : ''
    else if (node.type === 'text' && 'data' in node) text += node.data
  }
  return text
}

/** Goes through everything below without recursion, for there may be no end to the depth. */
function* everythingIn(nodes: Markup[], isClosed: (element: Element) => boolean): Generator<Markup> {
  const waiting = nodes.toReversed()
  for (let node = waiting.pop(); node; node = waiting.pop()) {
    yield node
    if (isElement(node) && isClosed(node)) continue
    for (const child of childrenOf(node).toReversed()) waiting.push(child)
  }
}
