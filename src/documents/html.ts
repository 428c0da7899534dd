import { type Formatted, writtenOut } from '../submissions/formatted-text.ts'
import { lists } from './html-lists.ts'
import { HtmlReader } from './html-reader.ts'
import { structure } from './html-structure.ts'
import { tables } from './html-tables.ts'
import { things } from './html-things.ts'
import { charactersIn, descendants, type Markup, parseHtml } from './markup.ts'
import { StyleSheet } from './style-sheet.ts'

/** Characters of HTML; what comes after them is left out here, and is in the raw mail. */
const longest = 1_000_000

/** So many elements within each other are no letter's; what begins deeper is left out here too. */
const tooDeep = 2000
const leftOut =
  '[The rest is left out here: it is too long, or too deeply nested. It is in the original mail.]'

const handlers = new Map([...structure, ...lists, ...tables, ...things])

/**
 * The text of HTML in plain characters, with the marks of Markdown where the markup says something. What cannot be said
 * in characters, such as a picture, is named in its place. What is longer than a million characters, or in more than
 * 2000 elements, is left out, and that is said at the end.
 */
export function textOfHtml(html: string): string {
  return writtenOut(formattedOfHtml(html)).trim()
}

/** The text of HTML with its formatting, within the same limits. What is only looks is left out. */
export function formattedOfHtml(html: string): Formatted {
  const within = withinLimits(html)
  const nodes = parseHtml(within)
  const reader = new HtmlReader(new StyleSheet(stylesIn(within, nodes)), handlers)
  return reader.read(nodes, within.length < html.length ? leftOut : undefined)
}

function stylesIn(html: string, nodes: Markup[]): string {
  if (!/<style/i.test(html)) return ''
  return [...descendants(nodes, 'style')].map((style) => charactersIn([style])).join('\n')
}

/** Up to where HTML is longer or deeper than anybody writes: taking the rest apart would cost too much. */
function withinLimits(html: string): string {
  let depth = 0
  for (const { 1: slash, 2: name = '', index } of html.matchAll(/<(\/?)([a-z][\w:-]*)/gi)) {
    if (index > longest) break
    if (endless.test(name)) continue
    depth = Math.max(0, depth + (slash ? -1 : 1))
    if (depth > tooDeep) return html.slice(0, index)
  }
  return html.slice(0, longest)
}

/** Elements that need no end. */
const endless =
  /^(?:area|base|br|col|dd|dt|embed|hr|img|input|li|link|meta|option|p|param|source|t[dhr]|tbody|tfoot|thead|track|wbr)$/i
