import { randomBytes } from 'node:crypto'
import { link, mkdir, rm, writeFile } from 'node:fs/promises'
import { dirname } from 'node:path'
import { isThere, syncFolder } from './durable-file.ts'

/**
 * Makes a file for its owner's eyes only, unless it is there; says whether it made it. Whole or not at all: it is
 * written under another name first, and linked to its own only when it is on the disk.
 */
export async function makeOnce(path: string, content: () => string | Promise<string>): Promise<boolean> {
  if (await isThere(path)) return false
  const folder = dirname(path)
  await mkdir(folder, { recursive: true, mode: 0o700 })
  const incoming = `${path}.${randomBytes(6).toString('hex')}`
  await writeFile(incoming, await content(), { mode: 0o600, flush: true })
  try {
    await link(incoming, path)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false
    throw error
  } finally {
    await rm(incoming)
  }
  await syncFolder(folder)
  return true
}
