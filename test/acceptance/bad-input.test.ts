import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Newsroom, openNewsroom } from '../support/newsroom.ts'
import { png, tip } from '../support/submissions.ts'

const multipart = 'multipart/form-data; boundary=b'
const field = (name: string, value: string) =>
  `--b\r\nContent-Disposition: form-data; name="${name}"\r\n\r\n${value}\r\n`
const file = (name: string, filename: string, content: string) =>
  `--b\r\nContent-Disposition: form-data; name="${name}"; filename="${filename}"\r\nContent-Type: text/plain\r\n\r\n${content}\r\n`
const end = '--b--\r\n'
const body = field('body', tip().body)

function send(newsroom: Newsroom, type: string, content: string | Buffer) {
  return newsroom
    .http()
    .post('/submit/news-tip')
    .set('accept', 'application/json')
    .set('content-type', type)
    .send(content)
}

const refused: [string, number, string, string | Buffer][] = [
  ['no boundary', 422, 'multipart/form-data', body + end],
  ['a broken part header', 422, multipart, `--b\r\nContent-Disposition: nonsense\r\n\r\nx\r\n${end}`],
  ['a body that ends too soon', 422, multipart, body + field('title', 'cut').slice(0, -10)],
  ['a body that ends within a file', 422, multipart, body + file('files', 'a.txt', 'cut').slice(0, -3)],
  ['nothing at all', 422, multipart, ''],
  ['only garbage', 422, multipart, 'garbage'],
  ['an over-long field name', 422, multipart, field('x'.repeat(200), 'y') + body + end],
  ['too many fields', 422, multipart, field('x', 'y').repeat(101) + body + end],
  ['too many parts', 422, multipart, field('x', 'y').repeat(400) + body + end],
  ['too many files', 422, multipart, body + file('files', 'a.txt', 'x').repeat(11) + end],
  ['a NUL in a file name', 422, multipart, body + file('files', 'a\0b.txt', 'x') + end],
  ['a file in another field', 422, multipart, body + file('picture', 'a.txt', 'x') + end],
  ['a nested field name', 422, multipart, field('body[a][b]', 'y') + end],
  ['a field given twice', 422, multipart, body + body + end],
  ['invalid UTF-8', 422, multipart, Buffer.from(body.replace('Every', 'Ev\u00e9ry') + end, 'latin1')],
  ['a NUL byte', 422, multipart, field('body', `${tip().body}\0`) + end],
  [
    'line ends in a title',
    422,
    multipart,
    body + field('title', 'Title\r\nBcc: everybody@example.org') + end,
  ],
  ['line ends in an address', 422, multipart, body + field('email', 'a@b.test\r\nBcc: c@d.test') + end],
  ['a field of two megabytes', 422, multipart, field('body', 'x'.repeat(2_000_000)) + end],
  ['JSON', 415, 'application/json', JSON.stringify(tip())],
  ['plain text', 415, 'text/plain', tip().body],
  ['a type that is none', 415, 'nonsense', 'x'],
  ['urlencoded with a NUL', 422, 'application/x-www-form-urlencoded', `body=${'x'.repeat(30)}%00`],
  ['urlencoded with invalid UTF-8', 422, 'application/x-www-form-urlencoded', `body=${'x'.repeat(30)}%ff`],
  ['too many urlencoded fields', 422, 'application/x-www-form-urlencoded', 'a=1&'.repeat(500)],
  ['five megabytes urlencoded', 413, 'application/x-www-form-urlencoded', `body=${'x'.repeat(5_000_000)}`],
]

test('bad input is refused with a clear, coded error; it leaves nothing behind and the next piece comes in', async (t) => {
  const newsroom = await openNewsroom(t)
  for (const [what, status, type, content] of refused) {
    const response = await send(newsroom, type, content)
    assert.equal(response.status, status, `${what}: ${response.text}`)
    assert.match(response.body.error.code, /^[a-z-]+$/, what)
    assert.ok(response.body.error.message.length > 10, what)
    assert.ok(!/\bat .*:\d+|node_modules|Error:/.test(response.text), what)
  }
  assert.deepEqual(await newsroom.storedFiles(), [])
  assert.equal(await newsroom.submissionCount(), 0)
  await send(newsroom, multipart, body + end).expect(201)
  assert.ok(!newsroom.logged.join('').includes('unavailable'), newsroom.logged.join(''))
})

test('fields of any name do no harm', async (t) => {
  const newsroom = await openNewsroom(t)
  const names = [
    '__proto__',
    'constructor',
    'prototype',
    'toString',
    'hasOwnProperty',
    'isAdmin',
    '../../x',
    ' ',
  ]
  await send(newsroom, multipart, names.map((name) => field(name, 'polluted')).join('') + body + end).expect(
    201,
  )
  const encoded = names.map((name) => `${encodeURIComponent(name)}=polluted`).join('&')
  await send(newsroom, 'application/x-www-form-urlencoded', `${encoded}&body=${tip().body}`).expect(201)
  assert.equal(({} as Record<string, unknown>).polluted, undefined)
  assert.ok(!(await newsroom.deskPage('/desk')).includes('polluted'))
})

test('names of files never become paths', async (t) => {
  const newsroom = await openNewsroom(t)
  const names = [
    '../../../../tmp/escaped.txt',
    '/etc/passwd',
    'C:\\windows\\x.txt',
    '.htaccess',
    'x'.repeat(500),
  ]
  for (const name of names) {
    await send(newsroom, multipart, Buffer.from(body + file('files', name, 'some words') + end)).expect(201)
  }
  const stored = await newsroom.storedFiles()
  assert.equal(stored.length, names.length)
  for (const path of stored)
    assert.match(path.slice(newsroom.uploadsFolder.length), /^\/[\da-f]{2}\/[\da-f-]{36}$/)
})

test('a file is judged by its content, and the sender is told what is wrong with which', async (t) => {
  const newsroom = await openNewsroom(t)
  const elf = Buffer.from('\x7fELF\x02\x01\x01\0\0\0\0\0\0\0\0\0\x02\0\x3e\0')
  const cases: [string, Buffer | string, number][] = [
    ['photo.jpg', png(), 201],
    ['holiday.png', elf, 415],
    ['report.pdf', png(), 415],
    ['notes.txt', 'Words in UTF-8, é.', 201],
    ['empty.jpg', '', 415],
    ['recorder.m4a', Buffer.from('\0\0\0\x18ftypmp42\0\0\0\0mp42isom', 'latin1'), 201],
    ['old.csv', Buffer.from('name;caf\u00e9\n', 'latin1'), 201],
    ['notepad.txt', Buffer.from('\ufeffWords', 'utf16le'), 201],
    ['data.bin', Buffer.from([0, 1, 2, 3, 255, 254]), 415],
    [
      'notes.txt',
      Buffer.from([
        0x50, 0x4b, 3, 4, 20, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 97,
      ]),
      415,
    ],
  ]
  for (const [name, content, status] of cases) {
    const response = await newsroom.post('news-tip', tip(), [{ name, content }])
    assert.equal(response.status, status, `${name}: ${response.text}`)
    if (status === 415) {
      assert.equal(response.body.error.code, 'unsupported-file')
      assert.ok(response.body.error.fields.files[0].includes(`“${name}”`), response.text)
    }
  }
  const two = await newsroom.post('news-tip', { title: 'x' }, [
    { name: 'bad.bin', content: elf },
    { name: 'worse.pdf', content: png() },
  ])
  assert.equal(two.status, 422)
  assert.deepEqual(Object.keys(two.body.error.fields).sort(), ['body', 'files', 'title'])
  assert.equal(two.body.error.fields.files.length, 2)
})

test('the list of types that are taken is the newsroom’s', async (t) => {
  const newsroom = await openNewsroom(t, { FILE_TYPES: 'text/plain' })
  assert.equal((await newsroom.post('news-tip', tip(), [{ name: 'a.png', content: png() }])).status, 415)
  assert.equal((await newsroom.post('news-tip', tip(), [{ name: 'a.txt', content: 'words' }])).status, 201)
})

test('files over the limits are named with the limit, and every other field is kept', async (t) => {
  const newsroom = await openNewsroom(t, { MAX_FILE_BYTES: '20000', MAX_SUBMISSION_BYTES: '30000' })
  const text = (bytes: number) => 'word '.repeat(bytes / 5)
  const one = await newsroom.post('news-tip', tip(), [{ name: 'long.txt', content: text(20_005) }])
  assert.equal(one.status, 413)
  assert.match(one.body.error.fields.files[0], /“long\.txt” is too large: a file may have 19 KB/)
  const together = await newsroom.post('news-tip', tip(), [
    { name: 'a.txt', content: text(18_000) },
    { name: 'b.txt', content: text(18_000) },
  ])
  assert.equal(together.status, 413)
  const page = await newsroom
    .http()
    .post('/submit/news-tip')
    .field('title', 'Kept title')
    .attach('files', Buffer.from(text(30_000)), 'a.txt')
    .field('body', tip().body)
    .expect(413)
  assert.ok(page.text.includes('value="Kept title"') && page.text.includes(`${tip().body}</textarea>`))
  assert.deepEqual(await newsroom.storedFiles(), [])
  await newsroom.submit('news-tip', tip(), [{ name: 'fits.txt', content: text(20_000) }])
})
