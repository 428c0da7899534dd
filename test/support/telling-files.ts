import { execFile, execFileSync } from 'node:child_process'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import JSZip from 'jszip'
import sharp from 'sharp'
import { onePagePdf } from './submissions.ts'

const run = promisify(execFile)
const needed = { bubblewrap: 'bwrap', mat2: 'mat2', ffmpeg: 'ffmpeg', 'libheif-examples': 'heif-enc' }
const packages = { ...needed, 'libimage-exiftool-perl': 'exiftool' }
const missing = Object.entries(packages).flatMap(([name, program]) => (isThere(program) ? [] : [name]))

/** What a test of clean copies needs. */
export const withCleaning = missing.length === 0 ? {} : { skip: `needs apt-get install ${missing.join(' ')}` }

function isThere(program: string): boolean {
  try {
    execFileSync('sh', ['-c', `command -v ${program}`])
    return true
  } catch {
    return false
  }
}

/** Where everything was made. */
const place = ['-GPSLatitude=33.865143', '-GPSLatitudeRef=S', '-GPSLongitude=151.2099', '-GPSLongitudeRef=E']

export type TellingFile = { name: string; content: Buffer; type: string }

/**
 * Files of every kind that can be cleaned, as cameras, phones and programs make them: each tells `word`, in names, serial
 * numbers, comments and earlier versions, and the place where it was made. Made in a folder that is gone afterwards.
 */
export async function tellingFiles(word: string): Promise<TellingFile[]> {
  const folder = await mkdtemp(join(tmpdir(), 'barua-telling-'))
  const at = (name: string) => join(folder, name)
  const tell = async (name: string, ...tags: string[]) => {
    await run('exiftool', ['-q', '-m', '-overwrite_original', ...tags, at(name)])
    return readFile(at(name))
  }
  const picture = sharp({ create: { width: 320, height: 200, channels: 3, background: '#446688' } })
  const camera = [
    ...place,
    `-Artist=${word} artist`,
    `-SerialNumber=${word} serial`,
    `-LensSerialNumber=${word} lens`,
    `-OwnerName=${word} owner`,
    `-UserComment=${word} comment`,
    `-XMP-dc:Creator=${word} creator`,
    `-XMP-xmpMM:HistorySoftwareAgent=${word} history`,
    '-DateTimeOriginal=2021:03:04 05:06:07',
  ]
  try {
    await picture.clone().jpeg().toFile(at('small.jpg'))
    await tell('small.jpg', `-Comment=${word} in the thumbnail`)
    await picture.clone().jpeg().withMetadata({ orientation: 6 }).toFile(at('photo.jpg'))
    const photo = await tell(
      'photo.jpg',
      ...camera,
      `-IPTC:By-line=${word}`,
      `-ThumbnailImage<=${at('small.jpg')}`,
    )
    await picture.clone().png().toFile(at('drawing.png'))
    await picture.clone().webp().toFile(at('saved.webp'))
    await picture.clone().tiff().toFile(at('scan.tiff'))
    await picture.clone().gif().toFile(at('still.gif'))
    const frames = ['red', 'green', 'blue'].map((background) =>
      sharp({ create: { width: 80, height: 60, channels: 3, background } })
        .png()
        .toBuffer(),
    )
    await sharp(await Promise.all(frames), { join: { animated: true } })
      .gif({ delay: [100, 100, 100] })
      .toFile(at('moving.gif'))
    await run('heif-enc', ['-q', '50', at('photo.jpg'), '-o', at('phone.heic')])
    await writeFile(at('letter.pdf'), onePagePdf('The bridge and its keeper'))
    await makeRecordings(at, word)
    const film = [
      '-GPSCoordinates=-33.865143, 151.2099, 10',
      `-Keys:Author=${word} author`,
      `-Keys:Model=${word} phone`,
      `-XMP-aux:SerialNumber=${word} serial`,
      '-CreateDate=2021:03:04 05:06:07',
    ]
    const name = [`-XMP-dc:Creator=${word} creator`, `-Comment=${word} comment`]
    const still = await tell('still.gif', ...name)
    const office = await officeFiles(word, photo, still)
    return [
      { name: 'photo.jpg', type: 'image/jpeg', content: photo },
      {
        name: 'drawing.png',
        type: 'image/png',
        content: await tell('drawing.png', ...camera, `-PNG:Author=${word}`),
      },
      { name: 'saved.webp', type: 'image/jpeg', content: await tell('saved.webp', ...camera) },
      { name: 'scan.tiff', type: 'image/jpeg', content: await tell('scan.tiff', ...camera) },
      { name: 'still.gif', type: 'image/png', content: still },
      { name: 'moving.gif', type: 'image/gif', content: await tell('moving.gif', ...name) },
      { name: 'phone.heic', type: 'image/jpeg', content: await readFile(at('phone.heic')) },
      {
        name: 'letter.pdf',
        type: 'application/pdf',
        content: await tell('letter.pdf', `-Author=${word} author`, `-XMP-dc:Creator=${word} creator`),
      },
      { name: 'film.mp4', type: 'video/mp4', content: await tell('film.mp4', ...film) },
      { name: 'phone.mov', type: 'video/quicktime', content: await tell('phone.mov', ...film) },
      { name: 'voice.mp3', type: 'audio/mpeg', content: await readFile(at('voice.mp3')) },
      ...office,
    ]
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

/** A film with subtitles that tell the place, as drones write them, and sound with a cover and two kinds of tags. */
async function makeRecordings(at: (name: string) => string, word: string): Promise<void> {
  const ffmpeg = (...args: string[]) => run('ffmpeg', ['-nostdin', '-v', 'error', '-y', ...args])
  const source = ['-f', 'lavfi', '-i', 'testsrc=d=1:s=160x120', '-f', 'lavfi', '-i', 'sine=d=1']
  const tags = ['-metadata', `title=${word} title`, '-metadata', `artist=${word} artist`]
  await writeFile(at('drone.srt'), `1\n00:00:00,000 --> 00:00:01,000\nGPS(151.2099,-33.865143,${word})\n`)
  await ffmpeg(
    ...[...source, '-i', at('drone.srt'), '-map', '0', '-map', '1', '-map', '2', ...tags],
    ...['-c:v', 'libx264', '-pix_fmt', 'yuv420p', '-c:a', 'aac', '-c:s', 'mov_text', at('film.mp4')],
  )
  await ffmpeg('-i', at('film.mp4'), '-map', '0', '-c', 'copy', ...tags, at('phone.mov'))
  await ffmpeg(
    ...['-f', 'lavfi', '-i', 'sine=d=1', '-i', at('photo.jpg'), '-map', '0', '-map', '1', ...tags],
    ...['-disposition:v', 'attached_pic', '-write_id3v1', '1', at('voice.mp3')],
  )
  // Some programs add a second set of tags at the end.
  await writeFile(at('voice.mp3'), Buffer.concat([await readFile(at('voice.mp3')), apeTag(`${word} ape`)]))
}

function apeTag(text: string): Buffer {
  const item = Buffer.alloc(8)
  item.writeUInt32LE(text.length, 0)
  const items = Buffer.concat([item, Buffer.from('Artist\0'), Buffer.from(text)])
  const footer = Buffer.alloc(32)
  footer.write('APETAGEX')
  footer.writeUInt32LE(2000, 8)
  footer.writeUInt32LE(items.length + 32, 12)
  footer.writeUInt32LE(1, 16)
  return Buffer.concat([items, footer])
}

const declaration = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'
const openXml = 'application/vnd.openxmlformats-officedocument'
const relations = 'http://schemas.openxmlformats.org/officeDocument/2006/relationships'
const packageOf = 'http://schemas.openxmlformats.org/package/2006'

type DraftItem = { name: string; type?: string; text: string | Buffer }

/** What every Office document tells of itself. */
function properties(word: string, photo: Buffer): DraftItem[] {
  return [
    {
      name: 'docProps/core.xml',
      type: 'application/vnd.openxmlformats-package.core-properties+xml',
      text: `<cp:coreProperties xmlns:cp="${packageOf}/metadata/core-properties" xmlns:dc="http://purl.org/dc/elements/1.1/"><dc:creator>${word} creator</dc:creator><cp:lastModifiedBy>${word} editor</cp:lastModifiedBy><cp:revision>17</cp:revision></cp:coreProperties>`,
    },
    {
      name: 'docProps/app.xml',
      type: `${openXml}.extended-properties+xml`,
      text: `<Properties xmlns="http://schemas.openxmlformats.org/officeDocument/2006/extended-properties"><Company>${word} company</Company><Manager>${word} manager</Manager></Properties>`,
    },
    { name: 'docProps/thumbnail.jpeg', text: photo },
  ]
}

async function zipped(parts: DraftItem[]): Promise<Buffer> {
  const zip = new JSZip()
  for (const { name, text } of parts) zip.file(name, typeof text === 'string' ? declaration + text : text)
  return zip.generateAsync({ type: 'nodebuffer', compression: 'DEFLATE' })
}

/** An Office document of these parts; the first of them is what it is about. */
export async function openXmlFile(
  parts: DraftItem[],
  related: Record<string, [string, string][]> = {},
): Promise<Buffer> {
  const overrides = parts.flatMap(({ name, type }) =>
    type ? [`<Override PartName="/${name}" ContentType="${type}"/>`] : [],
  )
  const types: DraftItem = {
    name: '[Content_Types].xml',
    text: `<Types xmlns="${packageOf}/content-types"><Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/><Default Extension="xml" ContentType="application/xml"/><Default Extension="jpeg" ContentType="image/jpeg"/><Default Extension="gif" ContentType="image/gif"/>${overrides.join('')}</Types>`,
  }
  const all = { '': [['officeDocument', parts[0]?.name ?? '']] as [string, string][], ...related }
  const indexes = Object.entries(all).map(([of, targets]): DraftItem => {
    const [, folder = '', file = ''] = /^(.*\/)?([^/]*)$/.exec(of) ?? []
    const entries = targets.map(
      ([kind, target], i) =>
        `<Relationship Id="rId${i + 1}" Type="${relations}/${kind}" Target="${target}"${/:/.test(target) ? ' TargetMode="External"' : ''}/>`,
    )
    return {
      name: `${folder}_rels/${file}.rels`,
      text: `<Relationships xmlns="${packageOf}/relationships">${entries.join('')}</Relationships>`,
    }
  })
  return zipped([types, ...indexes, ...parts])
}

const w = 'xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"'
const r = `xmlns:r="${relations}"`

/** Between "before" and "after" stand a table, an inserted and a deleted word, a comment and a photo. */
async function wordFile(word: string, photo: Buffer, still: Buffer): Promise<Buffer> {
  const by = `w:author="${word} author" w:date="2021-03-04T05:06:07Z"`
  const text = (words: string) => `<w:r w:rsidR="00AB12CD"><w:t xml:space="preserve">${words}</w:t></w:r>`
  const body = [
    `<w:p w:rsidR="00AB12CD"><w:commentRangeStart w:id="0"/>${text('before ')}`,
    `<w:ins w:id="1" ${by}>${text('inserted ')}</w:ins><w:del w:id="2" ${by}><w:r><w:delText>${word} deleted</w:delText></w:r></w:del>`,
    `${text('between')}<w:commentRangeEnd w:id="0"/><w:r><w:commentReference w:id="0"/></w:r></w:p>`,
    '<w:tbl><w:tr><w:tc><w:p><w:r><w:t>cell</w:t></w:r></w:p></w:tc></w:tr></w:tbl>',
    `<w:p><w:pPr><w:rPr><w:ins w:id="3" ${by}/></w:rPr><w:pPrChange w:id="4" ${by}><w:pPr/></w:pPrChange></w:pPr>${text('after')}</w:p>`,
  ]
  return openXmlFile(
    [
      {
        name: 'word/document.xml',
        type: `${openXml}.wordprocessingml.document.main+xml`,
        text: `<w:document ${w}><w:body>${body.join('')}</w:body></w:document>`,
      },
      {
        name: 'word/comments.xml',
        type: `${openXml}.wordprocessingml.comments+xml`,
        text: `<w:comments ${w}><w:comment w:id="0" ${by} w:initials="x"><w:p><w:r><w:t>${word} comment</w:t></w:r></w:p></w:comment></w:comments>`,
      },
      {
        name: 'word/settings.xml',
        type: `${openXml}.wordprocessingml.settings+xml`,
        text: `<w:settings ${w} ${r}><w:attachedTemplate r:id="rId1"/><w:rsids><w:rsid w:val="00AB12CD"/></w:rsids></w:settings>`,
      },
      { name: 'word/media/image1.jpeg', text: photo },
      { name: 'word/media/image2.gif', text: still },
      ...properties(word, photo),
    ],
    {
      'word/document.xml': [
        ['comments', 'comments.xml'],
        ['settings', 'settings.xml'],
        ['image', 'media/image1.jpeg'],
        ['image', 'media/image2.gif'],
      ],
      'word/settings.xml': [['attachedTemplate', `file:///C:/Users/${word}/Normal.dotm`]],
    },
  )
}

async function excelFile(word: string, photo: Buffer): Promise<Buffer> {
  const x = 'xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"'
  return openXmlFile(
    [
      {
        name: 'xl/workbook.xml',
        type: `${openXml}.spreadsheetml.sheet.main+xml`,
        text: `<workbook ${x} ${r} xmlns:x15ac="http://schemas.microsoft.com/office/spreadsheetml/2010/11/ac"><fileSharing userName="${word} user"/><x15ac:absPath url="C:\\Users\\${word}\\"/><sheets><sheet name="Plates" sheetId="1" r:id="rId1"/></sheets></workbook>`,
      },
      {
        name: 'xl/worksheets/sheet1.xml',
        type: `${openXml}.spreadsheetml.worksheet+xml`,
        text: `<worksheet ${x} ${r}><sheetData><row r="1"><c r="A1" t="inlineStr"><is><t>KBX 412</t></is></c></row></sheetData></worksheet>`,
      },
      {
        name: 'xl/comments1.xml',
        type: `${openXml}.spreadsheetml.comments+xml`,
        text: `<comments ${x}><authors><author>${word} author</author></authors><commentList><comment ref="A1" authorId="0"><text><t>${word} comment</t></text></comment></commentList></comments>`,
      },
      {
        name: 'xl/persons/person.xml',
        text: `<personList xmlns="http://schemas.microsoft.com/office/spreadsheetml/2018/threadedcomments"><person displayName="${word} person"/></personList>`,
      },
      ...properties(word, photo),
    ],
    {
      'xl/workbook.xml': [
        ['worksheet', 'worksheets/sheet1.xml'],
        ['person', 'persons/person.xml'],
      ],
      'xl/worksheets/sheet1.xml': [['comments', '../comments1.xml']],
    },
  )
}

async function powerPointFile(word: string, photo: Buffer): Promise<Buffer> {
  const p = 'xmlns:p="http://schemas.openxmlformats.org/presentationml/2006/main"'
  const a = 'xmlns:a="http://schemas.openxmlformats.org/drawingml/2006/main"'
  return openXmlFile(
    [
      {
        name: 'ppt/presentation.xml',
        type: `${openXml}.presentationml.presentation.main+xml`,
        text: `<p:presentation ${p} ${r}><p:sldIdLst><p:sldId id="256" r:id="rId1"/></p:sldIdLst></p:presentation>`,
      },
      {
        name: 'ppt/slides/slide1.xml',
        type: `${openXml}.presentationml.slide+xml`,
        text: `<p:sld ${p} ${a} ${r}><p:cSld><p:spTree><p:pic><p:nvPicPr><p:cNvPr id="2" name="C:\\${word}\\map.jpg" descr="C:\\${word}\\map.jpg"/></p:nvPicPr></p:pic><p:sp><p:txBody><a:p><a:r><a:t>The bridge</a:t></a:r></a:p></p:txBody></p:sp></p:spTree></p:cSld></p:sld>`,
      },
      {
        name: 'ppt/commentAuthors.xml',
        text: `<p:cmAuthorLst ${p}><p:cmAuthor id="1" name="${word} author" initials="x"/></p:cmAuthorLst>`,
      },
      { name: 'ppt/media/image1.jpeg', text: photo },
      ...properties(word, photo),
    ],
    {
      'ppt/presentation.xml': [
        ['slide', 'slides/slide1.xml'],
        ['commentAuthors', 'commentAuthors.xml'],
      ],
      'ppt/slides/slide1.xml': [['image', '../media/image1.jpeg']],
    },
  )
}

async function odfFile(type: string, content: string, word: string, photo: Buffer): Promise<Buffer> {
  const names = 'urn:oasis:names:tc:opendocument:xmlns'
  const spaces = ['office', 'text', 'table', 'meta', 'manifest', 'draw']
    .map((name) => `xmlns:${name}="${names}:${name === 'draw' ? 'drawing' : name}:1.0"`)
    .join(' ')
  const all = `${spaces} xmlns:dc="http://purl.org/dc/elements/1.1/" xmlns:xlink="http://www.w3.org/1999/xlink" xmlns:of="urn:oasis:names:tc:opendocument:xmlns:of:1.2"`
  const files = ['content.xml', 'meta.xml', 'settings.xml', 'Thumbnails/thumbnail.png', 'Pictures/photo.jpeg']
  const entries = files.map((name) => `<manifest:file-entry manifest:full-path="${name}"/>`)
  const zip = new JSZip()
  zip.file('mimetype', type, { compression: 'STORE' })
  zip.file('content.xml', `<office:document-content ${all}>${content}</office:document-content>`)
  zip.file(
    'meta.xml',
    `<office:document-meta ${all}><office:meta><meta:initial-creator>${word} creator</meta:initial-creator><dc:creator>${word} editor</dc:creator></office:meta></office:document-meta>`,
  )
  zip.file(
    'settings.xml',
    `<office:document-settings ${all}><office:settings>${word} printer</office:settings></office:document-settings>`,
  )
  zip.file('Thumbnails/thumbnail.png', photo)
  zip.file('Pictures/photo.jpeg', photo)
  zip.file(
    'META-INF/manifest.xml',
    `<manifest:manifest ${all}><manifest:file-entry manifest:full-path="/" manifest:media-type="${type}"/>${entries.join('')}</manifest:manifest>`,
  )
  return zip.generateAsync({ type: 'nodebuffer', compression: 'DEFLATE' })
}

async function officeFiles(word: string, photo: Buffer, still: Buffer): Promise<TellingFile[]> {
  const note = `<office:annotation><dc:creator>${word} author</dc:creator><text:p>${word} comment</text:p></office:annotation>`
  const changes = `<text:tracked-changes><text:changed-region><text:deletion><office:change-info><dc:creator>${word}</dc:creator></office:change-info><text:p>${word} deleted</text:p></text:deletion></text:changed-region></text:tracked-changes>`
  const odt = 'application/vnd.oasis.opendocument.text'
  const ods = 'application/vnd.oasis.opendocument.spreadsheet'
  return [
    {
      name: 'word.docx',
      type: `${openXml}.wordprocessingml.document`,
      content: await wordFile(word, photo, still),
    },
    { name: 'plates.xlsx', type: `${openXml}.spreadsheetml.sheet`, content: await excelFile(word, photo) },
    {
      name: 'talk.pptx',
      type: `${openXml}.presentationml.presentation`,
      content: await powerPointFile(word, photo),
    },
    {
      name: 'open.odt',
      type: odt,
      content: await odfFile(
        odt,
        `<office:body><office:text>${changes}<text:p>before ${note}after</text:p></office:text></office:body>`,
        word,
        photo,
      ),
    },
    {
      name: 'open.ods',
      type: ods,
      content: await odfFile(
        ods,
        `<office:body><office:spreadsheet><table:table table:name="Plates"><table:table-row><table:table-cell table:formula="of:=1+1">${note}<text:p>KBX 412</text:p></table:table-cell></table:table-row></table:table></office:spreadsheet></office:body>`,
        word,
        photo,
      ),
    },
  ]
}

/** Every byte of a file, and of what it holds packed. */
export async function unpacked(content: Buffer): Promise<Buffer> {
  if (content.subarray(0, 2).toString('latin1') !== 'PK') return content
  const zip = await JSZip.loadAsync(content)
  const parts = await Promise.all(
    Object.values(zip.files).map(async (part) =>
      Buffer.concat([
        Buffer.from(part.name),
        part.dir ? Buffer.alloc(0) : await part.async('nodebuffer').then(unpacked),
      ]),
    ),
  )
  return Buffer.concat([content, ...parts])
}

/** All that exiftool finds in a file, and in each part of a packed one. */
export async function toldByExiftool(content: Buffer): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'barua-told-'))
  try {
    const parts = [content]
    if (content.subarray(0, 2).toString('latin1') === 'PK') {
      const { files } = await JSZip.loadAsync(content)
      for (const part of Object.values(files).filter(({ dir }) => !dir))
        parts.push(await part.async('nodebuffer'))
    }
    const paths = parts.map((_, i) => join(folder, String(i)))
    for (const [i, part] of parts.entries()) await writeFile(paths[i] as string, part)
    const args = [
      '-a',
      '-u',
      '-U',
      '-ee',
      '-G1',
      '-json',
      '--System:all',
      '--ExifTool:all',
      '--SourceFile',
      ...paths,
    ]
    const told = await run('exiftool', args, { maxBuffer: 50_000_000 }).catch((error) => error)
    return told.stdout
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}
