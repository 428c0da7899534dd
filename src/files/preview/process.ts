// A process of its own: make.ts TYPE. Reads one file from a stranger from its input, and writes to its output what can be
// looked at safely. It touches no disk.
import { argv, stdin, stdout } from 'node:process'
import { buffer } from 'node:stream/consumers'

/** Long enough for a screen of twice the usual sharpness, small enough for 2G. */
const longestSide = 960
const mostCharacters = 20_000

const [, , type = ''] = argv

const given = await buffer(stdin)
stdout.end(type === 'application/pdf' ? await wordsOf(given) : await smallPicture(given))

/** Turned as its metadata says, and then without any. */
async function smallPicture(picture: Buffer): Promise<Buffer> {
  const { openPicture } = await import('../open-picture.ts')
  const { open } = await openPicture(picture)
  return open()
    .autoOrient()
    .resize(longestSide, longestSide, { fit: 'inside', withoutEnlargement: true })
    .webp({ quality: 72 })
    .toBuffer()
}

async function wordsOf(pdf: Buffer): Promise<string> {
  const { extractText, getDocumentProxy } = await import('unpdf')
  const document = await getDocumentProxy(new Uint8Array(pdf))
  const { text } = await extractText(document, { mergePages: true })
  return text.slice(0, mostCharacters).toWellFormed()
}
