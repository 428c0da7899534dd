import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'

/** How each canary begins: a word that is planted, to be looked for where it must not be. */
const mark = 'Kanarienvogel'
let count = 0
/** All that there are. */
export const planted: string[] = []
/** A word that stands nowhere else. */
export function canary(): string {
  count += 1
  const word = `${mark}${String(count).padStart(4, '0')}${Math.random().toString(36).slice(2, 12)}`
  planted.push(word)
  return word
}

/** Every byte of every file below these folders. */
export async function everyByte(...folders: string[]): Promise<Buffer> {
  const found: Buffer[] = []
  for (const folder of folders) {
    const entries = await readdir(folder, { recursive: true, withFileTypes: true }).catch(() => [])
    for (const entry of entries)
      if (entry.isFile()) found.push(await readFile(join(entry.parentPath, entry.name)))
  }
  return Buffer.concat(found)
}

/** How a word may stand in a file: as it is, and in the codings that text is wrapped in. */
function formsOf(word: string): Buffer[] {
  const bytes = Buffer.from(word)
  // In base 64 a word looks different by where it begins; its first and last letters depend on its neighbours.
  const base64 = [0, 1, 2].map((shift) =>
    Buffer.concat([Buffer.alloc(shift), bytes])
      .toString('base64')
      .slice(shift === 0 ? 0 : 4, -4),
  )
  return [
    bytes,
    Buffer.from(word, 'utf16le'),
    Buffer.from(bytes.toString('hex')),
    ...base64.map((one) => Buffer.from(one)),
  ]
}

/** Looks for all of them at once by how they begin, and names them only if there are any. */
export function found(bytes: Buffer, words: string[]): string[] {
  const isMarked = words.every((word) => word.startsWith(mark))
  if (isMarked && !formsOf(mark).some((form) => bytes.includes(form))) return []
  return words.filter((word) => formsOf(word).some((form) => bytes.includes(form)))
}
