import { Readable } from 'node:stream'
import { articleOf } from '../../src/documents/article-text.ts'

const namespaces = [
  'xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"',
  'xmlns:r="http://schemas.openxmlformats.org/officeDocument/2006/relationships"',
  'xmlns:m="http://schemas.openxmlformats.org/officeDocument/2006/math"',
  'xmlns:mc="http://schemas.openxmlformats.org/markup-compatibility/2006"',
].join(' ')
const relationships = 'http://schemas.openxmlformats.org/officeDocument/2006/relationships'

/** What a Word document is made of besides its text. Each is XML as it stands within the part of that name. */
export type WordContent = {
  body: string
  styles?: string
  numbering?: string
  footnotes?: string
  endnotes?: string
  header?: string
  /** Addresses of links, by their ids. */
  links?: Record<string, string>
}

/** A run of a Word document with these properties. */
export function run(text: string, properties = ''): string {
  return `<w:r>${properties && `<w:rPr>${properties}</w:rPr>`}<w:t xml:space="preserve">${text}</w:t></w:r>`
}

/** A paragraph of runs, or of plain text. */
export function paragraph(content: string, properties = ''): string {
  const runs = content.startsWith('<') ? content : run(content)
  return `<w:p>${properties && `<w:pPr>${properties}</w:pPr>`}${runs}</w:p>`
}

export function wordDocument(content: WordContent): Promise<Buffer> {
  const { body, styles, numbering, footnotes, endnotes, header, links = {} } = content
  const parts: [type: string, name: string, root: string, content: string | undefined][] = [
    ['styles', 'styles.xml', 'w:styles', styles],
    ['numbering', 'numbering.xml', 'w:numbering', numbering],
    ['footnotes', 'footnotes.xml', 'w:footnotes', footnotes],
    ['endnotes', 'endnotes.xml', 'w:endnotes', endnotes],
    ['header', 'header1.xml', 'w:hdr', header],
  ]
  const present = parts.filter(([, , , xml]) => xml !== undefined)
  const related = [
    ...present.map(([type, name], i) =>
      relationship(header !== undefined && type === 'header' ? 'header' : `part${i}`, type, name),
    ),
    ...Object.entries(links).map(([id, address]) =>
      relationship(id, 'hyperlink', address, ' TargetMode="External"'),
    ),
  ]
  return zipOf({
    '_rels/.rels': rels(relationship('main', 'officeDocument', 'word/document.xml')),
    'word/_rels/document.xml.rels': rels(...related),
    'word/document.xml': `<?xml version="1.0" encoding="UTF-8"?><w:document ${namespaces}><w:body>${body}</w:body></w:document>`,
    ...Object.fromEntries(
      present.map(([, name, root, xml]) => [`word/${name}`, `<${root} ${namespaces}>${xml}</${root}>`]),
    ),
  })
}

/** An OpenDocument text with this in its body, these styles of its own, and these that are kept apart. */
export function openDocument({
  text,
  styles = '',
  common = '',
}: {
  text: string
  styles?: string
  common?: string
}): Promise<Buffer> {
  return zipOf({
    mimetype: 'application/vnd.oasis.opendocument.text',
    'content.xml': `<?xml version="1.0"?><office:document-content xmlns:office="o" xmlns:text="t"><office:automatic-styles>${styles}</office:automatic-styles><office:body><office:text>${text}</office:text></office:body></office:document-content>`,
    'styles.xml': `<office:document-styles xmlns:office="o">${common}</office:document-styles>`,
  })
}

/** What such a document says as an article, in plain characters. */
export async function textOf(name: string, document: Promise<Buffer> | Buffer): Promise<string | undefined> {
  return (await articleOf(name, Readable.from([await document])))?.text
}

export async function zipOf(files: Record<string, string | Buffer>): Promise<Buffer> {
  const { default: JSZip } = await import('jszip')
  const zip = new JSZip()
  for (const [name, content] of Object.entries(files)) zip.file(name, content)
  return zip.generateAsync({ type: 'nodebuffer' })
}

function relationship(id: string, type: string, target: string, more = ''): string {
  return `<Relationship Id="${id}" Type="${relationships}/${type}" Target="${target}"${more}/>`
}

function rels(...related: string[]): string {
  return `<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">${related.join('')}</Relationships>`
}
