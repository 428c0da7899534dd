import { deflateRawSync } from 'node:zlib'

/** A mail that means harm, or that a broken program wrote. */
export type HostileMail = {
  what: string
  /** Stands in no other mail. */
  mark: string
  raw: Buffer
}

type Random = (below: number) => number
type Make = (random: Random, mark: string) => string | Buffer

const line = '\r\n'
const letters = 'abcdefghijklmnopqrstuvwxyz'

/** The bytes between DATA and its end: every line ends, and dots at the beginning of one are doubled (RFC 5321, 4.5.2). */
export function asData(raw: Buffer): Buffer {
  const text = raw.toString('latin1')
  const ended = text.endsWith(line) ? text : text + line
  return Buffer.from(`${ended.replace(/^\./, '..').replaceAll(`${line}.`, `${line}..`)}.${line}`, 'latin1')
}

/** The same mails for the same seed: each of a kind below, and none twice. */
export function* hostileMails(count: number, seed = 1): Generator<HostileMail> {
  const kinds = Object.entries(makers)
  const random = randomFrom(seed)
  for (let i = 0; i < count; i++) {
    const [what, make] = kinds[i % kinds.length] as [string, Make]
    const mark = `mark-${seed}-${i}`
    const raw = make(random, mark)
    yield { what, mark, raw: Buffer.isBuffer(raw) ? raw : Buffer.from(raw, 'latin1') }
  }
}

/** https://en.wikipedia.org/wiki/Linear_congruential_generator, with the constants of Numerical Recipes. */
function randomFrom(seed: number): Random {
  let state = seed >>> 0
  return (below) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return Math.floor((state / 2 ** 32) * below)
  }
}

function head(mark: string, ...more: string[]): string {
  return [`From: ${mark}@example.org`, `Subject: ${mark}`, ...more].join(line)
}

function multipart(mark: string, ...parts: string[]): string {
  const body = parts.map((part) => `--q${line}${part}${line}`).join('')
  return `${head(mark, 'MIME-Version: 1.0', 'Content-Type: multipart/mixed; boundary=q')}${line}${line}${body}--q--${line}`
}

function attachment(name: string, content: string | Buffer, type = 'application/octet-stream'): string {
  const encoded = Buffer.from(content).toString('base64').replace(/.{76}/g, `$&${line}`)
  return `Content-Type: ${type}${line}Content-Disposition: attachment; filename="${name}"${line}Content-Transfer-Encoding: base64${line}${line}${encoded}`
}

function bytes(random: Random, count: number): Buffer {
  return Buffer.from(Array.from({ length: count }, () => random(256)))
}

function word(random: Random, length: number): string {
  return Array.from({ length }, () => letters.charAt(random(26))).join('')
}

function chosen<T>(random: Random, some: readonly T[]): T {
  return some[random(some.length)] as T
}

/** A zip file with one entry, whose sizes say what they like. https://pkware.cachefly.net/webdocs/casestudies/APPNOTE.TXT */
function zip(name: string, content: Buffer): Buffer {
  const packed = deflateRawSync(content)
  const sizes = Buffer.alloc(12)
  sizes.writeUInt32LE(packed.length, 4)
  sizes.writeUInt32LE(content.length, 8)
  const label = Buffer.from(name)
  const lengths = Buffer.from([label.length, 0, 0, 0])
  const local = Buffer.concat([
    Buffer.from('504b0304140000000800000000000000', 'hex').subarray(0, 14),
    sizes,
    lengths,
    label,
    packed,
  ])
  const central = Buffer.concat([
    Buffer.from('504b01021400140000000800000000', 'hex'),
    Buffer.from([0]),
    sizes,
    lengths,
    Buffer.alloc(14),
    label,
  ])
  const end = Buffer.alloc(22)
  end.write('504b0506', 'hex')
  end.writeUInt16LE(1, 8)
  end.writeUInt16LE(1, 10)
  end.writeUInt32LE(central.length, 12)
  end.writeUInt32LE(local.length, 16)
  return Buffer.concat([local, central, end])
}

const makers: Record<string, Make> = {
  'nested parts': (random, mark) => {
    const depth = chosen(random, [3, 50, 999, 10_000])
    const levels = Array.from(
      { length: depth },
      (_, i) => `Content-Type: multipart/mixed; boundary=b${i}${line}${line}--b${i}${line}`,
    )
    return `${head(mark)}${line}${levels.join('')}${line}deep`
  },
  'many parts': (random, mark) =>
    multipart(mark, ...Array.from({ length: chosen(random, [10, 900, 100_000]) }, () => `${line}x`)),
  'a long header': (random, mark) =>
    `${head(mark)}${line}X-Long: ${'a'.repeat(chosen(random, [1000, 900_000, 3_000_000]))}${line}${line}body`,
  'many headers': (random, mark) =>
    `${head(mark)}${line}${`X-${word(random, 5)}: ${word(random, 20)}${line}`.repeat(chosen(random, [10, 5000, 100_000]))}${line}body`,
  'headers without a body': (_random, mark) => head(mark),
  'no headers': (_random, mark) => `${line}${mark}`,
  'a wrong charset': (random, mark) =>
    Buffer.concat([
      Buffer.from(
        `${head(mark, `Content-Type: text/plain; charset="${chosen(random, ['utf-7', 'x-unknown', 'ucs-4', '', 'utf-8;utf-16', 'hex', 'iso-2022-jp', 'big5', '../../etc'])}"`)}${line}${line}`,
      ),
      bytes(random, 400),
    ]),
  'broken base64': (random, mark) =>
    multipart(
      mark,
      `Content-Type: image/png; name=a.png${line}Content-Transfer-Encoding: base64${line}${line}${chosen(random, ['====', 'a', 'ab=c=d', '\x00\x01', '-- not base64 --', 'QUJD=QUJD', '='.repeat(5000)])}`,
    ),
  'broken quoted-printable': (random, mark) =>
    `${head(mark, 'Content-Type: text/plain', 'Content-Transfer-Encoding: quoted-printable')}${line}${line}${chosen(random, ['=', '==', '=ZZ', '=0', '=\r', 'a='.repeat(2000), '=\r\n'.repeat(3000)])}`,
  'names by RFC 2231': (random, mark) => {
    const submissions = chosen(random, [
      ["filename*0*=utf-8''%E2%82; filename*1*=%AC.txt"],
      ['filename*1=b.txt; filename*0=a'],
      ["filename*=x-unknown''%FF%FE"],
      ["filename*=utf-8''..%2F..%2Fetc%2Fpasswd"],
      ["filename*=utf-8''a%00b%0D%0AX-Evil:%20y"],
      Array.from({ length: 2000 }, (_, i) => `filename*${i}=${word(random, 5)}`),
      ['filename="'.padEnd(20_000, 'a')],
      ['filename="\xe2\x80\xaegpj.exe"'],
    ])
    return multipart(
      mark,
      `Content-Type: text/plain${line}Content-Disposition: attachment; ${submissions.join('; ')}${line}${line}content`,
    )
  },
  'winmail.dat': (random, mark) =>
    multipart(
      mark,
      attachment(
        'winmail.dat',
        Buffer.concat([Buffer.from('789f3e22', 'hex'), bytes(random, 500)]),
        'application/ms-tnef',
      ),
    ),
  'a chain of messages': (random, mark) => {
    const depth = chosen(random, [2, 100, 2000])
    return `${`Content-Type: message/rfc822${line}${line}`.repeat(depth)}${head(mark)}${line}${line}innermost`
  },
  NULs: (random, mark) =>
    `${head(mark)}\x00${line}X-Nul: a\x00b${line}${line}a\x00b${'\x00'.repeat(random(2000))}`,
  'lone carriage returns': (random, mark) =>
    `${head(mark)}${line}${line}${'a\rb\r'.repeat(1 + random(20_000))}`,
  'lone line feeds': (_random, mark) => `${head(mark).replaceAll('\r', '')}\n\nbody\nmore`,
  'a zip of zips': (random, mark) => {
    let inner = zip('bomb.txt', Buffer.alloc(chosen(random, [1000, 2_000_000])))
    for (let i = 0; i < 8; i++) inner = zip(`${i}.zip`, inner)
    return multipart(mark, attachment('many.zip', inner))
  },
  'a document that is a bomb': (random, mark) => {
    const xml = Buffer.from('<w:t>'.repeat(chosen(random, [10, 400_000])))
    return multipart(
      mark,
      attachment(
        chosen(random, ['a.docx', 'a.odt']),
        zip(chosen(random, ['word/document.xml', 'content.xml']), xml),
      ),
    )
  },
  'random bytes': (random) => bytes(random, 10 + random(3000)),
  'boundaries that are none': (random, mark) => {
    const boundary = chosen(random, [
      '""',
      '',
      '"',
      '" "',
      '"\x00"',
      `"${'b'.repeat(5000)}"`,
      '"--"',
      '"a\\"b"',
    ])
    return `${head(mark, `Content-Type: multipart/mixed; boundary=${boundary}`)}${line}${line}--${line}x${line}----${line}--${line}`
  },
  'an end that never comes': (random, mark) =>
    `${head(mark, 'Content-Type: multipart/alternative; boundary=q')}${line}${line}--q${line}Content-Type: text/html${line}${line}<p>${word(random, 50)}`,
  'deep HTML': (random, mark) =>
    `${head(mark, 'Content-Type: text/html')}${line}${line}${chosen(random, [
      '<div>',
      '<b>',
      '<table><tr><td>',
      '<ul><li>',
      '<blockquote>',
      '<a href=x>',
    ]).repeat(chosen(random, [100, 5000, 60_000]))}x`,
  'odd HTML': (random, mark) =>
    `${head(mark, 'Content-Type: text/html')}${line}${line}${chosen(random, ['<', '<!--', '<![CDATA[', '<a href="', '&#xFFFFFFFF;&#0;&amp', '<p/>', '\x00<b\x00>', '**__``[]()', '<td rowspan=99999999 colspan=99999999>']).repeat(1 + random(3000))}`,
  'many references': (random, mark) =>
    `${head(mark, `References: ${`<${word(random, 8)}@example.org> `.repeat(chosen(random, [5, 500, 20_000]))}`, `In-Reply-To: <${'<'.repeat(500)}>`)}${line}${line}body`,
  'odd addresses': (random, mark) => {
    const from = chosen(random, [
      '',
      '<>',
      '"',
      'a b c',
      '@',
      'a@',
      '<a@b',
      `${'('.repeat(5000)}`,
      `${'"a" '.repeat(3000)}<a@b.c>`,
      'group: a@b.c, d@e.f;',
      `${'a@b.c, '.repeat(3000)}`,
      '=?utf-8?Q?=00=0D=0ABcc:_x?= <a@b.c>',
    ])
    return `From: ${from}${line}To: ${from}${line}Subject: ${mark}${line}${line}body ${mark}`
  },
  'encoded words': (random, mark) => {
    const words = chosen(random, [
      '=?utf-8?B?',
      '=?utf-8?Q?=',
      '=?x-unknown?Q?=FF?=',
      '=?utf-8?B?//////?=',
      '=?utf-16?B?2AA=?=',
      '=?iso-2022-jp?B?GyRC?=',
    ])
    return `From: ${words.repeat(1 + random(2000))} <a@b.c>${line}Subject: ${mark} ${words.repeat(1 + random(2000))}${line}${line}body`
  },
  'quotations without end': (random, mark) => {
    const text = chosen(random, [
      '>',
      '> ',
      '>>>>> ',
      '-- \n',
      'On a@b.c wrote:\n',
      'On Mon On Mon On Mon ',
      'From: a\nSent: b\n',
      '--- Write above this line to answer the sender --- ',
      'Le lun. ',
      '\n\n\n',
      'Begin forwarded message:\n',
      '_____\n',
    ])
    return `${head(mark)}${line}${line}${mark}\n${text.repeat(chosen(random, [10, 2000, 40_000]))}`
  },
  'an odd report': (random, mark) =>
    `${head(mark, 'Content-Type: multipart/report; report-type=delivery-status; boundary=q')}${line}${line}--q${line}Content-Type: message/delivery-status${line}${line}${chosen(random, ['', 'Action: failed', 'Status: '.repeat(3000), 'Action: \x00\r\nStatus: 9.9.9', 'Message-ID: <<<>>>'])}${line}--q--`,
  'many circles': (random, mark) =>
    `${`Received: from a by b${line}`.repeat(chosen(random, [10, 60, 3000]))}${head(mark)}${line}${line}round`,
  'an invitation and a signature': (_random, mark) =>
    multipart(
      mark,
      `Content-Type: text/calendar; method=REQUEST${line}${line}BEGIN:VCALENDAR`,
      `Content-Type: application/pgp-signature${line}${line}-----BEGIN PGP SIGNATURE-----`,
      `Content-Type: application/pgp-encrypted${line}${line}Version: 1`,
    ),
  'large text': (random, mark) =>
    `${head(mark)}${line}${line}${`${word(random, 60)}${line}`.repeat(chosen(random, [100, 5000, 100_000]))}`,
}
