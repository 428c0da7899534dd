import { createHash } from 'node:crypto'
import {
  access,
  constants,
  type FileHandle,
  mkdir,
  open,
  readdir,
  rename,
  rm,
  stat,
  statfs,
} from 'node:fs/promises'
import { dirname, join } from 'node:path'
import type { Readable } from 'node:stream'
import { Failure } from '../failure.ts'
import { newId } from '../id.ts'
import { orUnavailable } from './faults.ts'

/** How much of a file's beginning its type is told from. */
const sampleSize = 4100
/** Files are spread by the last two digits of their ids, which are random. */
const keptFolders = Array.from({ length: 256 }, (_, i) => i.toString(16).padStart(2, '0'))
const idShape = /^[\da-f]{8}-[\da-f]{4}-7[\da-f]{3}-[\da-f]{4}-[\da-f]{12}$/

export type FileStore = ReturnType<typeof fileStore>

export type WrittenFile = { id: string; size: number; type: string; sha256: string }

export type StageOptions = {
  /** The file's id, where it has one already. */
  id?: string
  /** More bytes than this are refused as `too-large`. */
  maxBytes: number
  /** The media type that these leading bytes show; throws to refuse the file. */
  typeOf: (sample: Buffer) => Promise<string>
}

/**
 * Files on the disk, named by their ids only: no name from outside becomes a path.
 * A file is staged (written and fsynced in `staging/`), then kept (renamed into its folder, the folder
 * fsynced), and only then may the database speak of it. What a crash leaves between is swept at the next start.
 */
export function fileStore(root: string) {
  const staging = join(root, 'staging')
  const stagedPath = (id: string) => join(staging, checked(id))
  const keptPath = (id: string) => join(root, checked(id).slice(-2), id)

  return {
    /**
     * Makes every folder there will ever be, durably. Made with its first file, a folder could be lost with the second
     * one, which found it there and did not wait for it.
     */
    async prepare(): Promise<void> {
      await mkdir(root, { recursive: true, mode: 0o700 })
      const there = new Set(await readdir(root))
      const missing = ['staging', ...keptFolders].filter((name) => !there.has(name))
      if (missing.length === 0) return
      for (const name of missing) await mkdir(join(root, name), { recursive: true, mode: 0o700 })
      await syncFolder(root)
      await syncFolder(dirname(root))
    },

    /**
     * Streams a file into staging; hash and type are told while it passes. The source is read no further
     * than the fault, and not destroyed: the caller drains it.
     * @throws Failure `too-large`, `unavailable`, or what `typeOf` throws; nothing is left behind then.
     */
    async stage(source: Readable, options: StageOptions): Promise<WrittenFile> {
      const id = options.id ?? newId(Date.now())
      return orUnavailable(async () => {
        const handle = await open(stagedPath(id), 'w', 0o600)
        try {
          const written = await write(source, handle, options)
          await handle.datasync()
          return { id, ...written }
        } catch (error) {
          await rm(stagedPath(id), { force: true })
          throw error
        } finally {
          await handle.close()
        }
      })
    },

    /** Opens a staged file for reading. */
    readStaged(id: string): Promise<Readable> {
      return orUnavailable(async () => (await open(stagedPath(id), 'r')).createReadStream())
    },

    /** Makes staged files durable under their ids; a file that is kept already stays so.
     * @throws Failure `unavailable`; what was moved by then is swept at the next start. */
    async keep(ids: string[]): Promise<void> {
      await orUnavailable(async () => {
        for (const id of ids) await moveOnce(stagedPath(id), keptPath(id))
        for (const folder of new Set(ids.map((id) => dirname(keptPath(id))))) await syncFolder(folder)
      })
    },

    /** Removes staged files that will not be kept. A file that was kept meanwhile stays. */
    async discard(ids: string[]): Promise<void> {
      for (const id of ids) await rm(stagedPath(id), { force: true })
    },

    /** Removes kept files that nothing speaks of. */
    async remove(ids: string[]): Promise<void> {
      for (const id of ids) await rm(keptPath(id), { force: true })
    },

    /** Opens a kept file for reading. @throws Failure `unavailable` if it is not there. */
    read(id: string): Promise<Readable> {
      return orUnavailable(async () => (await open(keptPath(id), 'r')).createReadStream())
    },

    /** Where a kept file lies. Only for what reads it and does not change it. */
    path: keptPath,

    /** Keeps a file that is made here: `write` puts it at the path it is given, or says that it did not. */
    async keepMade(write: (path: string) => Promise<boolean>): Promise<string | undefined> {
      const id = newId(Date.now())
      try {
        if (!(await write(stagedPath(id)))) return undefined
        await syncFile(stagedPath(id))
        await this.keep([id])
        return id
      } finally {
        await this.discard([id])
      }
    },

    /** Throws unless files can be taken in. */
    async check(neededBytes: number): Promise<void> {
      await access(staging, constants.W_OK)
      const { bavail, bsize } = await statfs(staging)
      if (bavail * bsize < neededBytes) throw new Error('the disk of the file store is full')
    },

    /**
     * Removes what nothing speaks of: staged files and kept files without a record, if last changed before
     * `before` (milliseconds), so that what is just coming in stays. Returns how many.
     */
    async sweep(before: number, keptAmong: (ids: string[]) => Promise<Set<string>>): Promise<number> {
      let swept = 0
      for (const folder of await readdir(root, { withFileTypes: true })) {
        if (!folder.isDirectory()) continue
        const path = join(root, folder.name)
        const names = (await readdir(path)).filter((name) => idShape.test(name))
        const kept = folder.name === 'staging' ? new Set() : await keptAmong(names)
        for (const name of names) {
          if (!kept.has(name) && (await removeIfOlder(join(path, name), before))) swept += 1
        }
      }
      return swept
    },
  }
}

function checked(id: string): string {
  if (!idShape.test(id)) throw new Error('not a file id')
  return id
}

async function write(source: Readable, handle: FileHandle, options: StageOptions) {
  const hash = createHash('sha256')
  let size = 0
  let sample = Buffer.alloc(0)
  let type: string | undefined
  for await (const chunk of source.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
    size += chunk.length
    if (size > options.maxBytes) throw new Failure('too-large', 'The file is too large.')
    if (type === undefined) {
      sample = Buffer.concat([sample, chunk.subarray(0, sampleSize - sample.length)])
      if (sample.length >= sampleSize) type = await options.typeOf(sample)
    }
    hash.update(chunk)
    await handle.writeFile(chunk)
  }
  type ??= await options.typeOf(sample)
  return { size, type, sha256: hash.digest('hex') }
}

async function moveOnce(from: string, to: string): Promise<void> {
  await rename(from, to).catch((error: unknown) => access(to).catch(() => Promise.reject(error)))
}

async function syncFile(path: string): Promise<void> {
  const file = await open(path, 'r+')
  try {
    await file.datasync()
  } finally {
    await file.close()
  }
}

/** A rename is durable once its folder is fsynced. */
export async function syncFolder(path: string): Promise<void> {
  const folder = await open(path, constants.O_RDONLY)
  try {
    await folder.sync()
  } finally {
    await folder.close()
  }
}

async function removeIfOlder(path: string, before: number): Promise<boolean> {
  const { ctimeMs } = await stat(path)
  if (ctimeMs >= before) return false
  await rm(path, { force: true })
  return true
}
