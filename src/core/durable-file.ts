import { once } from 'node:events'
import { createReadStream } from 'node:fs'
import { access, constants, open, rename } from 'node:fs/promises'
import type { Readable } from 'node:stream'

/** A rename is durable once its folder is fsynced. */
export async function syncFolder(path: string): Promise<void> {
  const folder = await open(path, constants.O_RDONLY)
  try {
    await folder.sync()
  } finally {
    await folder.close()
  }
}

export async function syncFile(path: string): Promise<void> {
  const file = await open(path, 'r+')
  try {
    await file.datasync()
  } finally {
    await file.close()
  }
}

/** Moves a file; done before, it is no fault. */
export async function moveOnce(from: string, to: string): Promise<void> {
  await rename(from, to).catch((error: unknown) => access(to).catch(() => Promise.reject(error)))
}

export async function isThere(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  )
}

/** For a `catch`: what is not there, or has gone meanwhile, is no fault. @throws any other error */
export function unlessGone(error: NodeJS.ErrnoException): undefined {
  if (error.code !== 'ENOENT') throw error
}

/** Opens a file for reading. Whoever gets the stream reads or destroys it: nothing else closes the file. */
export async function opened(path: string): Promise<Readable> {
  const stream = createReadStream(path)
  await once(stream, 'open')
  return stream
}
