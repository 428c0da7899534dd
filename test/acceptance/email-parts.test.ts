import assert from 'node:assert/strict'
import { Readable } from 'node:stream'
import { test } from 'node:test'
import fc from 'fast-check'
import iconv from 'iconv-lite'
import { readMail } from '../../src/channels/email/parse-mail.ts'
import { decodeText } from '../../src/core/charset.ts'
import { inboundMail } from '../support/mail.ts'
import { openNewsroom } from '../support/newsroom.ts'

type Raw = string | Buffer

function joined(...parts: Raw[]): Buffer {
  return Buffer.concat(parts.map((part) => (typeof part === 'string' ? Buffer.from(part) : part)))
}

/** A mail with these headers and this body, as bytes. */
function mail(headers: Raw[], body: Raw): Buffer {
  const usual = 'From: Asha Mwangi <asha@example.org>\r\nTo: stories@newsroom.test\r\nMIME-Version: 1.0\r\n'
  return joined(usual, ...headers.flatMap((header) => [header, '\r\n']), '\r\n', body)
}

let boundaries = 0

/** A container, with its own header first. */
function multipart(type: string, ...parts: Raw[]): Buffer {
  const boundary = `b${++boundaries}`
  const inner = parts.flatMap((part) => [`--${boundary}\r\n`, part, '\r\n'])
  return joined(
    `Content-Type: multipart/${type}; boundary="${boundary}"\r\n\r\n`,
    ...inner,
    `--${boundary}--\r\n`,
  )
}

function part(type: string, content: Raw, more = ''): Buffer {
  return joined(`Content-Type: ${type}\r\n${more}\r\n`, content)
}

const plain = (text: string, more = '') => part('text/plain; charset=utf-8', text, more)
const html = (text: string, more = '') => part('text/html; charset=utf-8', text, more)
const named = (name: string) => `Content-Disposition: inline; filename="${name}"\r\n`
const attached = (name: string) => `Content-Disposition: attachment; filename="${name}"\r\n`

async function read(raw: Buffer) {
  const files: Record<string, string> = {}
  const ours = { addresses: ['barua@newsroom.test'], names: ['Barua'] }
  const parsed = await readMail(Readable.from([raw]), ours, async ({ name }, content) => {
    const chunks: Uint8Array[] = []
    for await (const chunk of content) chunks.push(chunk)
    files[name] = Buffer.concat(chunks).toString('latin1')
  })
  const { message, article } = parsed.words ?? assert.fail('no words')
  return { ...parsed, said: message.visible, article: article.visible, files }
}

/** A container as the whole mail. */
function whole(container: Buffer): Buffer {
  const usual = 'From: Asha Mwangi <asha@example.org>\r\nTo: stories@newsroom.test\r\nMIME-Version: 1.0\r\n'
  return joined(usual, container)
}

test('all words of a mail are shown, in their order, whatever its parts are', async () => {
  const stub = 'Your program cannot show this HTML message.'
  const letter = 'The bridge is closed since Friday, and nobody of the town hall says why.'
  const cases: [about: string, raw: Buffer, said: string, files?: string[]][] = [
    ['plain and the same in HTML', multipart('alternative', plain(letter), html(`<p>${letter}</p>`)), letter],
    [
      'a stub beside the letter',
      multipart('alternative', plain(stub), html(`<p>${letter}</p>`)),
      `${letter}\n\n${stub}`,
    ],
    [
      'a short letter behind a long stub',
      multipart('alternative', plain(stub), html('<p>Come.</p>')),
      `Come.\n\n${stub}`,
    ],
    [
      'HTML and the footer of a list',
      multipart('mixed', html(`<p>${letter}</p>`), plain('____\nThe citizens’ list')),
      `${letter}\n\n____\nThe citizens’ list`,
    ],
    [
      'text and the line of a gateway in HTML',
      multipart('mixed', plain(letter), html('<p>Scanned by the gateway.</p>')),
      `${letter}\n\nScanned by the gateway.`,
    ],
    [
      'words around a file',
      multipart(
        'mixed',
        plain('Here it is.'),
        part('application/pdf', '%PDF-1.4', named('scan.pdf')),
        plain('It is forged.'),
      ),
      'Here it is.\n\nIt is forged.',
      ['scan.pdf'],
    ],
    [
      'words around a file in an alternative',
      multipart(
        'alternative',
        plain('First.\n\nThen more.'),
        multipart(
          'mixed',
          html('<p>First.</p>'),
          plain('The contract.', named('contract.txt')),
          html('<p>Then more.</p>'),
        ),
      ),
      'First.\n\nThen more.',
      ['contract.txt'],
    ],
    [
      'two alternatives behind each other',
      multipart(
        'mixed',
        multipart('alternative', plain('One is here.'), html('<p>One is here.</p>')),
        multipart('alternative', plain('Two is there.'), html('<p>Two is there.</p>')),
      ),
      'One is here.\n\nTwo is there.',
    ],
    [
      'two plain alternatives that differ',
      multipart('alternative', plain('The first wording of it.'), plain('Quite another letter altogether.')),
      'The first wording of it.\n\nQuite another letter altogether.',
    ],
    [
      'within a signature',
      multipart(
        'signed; protocol="application/pgp-signature"',
        plain(letter),
        part('application/pgp-signature', 'x', named('signature.asc')),
      ),
      letter,
      [],
    ],
    [
      'related',
      multipart('related', html(`<p>${letter}</p>`), part('image/png', 'png', 'Content-ID: <a@b>\r\n')),
      letter,
      ['picture.png'],
    ],
    ['a container without a boundary', joined('Content-Type: multipart/mixed\r\n\r\n', letter), letter],
    [
      'a container whose boundary never comes',
      joined('Content-Type: multipart/mixed; boundary=q\r\n\r\n', letter),
      letter,
    ],
    [
      'a container of a kind that is not known',
      multipart('x-unheard-of', plain('One.'), plain('Two.')),
      'One.\n\nTwo.',
    ],
    [
      'a container that is never closed',
      joined('Content-Type: multipart/mixed; boundary=q\r\n\r\n--q\r\n\r\n', letter),
      letter,
    ],
    [
      'only an attached text',
      multipart('mixed', plain(letter, attached('letter.txt'))),
      letter,
      ['letter.txt'],
    ],
    [
      'a digest',
      multipart('digest', '\r\nSubject: Inner\r\n\r\nInner words', '\r\nSubject: Second\r\n\r\nSecond words'),
      '',
      ['Inner.eml', 'Second.eml'],
    ],
  ]
  for (const [about, raw, said, files] of cases) {
    const mail = await read(whole(raw))
    assert.equal(mail.said, said, about)
    if (files) assert.deepEqual(Object.keys(mail.files).toSorted(), [...new Set(files)].toSorted(), about)
  }
})

test('a part with a name is a file, whatever it is and however it lies there', async () => {
  const names = [
    'page.html',
    'list.csv',
    'interview.txt',
    'contract.p7s',
    'secret.pgp',
    'key.asc',
    'notes.md',
    'data.json',
  ]
  const types = ['text/plain', 'text/html', 'application/octet-stream', 'text/csv']
  const lying = [attached, named, (name: string) => `Content-Type-Name: ${name}\r\n`]
  for (const name of names) {
    for (const type of types) {
      for (const [way, disposition] of lying.entries()) {
        const header = way === 2 ? `${type}; name="${name}"` : type
        const file = part(header, 'CONTENT', way === 2 ? '' : disposition(name))
        const mail = await read(whole(multipart('mixed', plain('See the file.'), file)))
        assert.equal(mail.said, 'See the file.', `${name} ${type} ${way}`)
        assert.equal(mail.files[name], 'CONTENT', `${name} ${type} ${way}`)
      }
    }
  }
})

test('files come whole in whatever coding they are', async () => {
  const content = Buffer.from(Array.from({ length: 3000 }, (_, i) => (i * 7) % 256))
  const uu = (bytes: Buffer) => {
    const character = (value: number) => String.fromCharCode(value === 0 ? 96 : value + 32)
    const lines: string[] = []
    for (let at = 0; at < bytes.length; at += 45) {
      const line = bytes.subarray(at, at + 45)
      let coded = character(line.length)
      for (let i = 0; i < line.length; i += 3) {
        const [a = 0, b = 0, c = 0] = line.subarray(i, i + 3)
        coded += [a >> 2, ((a & 3) << 4) | (b >> 4), ((b & 15) << 2) | (c >> 6), c & 63]
          .map(character)
          .join('')
      }
      lines.push(coded)
    }
    return `begin 644 photo.bin\r\n${lines.join('\r\n')}\r\n\`\r\nend\r\n`
  }
  const codings: [name: string, coded: string][] = [
    ['base64', content.toString('base64').replace(/.{76}/g, '$&\r\n')],
    ['x-uuencode', uu(content)],
    ['uuencode', uu(content)],
    ['x-uue', uu(content)],
  ]
  for (const [coding, coded] of codings) {
    const header = `Content-Transfer-Encoding: ${coding}\r\n${attached('photo.bin')}`
    const raw = multipart('mixed', plain('See.'), part('application/octet-stream', coded, header))
    assert.deepEqual(
      Buffer.from((await read(whole(raw))).files['photo.bin'] ?? '', 'latin1'),
      content,
      coding,
    )
  }
})

/** What people write, and the charsets that it is written in where mail has them. */
const written: [text: string, charsets: string[]][] = [
  [
    'Der Bürgermeister hört nicht, und die Straße ist gesperrt.',
    ['iso-8859-1', 'windows-1252', 'iso-8859-15', 'cp850', 'macintosh', 'utf-8', 'utf-7'],
  ],
  ['Café fermé à Kisumu depuis février', ['iso-8859-1', 'windows-1252', 'utf-8']],
  [
    'Мост закрыт с пятницы, и никто не говорит почему.',
    ['windows-1251', 'koi8-r', 'iso-8859-5', 'cp866', 'utf-8'],
  ],
  ['Η γέφυρα είναι κλειστή από την Παρασκευή', ['iso-8859-7', 'windows-1253']],
  ['الجسر مغلق منذ يوم الجمعة', ['windows-1256', 'iso-8859-6']],
  ['橋は金曜日から閉まっています', ['iso-2022-jp', 'shift_jis', 'euc-jp']],
  ['这座桥从星期五起关闭', ['gb2312', 'gbk', 'gb18030']],
  ['다리가 금요일부터 닫혔다', ['euc-kr', 'ks_c_5601-1987']],
  ['Most je od pátku zavřený a nikdo neříká proč.', ['iso-8859-2', 'windows-1250']],
  ['Köprü cuma gününden beri kapalı, kimse nedenini söylemiyor.', ['iso-8859-9', 'windows-1254']],
]

/** Neither library here writes this one; its bytes are those of JIS in three states (RFC 1468). */
const inJapaneseMail = Buffer.from('\x1b$B66$O6bMKF|$+$iJD$^$C$F$$$^$9\x1b(B', 'latin1')

function bytesIn(text: string, charset: string): Buffer {
  return charset === 'iso-2022-jp' ? inJapaneseMail : iconv.encode(text, charset)
}

test('no letter is lost, in whatever charset a text is, if it says which', async () => {
  for (const [text, charsets] of written) {
    for (const charset of charsets) {
      const bytes = bytesIn(text, charset)
      const names =
        charset === 'utf-7'
          ? ['utf-7', 'unicode-1-1-utf-7', 'UTF-7']
          : [charset, charset.toUpperCase(), `"${charset}"`]
      for (const name of names) {
        const typed = await read(whole(part(`text/plain; charset=${name}`, bytes)))
        assert.equal(typed.said, text, `${name}`)
        const formatted = await read(whole(part(`text/html; charset=${name}`, joined('<p>', bytes, '</p>'))))
        assert.equal(formatted.said, text, `${name}, HTML`)
      }
    }
  }
})

test('where a text says no charset or a wrong one, its letters are found all the same', async () => {
  const [german, french, russian] = [written[0]?.[0] ?? '', written[1]?.[0] ?? '', written[2]?.[0] ?? '']
  const latin = (text: string) => iconv.encode(text, 'windows-1252')
  const cyrillic = iconv.encode(russian, 'windows-1251')
  const cases: [about: string, raw: Buffer, said: string][] = [
    ['none', part('text/plain', latin(french)), french],
    ['ASCII that is none', part('text/plain; charset=us-ascii', latin(german)), german],
    ['UTF-8 that is none', part('text/plain; charset=utf-8', latin(german)), german],
    ['Latin-1 that is UTF-8', part('text/plain; charset=iso-8859-1', german), german],
    ['ASCII that is UTF-8', part('text/plain; charset=us-ascii', russian), russian],
    ['an unknown one', part('text/plain; charset=x-unknown', latin(german)), german],
    ['one that nobody knows', part('text/plain; charset=klingon', latin(german)), german],
    ['none, in Cyrillic letters', part('text/plain', cyrillic), russian],
    ['no header at all', joined('Subject: x\r\n\r\n', cyrillic), russian],
    [
      'in the HTML alone',
      part(
        'text/html',
        joined('<html><head><meta charset="windows-1251"></head><body>', cyrillic, '</body></html>'),
      ),
      russian,
    ],
    [
      'in the HTML alone, the older way',
      part(
        'text/html',
        joined('<meta http-equiv="Content-Type" content="text/html; charset=windows-1251">', cyrillic),
      ),
      russian,
    ],
    [
      'of the text beside it',
      multipart(
        'mixed',
        part('text/plain; charset=windows-1251', cyrillic),
        part('text/plain', iconv.encode('Да', 'windows-1251')),
      ),
      `${russian}\n\nДа`,
    ],
  ]
  for (const [about, raw, said] of cases) assert.equal((await read(whole(raw))).said, said, about)
})

test('a subject, a name and the name of a file keep their letters: raw, coded, or coded wrongly', async () => {
  const latin = (text: string) => iconv.encode(text, 'windows-1252')
  const q = (text: string, charset: string) =>
    `=?${charset}?Q?${[...latin(text)].map((byte) => `=${byte.toString(16).padStart(2, '0').toUpperCase()}`).join('')}?=`
  const subjects: [header: Raw, wanted: string][] = [
    [joined('Subject: ', latin('Straße gesperrt')), 'Straße gesperrt'],
    ['Subject: Straße gesperrt', 'Straße gesperrt'],
    [`Subject: ${q('Straße', 'iso-8859-1')}`, 'Straße'],
    [`Subject: ${q('Straße', 'us-ascii')}`, 'Straße'],
    [`Subject: ${q('Straße', 'utf-8')}`, 'Straße'],
    [`Subject: ${q('Straße', 'x-unknown')} zu`, 'Straße zu'],
    [
      `Subject: =?utf-8?B?${Buffer.from('Brücke').toString('base64').slice(0, 4)}?= =?utf-8?B?${Buffer.from('Brücke').toString('base64').slice(4)}?=`,
      'Brücke',
    ],
    [joined('Subject: ', iconv.encode('Мост закрыт с пятницы', 'windows-1251')), 'Мост закрыт с пятницы'],
  ]
  for (const [header, wanted] of subjects) {
    assert.equal((await read(mail([header], 'Words.'))).subject, wanted, String(header))
  }
  const from = joined('From: ', latin('Håvard Müller'), ' <h@example.org>\r\nSubject: x\r\n\r\nWords.')
  assert.deepEqual((await read(from)).from, { address: 'h@example.org', name: 'Håvard Müller' })
  const coded = `From: ${q('Müller, Hans', 'us-ascii')} <h@example.org>\r\n\r\nWords.`
  assert.deepEqual((await read(joined(coded))).from, { address: 'h@example.org', name: 'Müller, Hans' })
  const names: Raw[] = [
    joined('Content-Disposition: attachment; filename="', latin('Brücke.txt'), '"\r\n'),
    'Content-Disposition: attachment; filename="Brücke.txt"\r\n',
    `Content-Disposition: attachment; filename="${q('Brücke.txt', 'us-ascii')}"\r\n`,
    "Content-Disposition: attachment; filename*=utf-8''Br%C3%BCcke.txt\r\n",
    "Content-Disposition: attachment; filename*0*=iso-8859-1''Br%FC; filename*1=cke.txt\r\n",
  ]
  for (const header of names) {
    const file = joined('Content-Type: application/octet-stream\r\n', header, '\r\nx')
    const { files } = await read(whole(multipart('mixed', plain('See.'), file)))
    assert.deepEqual(Object.keys(files), ['Brücke.txt'], String(header))
  }
})

test('whatever UTF-8 is declared to be, it is read as what it is', () => {
  fc.assert(
    fc.property(
      fc.string({ unit: 'grapheme' }),
      fc.constantFrom(undefined, 'us-ascii', 'iso-8859-1', 'windows-1251', 'utf-8'),
      (text, declared) => {
        const sound = text.toWellFormed().replace(/^\uFEFF/, '')
        assert.equal(decodeText(Buffer.from(sound), { declared }), sound)
      },
    ),
  )
})

test('how a mail is encrypted is said', async () => {
  const armored = '-----BEGIN PGP MESSAGE-----\r\n\r\nxx\r\n-----END PGP MESSAGE-----'
  const cases: [raw: Buffer, wanted: string | undefined][] = [
    [
      multipart(
        'encrypted; protocol="application/pgp-encrypted"',
        part('application/pgp-encrypted', 'Version: 1'),
        part('application/octet-stream', armored),
      ),
      'pgp',
    ],
    [plain(armored), 'pgp'],
    [plain(armored.replaceAll('MESSAGE', 'SIGNED MESSAGE')), 'pgp-signed'],
    [part('application/pkcs7-mime; smime-type=enveloped-data; name=smime.p7m', 'x'), 'smime'],
    [part('application/x-pkcs7-mime; smime-type=signed-data; name=smime.p7m', 'x'), 'smime-signed'],
    [part('application/octet-stream; name="smime.p7m"', 'x'), 'smime'],
    [
      multipart('signed', plain('Words.'), part('application/pkcs7-signature', 'x', attached('smime.p7s'))),
      undefined,
    ],
    [plain('I encrypt nothing.'), undefined],
  ]
  for (const [raw, wanted] of cases) assert.equal((await read(whole(raw))).encryption, wanted, raw.toString())
})

test('two different mails are two submissions, however alike they are; the same one by another way is one', async (t) => {
  const newsroom = await openNewsroom(t, inboundMail)
  const receive = (raw: Buffer) => newsroom.receiveMail(raw, { to: ['stories@newsroom.test'] })
  const form = (words: string) =>
    whole(multipart('alternative', plain('This form sends HTML.'), html(`<p>${words}</p>`)))
  assert.equal(await receive(form('The bridge fell.')), 'received')
  assert.equal(await receive(form('The well is dry.')), 'received')
  assert.equal(
    await receive(form('The well is dry.').subarray()),
    'received',
    'another boundary is another mail',
  )
  const dated = (words: string) =>
    mail(['Message-ID: <same@example.org>', 'Date: Mon, 2 Mar 2026 10:00:00 +0300'], words)
  assert.equal(await receive(dated('One.')), 'received')
  assert.equal(await receive(dated('Two.')), 'received')
  const stamped = joined('Received: from a by b; Mon, 2 Mar 2026 10:00:01 +0300\r\n', dated('One.'))
  assert.equal(await receive(stamped), 'repeat')
  assert.equal(await receive(Buffer.from(dated('One.').toString().replaceAll('\r\n', '\n'))), 'repeat')
  const bare = Buffer.from('From: a@example.org\r\n\r\nNo date and no name.')
  assert.equal(await receive(bare), 'received')
  assert.equal(await receive(bare), 'repeat')
  assert.equal(await receive(joined(bare, '\r\n')), 'received')
})
