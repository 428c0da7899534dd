import type { Archive } from './archive.ts'
import { childOf, descendants, type Element, type Markup } from './markup.ts'

/** Where a part leads: to another one, or out of the document. */
type Relationship = { type: string; target: string; isExternal: boolean }
export type Relationships = ReadonlyMap<string, Relationship>

/** A part of a Word document, with what it leads to. */
export type WordPart = { nodes: Markup[]; relationships: Relationships }

/** The main part, and those that it needs: https://ecma-international.org/publications-and-standards/standards/ecma-376/ */
export type WordParts = {
  main: WordPart
  styles: Markup[]
  numbering: Markup[]
  footnotes: WordPart
  endnotes: WordPart
  /** A header or footer, by its relationship. */
  page: (id: string) => Promise<WordPart>
}

export async function openWord(archive: Archive): Promise<WordParts> {
  const [start] = ofType(await relationshipsOf(archive, ''), 'officeDocument')
  const path = start ? absolute(start.target, '') : 'word/document.xml'
  const main = await wordPart(archive, path)
  const related = async (type: string) => {
    const [found] = ofType(main.relationships, type)
    return wordPart(archive, absolute(found?.target ?? `${type}.xml`, path))
  }
  return {
    main,
    styles: (await related('styles')).nodes,
    numbering: (await related('numbering')).nodes,
    footnotes: await related('footnotes'),
    endnotes: await related('endnotes'),
    page: async (id) => wordPart(archive, absolute(main.relationships.get(id)?.target ?? '', path)),
  }
}

async function wordPart(archive: Archive, path: string): Promise<WordPart> {
  return { nodes: (await archive.part(path)) ?? [], relationships: await relationshipsOf(archive, path) }
}

async function relationshipsOf(archive: Archive, path: string): Promise<Relationships> {
  const cut = path.lastIndexOf('/') + 1
  const nodes = await archive.part(`${path.slice(0, cut)}_rels/${path.slice(cut)}.rels`)
  return new Map(
    [...descendants(nodes ?? [], 'Relationship')].map(({ attribs }): [string, Relationship] => [
      attribs.Id ?? '',
      {
        type: attribs.Type ?? '',
        target: attribs.Target ?? '',
        isExternal: attribs.TargetMode === 'External',
      },
    ]),
  )
}

function ofType(relationships: Relationships, type: string): Relationship[] {
  return [...relationships.values()].filter((one) => one.type.endsWith(`/${type}`))
}

/** Targets are named from where the part lies. */
function absolute(target: string, from: string): string {
  return new URL(target, `zip:///${from}`).pathname.slice(1)
}

/** What an element says in its attribute `w:val`. */
export function valueIn(parent: Element | undefined, name: string): string | undefined {
  return childOf(parent, name)?.attribs['w:val']
}

/** A property that is on where it is named, unless it says that it is not. Undefined where it is not named. */
export function isOn(parent: Element | undefined, name: string): boolean | undefined {
  const property = childOf(parent, name)
  return property && !/^(?:0|false|off|none)$/.test(property.attribs['w:val'] ?? '')
}
