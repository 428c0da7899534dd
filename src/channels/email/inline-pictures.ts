import type { Part } from './mime-tree.ts'

/** Where the HTML of a mail shows a picture: among its words, behind all of them, in a signature, or in what it quotes. */
export type PictureUse = 'words' | 'end' | 'signature' | 'quoted'

const mark = /Write above this line to answer the sender/

/** How mail programs begin what they quote. */
const quotation =
  /class="?[^">]{0,300}(?:gmail_quote|yahoo_quoted|protonmail_quote|tutanota_quote|moz-cite-prefix|zmail_extra)|<blockquote\b[^<>]{0,1000}(?:type="?cite|cite=)|id="?(?:divRplyFwdMsg|appendonsend|reply-intro|mail-editor-reference-message-container)|name="?quote"?|border-top:\s?solid #(?:E1E1E1|B5C4DF)/i

/** How they begin a signature. */
const signature =
  /class="?[^">]{0,300}(?:gmail_signature|moz-signature|protonmail_signature|elementToProof Signature|AppleMailSignature)|id="?(?:x_)?(?:Signature|ms-outlook-mobile-signature|AppleMailSignature|yahoo-signature|tutanota_signature)|data-smartmail="?gmail_signature/i

/** How each picture is used that the HTML of a mail names, by its Content-ID. */
export function pictureUses(root: Part): Record<string, PictureUse> {
  const html = htmlIn(root).join('\n')
  const quotedFrom = firstOf(html, quotation, mark)
  const signedFrom = firstOf(html, signature)
  const uses: Record<string, PictureUse> = {}
  for (const found of html.matchAll(/\bcid:([^'"\s>)]{1,256})/gi)) {
    const id = decoded(found[1] ?? '')
    uses[id] ??= useAt(html, found.index, signedFrom, quotedFrom)
  }
  return uses
}

function useAt(html: string, at: number, signedFrom: number, quotedFrom: number): PictureUse {
  if (at > quotedFrom) return 'quoted'
  if (at > signedFrom) return 'signature'
  return hasWords(html.slice(html.indexOf('>', at) + 1, quotedFrom)) ? 'words' : 'end'
}

function htmlIn(part: Part): string[] {
  const own = part.type === 'text/html' && part.name === undefined ? [part.text ?? ''] : []
  return [...own, ...part.children.flatMap(htmlIn)]
}

function firstOf(html: string, ...patterns: RegExp[]): number {
  const found = patterns.map((pattern) => html.search(pattern)).filter((at) => at !== -1)
  return found.length === 0 ? html.length : Math.min(...found)
}

function hasWords(html: string): boolean {
  const text = html
    .replace(/<(style|script)\b[^>]*>[^<]*<\/\1>/gi, ' ')
    .replace(/<[^>]*>?/g, ' ')
    .replace(/&\w+;/g, ' ')
  return /[\p{L}\p{N}]/u.test(text)
}

function decoded(id: string): string {
  try {
    return decodeURIComponent(id)
  } catch {
    return id
  }
}
