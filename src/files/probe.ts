import { access, constants, readdir, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { checkedId } from './file-id.ts'
import type { WrittenFile } from './staging.ts'

type FileProbeContext = {
  root: string
  folders: string[]
  pathOf: (id: string) => string
  stage: (source: Readable) => Promise<WrittenFile>
  forget: (id: string) => void
}

/**
 * Does what taking a file in does: encrypts and writes one durably, moves it to its folder, and removes it again. Looks also
 * at what a file that fits now does not tell: that every folder is there and may be written.
 * @throws where one of it fails
 */
export function fileProbe({ root, folders, pathOf, stage, forget }: FileProbeContext) {
  let turn = 0

  return async (): Promise<void> => {
    const there = new Set(await readdir(root))
    const missing = folders.find((name) => !there.has(name))
    if (missing !== undefined) throw new Error('a folder of the file store is missing')
    await Promise.all(folders.map((name) => access(join(root, name), constants.W_OK | constants.X_OK)))
    const { id } = await stage(Readable.from([Buffer.from('probe')]))
    forget(id)
    // Into another folder each time: one of them may be out of order.
    const path = join(root, folders[turn++ % folders.length] ?? '', checkedId(id))
    try {
      await rename(pathOf(id), path)
    } finally {
      await rm(pathOf(id), { force: true })
      await rm(path, { force: true })
    }
  }
}
