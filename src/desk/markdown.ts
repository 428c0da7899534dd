import MarkdownIt from 'markdown-it'

/**
 * Markdown without HTML: what looks like a tag is text. Links lead to the web or a mailbox only, and tell nothing of
 * where they were followed; pictures become links, for a page of the desk loads nothing from another host.
 */
const markdown = new MarkdownIt({
  html: false,
  linkify: false,
  typographer: false,
  breaks: true,
  maxNesting: 20,
})

markdown.validateLink = (url) => /^(?:https?:\/\/|mailto:)/i.test(url.trim())
markdown.disable('image')
markdown.renderer.rules.link_open = (tokens, index, options, _env, self) => {
  const token = tokens[index]
  token?.attrSet('rel', 'noreferrer noopener nofollow')
  token?.attrSet('target', '_blank')
  return self.renderToken(tokens, index, options)
}
// The page's own heading is the title; those in the text come below it, and none skips a level on the way down.
markdown.core.ruler.push('levels', ({ tokens }) => {
  const outer: number[] = []
  for (const token of tokens) {
    if (token.type === 'heading_open') {
      const level = Number(token.tag.slice(1))
      while ((outer.at(-1) ?? 0) >= level) outer.pop()
      outer.push(level)
    }
    if (token.type.startsWith('heading_')) token.tag = `h${Math.min(6, outer.length + 1)}`
  }
})

/** A sender's Markdown as HTML that can do no harm. */
export function articleOf(text: string): string {
  return markdown.render(text)
}
