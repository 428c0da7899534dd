import { exit } from 'node:process'
import sharp, { type Metadata, type Sharp, type SharpOptions } from 'sharp'
import { endings } from './metadata/exit-codes.ts'

/** A picture of more pixels than this is a bomb, not a photograph. All pages of one that moves count. */
const mostPixels = 120_000_000

/** What cannot be read line by line has to be in memory as a whole. */
const mostWhole = 40_000_000

/** What reads AVIF needs twenty bytes and more for each pixel. */
const mostAvif = 16_000_000

/** The readers of libvips for the types that we take; files that lie about their type meet no other. */
const readers = ['Jpeg', 'Png', 'Webp', 'Nsgif', 'Tiff', 'Heif'].map((name) => `VipsForeignLoad${name}`)

type OpenedPicture = {
  /** What the head of the file says, and nothing of its pixels. */
  seen: Metadata
  /** Reads the pixels, when something is asked of them. */
  open: (options?: SharpOptions) => Sharp
}

/**
 * Opens a picture from a stranger, for a process that reads this one and no other. What its head says is asked first: more
 * than 120 million pixels (40 million where they cannot be read line by line, 16 million of AVIF) end the process as
 * `too-large`.
 * @throws for what is no picture of a type that we take
 */
export async function openPicture(given: Buffer): Promise<OpenedPicture> {
  sharp.cache(false)
  sharp.concurrency(1)
  sharp.block({ operation: ['VipsForeignLoad'] })
  sharp.unblock({ operation: readers })
  const open = (options: SharpOptions = {}) =>
    sharp(given, { limitInputPixels: mostPixels, failOn: 'error', pages: 1, ...options })
  const seen = await open().metadata()
  if (seen.width * seen.height > mostOf(seen)) exit(endings['too-large'])
  return { seen, open }
}

function mostOf({ format, isProgressive }: Metadata): number {
  if (format === 'heif') return mostAvif
  return isProgressive || format === 'webp' || format === 'gif' ? mostWhole : mostPixels
}
