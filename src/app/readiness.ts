import { dirname } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Config } from '../config.ts'
import { type Room, roomIn } from '../files/disk-room.ts'
import type { FileStore } from '../files/store.ts'
import type { Storage } from './stores.ts'

const MiB = 1024 * 1024

/** What a submission may need on the disk of the database, with its log and its indexes. */
const databaseRoom = 8 * MiB

/** What takes longer than this stands still, for whoever waits. Milliseconds. */
const patience = 3000

/** Between two tries: whoever asks again and again waits, and writes no more than that. Milliseconds. */
const restBetween = 200

/** Below these shares of a disk, or this many submissions of the largest size, admins are warned. */
const scarceShare = 0.03
const scarceSubmissions = 10
const scarceDatabase = 512 * MiB

/** How often the disks are looked at for that. Milliseconds. */
const diskRest = 30_000

export type Readiness = ReturnType<typeof createReadiness>

/**
 * Whether submissions can be taken in at this moment, by trying all that this needs, and what will stand in the way
 * soon.
 */
export function createReadiness(
  config: Config,
  storage: Pick<Storage, 'probe' | 'recipientsStore' | 'commits' | 'installation'>,
  files: Pick<FileStore, 'probe' | 'owner' | 'writes' | 'room'>,
  look = roomIn,
) {
  const databaseFolder = folderOf(config.DATABASE_URL)
  let asking: Promise<string[]> | undefined
  let askedAt = Number.NEGATIVE_INFINITY
  let isStopping = false
  let disks: { at: number; warnings: Promise<string[]> } | undefined
  let filesLeft = 0

  return {
    /** What stands in the way, in a few words each; nothing where all is well. */
    async errors(): Promise<string[]> {
      if (isStopping) return ['Barua is stopping']
      // Whoever asks while it is being tried may want to know of what has changed since that began.
      if (asking) await asking
      asking ??= askRested().finally(() => {
        asking = undefined
      })
      return asking
    },

    /** From now on nothing is taken in any more. */
    stop(): void {
      isStopping = true
    },

    /** The sweep has left so many files that nothing speaks of. */
    leftUnswept(count: number): void {
      filesLeft = count
    },

    /** What admins have to see to, in sentences. */
    async warnings(): Promise<string[]> {
      if (!disks || performance.now() - disks.at > diskRest)
        disks = { at: performance.now(), warnings: diskWarnings() }
      const left =
        filesLeft > 0
          ? [
              `${filesLeft} files in UPLOADS_DIR belong to no submission, more than a crash leaves. Nothing was moved.`,
            ]
          : []
      return [...(await disks.warnings), ...left]
    },
  }

  /** The rest comes first: what is answered is how it stands now. */
  async function askRested(): Promise<string[]> {
    const rest = askedAt + restBetween - performance.now()
    if (rest > 0) await sleep(rest)
    const errors = await ask()
    askedAt = performance.now()
    return errors
  }

  async function ask(): Promise<string[]> {
    const found = await Promise.all([
      tried('the database cannot be written', storage.probe),
      tried('the disk of the database is full', () => databaseHasRoom()),
      tried('there is no room for files', () => files.room.mustHave(config.MAX_SUBMISSION_BYTES)),
      tried('files cannot be written', files.probe),
      tried('UPLOADS_DIR is not what it was', isSameFolder),
      tried('nobody can open what is confidential', () => storage.recipientsStore.desk()),
      tried('what came in lately could not be written', async () => {
        if (storage.commits.hasFailed() || files.writes.hasFailed()) throw new Error('could not be written')
      }),
    ])
    return found.flat()
  }

  async function isSameFolder(): Promise<void> {
    const known = await storage.installation.read()
    if (!known || (await files.owner()) !== known.filesId) throw new Error('another folder')
  }

  async function databaseHasRoom(): Promise<void> {
    if (databaseFolder === undefined) return
    const { free, filesFree } = await look(databaseFolder)
    if (free < databaseRoom || filesFree < 1) throw new Error('no room')
  }

  async function diskWarnings(): Promise<string[]> {
    const found = [
      await scarce('of UPLOADS_DIR', scarceSubmissions * config.MAX_SUBMISSION_BYTES, files.room.left),
      databaseFolder === undefined
        ? []
        : await scarce('of the database', scarceDatabase, async () => ({
            ...(await look(databaseFolder)),
            reserve: 0,
          })),
    ]
    return found.flat()
  }
}

/** Resolves with what is at fault, where it is, also where it takes too long. */
async function tried(errorCode: string, work: () => Promise<unknown>): Promise<string[]> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<string[]>((resolve) => {
    timer = setTimeout(() => resolve([`${errorCode}: no answer within ${patience / 1000} seconds`]), patience)
  })
  const done = work().then(
    () => [],
    () => [errorCode],
  )
  return Promise.race([done, late]).finally(() => clearTimeout(timer))
}

/** What is said of a disk on which less than `enough` bytes are left above its reserve. */
async function scarce(
  whose: string,
  enough: number,
  left: () => Promise<Room & { reserve: number }>,
): Promise<string[]> {
  try {
    const { free, freeShare, filesFree, filesFreeShare, reserve } = await left()
    if (free < reserve)
      return [
        `The disk ${whose} is full: ${megabytes(free)} are left, which are kept for texts. No files are taken in until there is room.`,
      ]
    if (free - reserve < enough || freeShare < scarceShare)
      return [
        `The disk ${whose} is nearly full: ${megabytes(free)} are left. Make room, or ${reserve > 0 ? `no files come in below ${megabytes(reserve)}` : 'nothing more comes in'}.`,
      ]
    if (filesFreeShare < scarceShare)
      return [
        `The disk ${whose} has room for ${filesFree} more files only. Make room, or nothing more comes in.`,
      ]
    return []
  } catch {
    return [`The disk ${whose} does not answer.`]
  }
}

function megabytes(bytes: number): string {
  return `${Math.floor(bytes / MiB).toLocaleString('en')} MB`
}

function folderOf(databaseUrl: string): string | undefined {
  return databaseUrl.startsWith('sqlite:') ? dirname(databaseUrl.slice('sqlite:'.length)) : undefined
}
