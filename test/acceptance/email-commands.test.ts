import assert from 'node:assert/strict'
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { dkimVerify } from 'mailauth/lib/dkim/verify.js'
import { runCommand } from '../../src/cli/commands.ts'
import { readConfig } from '../../src/config.ts'
import { compose, inboundMail } from '../support/mail.ts'
import { type Newsroom, openNewsroom } from '../support/newsroom.ts'
import { storyAngle } from '../support/submissions.ts'

async function shell(newsroom: Newsroom, args: string[], env: Record<string, string> = {}) {
  const lines: string[] = []
  const config = readConfig({ ...newsroom.settings, ...env })
  const { signal } = new AbortController()
  const code = await runCommand(args, config, (line) => lines.push(line), signal)
  return { code, lines, text: lines.join('\n') }
}

async function titles(newsroom: Newsroom): Promise<string[]> {
  return (await newsroom.all()).map(({ summary }) => summary.title ?? '').toSorted()
}

const mail = (subject: string) =>
  compose({ to: 'stories@newsroom.test', subject, text: `About ${subject}.\n\n>From now on it is quoted.` })

test('email import takes in a file, an mbox and a Maildir, each mail once, and mails no sender', async (t) => {
  const newsroom = await openNewsroom(t, inboundMail)
  const file = join(newsroom.folder, 'one.eml')
  await writeFile(file, await mail('One'))
  assert.deepEqual((await shell(newsroom, ['email', 'import', file])).lines, ['1 new'])
  assert.deepEqual((await shell(newsroom, ['email', 'import', file])).lines, ['1 there already'])

  const mbox = join(newsroom.folder, 'all.mbox')
  const asMbox = async (subject: string) =>
    `From jane@example.org Mon Mar  3 10:00:00 2025\n${(await mail(subject))
      .toString()
      .replaceAll('\r\n', '\n')
      .replace(/^(>*From )/gm, '>$1')
      .replace('>From: ', 'From: ')}\n`
  await writeFile(mbox, (await asMbox('Two')) + (await asMbox('Three')) + (await asMbox('One')))
  const imported = await shell(newsroom, ['email', 'import', mbox])
  assert.equal(imported.code, 0)
  assert.deepEqual(imported.lines, ['3 new'])

  const maildir = join(newsroom.folder, 'Maildir')
  for (const folder of ['cur', 'new', 'tmp']) await mkdir(join(maildir, folder), { recursive: true })
  await writeFile(join(maildir, 'cur', '1700000000.M1.host:2,S'), await mail('Four'))
  await writeFile(join(maildir, 'new', '1700000001.M2.host'), await mail('Five'))
  await writeFile(join(maildir, 'tmp', '1700000002.M3.host'), 'half a ma')
  assert.deepEqual((await shell(newsroom, ['email', 'import', maildir])).lines, ['2 new'])

  assert.deepEqual(await titles(newsroom), ['Five', 'Four', 'One', 'One', 'Three', 'Two'])
  const [latest] = await newsroom.all()
  const opening = await newsroom.application.storage.submissions.opening(latest?.id ?? '', newsroom.keys)
  assert.match(opening?.content.fields.body ?? '', /^About/)
  await newsroom.workOff()
  assert.deepEqual(newsroom.mailsTo('jane@example.org'), [])
})

test('email import says what it cannot read or take', async (t) => {
  const newsroom = await openNewsroom(t, {
    ...inboundMail,
    MAX_SUBMISSION_BYTES: '1000',
    MAX_FILE_BYTES: '1000',
  })
  assert.equal((await shell(newsroom, ['email', 'import'])).code, 1)
  const missing = await shell(newsroom, ['email', 'import', join(newsroom.folder, 'nowhere')])
  assert.equal(missing.code, 1)
  assert.match(missing.text, /cannot be read/)
  const large = join(newsroom.folder, 'large.eml')
  await writeFile(large, Buffer.concat([await mail('Large'), Buffer.alloc(3_000_000, 'x\n')]))
  const refused = await shell(newsroom, ['email', 'import', large])
  assert.equal(refused.code, 1)
  assert.match(refused.text, /large\.eml: The file is too large\.\n1 refused/)
})

test('email keys makes a key once, and says what DNS needs; from the next start on every mail is signed with it', async (t) => {
  const newsroom = await openNewsroom(t, { ...inboundMail, PUBLIC_URL: 'https://mail.newsroom.test' })
  const { code, lines, text } = await shell(newsroom, ['email', 'keys'])
  assert.equal(code, 0)
  assert.deepEqual((await shell(newsroom, ['email', 'keys'])).lines, lines)
  const strings = /^barua\._domainkey\.newsroom\.test\. TXT (.*)$/m.exec(text)?.[1] ?? ''
  const parts = [...strings.matchAll(/"([^"]*)"/g)].map((found) => found[1] as string)
  assert.ok(parts.every((part) => part.length <= 255))
  const record = parts.join('')
  assert.match(record, /^v=DKIM1; k=rsa; p=/)
  assert.match(text, /^newsroom\.test\. TXT "v=spf1 mx a:mail\.newsroom\.test ~all"$/m)
  assert.match(text, /^_dmarc\.newsroom\.test\. TXT "v=DMARC1; p=quarantine/m)
  assert.match(text, /^newsroom\.test\. MX 10 mail\.newsroom\.test\.$/m)

  await newsroom.restart()
  await newsroom.submit('story-angle', { ...storyAngle(), email: 'amina@example.org' })
  await newsroom.workOff()
  const [receipt] = newsroom.mailsTo('amina@example.org')
  assert.ok(receipt)
  const asked: string[] = []
  const resolver = async (name: string, type: string) => {
    asked.push(`${type} ${name}`)
    return [parts]
  }
  const { results } = await dkimVerify(receipt.raw, { resolver })
  assert.deepEqual(asked, ['TXT barua._domainkey.newsroom.test'])
  assert.equal(results[0]?.status.result, 'pass')
  assert.equal(results[0]?.signingDomain, 'newsroom.test')
  const tampered = await dkimVerify(receipt.raw.replace('has arrived', 'has vanished'), { resolver })
  assert.equal(tampered.results[0]?.status.result, 'neutral')
})

test('email check sends a mail to ourselves and tells when it has come back', async (t) => {
  const newsroom = await openNewsroom(t, inboundMail)
  const checking = shell(newsroom, ['email', 'check'])
  const canary = await until(() =>
    newsroom.mailServer.mails.find(({ subject }) => subject?.startsWith('Does mail reach')),
  )
  assert.match(canary.recipient, /^barua\+c[\da-f]{45}@newsroom\.test$/)
  assert.equal(
    await newsroom.receiveMail(canary.raw, { from: 'barua@newsroom.test', to: [canary.recipient] }),
    'canary',
  )
  const { code, text } = await checking
  assert.equal(code, 0)
  assert.match(text, /It came back after [\d.]+ seconds/)
  assert.equal(await newsroom.submissionCount(), 0)
})

test('email check says what is missing, and what the mail server refuses', async (t) => {
  const newsroom = await openNewsroom(t, inboundMail)
  const without = await shell(newsroom, ['email', 'check'], { SMTP_URL: '', EMAIL_LISTEN: '' })
  assert.equal(without.code, 1)
  assert.match(without.text, /SMTP_URL is not set[\s\S]*no mail comes in/)
  newsroom.mailServer.refuse.recipient = 550
  const refused = await shell(newsroom, ['email', 'check'])
  assert.equal(refused.code, 1)
  assert.match(refused.text, /did not take it: smtp-550/)
})

test('a digest can be left from its header, and every mail is from us', async (t) => {
  const newsroom = await openNewsroom(t, inboundMail)
  for (let i = 0; i < 25; i++) await newsroom.submit('news-tip')
  await newsroom.workOff()
  await newsroom.pause(3_600_000)
  const digest = newsroom.mailServer.mails.find(({ headers }) => headers.has('list'))
  assert.ok(digest)
  assert.match(digest.raw, /^List-Unsubscribe: <http:\/\/localhost:3000\/desk\/account>/m)
  for (const { from, text, html } of newsroom.mailServer.mails) {
    assert.equal(from?.value[0]?.address, 'barua@newsroom.test')
    assert.ok(text && html)
  }
})

async function until<T>(look: () => T | undefined): Promise<T> {
  for (let attempts = 0; attempts < 500; attempts++) {
    const found = look()
    if (found !== undefined) return found
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
  assert.fail('it did not come to that')
}
