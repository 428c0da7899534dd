import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { buffer } from 'node:stream/consumers'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { promisify } from 'node:util'
import sharp from 'sharp'
import { onePagePdf } from '../../../test/support/submissions.ts'
import { tellingFiles, withCleaning } from '../../../test/support/telling-files.ts'
import { createCleaner } from './cleaner.ts'
import { cleaning } from './sandbox.ts'
import { nameOfCopy, notCleaned } from './types.ts'

const pdf = { type: 'application/pdf', name: 'letter.pdf', size: 1000, isRaw: false }
const open = (content: Buffer) => async () => Readable.from([content], { objectMode: false })

/** What a program sees and can do where files are cleaned. */
async function inSandbox(script: string): Promise<string> {
  const { file, args } = cleaning()
  const { stdout } = await promisify(execFile)(file, [
    ...args.slice(0, args.indexOf('--') + 1),
    '/usr/bin/python3',
    '-c',
    script,
  ])
  return stdout
}

test(
  'in the sandbox there is no file of ours, no network, no environment, and no place to write but memory',
  withCleaning,
  async (t) => {
    const folder = await mkdtemp(join(tmpdir(), 'barua-sandbox-'))
    t.after(() => rm(folder, { recursive: true, force: true }))
    await writeFile(join(folder, 'secret'), 'secret')
    const server = createServer().listen(0, '127.0.0.1')
    t.after(() => server.close())
    await new Promise((resolve) => server.once('listening', resolve))
    const { port } = server.address() as { port: number }
    const found = await inSandbox(`
import os, socket
def tried(what, *args):
    try:
        what(*args)
        return True
    except OSError:
        return False
print(tried(open, ${JSON.stringify(join(folder, 'secret'))}), tried(os.listdir, ${JSON.stringify(process.cwd())}))
print([place for place in ('/x', '/usr/x', '/etc/x', '/barua/x', '/dev/shm/x', '/var/tmp/x') if tried(open, place, 'w')])
print(tried(open, '/tmp/x', 'w'), os.path.exists('/proc/1'), 'HOME' in os.environ and os.environ['HOME'])
print(tried(socket.create_connection, ('127.0.0.1', ${port}), 1))
print(sorted(name for name in os.environ if 'BARUA' in name or 'SECRET' in name or 'NODE' in name))
`)
    assert.deepEqual(found.trim().split('\n'), ['False False', '[]', 'True False /tmp', 'False', '[]'])
  },
)

test('what takes too long is ended, and so is what nobody waits for any more', withCleaning, async () => {
  const mark = `mark-${Math.random()}`
  const hangs = `import sys, time; sys.stdin.buffer.read(); time.sleep(1000) # ${mark}`
  const command = (...args: string[]) => {
    const { args: all, ...rest } = cleaning(...args)
    const isAsked = args[0] === 'programs'
    return {
      ...rest,
      args: isAsked ? all : [...all.slice(0, all.indexOf('--') + 1), '/usr/bin/python3', '-c', hangs],
    }
  }
  assert.equal(
    await createCleaner({ patience: 1000, command }).clean(pdf, open(onePagePdf('words'))),
    'too-slow',
  )
  // At the very first moment, and when it is at work.
  for (const after of [0, 1, 20, 500]) {
    const left = new AbortController()
    const waiting = createCleaner({ command }).clean(pdf, open(onePagePdf('words')), left.signal)
    setTimeout(() => left.abort(), after)
    await assert.rejects(waiting, /abort/i)
  }
  while ((await commandLines()).includes(mark)) await sleep(20)
})

async function commandLines(): Promise<string> {
  return (await promisify(execFile)('ps', ['-eo', 'args'])).stdout
}

test('a file that breaks while it is read is not taken for a shorter one', withCleaning, async () => {
  async function* broken() {
    yield onePagePdf('words')
    throw new Error('the seal is broken')
  }
  const cleaner = createCleaner()
  for (const file of [pdf, { ...pdf, type: 'image/png' }])
    await assert.rejects(
      cleaner.clean(file, async () => Readable.from(broken(), { objectMode: false })),
      /the seal is broken/,
    )
})

test('a type that lies is found out by whoever reads the file', withCleaning, async () => {
  const cleaner = createCleaner()
  const lies: [string, string][] = [
    ['image/jpeg', 'a.jpg'],
    ['application/zip', 'a.docx'],
    ['video/mp4', 'a.mp4'],
    ['image/heic', 'a.heic'],
    ['audio/mpeg', 'a.mp3'],
  ]
  for (const [type, name] of lies) {
    const made = await cleaner.clean({ type, name, size: 1, isRaw: false }, open(onePagePdf('words')))
    assert.equal(made, 'unreadable', type)
  }
})

test(
  'a PDF is left without what it would do, and without what lies beneath its pages',
  withCleaning,
  async () => {
    const acting = Buffer.from(
      onePagePdf('words')
        .toString('latin1')
        .replace('/Catalog', '/Catalog /OpenAction << /S /JavaScript /JS (app.alert\\(1\\)) >>'),
      'latin1',
    )
    assert.ok(acting.includes('/JavaScript'))
    const made = await createCleaner().clean(pdf, open(acting))
    assert.ok(typeof made === 'object')
    const copy = (await buffer(made.content)).toString('latin1')
    assert.match(copy, /^%PDF/)
    assert.doesNotMatch(copy, /JavaScript|OpenAction|app\.alert/)
  },
)

test('without the programs nothing is given to any other, and it is said what is missing', async () => {
  const cleaner = createCleaner({ command: (...args) => ({ file: 'no-such-bwrap', args, env: {} }) })
  const why = async (type: string) => cleaner.reason({ type, name: 'a', size: 1, isRaw: false })
  assert.deepEqual(await Promise.all(['application/pdf', 'video/mp4', 'image/heic'].map(why)), [
    'no-sandbox',
    'no-sandbox',
    'no-sandbox',
  ])
  const never = () => assert.fail('it was opened')
  assert.equal(await cleaner.clean(pdf, never), 'no-sandbox')
  assert.equal(await cleaner.look(pdf, never), undefined)
  // Pictures need none of them.
  assert.equal(await why('image/png'), undefined)
  assert.match(notCleaned['no-sandbox'], /bubblewrap is not installed/)
})

test('with a part of them, the rest is cleaned', async () => {
  const told = (found: object) =>
    createCleaner({
      command: () => ({ file: 'echo', args: [JSON.stringify(found)], env: { PATH: '/bin:/usr/bin' } }),
    })
  const some = told({ mat2: true, ffmpeg: false, exiftool: false, 'heif-convert': false })
  const why = async (type: string) => some.reason({ type, name: 'a', size: 1, isRaw: false })
  assert.deepEqual(await Promise.all(['application/pdf', 'video/mp4', 'image/heic'].map(why)), [
    undefined,
    'no-ffmpeg',
    'no-heif',
  ])
})

test(
  'of what is cleaned and looked into nothing is on the disk, while it is done or afterwards',
  withCleaning,
  async (t) => {
    const word = `Kanarie${Math.random().toString(36).slice(2, 10)}`
    const files = await tellingFiles(word)
    const found = new Set<string>()
    let isDone = false
    const watching = (async () => {
      while (!isDone) for (const path of await filesThatHold(word)) found.add(path)
    })()
    t.after(() => {
      isDone = true
    })
    const cleaner = createCleaner()
    for (const { name, content } of files) {
      const file = { type: (await typeOf(content)) ?? '', name, size: content.length, isRaw: false }
      const made = await cleaner.clean(file, open(content))
      assert.ok(typeof made === 'object', `${name}: ${JSON.stringify(made)}`)
      await buffer(made.content)
      assert.ok(await cleaner.look(file, open(content)))
    }
    isDone = true
    await watching
    assert.deepEqual([...found], [])
  },
)

async function typeOf(content: Buffer): Promise<string | undefined> {
  const { fileTypeFromBuffer } = await import('file-type')
  return (await fileTypeFromBuffer(content))?.mime
}

/** Files in the places for temporary ones that hold a word. */
async function filesThatHold(word: string): Promise<string[]> {
  const found: string[] = []
  for (const folder of [tmpdir(), '/var/tmp', '/dev/shm']) {
    const entries = await readdir(folder, { withFileTypes: true }).catch(() => [])
    for (const entry of entries.filter((one) => one.isFile())) {
      const path = join(folder, entry.name)
      const content = await readFile(path).catch(() => Buffer.alloc(0))
      if (content.includes(word)) found.push(path)
    }
  }
  return found
}

test('a copy has the name of its original, with the ending of what it is', () => {
  const names = [
    ['IMG_1.HEIC', 'jpg', 'IMG_1.jpg'],
    ['a.JPEG', 'jpg', 'a.JPEG'],
    ['a.webp', 'jpg', 'a.jpg'],
    ['no-ending', 'png', 'no-ending.png'],
    ['.hidden', 'png', '.hidden.png'],
    ['two.dots.tiff', 'tif', 'two.dots.tiff'],
  ] as const
  for (const [name, ending, copy] of names) assert.equal(nameOfCopy(name, ending), copy)
})

test('a TIFF keeps its pages, and not its thumbnail', async () => {
  const frame = (background: string) =>
    sharp({ create: { width: 320, height: 200, channels: 3, background } })
      .tiff()
      .toBuffer()
  const frames = await Promise.all(['red', 'green', 'blue'].map(frame))
  const pages = await sharp(frames, { join: { animated: true } })
    .tiff()
    .toBuffer()
  const scan = { type: 'image/tiff', name: 'scan.tiff', size: 1, isRaw: false }
  const copyOf = async (content: Buffer) => {
    const made = await createCleaner().clean(scan, open(content))
    assert.ok(typeof made === 'object')
    return { type: made.type, seen: await sharp(await buffer(made.content)).metadata() }
  }
  const whole = await copyOf(pages)
  assert.deepEqual([whole.type, whole.seen.pages], ['image/tiff', 3])
  const thumbed = withThumbnail(await frame('red'))
  assert.equal((await sharp(thumbed).metadata()).pages, 2)
  const { type, seen } = await copyOf(thumbed)
  assert.deepEqual([type, seen.width, seen.height], ['image/jpeg', 320, 200])
})

/** Adds a grey page of 80 × 50 to a TIFF of one page, as cameras do. */
function withThumbnail(tiff: Buffer): Buffer {
  const entries = [
    [254, 1],
    [256, 80],
    [257, 50],
    [258, 8],
    [259, 1],
    [262, 1],
    [273, tiff.length],
    [277, 1],
    [278, 50],
    [279, 80 * 50],
  ] as const
  const page = Buffer.alloc(2 + entries.length * 12 + 4)
  page.writeUInt16LE(entries.length, 0)
  for (const [i, [tag, value]] of entries.entries()) {
    page.writeUInt16LE(tag, 2 + i * 12)
    page.writeUInt16LE(4, 4 + i * 12)
    page.writeUInt32LE(1, 6 + i * 12)
    page.writeUInt32LE(value, 10 + i * 12)
  }
  const made = Buffer.concat([tiff, Buffer.alloc(80 * 50, 128), page])
  const first = made.readUInt32LE(4)
  made.writeUInt32LE(tiff.length + 80 * 50, first + 2 + made.readUInt16LE(first) * 12)
  return made
}
