import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { attributes, packed, packedRtf, property, tnef } from '../../../../test/support/tnef.ts'
import { unpackedRtf, wordsOfRtf } from './rtf.ts'
import { isTnef, mostTnefBytes, tnefIn } from './tnef.ts'

const { attachment, attachedProperties, body, codePage, data, properties, title } = attributes
const [bodyTag, rtfTag, htmlTag, dataTag, nameTag, longNameTag, pageTag] = [
  0x1000, 0x1009, 0x1013, 0x3701, 0x3704, 0x3707, 0x3fde,
]

function filesIn(bytes: Buffer) {
  return tnefIn(bytes)?.files.map(({ name, content }) => [name, content.toString()])
}

test('a winmail.dat is known by its type or its name', () => {
  for (const [type, name] of [
    ['application/ms-tnef', undefined],
    ['Application/MS-TNEF', 'x'],
    ['application/vnd.ms-tnef', undefined],
    ['application/octet-stream', 'WinMail.dat'],
  ] as const)
    assert.equal(isTnef(type, name), true, type)
  assert.equal(isTnef('application/octet-stream', 'mail.dat'), false)
  assert.equal(isTnef('text/plain', undefined), false)
})

test('its files come out as they were, by the longest name that they have', () => {
  const bytes = tnef(
    attachment(),
    title(Buffer.from('LEDGER~1.TXT\0')),
    data(Buffer.from('Otieno 4,000,000')),
    attachedProperties(
      property.many(0x1234, [1, 2, 3]),
      property.named('Keywords', 1),
      property.flag(0x7ffe),
      property.unicode(nameTag, 'LEDGER~1.TXT'),
      property.unicode(longNameTag, 'Ledger of the bridge – März.txt'),
    ),
    attachment(),
    title(Buffer.from('photo.jpg\0')),
    data(Buffer.from('a photo')),
    attachment(),
    attachedProperties(
      property.bytes(dataTag, Buffer.from('only here')),
      property.unicode(longNameTag, 'here.txt'),
    ),
    attachment(),
    data(Buffer.from('no name')),
    attachment(),
    title(Buffer.from('nothing.txt\0')),
  )
  assert.deepEqual(filesIn(bytes), [
    ['Ledger of the bridge – März.txt', 'Otieno 4,000,000'],
    ['photo.jpg', 'a photo'],
    ['here.txt', 'only here'],
    ['file', 'no name'],
  ])
  assert.equal(tnefIn(bytes)?.isWhole, true)
})

test('its words are read in every form that Outlook writes them in', () => {
  const plain = (...all: Buffer[]) => tnefIn(tnef(...all))?.plain
  const html = (...all: Buffer[]) => tnefIn(tnef(...all))?.html
  assert.equal(plain(body(Buffer.from('The bridge.\r\nIt is closed.\0'))), 'The bridge.\nIt is closed.')
  assert.equal(plain(codePage(1251), body(Buffer.from('cce4f1f200', 'hex'))), 'Мдст')
  assert.equal(plain(codePage(932), body(Buffer.from('93fa967b00', 'hex'))), '日本')
  assert.equal(plain(codePage(4711), body(Buffer.from('caf\xe9', 'latin1'))), 'café')
  assert.equal(plain(properties(property.unicode(bodyTag, 'Wörter – слова'))), 'Wörter – слова')
  const utf8 = Buffer.from('<p>Wörter</p>')
  assert.equal(
    html(properties(property.number(pageTag, 65001), property.bytes(htmlTag, utf8))),
    '<p>Wörter</p>',
  )
  const rich = String.raw`{\rtf1\ansi\ansicpg1252{\fonttbl{\f0 Arial;}}{\*\generator Outlook;}\f0 Caf\'e9 \u8211?\par second line\par}`
  assert.equal(plain(properties(property.bytes(rtfTag, packedRtf(rich)))), 'Café –\nsecond line')
  const fromHtml = String.raw`{\rtf1\ansi\ansicpg1252\fromhtml1 {\*\htmltag64 <p>}\htmlrtf {\htmlrtf0 Hello\htmlrtf\par}\htmlrtf0{\*\htmltag72 </p>}}`
  assert.equal(html(properties(property.bytes(rtfTag, packedRtf(fromHtml)))), '<p>Hello</p>')
  // What was written plainly is preferred to what can be made of it.
  const both = properties(property.unicode(bodyTag, 'Plain.'), property.bytes(rtfTag, packedRtf(rich)))
  assert.equal(plain(both), 'Plain.')
})

test('a mail that was attached gives its words and its files', () => {
  const inner = tnef(
    body(Buffer.from('What the clerk wrote.\0')),
    attachment(),
    title(Buffer.from('inner.txt\0')),
    data(Buffer.from('inside')),
  )
  const nested = (bytes: Buffer) =>
    tnef(
      attachment(),
      attachedProperties(property.unicode(longNameTag, 'Fwd: the bridge'), property.object(dataTag, bytes)),
    )
  assert.deepEqual(filesIn(nested(inner)), [
    ['Fwd: the bridge.txt', 'What the clerk wrote.'],
    ['inner.txt', 'inside'],
  ])
  const deep = Array.from({ length: 20 }).reduce<Buffer>((sofar) => nested(sofar), inner)
  assert.equal(filesIn(deep)?.length, 1, 'what lies too deep stays packed')
})

test('of one that breaks off there is what came before, and it is said', () => {
  const whole = tnef(
    body(Buffer.from('Words.\0')),
    attachment(),
    title(Buffer.from('a.txt\0')),
    data(Buffer.from('first')),
    attachment(),
    data(Buffer.from('second')),
  )
  const part = tnefIn(whole.subarray(0, whole.length - 5))
  assert.deepEqual([part?.plain, part?.isWhole], ['Words.', false])
  assert.deepEqual(
    part?.files.map(({ name }) => name),
    ['a.txt'],
  )
  for (const none of ['', 'x', 'MZ and so on', 'x\x9f>"'])
    assert.equal(tnefIn(Buffer.from(none, 'latin1')), undefined, none)
  assert.equal(tnefIn(Buffer.alloc(mostTnefBytes + 1)), undefined)
})

test('rich text is unpacked as its format says, and no further', () => {
  // “\rtf1\ansi” stands at the beginning of the window: a reference to it, then the reference that ends all.
  const token = (from: number, length: number) => Buffer.from([from >> 4, ((from & 15) << 4) | (length - 2)])
  const body = Buffer.concat([Buffer.from([0b101]), token(0, 11), Buffer.from('}'), token(207 + 12, 2)])
  assert.equal(unpackedRtf(packed(body, 12))?.toString(), String.raw`{\rtf1\ansi}`)
  assert.equal(unpackedRtf(packed(Buffer.from([0, 65]), 2 ** 31)), undefined)
  assert.equal(unpackedRtf(packed(Buffer.alloc(0), 1000))?.length, 0)
  assert.equal(wordsOfRtf(Buffer.from(`{\\rtf1${'{'.repeat(100_000)}`)), undefined)
  assert.equal(wordsOfRtf(Buffer.from('{\\rtf1 \\bin2000000000 x}')), undefined)
  assert.equal(wordsOfRtf(Buffer.from('<p>no rich text</p>')), undefined)
})

test('whatever its bytes are, it is opened or not, and nothing else happens', () => {
  const good = tnef(
    codePage(1252),
    body(Buffer.from('Words.\0')),
    properties(
      property.unicode(bodyTag, 'Words'),
      property.bytes(rtfTag, packedRtf('{\\rtf1 a}')),
      property.number(pageTag, 1252),
    ),
    attachment(),
    title(Buffer.from('a.txt\0')),
    data(Buffer.alloc(200, 7)),
    attachedProperties(property.unicode(longNameTag, 'b.txt')),
  )
  fc.assert(
    fc.property(
      fc.array(fc.tuple(fc.nat({ max: good.length - 1 }), fc.nat({ max: 255 })), { maxLength: 20 }),
      fc.nat({ max: good.length }),
      (changes, length) => {
        const bytes = Buffer.from(good)
        for (const [at, byte] of changes) bytes[at] = byte
        const opened = tnefIn(bytes.subarray(0, length))
        const size = opened?.files.reduce((sum, { content }) => sum + content.length, 0) ?? 0
        assert.ok(size <= good.length)
      },
    ),
    { numRuns: 2000 },
  )
})
