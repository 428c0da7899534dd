// A process of its own: make.ts TYPE SOURCE TARGET. Reads one file from a stranger and writes what can be looked at safely.
// Without source and target it reads from its input and writes to its output: what is sealed touches no disk.
import { readFile, writeFile } from 'node:fs/promises'
import { argv, stdin, stdout } from 'node:process'
import { buffer } from 'node:stream/consumers'

/** Long enough for a screen of twice the usual sharpness, small enough for 2G. */
const longestSide = 960
/** A picture of more pixels than this is a bomb, not a photograph. */
const mostPixels = 120_000_000
const mostCharacters = 20_000

const [, , type = '', source, target] = argv

const given = source === undefined ? await buffer(stdin) : await readFile(source)
const made = type === 'application/pdf' ? Buffer.from(await wordsOf(given)) : await smallPicture(given)
if (target === undefined) stdout.end(made)
else await writeFile(target, made)

/** Turned as its metadata says, and then without any. */
async function smallPicture(picture: Buffer): Promise<Buffer> {
  const { default: sharp } = await import('sharp')
  return sharp(picture, { limitInputPixels: mostPixels, failOn: 'error', pages: 1 })
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
