import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Encrypter, generateX25519Identity, identityToRecipient } from 'age-encryption'
import JSZip from 'jszip'
import { createMessage, encrypt, generateKey, readKey } from 'openpgp'
import { readConfig } from '../../src/config.ts'
import { downloadName, fileTypeCheck } from '../../src/files/type.ts'
import { FileRefused, type RejectionReason } from '../../src/submissions/file-refusal.ts'
import { inboundMail } from '../support/mail.ts'
import { openNewsroom, type SentFile } from '../support/newsroom.ts'
import { png, storyAngle, tip } from '../support/submissions.ts'

const usual = fileTypeCheck(readConfig({}).FILE_TYPES)

/** What programs that encrypt make of a text, by the usual name of the file. */
async function encryptedFiles(): Promise<Record<string, [content: Buffer, type: string]>> {
  const { publicKey } = await generateKey({ userIDs: [{ name: 'Amina' }] })
  const encryptionKeys = await readKey({ armoredKey: publicKey })
  const message = () => createMessage({ text: 'The list.' })
  const binary = await encrypt({ message: await message(), encryptionKeys, format: 'binary' })
  const byPassword = await encrypt({ message: await message(), passwords: 'a', format: 'binary' })
  const armored = await encrypt({ message: await message(), encryptionKeys })
  const age = new Encrypter()
  age.addRecipient(await identityToRecipient(await generateX25519Identity()))
  const cms = Buffer.from('30820100 06092a864886f70d010703 a08200f1'.replaceAll(' ', ''), 'hex')
  const ber = Buffer.from('3080 06092a864886f70d010702 a080'.replaceAll(' ', ''), 'hex')
  const keepass = Buffer.concat([Buffer.from('03d9a29a67fb4bb5', 'hex'), Buffer.alloc(100, 7)])
  const unknown = Buffer.alloc(300, 0x81)
  return {
    'list.gpg': [Buffer.from(binary as Uint8Array), 'application/pgp-encrypted'],
    'list.docx.pgp': [Buffer.from(byPassword as Uint8Array), 'application/pgp-encrypted'],
    'list.asc': [Buffer.from(armored as string), 'application/pgp-encrypted'],
    'key.asc': [Buffer.from(publicKey), 'application/pgp-keys'],
    'list.sig': [Buffer.from('-----BEGIN PGP SIGNATURE-----\n\nabc\n'), 'application/pgp-signature'],
    'note.asc': [Buffer.from('-----BEGIN PGP SIGNED MESSAGE-----\nHash: SHA256\n\nWords.\n'), 'text/plain'],
    'list.age': [Buffer.from(await age.encrypt('The list.')), 'application/x-age'],
    'list.txt.age': [Buffer.from('-----BEGIN AGE ENCRYPTED FILE-----\nYWdl\n'), 'application/x-age'],
    'smime.p7m': [cms, 'application/pkcs7-mime'],
    'smime.p7s': [ber, 'application/pkcs7-signature'],
    'passwords.kdbx': [keepass, 'application/x-keepass2'],
    'odd.gpg': [unknown, 'application/pgp-encrypted'],
    'amina.vcf': [Buffer.from('BEGIN:VCARD\r\nVERSION:4.0\r\nFN:Amina\r\nEND:VCARD\r\n'), 'text/vcard'],
    'meeting.ics': [Buffer.from('BEGIN:VCALENDAR\r\nVERSION:2.0\r\nEND:VCALENDAR\r\n'), 'text/calendar'],
  }
}

function zipped(...names: string[]): Promise<Buffer> {
  const zip = new JSZip()
  for (const name of names) zip.file(name, 'x')
  return zip.generateAsync({ type: 'nodebuffer' })
}

const elf = Buffer.from('\x7fELF\x02\x01\x01\0\0\0\0\0\0\0\0\0\x02\0\x3e\0')

/** What nobody here could use, with the reason and a word of what to send instead. */
async function unusableFiles(): Promise<[name: string, content: Buffer, RejectionReason, instead: RegExp][]> {
  const iwork = await zipped('Index/Document.iwa', 'Metadata/Properties.plist')
  const plain = await zipped('contents')
  const google = Buffer.from('{"url":"https://docs.google.com/open?id=1"}')
  return [
    ['report.pages', iwork, 'pages', /Pages document\. .*PDF or Word/],
    ['old.pages', plain, 'pages', /Pages document/],
    ['sums.numbers', iwork, 'numbers', /PDF or Excel/],
    ['talk.key', iwork, 'keynote', /PDF or PowerPoint/],
    ['document', iwork, 'iwork', /Export it as PDF/],
    ['report.gdoc', google, 'google-link', /Download, and send the file/],
    ['sums.gsheet', google, 'google-link', /Download/],
    [
      'site.url',
      Buffer.from('[InternetShortcut]\r\nURL=https://example.org/\r\n'),
      'shortcut',
      /web address/,
    ],
    ['site.webloc', Buffer.from('<?xml version="1.0"?><plist></plist>'), 'shortcut', /web address/],
    [
      'report.lnk',
      Buffer.from(`4c0000000114020000000000c000000000000046${'00'.repeat(56)}`, 'hex'),
      'shortcut',
      /Send that file/,
    ],
    [
      'film.mp4.crdownload',
      Buffer.from('\0\0\0\x18ftypmp42\0\0\0\0mp42isom', 'latin1'),
      'unfinished',
      /has finished/,
    ],
    ['~$report.docx', Buffer.alloc(162, 1), 'lock-file', /without “~\$”/],
    ['run', elf, 'program', /screenshot/],
    ['setup.exe', Buffer.concat([Buffer.from('MZ'), Buffer.alloc(300, 1)]), 'program', /screenshot/],
    ['files.7z', Buffer.from('377abcaf271c0004', 'hex'), 'archive', /zip archive/],
    ['files.rar', Buffer.from('526172211a070100', 'hex'), 'archive', /zip archive/],
    ['data.bin', Buffer.from([0, 1, 2, 3, 255, 254]), 'other', /octet-stream.*zip archive/],
    ['empty.pdf', Buffer.alloc(0), 'empty', /send it again/],
    ['report.pdf', png(), 'misnamed', /content is image\/png.*right ending/],
    ['list.gpg', png(), 'misnamed', /right ending/],
  ]
}

test('what is encrypted, cards and calendars are taken, and keep their names', async () => {
  for (const [name, [content, type]] of Object.entries(await encryptedFiles())) {
    assert.equal(await usual(content, name), type, name)
    assert.equal(downloadName(name, type), name)
  }
  // A key that is no Keynote document is text like any other.
  assert.equal(await usual(Buffer.from('-----BEGIN PRIVATE KEY-----\nMC4C\n'), 'server.key'), 'text/plain')
})

test('what is encrypted is known without its name as well, as Telegram gives none', async () => {
  const files = await encryptedFiles()
  for (const name of ['list.gpg', 'list.docx.pgp', 'list.asc', 'list.age', 'smime.p7m', 'passwords.kdbx']) {
    const [content, type] = files[name] ?? assert.fail(name)
    assert.equal(await usual(content, ''), type, name)
  }
})

test('what nobody could use is refused with what to send instead', async () => {
  for (const [name, content, reason, instead] of await unusableFiles()) {
    const refused = await usual(content, name).then(
      () => assert.fail(`${name} is taken`),
      (error: unknown) => error,
    )
    assert.ok(refused instanceof FileRefused, name)
    assert.equal(refused.reason, reason, name)
    assert.match(refused.message, instead, name)
  }
})

test('a newsroom that can open such documents may take them', async () => {
  const [[name, content] = assert.fail()] = await unusableFiles()
  assert.equal(await fileTypeCheck(['application/vnd.apple.*'])(content, name), 'application/vnd.apple.pages')
})

test('the form takes what is encrypted, and says beside the field what to send instead of the rest', async (t) => {
  const newsroom = await openNewsroom(t)
  const taken = Object.entries(await encryptedFiles()).slice(0, 10)
  const files = taken.map(([name, [content]]): SentFile => ({ name, content }))
  const { reference, receipt } = await newsroom.submit('news-tip', tip(), files)
  const told = (await newsroom.status(receipt)).messages[0].files.map(
    ({ name, type }: SentFile & { type: string }) => [name, type],
  )
  assert.deepEqual(
    told,
    taken.map(([name, [, type]]) => [name, type]),
  )
  const page = await newsroom.deskPage(`/desk/submissions/${reference}`)
  assert.match(page, /list\.gpg[\s\S]{0,300}Not cleaned: it is encrypted, and nobody opens it here/)
  assert.match(page, /list\.sig[\s\S]{0,300}Not cleaned: it is a signature or a public key/)
  for (const [name, content, , instead] of await unusableFiles()) {
    const response = await newsroom.post('news-tip', tip(), [{ name, content }])
    assert.equal(response.status, 415, name)
    const [words] = response.body.error.fields.files
    assert.ok(words.includes(`“${name}”`), words)
    assert.match(words, instead)
  }
  const form = await newsroom
    .http()
    .post('/submit/news-tip')
    .field('body', tip().body)
    .attach('files', await zipped('Index/Document.iwa'), 'report.pages')
  assert.equal(form.status, 415)
  assert.match(
    form.text,
    /“report\.pages” cannot be taken\. It is a Pages document\. In Pages choose File, Export To/,
  )
  assert.ok(form.text.includes(tip().body))
})

test('by mail such a file stays in the mail as it came, and it is said what it is and what to send instead', async (t) => {
  const newsroom = await openNewsroom(t, inboundMail)
  const unusable = (await unusableFiles()).filter(([, , reason]) => reason !== 'empty')
  const attachments = [
    ...unusable.map(([filename, content]) => ({ filename, content })),
    ...Object.entries(await encryptedFiles()).map(([filename, [content]]) => ({ filename, content })),
  ]
  const mail = { to: 'stories@newsroom.test', text: 'My story, and many files.', attachments }
  assert.equal(await newsroom.receiveMail(mail), 'received')
  await newsroom.workOff()
  const [listed] = await newsroom.all()
  const page = await newsroom.deskPage(`/desk/submissions/${listed?.reference}`)
  assert.match(
    page,
    /report\.pages[\s\S]{0,80}not opened, for it is a Pages document: it is in the mail as it came/,
  )
  assert.match(page, /files\.rar[\s\S]{0,80}not opened, for it is an archive that cannot be opened here/)
  assert.match(page, /list\.age<\/strong>[\s\S]{0,80}application\/x-age/)
  const receipt = newsroom.mailsTo('jane@example.org')[0] ?? assert.fail()
  for (const part of [receipt.text ?? '', String(receipt.html)]) {
    assert.ok(
      part.includes('A file that came with it is a Pages document, and was not opened. In Pages choose'),
    )
    assert.ok(!part.includes('report.pages'), 'the words of a mail are not sent on')
  }
  const code = /Receipt: (\S+)/.exec(receipt.text ?? '')?.[1] ?? ''
  const status = await newsroom.http().post('/status').type('form').send({ receipt: code })
  assert.match(status.text, /talk\.key[\s\S]{0,60}not opened: it is a Keynote document\. In Keynote choose/)
})

test('in Telegram the sender is told what to send instead, in their language', async (t) => {
  const newsroom = await openNewsroom(t)
  const chat = newsroom.chat()
  newsroom.telegram.files.set('iwork', await zipped('Index/Document.iwa'))
  newsroom.telegram.files.set('secret', (await encryptedFiles())['list.gpg']?.[0] ?? assert.fail())
  const document = (id: string) => ({
    document: { file_id: id, file_unique_id: id, file_name: `${id}.bin`, file_size: 200 },
  })
  const secret = await chat.send(document('secret'))
  assert.equal((await newsroom.status(secret)).messages[0].files[0].state, 'kept')
  const receipt = await chat.send(document('iwork'))
  assert.equal((await newsroom.status(receipt)).messages[0].files[0].state, 'failed')
  assert.ok(
    chat.heard().some(({ text }) => text?.startsWith('A file is a Pages, Numbers or Keynote document')),
  )
  const ledger = await newsroom.deskPage('/desk/deliveries?state=failed')
  assert.match(ledger, /it is a Pages, Numbers or Keynote document/)
})

test('a bot is told what to send instead', async (t) => {
  const newsroom = await openNewsroom(t)
  const { body } = await newsroom.post('story-angle', storyAngle(), [
    { name: 'sums.numbers', content: await zipped('Index/Document.iwa') },
  ])
  assert.equal(body.error.code, 'unsupported-file')
  assert.match(body.error.fields.files[0], /In Numbers choose File, Export To, and send it as PDF or Excel\./)
})
