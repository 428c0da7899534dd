import { Readable } from 'node:stream'
import { packTar } from 'modern-tar/fs'

/** Something to be packed: a text, or a file that is opened when its turn comes. Sizes in bytes. */
export type TarEntry =
  | { name: string; text: string }
  | { name: string; size: number; open: () => Promise<Readable> }

/** Packs entries into a tar archive, one after the other; none is held in memory. Every one bears the same time. */
export function tarOf(folder: string, entries: TarEntry[], at: number): Readable {
  const common = { mtime: new Date(at), mode: 0o600, uname: '', gname: '' }
  return packTar(
    entries.map((entry) => {
      const target = `${folder}/${entry.name}`
      if ('text' in entry) return { ...common, type: 'content', target, content: entry.text }
      return {
        ...common,
        type: 'stream',
        target,
        size: entry.size,
        content: Readable.from(opened(entry.open)),
      }
    }),
  )
}

async function* opened(open: () => Promise<Readable>): AsyncGenerator<Buffer> {
  yield* (await open()) as AsyncIterable<Buffer>
}
