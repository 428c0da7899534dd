import { deflateSync } from 'node:zlib'
import sharp from 'sharp'
import { png } from './submissions.ts'

/** A picture of one colour, which packs to almost nothing. */
function flat(width: number, height: number) {
  return sharp({ limitInputPixels: false, create: { width, height, channels: 3, background: '#446688' } })
}

/** With other bytes at the places where a mark is found, counted from it. */
function patched(file: Buffer, mark: Buffer, at: number, value: Buffer): Buffer {
  const made = Buffer.from(file)
  for (let place = made.indexOf(mark); place >= 0; place = made.indexOf(mark, place + 1))
    value.copy(made, place + at)
  return made
}

/** Files that are small, and need much memory or time where they are read without limits. */
export async function bombs(): Promise<{ name: string; type: string; content: Buffer }[]> {
  const small = flat(64, 64)
  const large = Buffer.from('ffdcffdc', 'hex')
  const large32 = Buffer.from('0000ffdc0000ffdc', 'hex')
  return [
    {
      name: 'AVIF',
      type: 'image/avif',
      content: await flat(4500, 4000).avif({ effort: 0, quality: 1 }).toBuffer(),
    },
    {
      name: 'AVIF that says more than it holds',
      type: 'image/avif',
      content: patched(await small.clone().avif({ effort: 0 }).toBuffer(), Buffer.from('ispe'), 8, large32),
    },
    {
      name: 'progressive JPEG',
      type: 'image/jpeg',
      content: await flat(6500, 6500)
        .jpeg({ progressive: true, quality: 1, chromaSubsampling: '4:4:4' })
        .toBuffer(),
    },
    {
      name: 'JPEG that says more than it holds',
      type: 'image/jpeg',
      content: patched(await small.clone().jpeg().toBuffer(), Buffer.from('ffc0', 'hex'), 5, large),
    },
    {
      name: 'interlaced PNG',
      type: 'image/png',
      content: await flat(6500, 6500).png({ progressive: true }).toBuffer(),
    },
    {
      name: 'PNG that says more than it holds',
      type: 'image/png',
      content: patched(png(), Buffer.from('IHDR'), 4, Buffer.from('7fffffff7fffffff', 'hex')),
    },
    { name: 'WebP', type: 'image/webp', content: await flat(6500, 6500).webp({ effort: 0 }).toBuffer() },
    { name: 'GIF', type: 'image/gif', content: await flat(6500, 6500).gif({ effort: 1 }).toBuffer() },
    {
      name: 'TIFF in one piece',
      type: 'image/tiff',
      content: await flat(11_200, 11_200)
        .tiff({ compression: 'deflate', tile: true, tileWidth: 4096, tileHeight: 4096 })
        .toBuffer(),
    },
    {
      name: 'SVG under another type',
      type: 'image/png',
      content: Buffer.from(
        '<svg xmlns="http://www.w3.org/2000/svg" width="9000" height="9000"><filter id="f"><feGaussianBlur stdDeviation="900"/></filter><rect width="9000" height="9000" filter="url(#f)"/></svg>',
      ),
    },
    { name: 'PDF packed twice', type: 'application/pdf', content: pdfPackedTwice() },
  ]
}

function pdfPackedTwice(): Buffer {
  const packed = deflateSync(deflateSync(Buffer.alloc(640 * 1024 * 1024, ' ')))
  const head = `%PDF-1.7
1 0 obj << /Type /Catalog /Pages 2 0 R >> endobj
2 0 obj << /Type /Pages /Kids [3 0 R] /Count 1 >> endobj
3 0 obj << /Type /Page /Parent 2 0 R /MediaBox [0 0 600 800] /Contents 4 0 R >> endobj
4 0 obj << /Length ${packed.length} /Filter [/FlateDecode /FlateDecode] >> stream
`
  return Buffer.concat([
    Buffer.from(head),
    packed,
    Buffer.from('\nendstream endobj\ntrailer << /Root 1 0 R >>\n%%EOF\n'),
  ])
}
