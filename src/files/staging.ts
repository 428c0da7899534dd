import { createHash } from 'node:crypto'
import { type FileHandle, open, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { Readable } from 'node:stream'
import { isThere, opened } from '../core/durable-file.ts'
import { Failure } from '../core/errors.ts'
import { coarseId } from '../core/ids.ts'
import type { EncryptedAs } from '../submissions/intake-record.ts'
import { type AgeCipher, type AgeFiles, type FileRecipients, forgetWhen } from './age-file.ts'
import type { DiskRoom } from './disk-room.ts'
import { checkedId } from './file-id.ts'

/** How much of a file's beginning its type is told from. */
const sampleSize = 4100

export type WrittenFile = { id: string; size: number; type: string; sha256: string }

export type StageOptions = {
  /** Nothing of it may touch the disk in the clear: it may be of a confidential piece. */
  isEncrypted?: boolean
  /** The file's id, where it has one already. */
  id?: string
  /** More bytes than this are refused as `too-large`. */
  maxBytes: number
  /** So much of it may come out of what is kept free for texts: it is one itself, and needs no more. Bytes. */
  ofReserve?: number
  /** The media type that these leading bytes show; throws to refuse the file. */
  typeOf: (sample: Buffer) => Promise<string>
}

/**
 * Files that are written and fsynced, and not part of anything yet. The key of an encrypted one is in memory only:
 * nobody can open it but this process.
 */
export function staging(
  folder: string,
  recipients: AgeCipher,
  ageFiles: AgeFiles,
  room: Pick<DiskRoom, 'take'>,
) {
  const keys = new Map<string, Uint8Array>()
  const pathOf = (id: string) => join(folder, checkedId(id))

  return {
    pathOf,
    read,

    /**
     * Streams a file in; hash and type are told while it passes. The source is read no further than the fault, and not
     * destroyed: the caller drains it.
     * @throws Failure `too-large`, NoRoom, or what `typeOf` throws; nothing is left behind then.
     */
    async write(source: Readable, options: StageOptions): Promise<WrittenFile> {
      // It may break before it is read, or while it is drained: then nobody else listens.
      source.on('error', () => undefined)
      const id = options.id ?? coarseId(Date.now())
      const handle = await open(pathOf(id), 'w', 0o600)
      try {
        const ephemeralPayload = passingThrough(source, options, room)
        const encrypted = options.isEncrypted ? recipients.encrypt(ephemeralPayload.bytes) : undefined
        if (encrypted) await writeEncrypted(handle, encrypted.encrypted)
        else for await (const chunk of ephemeralPayload.bytes) await handle.writeFile(chunk)
        await handle.datasync()
        if (encrypted) keys.set(id, await encrypted.fileKey)
        return { id, ...(await ephemeralPayload.typed()) }
      } catch (error) {
        await rm(pathOf(id), { force: true })
        throw error
      } finally {
        await handle.close()
      }
    },

    /** Says who opens a file, which is encrypted if it was not. Undefined for one that is not here any more. */
    async encryptFor(id: string, publicKeys: FileRecipients): Promise<EncryptedAs | undefined> {
      if (!(await isThere(pathOf(id)))) return undefined
      if (!keys.has(id)) await rewrite(id, true)
      const fileKey = keys.get(id) as Uint8Array
      await ageFiles.writeHeader(pathOf(id), fileKey, publicKeys)
      await forgetWhen(pathOf(id))
      return { mark: recipients.hashOfKey(fileKey), desk: publicKeys.desk, fileKey }
    },

    /** What was encrypted as long as nobody knew what it was, and is not confidential, need not be. */
    async decrypt(id: string): Promise<void> {
      if (keys.has(id) && (await isThere(pathOf(id)))) await rewrite(id, false)
    },

    /** Forgets the key of a file that has left. */
    forget(id: string): void {
      keys.delete(id)
    },

    async discard(id: string): Promise<void> {
      await rm(pathOf(id), { force: true })
      keys.delete(id)
    },
  }

  async function read(id: string): Promise<Readable> {
    const stored = await opened(pathOf(id))
    const fileKey = keys.get(id)
    return fileKey ? recipients.open(stored, fileKey) : stored
  }

  async function rewrite(id: string, isEncrypted: boolean): Promise<void> {
    const source = await read(id)
    // Under an id of its own, so that what a crash leaves of it is swept.
    const other = pathOf(coarseId(Date.now()))
    const handle = await open(other, 'w', 0o600)
    try {
      const renewed = isEncrypted ? recipients.encrypt(source) : undefined
      for await (const chunk of renewed?.encrypted ?? source) await handle.writeFile(chunk)
      await handle.datasync()
      await rename(other, pathOf(id))
      if (renewed) keys.set(id, await renewed.fileKey)
      else keys.delete(id)
    } finally {
      await handle.close()
      await rm(other, { force: true })
    }
  }
}

/** An encrypted piece has memory of its own, which is given back at once: waiting for that, a large file would fill much. */
async function writeEncrypted(handle: FileHandle, encrypted: Readable): Promise<void> {
  for await (const chunk of encrypted as AsyncIterable<Buffer<ArrayBuffer>>) {
    await handle.writeFile(chunk)
    chunk.buffer.transfer(0)
  }
}

/** Lets a source pass, with its size, type and hash told at its end. */
function passingThrough(source: Readable, options: StageOptions, room: Pick<DiskRoom, 'take'>) {
  const hash = createHash('sha256')
  let size = 0
  let sample = Buffer.alloc(0)
  let type: string | undefined

  async function* bytes(): AsyncGenerator<Buffer> {
    for await (const chunk of source.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
      size += chunk.length
      if (size > options.maxBytes) throw new Failure('too-large', 'The file is too large.')
      await room.take(chunk.length, size <= (options.ofReserve ?? 0))
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
    typed: async () => ({ size, type: type ?? (await options.typeOf(sample)), sha256: hash.digest('hex') }),
  }
}
