import { shortenedTo, writtenOut } from '../submissions/formatted-text.ts'
import { openArchive } from './archive.ts'
import type { Article } from './article.ts'
import { languageOf } from './language.ts'
import { formattedOfOpenDocument } from './open-document.ts'
import { formattedOfWord } from './word.ts'

/** Larger documents are read by people only. Bytes. */
const mostBytes = 20 * 1024 * 1024

/** As many characters as any submission may have. */
const longest = 100_000
const cut = '[This is longer than a piece may be. The rest is in the document.]'

/** The text of a Word or OpenDocument file, with its formatting. Undefined if there is none in it. */
export async function articleOf(name: string, content: AsyncIterable<Buffer>): Promise<Article | undefined> {
  const document = await whole(content)
  const archive = document && (await openArchive(document))
  if (!archive) return undefined
  const read = /\.docx$/i.test(name) ? formattedOfWord : formattedOfOpenDocument
  const formatted = shortenedTo(longest, await read(archive), cut)
  const text = writtenOut(formatted).trim()
  return text === '' ? undefined : { text, formatted, language: languageOf(text) }
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
