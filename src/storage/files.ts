import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { createReadStream } from 'node:fs'
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
  utimes,
} from 'node:fs/promises'
import { dirname, join } from 'node:path'
import type { Readable } from 'node:stream'
import { Failure } from '../failure.ts'
import { coarseId, minuteOf } from '../id.ts'
import type { SealedAs } from '../record.ts'
import type { Identity, Keys, Recipient, Sealing } from '../seal.ts'
import type { Attachment } from '../submission.ts'
import { orUnavailable } from './faults.ts'

/** How much of a file's beginning its type is told from. */
const sampleSize = 4100
/** Files are spread by the last two digits of their ids, which are random. */
const keptFolders = Array.from({ length: 256 }, (_, i) => i.toString(16).padStart(2, '0'))
/** How an age file begins. */
const ageMark = Buffer.from('age-encryption.org/')
const nothing = Buffer.alloc(1024 * 1024)
const idShape = /^[\da-f]{8}-[\da-f]{4}-7[\da-f]{3}-[\da-f]{4}-[\da-f]{12}$/

export type FileStore = ReturnType<typeof fileStore>

export type WrittenFile = { id: string; size: number; type: string; sha256: string }

/** What seals the files of the store, and opens them. */
export type FileSealing = {
  seal(source: AsyncIterable<Uint8Array>): { sealed: Readable; fileKey: Promise<Uint8Array> }
  open(source: Readable, fileKey: Uint8Array): Readable
  headerSize: number
  /** The header by which these two open a file. */
  headerFor(fileKey: Uint8Array, recipients: [Recipient, Recipient]): Buffer
  fileKeyIn(
    header: Buffer,
    identities: Identity[],
  ): Promise<{ fileKey: Uint8Array } | { fault: 'locked' | 'damaged' }>
  markOfKey(fileKey: Uint8Array): string
  /** A recipient that nobody can open for, in the place of a sender whose receipt is not known. */
  nobody(): Recipient
}

export type StageOptions = {
  /** Nothing of it may touch the disk in the clear: it may be of a confidential piece. */
  isSealed?: boolean
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
 *
 * A sealed file is an age file. While it is staged its key is in memory only, and nobody can open it but this process;
 * when it is kept, its header is written for those who may.
 */
export function fileStore(root: string, sealing: FileSealing) {
  const keys = new Map<string, Uint8Array>()
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
      const id = options.id ?? coarseId(Date.now())
      return orUnavailable(async () => {
        const handle = await open(stagedPath(id), 'w', 0o600)
        try {
          const passing = passingThrough(source, options)
          const sealed = options.isSealed ? sealing.seal(passing.bytes) : undefined
          if (sealed) await writeSealed(handle, sealed.sealed)
          else for await (const piece of passing.bytes) await handle.writeFile(piece)
          await handle.datasync()
          if (sealed) keys.set(id, await sealed.fileKey)
          return { id, ...(await passing.told()) }
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
      return orUnavailable(() => readStaged(id))
    },

    /**
     * Makes staged files durable under their ids, sealed for whom `sealedFor` says; a file that is kept already stays so.
     * Gives by what sealed ones are known.
     * @throws Failure `unavailable`; what was moved by then is swept at the next start.
     */
    async keep(ids: string[], sealedFor?: Pick<Sealing, 'desk' | 'sender'>): Promise<Map<string, SealedAs>> {
      return orUnavailable(async () => {
        const sealed = new Map<string, SealedAs>()
        for (const id of ids) {
          const as = sealedFor ? await sealFor(id, sealedFor) : await unseal(id)
          if (as) sealed.set(id, as)
          if (as) await forgetWhen(stagedPath(id))
          await moveOnce(stagedPath(id), keptPath(id))
          keys.delete(id)
        }
        for (const folder of new Set(ids.map((id) => dirname(keptPath(id))))) {
          await syncFolder(folder)
          if (sealed.size > 0) await forgetWhen(folder)
        }
        return sealed
      })
    },

    /** Removes staged files that will not be kept. A file that was kept meanwhile stays. */
    async discard(ids: string[]): Promise<void> {
      for (const id of ids) {
        await rm(stagedPath(id), { force: true })
        keys.delete(id)
      }
    },

    /** Removes kept files that nothing speaks of. */
    async remove(ids: string[]): Promise<void> {
      for (const id of ids) await rm(keptPath(id), { force: true })
    },

    /**
     * Wipes a kept file: it is overwritten before its name goes, durably; of a sealed one only what it opens by. One that
     * has gone already is no fault. @throws Failure `unavailable`
     */
    async erase(id: string): Promise<void> {
      await orUnavailable(async () => {
        await overwrite(keptPath(id))
        await rm(keptPath(id), { force: true })
        await syncFolder(dirname(keptPath(id)))
      })
    },

    /**
     * Says anew who opens a kept file, by whoever can open it. Only its header is written, which lies in the first sector
     * of the file: that is written whole or not at all. False for whoever cannot open it.
     * @throws Failure `unavailable`
     */
    async sealAnew(
      id: string,
      keysToIt: Keys,
      sealedFor: Pick<Sealing, 'desk' | 'sender'>,
    ): Promise<boolean> {
      return orUnavailable(async () => {
        // What is not there opens for nobody.
        if (!(await isThere(keptPath(id)))) return true
        const found = await sealing.fileKeyIn(await headOf(keptPath(id)), await keysToIt())
        if ('fault' in found) return false
        await writeHeader(keptPath(id), found.fileKey, sealedFor)
        return true
      })
    },

    /** Opens an attachment's file. @throws Failure as `read` and `readSealed` do */
    readFor({ id, sealed }: Pick<Attachment, 'id' | 'sealed'>, keysToIt: Keys): Promise<Readable> {
      return sealed ? this.readSealed(id, sealed.mark, keysToIt) : this.read(id)
    },

    /** Opens a kept file for reading. @throws Failure `unavailable` if it is not there. */
    read(id: string): Promise<Readable> {
      return orUnavailable(() => opened(keptPath(id)))
    },

    /**
     * Opens a kept file that is sealed, if it is the one that has this mark. What is cut or changed breaks the stream where
     * it is, and nothing after that is given out.
     * @throws Failure `forbidden` for whoever has no key to it, `conflict` if it is not what was sealed, `unavailable`
     */
    async readSealed(id: string, mark: string | undefined, keysToIt: Keys): Promise<Readable> {
      return orUnavailable(async () => {
        const header = await headOf(keptPath(id))
        const found = await sealing.fileKeyIn(header, await keysToIt())
        if ('fault' in found) throw found.fault === 'locked' ? locked() : damaged()
        if (sealing.markOfKey(found.fileKey) !== mark) throw damaged()
        return sealing.open(await opened(keptPath(id)), found.fileKey)
      })
    },

    /** Opens a kept file that is sealed, for whoever has its own key. */
    readOpen(id: string, fileKey: Uint8Array): Promise<Readable> {
      return orUnavailable(async () => sealing.open(await opened(keptPath(id)), fileKey))
    },

    /** Bytes that a kept file has on the disk: more than what it holds, where it is sealed. @throws Failure `unavailable` */
    sizeOf(id: string): Promise<number> {
      return orUnavailable(async () => (await stat(keptPath(id))).size)
    },

    /** Where a kept file lies. Only for what reads it and does not change it. */
    path: keptPath,

    /** Keeps a file that is made here: `write` puts it at the path it is given, or says that it did not. */
    async keepMade(write: (path: string) => Promise<boolean>): Promise<string | undefined> {
      const id = coarseId(Date.now())
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

  async function readStaged(id: string): Promise<Readable> {
    const stored = await opened(stagedPath(id))
    const fileKey = keys.get(id)
    return fileKey ? sealing.open(stored, fileKey) : stored
  }

  /** Says who opens a staged file. Undefined for one that is kept already. */
  async function sealFor(
    id: string,
    sealedFor: Pick<Sealing, 'desk' | 'sender'>,
  ): Promise<SealedAs | undefined> {
    if (!(await isThere(stagedPath(id)))) return undefined
    if (!keys.has(id)) await rewrite(id, true)
    const fileKey = keys.get(id) as Uint8Array
    await writeHeader(stagedPath(id), fileKey, sealedFor)
    return { mark: sealing.markOfKey(fileKey), fileKey }
  }

  async function writeHeader(
    path: string,
    fileKey: Uint8Array,
    { desk, sender }: Pick<Sealing, 'desk' | 'sender'>,
  ): Promise<void> {
    const header = sealing.headerFor(fileKey, [desk, sender ?? sealing.nobody()])
    const handle = await open(path, 'r+')
    try {
      await handle.write(header, 0, sealing.headerSize, 0)
      await handle.datasync()
    } finally {
      await handle.close()
    }
  }

  /** What was sealed as long as nobody knew what it was, and is not confidential, need not be. */
  async function unseal(id: string): Promise<undefined> {
    if (keys.has(id) && (await isThere(stagedPath(id)))) await rewrite(id, false)
  }

  async function rewrite(id: string, isSealed: boolean): Promise<void> {
    const source = await readStaged(id)
    // Under an id of its own, so that what a crash leaves of it is swept.
    const other = stagedPath(coarseId(Date.now()))
    const handle = await open(other, 'w', 0o600)
    try {
      const sealed = isSealed ? sealing.seal(source) : undefined
      for await (const piece of sealed?.sealed ?? source) await handle.writeFile(piece)
      await handle.datasync()
      await rename(other, stagedPath(id))
      if (sealed) keys.set(id, await sealed.fileKey)
      else keys.delete(id)
    } finally {
      await handle.close()
      await rm(other, { force: true })
    }
  }

  async function overwrite(path: string): Promise<void> {
    if (!(await isThere(path))) return
    const isSealed = (await headOf(path)).subarray(0, ageMark.length).equals(ageMark)
    const handle = await open(path, 'r+')
    try {
      const { size } = await handle.stat()
      const end = isSealed ? Math.min(size, sealing.headerSize) : size
      for (let from = 0; from < end; from += nothing.length)
        await handle.write(nothing, 0, Math.min(nothing.length, end - from), from)
      await handle.datasync()
    } finally {
      await handle.close()
    }
  }

  async function headOf(path: string): Promise<Buffer> {
    const handle = await open(path, 'r')
    try {
      const { buffer, bytesRead } = await handle.read(
        Buffer.alloc(sealing.headerSize),
        0,
        sealing.headerSize,
        0,
      )
      return buffer.subarray(0, bytesRead)
    } finally {
      await handle.close()
    }
  }
}

/** Opens a file for reading. Whoever gets the stream reads or destroys it: nothing else closes the file. */
async function opened(path: string): Promise<Readable> {
  const stream = createReadStream(path)
  await once(stream, 'open')
  return stream
}

function checked(id: string): string {
  if (!idShape.test(id)) throw new Error('not a file id')
  return id
}

/** A sealed piece has memory of its own, which is given back at once: waiting for that, a large file would fill much. */
async function writeSealed(handle: FileHandle, sealed: Readable): Promise<void> {
  for await (const piece of sealed as AsyncIterable<Buffer<ArrayBuffer>>) {
    await handle.writeFile(piece)
    piece.buffer.transfer(0)
  }
}

/** Lets a source pass, with its size, type and hash told at its end. */
function passingThrough(source: Readable, options: StageOptions) {
  const hash = createHash('sha256')
  let size = 0
  let sample = Buffer.alloc(0)
  let type: string | undefined

  async function* bytes(): AsyncGenerator<Buffer> {
    for await (const chunk of source.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
      size += chunk.length
      if (size > options.maxBytes) throw new Failure('too-large', 'The file is too large.')
      if (type === undefined) {
        sample = Buffer.concat([sample, chunk.subarray(0, sampleSize - sample.length)])
        if (sample.length >= sampleSize) type = await options.typeOf(sample)
      }
      hash.update(chunk)
      yield chunk
    }
    type ??= await options.typeOf(sample)
  }

  return {
    bytes: bytes(),
    told: async () => ({ size, type: type ?? (await options.typeOf(sample)), sha256: hash.digest('hex') }),
  }
}

async function isThere(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  )
}

function locked(): Failure {
  return new Failure('forbidden', 'This file is sealed, and you have no key to it just now.')
}

function damaged(): Failure {
  return new Failure('conflict', 'This file is damaged: it is not what was sealed.')
}

/** What the file system tells of when a sealed file was written, as far as one can tell it otherwise: to the minute. */
async function forgetWhen(path: string): Promise<void> {
  const minute = minuteOf(Date.now()) / 1000
  await utimes(path, minute, minute)
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

/** One that has gone meanwhile, as an upload that ended, is none of those. */
async function removeIfOlder(path: string, before: number): Promise<boolean> {
  const { ctimeMs } = await stat(path).catch(unlessGone)
  if (ctimeMs >= before) return false
  await rm(path, { force: true })
  return true
}

function unlessGone(error: NodeJS.ErrnoException): { ctimeMs: number } {
  if (error.code !== 'ENOENT') throw error
  return { ctimeMs: Number.POSITIVE_INFINITY }
}
