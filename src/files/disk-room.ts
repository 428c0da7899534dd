import { statfs } from 'node:fs/promises'
import { NoRoom } from './no-room.ts'

const MiB = 1024 * 1024

/** What is kept free where nobody has said how much: this share of the disk, and this many bytes at most. */
const usualReserve = { share: 0.05, most: 500 * MiB }

/** So long a look at the disk is believed; what is written meanwhile is counted. Milliseconds. */
const believed = 1000

/**
 * What is left on a disk: bytes, files (infinitely many where the file system does not count them), and the share of
 * each.
 */
export type Room = {
  size: number
  free: number
  freeShare: number
  filesFree: number
  filesFreeShare: number
}

export type RoomIn = (folder: string) => Promise<Room>

/** Looks at the disk of a folder. */
export const roomIn: RoomIn = async (folder) => {
  const { bavail, blocks, bsize, ffree, files } = await statfs(folder)
  return {
    size: blocks * bsize,
    free: bavail * bsize,
    freeShare: blocks === 0 ? 1 : bavail / blocks,
    filesFree: files === 0 ? Number.POSITIVE_INFINITY : ffree,
    filesFreeShare: files === 0 ? 1 : ffree / files,
  }
}

/** What a submission of many files may need, while they are encrypted. */
const fewestFiles = 32

export type DiskRoom = ReturnType<typeof diskRoom>

/**
 * How much room there is for files: what is free on the disk of this folder, without the reserve that texts are kept for.
 * `reserve` is in bytes; where it is undefined it is 5 % of the disk, and 500 MiB at most.
 */
export function diskRoom(folder: string, reserve?: number, look: RoomIn = roomIn) {
  let seen: Promise<Room & { reserve: number }> | undefined
  let seenAt = Number.NEGATIVE_INFINITY
  let written = 0

  return {
    /** What is free and what of that is kept for texts, as it stands now. */
    left,

    /** @throws NoRoom unless so many bytes of files can be taken */
    async mustHave(bytes: number): Promise<void> {
      const { free, filesFree, reserve } = await left()
      if (free - bytes < reserve || filesFree < fewestFiles) throw new NoRoom()
    },

    /** So many bytes are about to be written. @throws NoRoom where they would come out of the reserve, unless they may */
    async take(bytes: number, mayUseReserve: boolean): Promise<void> {
      const { free, reserve } = await lately()
      if (!mayUseReserve && free - written - bytes < reserve) throw new NoRoom()
      written += bytes
    },
  }

  async function left(): Promise<Room & { reserve: number }> {
    const room = await look(folder)
    return { ...room, reserve: reserveOf(room) }
  }

  /** Looks at the disk anew, where the last look was a while ago. */
  function lately(): Promise<Room & { reserve: number }> {
    if (!seen || performance.now() - seenAt > believed) {
      seenAt = performance.now()
      written = 0
      seen = left()
    }
    return seen
  }

  function reserveOf({ size }: Room): number {
    return reserve ?? Math.min(size * usualReserve.share, usualReserve.most)
  }
}
