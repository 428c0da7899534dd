// A process of its own: make.ts TYPE SOURCE TARGET. Reads one file from a stranger and writes what can be looked at safely.
import { readFile, writeFile } from 'node:fs/promises'
import { argv } from 'node:process'

/** Long enough for a screen of twice the usual sharpness, small enough for 2G. */
const longestSide = 960
/** A picture of more pixels than this is a bomb, not a photograph. */
const mostPixels = 120_000_000
const mostCharacters = 20_000

const [, , type = '', source = '', target = ''] = argv

if (type === 'application/pdf') await writeFile(target, await wordsOf(await readFile(source)))
else await writeSmallPicture()

/** Turned as its metadata says, and then without any. */
async function writeSmallPicture(): Promise<void> {
  const { default: sharp } = await import('sharp')
  await sharp(source, { limitInputPixels: mostPixels, failOn: 'error', pages: 1 })
    .autoOrient()
    .resize(longestSide, longestSide, { fit: 'inside', withoutEnlargement: true })
    .webp({ quality: 72 })
    .toFile(target)
}

async function wordsOf(pdf: Buffer): Promise<string> {
  const { extractText, getDocumentProxy } = await import('unpdf')
  const document = await getDocumentProxy(new Uint8Array(pdf))
  const { text } = await extractText(document, { mergePages: true })
  return text.slice(0, mostCharacters).toWellFormed()
}
