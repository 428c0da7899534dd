import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { describe, type TestContext, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { createTransport } from 'nodemailer'
import type { Message } from '../../src/submissions/model.ts'
import { type Dovecot, skip as noDovecot, startDovecot } from '../support/dovecot.ts'
import { compose, inboundMail, replyTo, type TestMail } from '../support/mail.ts'
import { editorAddress, type Newsroom, openNewsroom } from '../support/newsroom.ts'
import { skip as noPostfix, type Postfix, sendRaw, sendWithSwaks, startPostfix } from '../support/postfix.ts'
import { storyAngle } from '../support/submissions.ts'

const sender = 'jane@example.org'
const stories = 'stories@newsroom.test'
/** Below the minute after which a mailbox is looked at in any case: what is seen earlier, the server has told of. */
const longEnough = 40_000

describe('behind Postfix', noPostfix, () => {
  test('a mail becomes a piece with its words, its file and its kind, and the sender gets a receipt', async (t) => {
    const { newsroom, postfix } = await openBehindPostfix(t)
    await sendWithSwaks(
      postfix.port,
      ...['--from', sender, '--to', stories, '--header', 'Subject: The last ferryman'],
      ...['--body', 'He has rowed for fifty years, and nobody has written it down yet.'],
      ...['--attach-type', 'text/plain', '--attach-name', 'ferry.txt', '--attach', 'Notes about the ferry.'],
    )
    const { kind, channel, opening } = await submission(newsroom)
    assert.deepEqual([kind, channel], ['story-angle', 'email'])
    const { fields, files } = opening.content
    assert.equal(fields.title, 'The last ferryman')
    assert.equal(fields.body, 'He has rowed for fifty years, and nobody has written it down yet.')
    const kept = opening.attachments.map(({ id, state }) => [files[id]?.name, state])
    assert.deepEqual(kept, [
      ['mail.eml', 'kept'],
      ['ferry.txt', 'kept'],
    ])
    await newsroom.workOff()
    const [receipt, ...others] = newsroom.mailsTo(sender)
    assert.match(receipt?.text ?? '', /Receipt: \S+/)
    assert.deepEqual(others, [])
  })

  test('of several recipients the unknown one is told of, and the others are not lost: one mail, one piece', async (t) => {
    const { newsroom, postfix } = await openBehindPostfix(t)
    const to = [stories, 'nobody@newsroom.test', 'barua@newsroom.test'].join()
    await sendWithSwaks(postfix.port, '--from', sender, '--to', to)
    const bounce = await until('the sender is told', () =>
      newsroom.mailsTo(sender).find(({ from }) => /^mailer-daemon@/i.test(from?.value[0]?.address ?? '')),
    )
    assert.match(bounce.raw, /Final-Recipient: rfc822; nobody@newsroom\.test\r\n/)
    assert.match(bounce.raw, /Diagnostic-Code: smtp; 550 .*There is no such mailbox here/)
    assert.doesNotMatch(bounce.raw, /Final-Recipient: rfc822; (stories|barua)@/)
    await untilSent(postfix)
    assert.equal(await newsroom.submissionCount(), 1)
  })

  test('while nobody listens a mail waits at Postfix, and lands once when the door is open again', async (t) => {
    const { newsroom, postfix, port } = await openBehindPostfix(t)
    await newsroom.restart({ EMAIL_LISTEN: `lmtp://127.0.0.1:${port}` })
    await sendWithSwaks(postfix.port, '--from', sender, '--to', stories)
    await untilPutOff(postfix, /Connection refused/)
    assert.equal(await newsroom.submissionCount(), 0)
    await newsroom.openMailDoor()
    await untilSent(postfix)
    assert.equal(await newsroom.submissionCount(), 1)
  })

  test('while the database cannot be written Postfix is put off with 451, and the mail lands once when it can', async (t) => {
    const { newsroom, postfix } = await openBehindPostfix(t)
    const unlock = lockDatabase(t, newsroom)
    await sendWithSwaks(postfix.port, '--from', sender, '--to', `${stories},barua@newsroom.test`)
    await untilPutOff(postfix, /said: 451 /)
    assert.equal(await newsroom.submissionCount(), 0)
    unlock()
    await untilSent(postfix)
    assert.equal(await newsroom.submissionCount(), 1)
    assert.deepEqual(newsroom.mailsTo(sender), [], 'nobody is told that it did not arrive')
    await newsroom.workOff()
    assert.equal(newsroom.mailsTo(sender).length, 1)
    assert.equal((await newsroom.storedFiles()).length, 1)
  })

  test('an editor’s reply to a notice is the answer to the sender', async (t) => {
    const { newsroom, postfix } = await openBehindPostfix(t)
    const { reference } = await newsroom.submit('story-angle', { ...storyAngle(), email: sender })
    await newsroom.workOff()
    const notice = newsroom.mailsTo(editorAddress).find(({ subject }) => subject?.startsWith('Story angle'))
    assert.ok(notice)
    const reply = replyTo(notice, 'Thank you, Jane. May we call you?')
    await sendRaw(postfix.port, await compose(reply), { from: editorAddress, to: reply.to })
    await untilSent(postfix)
    const { id } = await newsroom.submission(reference)
    const messages = await newsroom.application.storage.submissions.conversation(id, newsroom.keys)
    const [answer, ...others] = messages.filter(({ author }) => author === 'editor')
    assert.equal(answer?.content.fields.body, 'Thank you, Jane. May we call you?')
    assert.deepEqual(others, [])
    await newsroom.pause(121_000)
    assert.match(newsroom.mailsTo(sender).at(-1)?.text ?? '', /^Thank you, Jane\. May we call you\?/)
    assert.equal(await newsroom.submissionCount(), 1)
  })

  test('what Postfix says of an answer that did not arrive is shown where the answer is', async (t) => {
    const { newsroom, postfix } = await openBehindPostfix(t)
    const { reference } = await newsroom.submit('story-angle', { ...storyAngle(), email: sender })
    const { revision } = await newsroom.seen(reference)
    await newsroom.act(`/desk/submissions/${reference}/answer`, { body: 'May we call you?', revision })
    await newsroom.pause(11_000)
    const answer = newsroom.mailsTo(sender).at(-1)
    assert.ok(answer)
    // On its way it comes to a server that does not know the sender any more.
    const onItsWay = { from: answer.returnPath, to: 'gone@newsroom.test' }
    await sendRaw(postfix.port, Buffer.from(answer.raw), onItsWay)
    await untilSent(postfix)
    const page = await newsroom.deskPage(`/desk/submissions/${reference}`)
    assert.match(page, /did not reach the sender, bounced-5\.1\.1/)
    assert.equal(await newsroom.submissionCount(), 1)
  })

  test('as docs/email.md says, mail to aliases and to the address in MAIL_FROM comes in, and none for nobody', async (t) => {
    const { env, main, aliases } = settingsInDocs()
    const newsroom = await openNewsroom(t, { ...env, EMAIL_LISTEN: 'lmtp://127.0.0.1:0' })
    const lmtp = await newsroom.openMailDoor()
    const relay = Number(new URL(newsroom.mailServer.url).port)
    const settings = [
      main.replace(':2424', `:${lmtp}`),
      'mydestination = example.org',
      // Mail comes from elsewhere, so that each address is asked after.
      'mynetworks = 192.0.2.0/24',
      'address_verify_poll_delay = 1s',
    ].join('\n')
    const postfix = await startPostfix(t, { lmtp, relay, settings, aliases })
    const known = ['tips@in.example.org', 'opinion@example.org', 'tips@example.org', 'letterbox@example.org']
    for (const to of known)
      await sendWithSwaks(postfix.port, '--from', sender, '--to', to, '--body', `This is for ${to}.`)
    await untilSent(postfix)
    assert.equal(await newsroom.submissionCount(), known.length)
    const toNobody = sendWithSwaks(postfix.port, '--from', sender, '--to', 'nobody@in.example.org')
    await assert.rejects(toNobody, /^<\*\* 550 .*There is no such mailbox here/m)
    assert.deepEqual(await postfix.putOff(), [])
  })

  test('with a certificate the door takes mail over TLS', async (t) => {
    const { newsroom, postfix } = await openBehindPostfix(t, { isSafe: true })
    await sendWithSwaks(postfix.port, '--from', sender, '--to', stories)
    await submission(newsroom)
    await untilSent(postfix)
  })
})

describe('as a domain’s own server', noPostfix, () => {
  test('swaks sends all its commands at once, and each is answered', async (t) => {
    const newsroom = await openNewsroom(t, inboundMail)
    const port = await newsroom.openMailDoor()
    const options = ['--from', sender, '--to', `${stories},barua@newsroom.test`]
    const talk = await sendWithSwaks(port, '--pipeline', ...options)
    assert.match(talk, /^<- {2}250 .*Received, and safe\./m)
    assert.equal(await newsroom.submissionCount(), 1)
    const refused = sendWithSwaks(port, '--pipeline', '--from', sender, '--to', 'nobody@newsroom.test')
    await assert.rejects(refused, /^<\*\* 550 .*There is no such mailbox here/m)
    assert.equal(await newsroom.submissionCount(), 1)
  })

  test('by STARTTLS a mail program hands its mail over, and without a certificate none is offered', async (t) => {
    const mail = { from: sender, to: stories, subject: 'Over TLS', text: 'Nobody read along.' }
    const safe = await openNewsroom(t, { ...inboundMail, EMAIL_LISTEN: 'smtp://127.0.0.1:0' })
    await safe.restart(certificateIn(safe.folder))
    const overTls = { host: '127.0.0.1', requireTLS: true, tls: { rejectUnauthorized: false } }
    await createTransport({ ...overTls, port: await safe.openMailDoor() }).sendMail(mail)
    assert.equal((await submission(safe)).opening.content.fields.title, 'Over TLS')
    const bare = await openNewsroom(t, inboundMail)
    const refused = createTransport({ ...overTls, port: await bare.openMailDoor() }).sendMail(mail)
    await assert.rejects(refused, { code: 'ETLS' })
    assert.equal(await bare.submissionCount(), 0)
  })
})

describe('from a mailbox at Dovecot', noDovecot, () => {
  test('what nobody has seen is taken and put away when it is safe, and so is what comes later', async (t) => {
    const { newsroom, dovecot } = await openWithMailbox(t)
    await dovecot.deliver(await letter('Read by an editor'), { isSeen: true })
    await dovecot.deliver(await letter('New'))
    await newsroom.openMailDoor()
    await untilPutAway(dovecot, 1)
    assert.deepEqual(await titles(newsroom), ['New'])
    assert.deepEqual(await dovecot.mailsIn('Barua'), [{ subject: 'New', isSeen: false }])
    assert.deepEqual(await dovecot.mailsIn('INBOX'), [{ subject: 'Read by an editor', isSeen: true }])
    await dovecot.deliver(await letter('Later'))
    await untilPutAway(dovecot, 2)
    assert.deepEqual(await titles(newsroom), ['Later', 'New'])
    assert.deepEqual(newsroom.application.mail.warnings(), [])
  })

  test('a server that was away is found again, with what came meanwhile', async (t) => {
    const { newsroom, dovecot } = await openWithMailbox(t)
    await newsroom.openMailDoor()
    await dovecot.deliver(await letter('Before'))
    await untilPutAway(dovecot, 1)
    await dovecot.stop()
    await until('the desk knows', () => newsroom.application.mail.warnings().length > 0)
    await dovecot.deliver(await letter('Meanwhile'))
    await dovecot.start()
    await untilPutAway(dovecot, 2)
    assert.deepEqual(await titles(newsroom), ['Before', 'Meanwhile'])
    await until('the desk knows', () => newsroom.application.mail.warnings().length === 0)
  })

  test('while the database cannot be written mail stays where it is, unseen, and is taken when it can', async (t) => {
    const { newsroom, dovecot } = await openWithMailbox(t)
    const unlock = lockDatabase(t, newsroom)
    await dovecot.deliver(await letter('In a bad moment'))
    await newsroom.openMailDoor()
    await until('the desk can know', () => newsroom.application.mail.warnings()[0]?.includes('unavailable'))
    assert.deepEqual(await dovecot.mailsIn('INBOX'), [{ subject: 'In a bad moment', isSeen: false }])
    assert.deepEqual(await dovecot.mailsIn('Barua'), [])
    assert.equal(await newsroom.submissionCount(), 0)
    unlock()
    // It is tried again within a minute in any case, and earlier when there is something new.
    await dovecot.deliver(await letter('In a good one'))
    await untilPutAway(dovecot, 2)
    assert.deepEqual(await titles(newsroom), ['In a bad moment', 'In a good one'])
    await until('the desk knows', () => newsroom.application.mail.warnings().length === 0)
  })

  test('a mail that is too large is put aside, and the next is taken', async (t) => {
    const { newsroom, dovecot } = await openWithMailbox(t, { MAX_SUBMISSION_BYTES: '100000' })
    await dovecot.deliver(await letter('Far too much', 'All the words there are. '.repeat(60_000)))
    await dovecot.deliver(await letter('Enough'))
    await newsroom.openMailDoor()
    await untilPutAway(dovecot, 1)
    assert.deepEqual(await titles(newsroom), ['Enough'])
    assert.deepEqual(await dovecot.mailsIn('Barua-refused'), [{ subject: 'Far too much', isSeen: false }])
    assert.deepEqual(await dovecot.mailsIn('INBOX'), [])
    assert.deepEqual(newsroom.application.mail.warnings(), [])
    assert.equal((await newsroom.storedFiles()).length, 1)
  })

  test('with a wrong password the desk says so, and everything else goes on', async (t) => {
    const dovecot = await startDovecot(t)
    const url = dovecot.url.replace(':secret@', ':wrong-password@')
    const newsroom = await openNewsroom(t, { ...inboundMail, IMAP_URL: url })
    await newsroom.openMailDoor()
    const [failures] = await until('the desk can know', () => {
      const warnings = newsroom.application.mail.warnings()
      return warnings[0]?.includes('imap-refused-password') && warnings
    })
    assert.match(failures ?? '', /^Mail has not been fetched from the mailbox since .* UTC/)
    assert.match(await newsroom.deskPage('/desk'), /Mail has not been fetched.*imap-refused-password/)
    assert.doesNotMatch(newsroom.logged.join(''), /wrong-password/)
    await newsroom.submit('news-tip')
    assert.equal(await newsroom.receiveMail({ to: stories, text: 'By the other way.' }), 'received')
    assert.equal(await newsroom.submissionCount(), 2)
  })
})

test('the same mail by Postfix and from the mailbox is one piece', {
  ...noPostfix,
  ...noDovecot,
}, async (t) => {
  const dovecot = await startDovecot(t)
  const { newsroom, postfix } = await openBehindPostfix(t, { IMAP_URL: dovecot.url })
  const raw = await letter('By two ways', 'One ‘mail’ – and a copy of it.\n.\nWith a point.')
  await sendRaw(postfix.port, raw, { from: sender, to: stories })
  await untilSent(postfix)
  const trace = [
    'Return-Path: <jane@example.org>',
    `Delivered-To: ${stories}`,
    'Received: from mail.example.org by mx.newsroom.test; Mon, 3 Mar 2025 10:00:00 +0300',
  ]
  const copy = `${trace.join('\n')}\n${raw.toString().replaceAll('\r\n', '\n')}`
  await dovecot.deliver(Buffer.from(copy))
  await untilPutAway(dovecot, 1)
  assert.deepEqual(await titles(newsroom), ['By two ways'])
  const { opening, messages } = await submission(newsroom)
  assert.equal(opening.content.fields.body, 'One ‘mail’ – and a copy of it.\n.\nWith a point.')
  assert.equal(messages.length, 1)
})

type PostfixDoor = { isSafe?: boolean } & Partial<Record<'IMAP_URL', string>>

/** A newsroom with its door open, and a Postfix that brings it what comes for its domain. */
async function openBehindPostfix(t: TestContext, { isSafe = false, ...env }: PostfixDoor = {}) {
  const newsroom = await openNewsroom(t, { ...inboundMail, EMAIL_LISTEN: 'lmtp://127.0.0.1:0', ...env })
  if (isSafe) await newsroom.restart(certificateIn(newsroom.folder))
  const port = await newsroom.openMailDoor()
  const relay = Number(new URL(newsroom.mailServer.url).port)
  return { newsroom, port, postfix: await startPostfix(t, { lmtp: port, relay, isSafe }) }
}

/** A newsroom that fetches its mail from a Dovecot, when its door is opened. */
async function openWithMailbox(t: TestContext, env: Record<string, string> = {}) {
  const dovecot = await startDovecot(t)
  const { EMAIL_ADDRESSES } = inboundMail
  const newsroom = await openNewsroom(t, { EMAIL_ADDRESSES, IMAP_URL: dovecot.url, ...env })
  return { newsroom, dovecot }
}

function letter(subject: string, text = `A letter: ${subject}.`): Promise<Buffer> {
  const mail: TestMail = { from: sender, to: stories, subject, text }
  return compose(mail)
}

/** What docs/email.md tells to set where Barua is behind Postfix, as it stands there. */
function settingsInDocs() {
  const docs = readFileSync(new URL('../../docs/email.md', import.meta.url), 'utf8')
  const [beginning = '', behind = ''] = docs.split('## Behind Postfix')
  const blocks = (text: string) => [...text.matchAll(/^```\w*\n(.*?)^```/gms)].map(([, block = '']) => block)
  const [common = ''] = blocks(beginning)
  const [own = '', main = '', aliases = ''] = blocks(behind)
  const assigned = `${common}\n${own}`.matchAll(/^(EMAIL_\w+|MAIL_FROM)="?(.*?)"?$/gm)
  const env = Object.fromEntries([...assigned].map(([, name = '', value = '']) => [name, value]))
  return { env, main, aliases }
}

/** A key and a certificate that nobody else vouches for. */
function certificateIn(folder: string): Record<'EMAIL_TLS_KEY' | 'EMAIL_TLS_CERT', string> {
  const [key, cert] = [join(folder, 'key.pem'), join(folder, 'cert.pem')]
  execFileSync(
    'openssl',
    [
      ...['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes'],
      ...['-subj', '/CN=mail.newsroom.test', '-days', '2', '-keyout', key, '-out', cert],
    ],
    { stdio: 'ignore' },
  )
  return { EMAIL_TLS_KEY: key, EMAIL_TLS_CERT: cert }
}

/** Keeps everybody else from writing to the database; gives how to let them again. */
function lockDatabase(t: TestContext, newsroom: Newsroom): () => void {
  const database = new DatabaseSync(join(newsroom.settings.DATA_DIR, 'barua.db'))
  database.exec('begin exclusive')
  const unlock = () => {
    if (database.isOpen) database.close()
  }
  t.after(unlock)
  return unlock
}

/** The one piece that comes in. */
async function submission(newsroom: Newsroom) {
  const [listed, ...others] = await until('a piece comes in', async () => {
    const all = await newsroom.all()
    return all.length > 0 && all
  })
  assert.deepEqual(others, [])
  assert.ok(listed)
  const messages = await newsroom.application.storage.submissions.conversation(listed.id, newsroom.keys)
  return { ...listed, messages, opening: messages[0] as Message }
}

/** What came in, by the alphabet. */
async function titles(newsroom: Newsroom): Promise<(string | undefined)[]> {
  const { submissions } = newsroom.application.storage
  const openings = await Promise.all(
    (await newsroom.all()).map(({ id }) => submissions.opening(id, newsroom.keys)),
  )
  return openings.map((opening) => opening?.content.fields.title).toSorted()
}

function untilSent({ isDone }: Postfix): Promise<boolean> {
  return until('Postfix has nothing left', isDone)
}

/** Until Postfix was put off with this reason. */
function untilPutOff({ putOff }: Postfix, reason: RegExp): Promise<boolean> {
  return until(`Postfix is put off with ${reason}`, async () => {
    const reasons = await putOff()
    return reasons.some((given) => reason.test(given))
  })
}

function untilPutAway({ mailsIn }: Dovecot, count: number): Promise<boolean> {
  return until(`${count} put away`, async () => (await mailsIn('Barua')).length === count)
}

/** Looks until it is so, and gives what was found. */
async function until<T>(
  what: string,
  look: () => T | undefined | false | Promise<T | undefined | false>,
): Promise<T> {
  const deadline = Date.now() + longEnough
  while (Date.now() < deadline) {
    const found = await look()
    if (found) return found
    await sleep(50)
  }
  throw new Error(`it does not come to it that ${what}`)
}
