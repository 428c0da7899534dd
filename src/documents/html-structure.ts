import type { HtmlHandler } from './html-reader.ts'

/** Deeper quotations look like these. */
const deepestQuotation = 5

const line: HtmlHandler = (element, scope, reader) => reader.apart('line', element, scope)

const block: HtmlHandler = (element, scope, reader) => reader.apart('block', element, scope)

const heading: HtmlHandler = (element, scope, reader) =>
  reader.apart('block', element, { ...scope, heading: Number(element.name.slice(1)) })

const quotation: HtmlHandler = (element, scope, reader) => {
  const quoted = Math.min((scope.place.quoted ?? 0) + 1, deepestQuotation)
  reader.apart('block', element, { ...scope, place: { ...scope.place, quoted } })
}

/** Says in characters of Unicode that the words run in this direction (UAX #9). */
const turned: HtmlHandler = (element, scope, reader) => {
  const isToTheLeft = element.attribs.dir?.toLowerCase() === 'rtl'
  reader.say(isToTheLeft ? '\u202E' : '\u202D', scope)
  reader.within(element, scope)
  reader.say('\u202C', scope)
}

const quote: HtmlHandler = (element, scope, reader) => {
  const [open, close] = scope.quotes % 2 === 0 ? ['“', '”'] : ['‘', '’']
  reader.say(open, scope)
  reader.within(element, { ...scope, quotes: scope.quotes + 1 })
  reader.say(close, scope)
}

/** How the characters before it are read. */
const reading: HtmlHandler = (element, scope, reader) => {
  reader.say('(', scope)
  reader.within(element, scope)
  reader.say(')', scope)
}

const lines =
  'address article aside body caption center dd details dialog div dt fieldset figcaption footer form header html legend main nav search section summary textarea tr'
const blocks = 'dl figure hgroup listing p plaintext pre xmp'

/** What divides a text, and the marks that a browser makes in it. */
export const structure: [name: string, handler: HtmlHandler][] = [
  ...lines.split(' ').map((name): [string, HtmlHandler] => [name, line]),
  ...blocks.split(' ').map((name): [string, HtmlHandler] => [name, block]),
  ...['h1', 'h2', 'h3', 'h4', 'h5', 'h6'].map((name): [string, HtmlHandler] => [name, heading]),
  ['br', (_element, scope, { builder }) => builder.lineBreak(scope)],
  ['hr', (_element, scope, { builder }) => builder.rule(scope.place)],
  ['blockquote', quotation],
  ['bdo', turned],
  ['q', quote],
  ['rt', reading],
]
