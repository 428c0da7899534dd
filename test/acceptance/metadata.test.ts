import assert from 'node:assert/strict'
import { test } from 'node:test'
import JSZip from 'jszip'
import sharp from 'sharp'
import { bytes } from '../support/bytes.ts'
import { type Newsroom, openNewsroom } from '../support/newsroom.ts'
import { storyAngle, tip } from '../support/submissions.ts'
import {
  openXmlFile,
  type TellingFile,
  tellingFiles,
  toldByExiftool,
  unpacked,
  withCleaning,
} from '../support/telling-files.ts'

const word = `Kanarie${Math.random().toString(36).slice(2, 10)}`
/** Names of tags that nothing clean has, whatever stands in them. */
const telling =
  /"[\w-]+:(?:GPS\w*|\w*SerialNumber|Thumbnail\w*|PreviewImage|Author|Creator|Artist|By-line|Make|Model|Comment|LastModifiedBy|DateTimeOriginal)"/

type Download = { status: number; headers: Record<string, string>; body: Buffer }

async function get(newsroom: Newsroom, path: string, cookie: string): Promise<Download> {
  const { status, headers, body } = await newsroom
    .http()
    .get(path)
    .set('cookie', cookie)
    .buffer(true)
    .parse(bytes)
  return { status, headers, body }
}

/** Sends files with a piece; gives where the desk has them, in their order, and the session of an editor. */
async function atDesk(
  newsroom: Newsroom,
  kind: 'story-angle' | 'news-tip',
  files: { name: string; content: Buffer | string }[],
) {
  const paths: string[] = []
  for (let i = 0; i < files.length; i += 8) {
    const { reference } = await newsroom.submit(
      kind,
      kind === 'news-tip' ? tip() : storyAngle(),
      files.slice(i, i + 8),
    )
    const { id } = await newsroom.submission(reference)
    const [message] = await newsroom.application.storage.submissions.conversation(id, newsroom.keys)
    const idOf = (name: string) =>
      message?.attachments.find((one) => message.content.files[one.id]?.name === name)?.id ??
      assert.fail(name)
    paths.push(...files.slice(i, i + 8).map(({ name }) => `/desk/attachments/${idOf(name)}`))
  }
  return { paths, cookie: await newsroom.signIn() }
}

function nameOf({ headers }: Download): string {
  return /filename="?([^";]+)/.exec(headers['content-disposition'] ?? '')?.[1] ?? ''
}

let made: Promise<TellingFile[]> | undefined
function files(): Promise<TellingFile[]> {
  made ??= tellingFiles(word)
  return made
}

test(
  'the files of these tests tell what they should, or the tests would show nothing',
  withCleaning,
  async () => {
    for (const { name, content } of await files()) {
      assert.ok((await unpacked(content)).includes(word), name)
      if (!/odt|ods/.test(name)) assert.match(await toldByExiftool(content), new RegExp(word), name)
    }
  },
)

for (const kind of ['story-angle', 'news-tip'] as const) {
  test(`a clean copy has none of it: ${kind}`, withCleaning, async (t) => {
    const newsroom = await openNewsroom(t)
    const sent = await files()
    const { paths, cookie } = await atDesk(newsroom, kind, sent)
    for (const [i, { name, type, content }] of sent.entries()) {
      const copy = await get(newsroom, `${paths[i]}/clean`, cookie)
      assert.equal(copy.status, 200, `${name}: ${copy.body.subarray(0, 3000)}`)
      assert.equal(copy.headers['content-type'], type, name)
      assert.match(copy.headers['content-security-policy'] ?? '', /sandbox/)
      assert.equal(copy.headers['cache-control'], 'no-store')
      assert.equal(nameOf(copy).split('.')[0], name.split('.')[0])
      assert.ok(!(await unpacked(copy.body)).includes(word), `${name}: its bytes tell`)
      const told = await toldByExiftool(copy.body)
      assert.ok(told.length > 100, name)
      assert.ok(!told.includes(word), `${name}: ${told}`)
      assert.doesNotMatch(told, telling, name)
      assert.doesNotMatch(told, /33 deg|151 deg|2021:03:04|x264/, name)
      assert.notDeepEqual(copy.body, content)
    }
  })
}

test('a clean copy still shows what the file shows', withCleaning, async (t) => {
  const newsroom = await openNewsroom(t)
  const sent = await files()
  const { paths, cookie } = await atDesk(newsroom, 'story-angle', sent)
  const copyOf = async (name: string) => {
    const path = paths[sent.findIndex((one) => one.name === name)]
    return (await get(newsroom, `${path}/clean`, cookie)).body
  }
  const part = async (copy: Buffer, name: string) => {
    const zip = await JSZip.loadAsync(copy)
    return zip.file(name)?.async('string') ?? assert.fail(`${name} is gone`)
  }
  // A photo that was taken with the phone on its side stands upright.
  for (const name of ['photo.jpg', 'phone.heic']) {
    const { width, height, orientation } = await sharp(await copyOf(name)).metadata()
    assert.deepEqual([width, height, orientation], [200, 320, undefined], name)
  }
  assert.equal((await sharp(await copyOf('moving.gif'), { pages: -1 }).metadata()).pages, 3)
  const text = await part(await copyOf('word.docx'), 'word/document.xml')
  assert.equal(
    text
      .replace(/<[^>]+>/g, '|')
      .match(/[a-z]+/g)
      ?.join(' '),
    'before inserted between cell after',
  )
  assert.match(await part(await copyOf('word.docx'), 'word/media/image2.gif'), /^GIF8/)
  assert.match(await part(await copyOf('plates.xlsx'), 'xl/worksheets/sheet1.xml'), /KBX 412/)
  assert.match(await part(await copyOf('talk.pptx'), 'ppt/slides/slide1.xml'), /The bridge/)
  const odf = await part(await copyOf('open.odt'), 'content.xml')
  assert.match(odf, /<text:p>before after<\/text:p>/)
  const sheet = await part(await copyOf('open.ods'), 'content.xml')
  assert.match(sheet, /xmlns:of=.*table:formula="of:=1\+1"/s)
  for (const name of ['film.mp4', 'phone.mov', 'voice.mp3'])
    assert.match(await toldByExiftool(await copyOf(name)), /"[\w-]+:(?:TrackDuration|AudioBitrate)"/, name)
})

test(
  'the original says first what it still tells, and is handed out by a form only',
  withCleaning,
  async (t) => {
    const newsroom = await openNewsroom(t)
    const sent = (await files()).filter(({ name }) => /photo|word|film/.test(name))
    for (const kind of ['story-angle', 'news-tip'] as const) {
      const { paths, cookie } = await atDesk(newsroom, kind, sent)
      const pages = await Promise.all(paths.map((path) => newsroom.deskPage(path)))
      for (const [i, { name, content }] of sent.entries()) {
        assert.match(pages[i] ?? '', /The original/)
        assert.ok(!pages[i]?.includes('�'), name)
        const original = await newsroom.original(paths[i] ?? '', cookie)
        assert.deepEqual(original.body, content)
      }
      const [photo = '', film = '', word = ''] = pages
      for (const said of [/Where it was made.*GPS Latitude/s, /Serial Number: Kanarie/, /Artist: Kanarie/])
        assert.match(photo, said)
      assert.match(photo, /Small pictures of it.*Thumbnail Image/s)
      assert.match(film, /Where it was made.*GPS Coordinates/s)
      assert.match(word, /Names of people.*Kanarie\w+ author/s)
      assert.match(word, /Comments and earlier versions.*Comments: 1.*Tracked changes: \d/s)
    }
  },
)

test('what hides nothing is handed out at once; what cannot be cleaned says why', withCleaning, async (t) => {
  const newsroom = await openNewsroom(t)
  const zip = await new JSZip().file('a.txt', 'words').generateAsync({ type: 'nodebuffer' })
  const sent = [
    { name: 'plates.txt', content: 'KBX 412' },
    { name: 'all.zip', content: zip },
    { name: 'old.rtf', content: '{\\rtf1 old words}' },
  ]
  for (const kind of ['story-angle', 'news-tip'] as const) {
    const { paths, cookie } = await atDesk(newsroom, kind, sent)
    const [text = '', archive = '', old = ''] = paths
    assert.equal((await get(newsroom, text, cookie)).body.toString(), 'KBX 412')
    assert.equal((await get(newsroom, `${text}/clean`, cookie)).body.toString(), 'KBX 412')
    for (const [path, why] of [
      [archive, /Not cleaned: it is an archive/],
      [old, /Not cleaned: files of this type cannot be cleaned/],
    ] as const) {
      assert.match(await newsroom.deskPage(path), why)
      const refused = await get(newsroom, `${path}/clean`, cookie)
      assert.equal(refused.status, 422)
      assert.match(refused.body.toString(), why)
    }
    const { reference } = (await newsroom.all())[0] ?? assert.fail()
    const page = await newsroom.deskPage(`/desk/submissions/${reference}`)
    assert.match(page, /plain text, nothing is hidden in it/)
    assert.equal(page.match(/Not cleaned: /g)?.length, 2)
    assert.ok(!page.includes('/clean'))
  }
})

test('what a preview shows, and the words of a PDF, have none of it', withCleaning, async (t) => {
  const newsroom = await openNewsroom(t)
  const sent = (await files()).filter(({ name }) => /jpg|png|webp|tiff|gif|pdf/.test(name))
  for (const kind of ['story-angle', 'news-tip'] as const) {
    const { paths, cookie } = await atDesk(newsroom, kind, sent)
    await newsroom.workOff()
    for (const [i, { name }] of sent.entries()) {
      const isPdf = name.endsWith('.pdf')
      const shown = await get(newsroom, `${paths[i]}/${isPdf ? 'words' : 'picture'}`, cookie)
      assert.equal(shown.status, 200, name)
      assert.ok(!shown.body.includes(word), name)
      if (isPdf) continue
      const told = await toldByExiftool(shown.body)
      assert.match(told, /"RIFF:ImageWidth"|"RIFF:VP8/, name)
      assert.doesNotMatch(told, telling, name)
    }
  }
})

test(
  'what is meant to harm whoever cleans it is refused with a reason, and nothing is held up',
  withCleaning,
  async (t) => {
    const newsroom = await openNewsroom(t, { MAX_FILE_BYTES: String(40_000_000) })
    const good = (await files()).filter(({ name }) => name === 'photo.jpg')
    const hostile = await hostileFiles()
    const sent = [...Object.entries(hostile).map(([name, { content }]) => ({ name, content })), ...good]
    const { paths, cookie } = await atDesk(newsroom, 'news-tip', sent)
    for (const [i, [name, { why }]] of Object.entries(hostile).entries()) {
      const answer = await get(newsroom, `${paths[i]}/clean`, cookie)
      assert.equal(answer.status, 422, name)
      assert.match(answer.body.toString(), why, name)
    }
    assert.equal((await get(newsroom, `${paths.at(-1)}/clean`, cookie)).status, 200)
  },
)

async function hostileFiles(): Promise<Record<string, { content: Buffer; why: RegExp }>> {
  const unreadable = /Not cleaned: it could not be read/
  const uncleanable = /Not cleaned: there is something in it that cannot be cleaned/
  const main = (text: string) => ({
    name: 'word/document.xml',
    type: 'application/vnd.openxmlformats-officedocument.wordprocessingml.document.main+xml',
    text,
  })
  const laughs = Array.from({ length: 12 }, (_, i) => `<!ENTITY l${i + 1} "${`&l${i};`.repeat(10)}">`).join(
    '',
  )
  const many = sharp({ create: { width: 16_000, height: 16_000, channels: 3, background: 'red' } })
  const photo = (await files())[0]?.content ?? assert.fail()
  return {
    'pixels.png': { content: await many.png({ compressionLevel: 9 }).toBuffer(), why: unreadable },
    'broken.jpg': { content: photo.subarray(0, photo.length / 2), why: unreadable },
    'macros.docx': {
      content: await openXmlFile([
        main(`<document/>`),
        { name: 'word/vbaProject.bin', text: Buffer.from('x') },
      ]),
      why: uncleanable,
    },
    'entity.docx': {
      content: await openXmlFile([main('<!DOCTYPE d [<!ENTITY x SYSTEM "file:///etc/passwd">]><d>&x;</d>')]),
      why: unreadable,
    },
    'laughs.docx': {
      content: await openXmlFile([main(`<!DOCTYPE d [<!ENTITY l0 "ha">${laughs}]><d>&l12;</d>`)]),
      why: /Not cleaned: it (?:could not be read|is too large)/,
    },
    'bomb.docx': {
      content: await openXmlFile([
        main('<d/>'),
        { name: 'word/styles.xml', text: Buffer.alloc(300_000_000) },
      ]),
      why: /Not cleaned: it is too large/,
    },
    'way-out.docx': {
      content: await openXmlFile([main('<d/>'), { name: 'word/media/../../../../tmp/x.jpeg', text: photo }]),
      why: /Not cleaned/,
    },
  }
}
