import { mkdir, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import type { Readable } from 'node:stream'
import { isThere, moveOnce, opened, syncFile, syncFolder, unlessGone } from '../core/durable-file.ts'
import { coarseId } from '../core/ids.ts'
import { lately } from '../core/lately.ts'
import { makeOnce } from '../core/made-once.ts'
import { isUnavailable, orUnavailable, translated } from '../db/errors.ts'
import type { Keys } from '../encryption/types.ts'
import type { Attachment } from '../submissions/attachment.ts'
import type { EncryptedAs } from '../submissions/intake-record.ts'
import { type AgeCipher, ageFiles, type FileRecipients, forgetWhen } from './age-file.ts'
import { type DiskRoom, diskRoom } from './disk-room.ts'
import { checkedId } from './file-id.ts'
import { fileProbe } from './probe.ts'
import { type StageOptions, staging, type WrittenFile } from './staging.ts'
import { namesIn, sweeping } from './sweep.ts'

/** Files are spread by the last two digits of their ids, which are random. */
const keptFolders = Array.from({ length: 256 }, (_, i) => i.toString(16).padStart(2, '0'))

export type FileStore = ReturnType<typeof fileStore>

/**
 * Files on the disk, named by their ids only: no name from outside becomes a path.
 * A file is staged (written and fsynced in `staging/`), then kept (renamed into its folder, the folder
 * fsynced), and only then may the database speak of it. What a crash leaves between is swept at the next start.
 *
 * An encrypted file is an age file. While it is staged its key is in memory only, and nobody can open it but this process;
 * when it is kept, its header is written for those who may.
 */
export function fileStore(root: string, recipients: AgeCipher, room: DiskRoom = diskRoom(root)) {
  const age = ageFiles(recipients)
  const staged = staging(join(root, 'staging'), recipients, age, room)
  const swept = sweeping(root, {
    staging: join(root, 'staging'),
    kept: keptFolders.map((name) => join(root, name)),
  })
  const writes = lately()
  const probe = fileProbe({
    root,
    folders: ['staging', ...keptFolders],
    pathOf: staged.pathOf,
    stage: (source) =>
      staged.write(source, {
        maxBytes: 100,
        ofReserve: 100,
        typeOf: async () => 'text/plain',
        isEncrypted: true,
      }),
    forget: staged.forget,
  })
  const keptPath = (id: string) => join(root, checkedId(id).slice(-2), id)

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
     * @throws Failure `too-large`, `unavailable`, NoRoom, or what `typeOf` throws; nothing is left behind then.
     */
    stage(source: Readable, options: StageOptions): Promise<WrittenFile> {
      return translatedAndNoted(writes, () => staged.write(source, options))
    },

    /** Opens a staged file for reading. */
    readStaged(id: string): Promise<Readable> {
      return orUnavailable(() => staged.read(id))
    },

    /**
     * Makes staged files durable under their ids, encrypted for whom `recipients` says; a file that is kept already
     * stays so. Gives by what encrypted ones are known.
     * @throws Failure `unavailable`; what was moved by then is swept at the next start.
     */
    async keep(ids: string[], publicKeys?: FileRecipients): Promise<Map<string, EncryptedAs>> {
      return translatedAndNoted(writes, async () => {
        const known = new Map<string, EncryptedAs>()
        for (const id of ids) {
          const as = publicKeys && (await staged.encryptFor(id, publicKeys))
          if (as) known.set(id, as)
          if (!publicKeys) await staged.decrypt(id)
          await moveOnce(staged.pathOf(id), keptPath(id))
          staged.forget(id)
        }
        for (const folder of new Set(ids.map((id) => dirname(keptPath(id))))) {
          await syncFolder(folder)
          if (known.size > 0) await forgetWhen(folder)
        }
        return known
      })
    },

    /** Removes staged files that will not be kept. A file that was kept meanwhile stays. */
    async discard(ids: string[]): Promise<void> {
      for (const id of ids) await staged.discard(id)
    },

    /** Removes kept files that nothing speaks of. */
    async remove(ids: string[]): Promise<void> {
      for (const id of ids) await rm(keptPath(id), { force: true })
    },

    /**
     * Wipes a kept file: it is overwritten before its name goes, durably; of an encrypted one only what it opens by.
     * One that has gone already is no fault. @throws Failure `unavailable`
     */
    async erase(id: string): Promise<void> {
      await orUnavailable(async () => {
        if (await isThere(keptPath(id))) await age.overwrite(keptPath(id))
        await rm(keptPath(id), { force: true })
        await syncFolder(dirname(keptPath(id)))
      })
    },

    /**
     * Says anew who opens a kept file, by whoever can open it. Only its header is written. False for whoever cannot open it.
     * @throws Failure `unavailable`
     */
    async reEncrypt(id: string, keys: Keys, publicKeys: FileRecipients): Promise<boolean> {
      return orUnavailable(async () => {
        // What is not there opens for nobody.
        if (!(await isThere(keptPath(id)))) return true
        const found = await age.fileKeyOf(keptPath(id), keys)
        if ('errorCode' in found) return false
        await age.writeHeader(keptPath(id), found.fileKey, publicKeys)
        return true
      })
    },

    /** Opens an attachment's file. @throws Failure as `read` and `readSealed` do */
    readFor({ id, encrypted }: Pick<Attachment, 'id' | 'encrypted'>, keys: Keys): Promise<Readable> {
      return encrypted ? this.readEncrypted(id, encrypted.mark, keys) : this.read(id)
    },

    /** Opens a kept file for reading. @throws Failure `unavailable` if it is not there. */
    read(id: string): Promise<Readable> {
      return orUnavailable(() => opened(keptPath(id)))
    },

    /**
     * Opens a kept file that is encrypted, if it is the one that has this mark. What is cut or changed breaks the
     * stream where it is, and nothing after that is given out.
     * @throws Failure `forbidden` for whoever has no key to it, `conflict` if it is not what was encrypted,
     * `unavailable`
     */
    async readEncrypted(id: string, mark: string | undefined, keys: Keys): Promise<Readable> {
      return orUnavailable(async () => {
        const fileKey = await age.fileKeyOfMarked(keptPath(id), mark, keys)
        return recipients.open(await opened(keptPath(id)), fileKey)
      })
    },

    /** Opens a kept file that is encrypted, for whoever has its own key. */
    readOpen(id: string, fileKey: Uint8Array): Promise<Readable> {
      return orUnavailable(async () => recipients.open(await opened(keptPath(id)), fileKey))
    },

    /**
     * Bytes that a kept file has on the disk: more than what it holds, where it is encrypted. @throws Failure
     * `unavailable`
     */
    sizeOf(id: string): Promise<number> {
      return orUnavailable(async () => (await stat(keptPath(id))).size)
    },

    /** Keeps a small file that is made here, durably; gives its id. @throws Failure `unavailable` */
    async keepMade(content: Buffer): Promise<string> {
      const id = coarseId(Date.now())
      try {
        await orUnavailable(() => writeFile(staged.pathOf(id), content, { mode: 0o600 }))
        await syncFile(staged.pathOf(id))
        await this.keep([id])
        return id
      } finally {
        await this.discard([id])
      }
    },

    /** Throws unless files can be written: it does what taking one in does. */
    probe,

    /** Whether what came in lately could be written. */
    writes,

    /**
     * Moves what nothing speaks of to a folder that is emptied after days, unless it is too much to be what a crash
     * left.
     */
    sweep: swept.sweep,

    /** Deletes what was swept before a time, in milliseconds; says how many files that were. */
    forgetSwept: swept.forgetSwept,

    /** The folder of this store. */
    root,

    /** How much room there is for files. */
    room,

    /** The id of the database that this store belongs to; undefined where it says none. */
    owner: () => ownerOf(root),

    /** Says to which database this store belongs, durably, unless it says so already; gives what it says then. */
    async claim(id: string): Promise<string> {
      await makeOnce(join(root, ownerFile), () => `${id}\n`)
      return (await ownerOf(root)) ?? ''
    },

    /** Says to which database this store belongs from now on. */
    async claimAgain(id: string): Promise<void> {
      await rm(join(root, ownerFile), { force: true })
      await makeOnce(join(root, ownerFile), () => `${id}\n`)
    },

    /** Some of the files that are kept here. */
    async sample(most: number): Promise<string[]> {
      const found: string[] = []
      for (const folder of keptFolders) {
        if (found.length >= most) break
        found.push(...(await namesIn(join(root, folder))))
      }
      return found.slice(0, most)
    },

    /** Which of these files are kept here. */
    async haveAmong(ids: string[]): Promise<Set<string>> {
      const there = await Promise.all(ids.map((id) => isThere(keptPath(id))))
      return new Set(ids.filter((_, i) => there[i]))
    },
  }
}

/** Runs what writes a file, with its errors translated; what storage could not take is remembered. */
async function translatedAndNoted<T>(writes: ReturnType<typeof lately>, work: () => Promise<T>): Promise<T> {
  try {
    const done = await work()
    writes.succeeded()
    return done
  } catch (error) {
    if (isUnavailable(error)) writes.failed()
    throw translated(error)
  }
}

/** A file in the folder of the store, which holds the id of its database. */
const ownerFile = 'store-id'

async function ownerOf(root: string): Promise<string | undefined> {
  const text = await readFile(join(root, ownerFile), 'utf8').catch(unlessGone)
  return text?.trim()
}
