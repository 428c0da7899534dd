import { Readable } from 'node:stream'
import { textOfHtml } from './html.ts'
import { languageOf } from './language.ts'
import type { Article } from './parsed.ts'
import { shortened } from './words.ts'

/** Larger documents are read by people only. */
const mostBytes = 20 * 1024 * 1024
const mostUnpacked = 50 * 1024 * 1024

/** The text of a Word or OpenDocument file, with the marks of Markdown. Undefined if there is none in it. */
export async function articleOf(name: string, content: AsyncIterable<Buffer>): Promise<Article | undefined> {
  const document = await whole(content)
  if (!document || !(await fits(document))) return undefined
  const html = /\.docx$/i.test(name) ? await htmlOfWord(document) : await htmlOfOpenDocument(document)
  const text = shortened(textOfHtml(html))
  return text === '' ? undefined : { text, language: languageOf(text) }
}

async function whole(content: AsyncIterable<Buffer>): Promise<Buffer | undefined> {
  const chunks: Buffer[] = []
  let size = 0
  for await (const chunk of content) {
    size += chunk.length
    if (size <= mostBytes) chunks.push(chunk)
  }
  return size <= mostBytes ? Buffer.concat(chunks) : undefined
}

/** True if all that is packed in the document is no more than anybody writes. It is unpacked for that, and not held. */
async function fits(document: Buffer): Promise<boolean> {
  const { default: JSZip } = await import('jszip')
  const zip = await JSZip.loadAsync(document)
  let size = 0
  for (const file of Object.values(zip.files)) {
    for await (const chunk of new Readable().wrap(file.nodeStream())) {
      size += chunk.length
      if (size > mostUnpacked) return false
    }
  }
  return true
}

async function htmlOfWord(document: Buffer): Promise<string> {
  const { default: mammoth } = await import('mammoth')
  // Pictures would come as long data addresses; they are in the document, which stays attached.
  const convertImage = mammoth.images.imgElement(async () => ({ src: '' }))
  const { value } = await mammoth.convertToHtml(
    { buffer: document },
    { convertImage, externalFileAccess: false },
  )
  return value
}

/** Elements of OpenDocument text and the HTML they are like: https://docs.oasis-open.org/office/OpenDocument/v1.3/ */
const likeHtml: [pattern: RegExp, html: string][] = [
  [/<text:h\b[^>]*text:outline-level="([1-6])"[^>]*>/g, '<h$1>'],
  [/<text:h\b[^>]*>/g, '<h2>'],
  [/<\/text:h>/g, '</h2>'],
  [/<text:(?:note-citation|tracked-changes)\b[\s\S]*?<\/text:(?:note-citation|tracked-changes)>/g, ''],
  [/<text:p\b[^>]*\/>/g, '<br>'],
  [/<text:p\b[^>]*>/g, '<p>'],
  [/<\/text:p>/g, '</p>'],
  [/<text:list-item\b[^>]*>/g, '<li>'],
  [/<\/text:list-item>/g, '</li>'],
  [/<text:list\b[^>]*>/g, '<ul>'],
  [/<\/text:list>/g, '</ul>'],
  [/<text:a\b[^>]*xlink:href="([^"]*)"[^>]*>/g, '<a href="$1">'],
  [/<\/text:a>/g, '</a>'],
  [/<text:line-break\s*\/>/g, '<br>'],
  [/<text:(?:s|tab)\b[^>]*\/>/g, ' '],
]

async function htmlOfOpenDocument(document: Buffer): Promise<string> {
  const { default: JSZip } = await import('jszip')
  const zip = await JSZip.loadAsync(document)
  const xml = (await zip.file('content.xml')?.async('string')) ?? ''
  const [, text = ''] = /<office:text\b[^>]*>([\s\S]*)<\/office:text>/.exec(xml) ?? []
  const marked = emphasised(text, xml)
  const html = likeHtml.reduce((sofar, [pattern, like]) => sofar.replace(pattern, like), marked)
  // What is like nothing in HTML keeps its words and loses its marks.
  return html.replace(/<\/?[a-z-]+:[^>]*>/g, '')
}

const looks = [
  { property: /fo:font-weight="bold"/, tag: 'b' },
  { property: /fo:font-style="italic"/, tag: 'i' },
]

/** Bold and italic are said in styles, by whose names the spans of the text are called. */
function emphasised(text: string, xml: string): string {
  const styles = xml.match(/<style:style\b[^>]*style:family="text"[^>]*>[\s\S]*?<\/style:style>/g) ?? []
  return looks.reduce((sofar, { property, tag }) => {
    const names = styles
      .filter((style) => property.test(style))
      .map((style) => /style:name="([^"]*)"/.exec(style)?.[1])
    return sofar.replace(
      /<text:span\b[^>]*text:style-name="([^"]*)"[^>]*>([^<]*)<\/text:span>/g,
      (span, name, words) => (names.includes(name) ? `<${tag}>${words}</${tag}>` : span),
    )
  }, text)
}
