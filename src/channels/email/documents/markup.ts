import { DomHandler, Parser, parseDocument } from 'htmlparser2'

/** A piece of HTML or XML: an element, characters, or something that says nothing. */
export type Markup = ReturnType<typeof parseDocument>['children'][number]
export type Element = Extract<Markup, { attribs: unknown }>

export function parseHtml(text: string): Markup[] {
  return parseDocument(text).children
}

/** Elements of XML within each other: no program writes more, and it would cost too much to look for their ends. */
const deepestXml = 5000

/**
 * Reads XML without what a document type declares: entities of a stranger's making stay as they are written.
 * @throws RangeError for what is nested deeper than 5000 elements
 */
export function parseXml(text: string): Markup[] {
  const handler = new ShallowHandler()
  new Parser(handler, { xmlMode: true }).end(text)
  return handler.root.children
}

class ShallowHandler extends DomHandler {
  #depth = 0

  override onopentag(name: string, attribs: { [key: string]: string }): void {
    this.#depth += 1
    if (this.#depth > deepestXml) throw new RangeError('the XML is too deep')
    super.onopentag(name, attribs)
  }

  override onclosetag(): void {
    this.#depth -= 1
    super.onclosetag()
  }
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

/** The first child of this name. */
export function childOf(node: Markup | undefined, name: string): Element | undefined {
  return node && elementsIn(node).find((child) => child.name === name)
}

/** Every element below with one of these names, in their order; nothing is looked for within one that was found. */
export function* descendants(nodes: Markup[], ...names: string[]): Generator<Element> {
  for (const node of everythingIn(nodes, (element) => names.includes(element.name))) {
    if (isElement(node) && names.includes(node.name)) yield node
  }
}

/** Which elements count for nothing, and which begin a line of their own. */
export type Reading = { isLeftOut?: (element: Element) => boolean; isLine?: (element: Element) => boolean }

const never = () => false

/** The characters below, as they are. */
export function charactersIn(nodes: Markup[], { isLeftOut = never, isLine = never }: Reading = {}): string {
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
