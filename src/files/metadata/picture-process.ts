// A process of its own: reads a picture from its input, and writes to its output what it shows and nothing else. It is
// written anew, pixel by pixel: whatever else the file holds has no way into what comes out. No disk is touched.
import { exit, stdin, stdout } from 'node:process'
import { buffer } from 'node:stream/consumers'
import type { Metadata, Sharp } from 'sharp'
import { openPicture } from '../open-picture.ts'
import { endings } from './exit-codes.ts'

const mostPages = 500

const given = await buffer(stdin)
const { seen, open } = await openPicture(given)
const { format, pages = 1 } = seen
const isOfPages = pages > 1 && (await hasPages())
stdout.end(await (isOfPages ? allPages() : onePage()).toBuffer())

/**
 * Smaller pages of a TIFF are thumbnails of the first, and are left behind. What else has pages moves, and goes on
 * moving.
 */
async function hasPages(): Promise<boolean> {
  if (format === 'gif' || format === 'webp') return true
  if (format !== 'tiff' || pages > mostPages) exit(endings['not-cleanable'])
  const others: Metadata[] = []
  for (let page = 1; page < pages; page++) others.push(...(await pageAt(page)))
  const whole = others.filter(({ width, height }) => width * 2 >= seen.width && height * 2 >= seen.height)
  if (whole.length === 0) return false
  const areAlike = whole.every(({ width, height }) => width === seen.width && height === seen.height)
  if (!areAlike || whole.length < pages - 1) exit(endings['not-cleanable'])
  return true
}

/** Nothing for a page that cannot be read: old cameras put thumbnails there that only they knew. */
function pageAt(page: number): Promise<Metadata[]> {
  return open({ page })
    .metadata()
    .then(
      (one) => [one],
      () => [],
    )
}

function allPages(): Sharp {
  const picture = open({ pages: -1 })
  if (format === 'tiff') return picture.tiff({ compression: 'deflate' })
  return format === 'gif' ? picture.gif() : picture.webp({ quality: 90 })
}

/**
 * Turned as its metadata says. A photograph is a JPEG, coded line by line: to find the shortest codes, all of it would be in
 * memory. What has sharp edges or holes is a PNG.
 */
function onePage(): Sharp {
  const picture = open().autoOrient()
  const isDrawn = format === 'png' || format === 'gif' || seen.hasAlpha || seen.bitsPerSample === 1
  return isDrawn
    ? picture.png()
    : picture.jpeg({ quality: 92, chromaSubsampling: '4:4:4', optimiseCoding: false })
}
