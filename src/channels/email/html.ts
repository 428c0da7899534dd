import { compile, type DomNode } from 'html-to-text'

/** Deeper markup is no letter's: what lies below is left out here, and is in the raw mail. */
const deepest = 200
const tooDeep = 2000
const deepestQuotation = 5
/** Characters of HTML; what comes after them is left out here too. */
const longest = 1_000_000

// While the text is put together, emphasis is marked with characters of the private use area, which no letter has.
const strong = { prefix: '\uE000', suffix: '\uE001' }
const emphasis = { prefix: '\uE002', suffix: '\uE003' }
const privateUse = /[\uE000-\uE003]/g

const inline = (selector: string, options: { prefix?: string; suffix: string }) => ({
  selector,
  format: 'inlineSurround',
  options,
})

const heading = (level: number) => ({
  selector: `h${level}`,
  format: 'markedHeading',
  options: { mark: `${'#'.repeat(level)} ` },
})

const convert = compile({
  wordwrap: false,
  // A quoted mail may have a body of its own within the first one: the whole document is read.
  baseElements: { selectors: [] },
  limits: { maxDepth: deepest },
  formatters: {
    markedHeading(element, walk, builder, options) {
      builder.openBlock({ leadingLineBreaks: 2 })
      builder.addInline(options.mark, { noWordTransform: true })
      walk(element.children, builder)
      builder.closeBlock({ trailingLineBreaks: 2 })
    },
    // Deeper quotations are not marked any deeper: each level writes every line within it anew.
    quotation(element, walk, builder, options) {
      const format = quotationsAround(element) < deepestQuotation ? 'blockquote' : 'block'
      builder.options.formatters?.[format]?.(element, walk, builder, options)
    },
    markedLink(element, walk, builder) {
      const href = String(element.attribs.href ?? '')
      const isMarked = saysMore(href, textOf(element).trim())
      if (isMarked) builder.addInline('[', { noWordTransform: true })
      walk(element.children, builder)
      if (isMarked) builder.addInline(`](${href.replace(/[\s()]/g, encodeURIComponent)})`)
    },
  },
  selectors: [
    ...[1, 2, 3, 4, 5, 6].map(heading),
    ...['img', 'style', 'script', 'title', 'head'].map((selector) => ({ selector, format: 'skip' })),
    ...['b', 'strong'].map((selector) => inline(selector, strong)),
    ...['i', 'em'].map((selector) => inline(selector, emphasis)),
    ...['td', 'th'].map((selector) => inline(selector, { suffix: ' ' })),
    { selector: 'tr', format: 'block', options: { leadingLineBreaks: 1, trailingLineBreaks: 1 } },
    { selector: 'li > p', format: 'block', options: { leadingLineBreaks: 1, trailingLineBreaks: 1 } },
    { selector: 'a', format: 'markedLink' },
    { selector: 'blockquote', format: 'quotation' },
    { selector: 'ul', options: { itemPrefix: '- ' } },
    {
      selector: 'hr',
      format: 'blockString',
      options: { string: '* * *', leadingLineBreaks: 2, trailingLineBreaks: 2 },
    },
  ],
})

/**
 * Turns HTML into text with the marks of Markdown where the markup says something: headings, emphasis, lists, links,
 * quotations. What is only looks, and every picture, is left out: the pictures sent along are attachments.
 * @throws RangeError for HTML that is nested deeper than anybody writes: taking it apart would cost too much
 */
export function textOfHtml(html: string): string {
  if (depthOf(html) > tooDeep) throw new RangeError('the HTML is too deep')
  return tidied(convert(html.slice(0, longest).replace(privateUse, '')))
}

/** How deep elements stand in each other, those not counted that need no end. */
function depthOf(html: string): number {
  let depth = 0
  let deepest = 0
  for (const [, slash, name = ''] of html.matchAll(/<(\/?)([a-z][\w:-]*)/gi)) {
    if (endless.test(name)) continue
    depth = Math.max(0, depth + (slash ? -1 : 1))
    deepest = Math.max(deepest, depth)
  }
  return deepest
}

const endless =
  /^(?:area|base|br|col|dd|dt|embed|hr|img|input|li|link|meta|option|p|param|source|t[dhr]|tbody|tfoot|thead|track|wbr)$/i

function quotationsAround(element: DomNode): number {
  let count = 0
  for (let around = element.parent; around; around = around.parent) {
    if (around.name === 'blockquote') count += 1
  }
  return count
}

/** A link is written out where it leads somewhere that its words do not say. */
function saysMore(href: string, words: string): boolean {
  if (!/^(https?:|mailto:)/i.test(href) || words === '') return false
  return ![words, `mailto:${words}`, `http://${words}`, `https://${words}`].includes(href.replace(/\/$/, ''))
}

function textOf(node: DomNode, depth = 0): string {
  if (node.type === 'text') return node.data ?? ''
  return depth > deepest ? '' : (node.children ?? []).map((child) => textOf(child, depth + 1)).join('')
}

function tidied(text: string): string {
  return marked(marked(text, strong, '**'), emphasis, '*')
    .replace(/^ +(?=\d+\. )/gm, '')
    .replace(/(?<![ \t])[ \t]+$/gm, '')
    .replace(/(?<=\S) {2,}/g, ' ')
    .replace(/\n{3,}/g, '\n\n')
    .trim()
}

/** Blanks go outside of the marks; marks around nothing, or around more than a paragraph, say nothing. */
function marked(text: string, { prefix, suffix }: typeof strong, mark: string): string {
  const around = new RegExp(`${prefix}([^${prefix}${suffix}]*)${suffix}`, 'g')
  const set = text.replace(around, (_whole, inner: string) => {
    const words = inner.trim()
    if (words === '' || /\n\s*\n/.test(words)) return inner
    const begin = inner.length - inner.trimStart().length
    const end = inner.trimEnd().length
    return inner.slice(0, begin) + mark + words + mark + inner.slice(end)
  })
  return set.replaceAll(prefix, '').replaceAll(suffix, '')
}
