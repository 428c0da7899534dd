import { access, constants, readdir, rename, rm, statfs } from 'node:fs/promises'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { checkedId } from './file-id.ts'
import type { WrittenFile } from './staging.ts'

export type FileProbeParts = {
  root: string
  folders: string[]
  pathOf: (id: string) => string
  stage: (source: Readable) => Promise<WrittenFile>
  forget: (id: string) => void
}

/**
 * Does what taking a file in does: seals and writes one durably, moves it to its folder, and removes it again. Looks also
 * at what a file that fits now does not tell: that every folder is there and may be written, and that there is room.
 * @throws where one of it fails
 */
export function fileProbe({ root, folders, pathOf, stage, forget }: FileProbeParts) {
  let turn = 0

  return async (neededBytes: number): Promise<void> => {
    const there = new Set(await readdir(root))
    const missing = folders.find((name) => !there.has(name))
    if (missing !== undefined) throw new Error('a folder of the file store is missing')
    await Promise.all(folders.map((name) => access(join(root, name), constants.W_OK | constants.X_OK)))
    await mustHaveRoom(root, neededBytes)
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

/** What a submission of many files may need, while they are sealed. */
const fewestFiles = 32

/** @throws where the disk of this folder has less room than this, in bytes, or none for another file */
export async function mustHaveRoom(folder: string, neededBytes: number): Promise<void> {
  const { free, filesFree } = await roomIn(folder)
  if (free < neededBytes || filesFree < fewestFiles)
    throw Object.assign(new Error('the disk is full'), { code: 'ENOSPC' })
}

/** What is left on the disk of a folder: bytes, files (infinitely many where the file system does not count them), and the share of each. */
export async function roomIn(folder: string) {
  const { bavail, blocks, bsize, ffree, files } = await statfs(folder)
  return {
    free: bavail * bsize,
    freeShare: blocks === 0 ? 1 : bavail / blocks,
    filesFree: files === 0 ? Number.POSITIVE_INFINITY : ffree,
    filesFreeShare: files === 0 ? 1 : ffree / files,
  }
}
