import assert from 'node:assert/strict'
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { dkimVerify } from 'mailauth/lib/dkim/verify.js'
import { readPrivateKey, type SecretKeyPacket } from 'openpgp'
import { defaultPolicy } from '../../src/accounts/notification-policy.ts'
import type { JobType } from '../../src/db/values.ts'
import { confirmationTo } from '../../src/editorial/reply-confirmations.ts'
import { queueOf } from '../../src/jobs/job.ts'
import { dkimRecord, makeDkimKey } from '../../src/outbound-mail/dkim.ts'
import { defaultRetention } from '../../src/submissions/retention-rules.ts'
import { type Gpg, openGpg, withGpg } from '../support/gpg.ts'
import { compose, inboundMail, replyTo } from '../support/mail.ts'
import type { ReceivedMail } from '../support/mail-server.ts'
import { editorAddress, type Newsroom, openNewsroom } from '../support/newsroom.ts'
import { guestPost, storyAngle, tip } from '../support/submissions.ts'

const minute = 60_000
const hour = 60 * minute
const day = 24 * hour
const second = 'second@newsroom.test'
const generic = 'Something is waiting for you'

const algorithms = { rsa: ['rsa3072', 'rsa3072'], curve25519: ['ed25519', 'cv25519'] } as const

type Given = { algorithm?: keyof typeof algorithms; lasts?: string; env?: Record<string, string> }

/** A newsroom whose editor has a key, and the GnuPG of that editor, who has the newsroom's. */
async function withKey(t: TestContext, { algorithm = 'curve25519', lasts = '1y', env = {} }: Given = {}) {
  const newsroom = await openNewsroom(t, env)
  await newsroom.workOff()
  const gpg = openGpg(t)
  const key = gpg.makeKey(editorAddress, algorithms[algorithm], lasts)
  const given = await newsroom.act('/desk/account/pgp', { key })
  assert.equal(given.status, 303, given.text)
  gpg.import(await newsroomKey(newsroom))
  // That there is a new key is mailed too.
  await newsroom.workOff()
  newsroom.mailServer.mails.length = 0
  return { newsroom, gpg, key, signer: gpg.fingerprint('barua@newsroom.test') }
}

async function newsroomKey(newsroom: Newsroom): Promise<Buffer> {
  const cookie = await newsroom.signIn()
  const asked = newsroom.http().get('/desk/newsroom-key.asc').set('cookie', cookie).responseType('blob')
  const { body, headers } = await asked.expect(200).expect('content-type', 'application/pgp-keys')
  assert.match(headers['content-disposition'] ?? '', /attachment; filename=newsroom-key\.asc/)
  return body
}

/** Everything of a mail that is not encrypted. */
function onTheWire(raw: string): string {
  const message = /-----BEGIN PGP MESSAGE-----[\s\S]*?-----END PGP MESSAGE-----/
  assert.match(raw, message)
  return raw.replace(message, '(encrypted)')
}

function isIn(text: string, words: string[]): string[] {
  return words.filter((word) => text.includes(word))
}

for (const algorithm of ['rsa', 'curve25519'] as const) {
  test(
    `GnuPG opens a mail to an editor with a key (${algorithm}), signed by the newsroom; the wire has nothing of it`,
    withGpg,
    async (t) => {
      const { newsroom, gpg, signer } = await withKey(t, { algorithm, env: inboundMail })
      const { reference } = await newsroom.submit('guest-post', guestPost())
      await newsroom.workOff()
      const [mail, ...others] = newsroom.mailsTo(editorAddress)
      assert.ok(mail && others.length === 0)
      const wire = onTheWire(mail.raw)
      const { title, body, name, email, byline } = guestPost()
      assert.deepEqual(isIn(wire, [title, body, name, email, byline, reference, 'post', 'localhost']), [])
      assert.match(wire, /^Subject: Encrypted message\r$/m)
      assert.match(wire, /^Content-Type: multipart\/encrypted; protocol="application\/pgp-encrypted";/m)
      assert.match(wire, /Content-Type: application\/pgp-encrypted\r\n[\s\S]*?\r\n\r\nVersion: 1\r\n/)
      const opened = await gpg.open(mail.raw)
      assert.equal(opened.signedBy, signer)
      assert.match(opened.said, /^Content-Type: multipart\/alternative; protected-headers=v1;/m)
      assert.equal(opened.mail.subject, `Guest post: ${title}`)
      for (const part of [opened.mail.text ?? '', String(opened.mail.html)])
        assert.deepEqual(isIn(part, [title, reference, name]), [title, reference, name])
      // By these it finds its way, its thread and the way back, as any other mail of ours.
      assert.match(mail.replyTo?.text ?? '', /^barua\+[\da-f]{45}@newsroom\.test$/)
      assert.match(mail.messageId ?? '', /^<[\da-f-]{36}@newsroom\.test>$/)
      assert.match(String(mail.references), /^<[\da-f-]{36}@newsroom\.test>$/)
      assert.equal(mail.headers.get('auto-submitted'), 'auto-generated')
      assert.deepEqual(
        [opened.mail.messageId, opened.mail.from?.text, opened.mail.to],
        [mail.messageId, mail.from?.text, mail.to],
      )
    },
  )
}

/** What makes each mail go out to the editor's address. A purpose that is not here fails the tests below. */
const causes: Partial<Record<JobType, (newsroom: Newsroom) => Promise<unknown>>> = {
  'editor-notice': (newsroom) => newsroom.submit('story-angle', submission),
  async assignment(newsroom) {
    const { reference } = await newsroom.submit('story-angle', submission)
    const editor = (await account(newsroom)).id
    const seen = await newsroom.seen(reference)
    await newsroom.act(
      `/desk/submissions/${reference}/assign`,
      { editor, ...seen },
      await newsroom.signIn(second),
    )
  },
  async 'deed-confirmation'(newsroom) {
    const { reference } = await newsroom.submit('story-angle', submission)
    const { id } = await newsroom.submission(reference)
    const job = { ...confirmationTo((await account(newsroom)).id, 'noted'), submissionId: id }
    await newsroom.application.storage.jobs.add(job, newsroom.now())
  },
  async 'sender-receipt'(newsroom) {
    await newsroom.submit('story-angle', { ...submission, email: editorAddress })
  },
  async 'answer-mail'(newsroom) {
    const { reference } = await newsroom.submit('story-angle', { ...submission, email: editorAddress })
    const seen = await newsroom.seen(reference)
    const fields = { body: 'Canary words of an answer', ...seen }
    await newsroom.act(`/desk/submissions/${reference}/answer`, fields, await newsroom.signIn(second))
    newsroom.passTime(11_000)
  },
  async 'sign-in'(newsroom) {
    await newsroom.http().post('/desk/sign-in').type('form').send({ email: editorAddress }).expect(200)
  },
  async 'security-notice'(newsroom) {
    const noted = {
      event: { action: 'recovery-codes' as const, editorId: (await account(newsroom)).id },
      at: newsroom.now(),
    }
    await newsroom.application.storage.factors.setRecoveryCodes(noted.event.editorId, [], noted)
  },
  async escalation(newsroom) {
    await newsroom.submit('story-angle', submission)
    newsroom.passTime(25 * hour)
  },
  async 'erasure-warning'(newsroom) {
    const rules = { ...defaultRetention, 'story-angle': 8 }
    await newsroom.application.storage.settings.saveRetention(rules, 0, newsroom.now())
    await newsroom.submit('story-angle', submission)
    newsroom.passTime(25 * hour)
  },
  async 'burst-digest'(newsroom) {
    for (let i = 0; i < 21; i++) await newsroom.submit('story-angle', submission)
    await newsroom.workOff()
    newsroom.passTime(11 * minute)
  },
  async digest(newsroom) {
    const policy = { ...defaultPolicy, rhythm: 'digest' as const, hours: [0, 6, 12, 18] }
    await newsroom.application.storage.editors.setPolicy((await account(newsroom)).id, policy, newsroom.now())
    await newsroom.submit('story-angle', submission)
    newsroom.passTime(6 * hour)
  },
}

const submission = { ...storyAngle(), title: 'Canary title', body: 'Canary words that nobody else reads.' }

async function account({ application }: Newsroom) {
  return (await application.storage.editors.byEmail(editorAddress)) ?? assert.fail('no such editor')
}

/** Has every mail there is sent to the editor, and looks at each as it left. */
async function throughAll(newsroom: Newsroom, look: (mail: ReceivedMail, type: JobType) => Promise<void>) {
  const mailed = (Object.keys(queueOf) as JobType[]).filter((type) => queueOf[type] === 'mail')
  assert.deepEqual(Object.keys(causes).toSorted(), mailed.toSorted())
  for (const type of Object.keys(causes) as JobType[]) {
    newsroom.mailServer.mails.length = 0
    await causes[type]?.(newsroom)
    await newsroom.workOff()
    const mails = newsroom.mailsTo(editorAddress)
    const types = await Promise.all(mails.map((mail) => purposeOf(newsroom, mail)))
    assert.ok(types.includes(type), `no ${type} among ${types}`)
    for (const mail of mails) await look(mail, type)
  }
}

async function purposeOf({ application }: Newsroom, mail: ReceivedMail): Promise<JobType | undefined> {
  const [, id = ''] = /^<(.+)@/.exec(mail.messageId ?? '') ?? []
  return (await application.storage.jobs.byId(id))?.type
}

/** What the editor was mailed but for what tells of keys and settings. */
async function noticesTo(newsroom: Newsroom): Promise<ReceivedMail[]> {
  const mails = newsroom.mailsTo(editorAddress)
  const types = await Promise.all(mails.map((mail) => purposeOf(newsroom, mail)))
  return mails.filter((_, i) => types[i] !== 'security-notice')
}

const everything = ['Canary', 'angle', 'Story', '/submissions/', '/sign-in/', 'piece', 'answer']

test('whatever a mail to an editor with a key is about, it is encrypted and signed', withGpg, async (t) => {
  const env = { ...inboundMail, EDITORS: `${editorAddress},${second}` }
  const { newsroom, gpg, signer } = await withKey(t, { env })
  let opened = 0
  await throughAll(newsroom, async (mail, type) => {
    assert.deepEqual(isIn(onTheWire(mail.raw), everything), [], type)
    assert.equal(mail.subject, 'Encrypted message')
    assert.equal((await gpg.open(mail.raw)).signedBy, signer)
    opened += 1
  })
  assert.ok(opened >= Object.keys(causes).length)
  // Whoever has no key is written to as ever.
  assert.ok(newsroom.mailsTo(second).every(({ raw }) => !raw.includes('PGP')))
})

test('whatever a mail to an editor with an expired key is about, it says nothing', withGpg, async (t) => {
  const env = { ...inboundMail, EDITORS: `${editorAddress},${second}` }
  const { newsroom } = await withKey(t, { env, lasts: '2d' })
  newsroom.passTime(3 * day)
  await throughAll(newsroom, async (mail, type) => {
    assert.deepEqual(isIn(mail.raw + mail.text + mail.html, everything), [], type)
    assert.equal(mail.subject, generic)
    assert.match(mail.text ?? '', /http:\/\/localhost:3000\/desk\n/)
    assert.equal(mail.replyTo, undefined)
    assert.deepEqual(mail.attachments, [])
  })
})

test(
  'a key that expires soon, has expired or was revoked is told of on every page, and to admins',
  withGpg,
  async (t) => {
    const env = { EDITORS: `${second},${editorAddress}` }
    const { newsroom, gpg, key } = await withKey(t, { env, lasts: '30d' })
    const looks = async () => ({
      own: /Your PGP key<\/strong> ([\s\S]*?) <a/.exec(await newsroom.deskPage('/desk'))?.[1],
      team: /<span class="state">([^<]*(?:encrypted|PGP)[^<]*)<\/span>/.exec(await teamPage(newsroom))?.[1],
    })
    assert.deepEqual(await looks(), { own: undefined, team: 'encrypted mail' })
    newsroom.passTime(17 * day)
    assert.match(
      (await looks()).own ?? '',
      /^expires on 20\S+ \S+ UTC: after that, mails to you say nothing\.$/,
    )
    assert.equal((await looks()).team, 'PGP key expires soon')
    newsroom.passTime(14 * day)
    assert.match(
      (await looks()).own ?? '',
      /^expired on .*: mails to you say nothing until you give another\.$/,
    )
    assert.equal((await looks()).team, 'PGP key expired')
    // The same key, renewed: all is well again.
    gpg.run(['--quick-set-expire', gpg.fingerprint(editorAddress), '1y'])
    gpg.run(['--quick-set-expire', gpg.fingerprint(editorAddress), '1y', '*'])
    await newsroom.act('/desk/account/pgp', { key: gpg.publicKey(editorAddress) })
    assert.deepEqual(await looks(), { own: undefined, team: 'encrypted mail' })
    // The same key, revoked: no older copy of it brings it back.
    await newsroom.act('/desk/account/pgp', { key: gpg.revoked(editorAddress) })
    await newsroom.act('/desk/account/pgp', { key })
    assert.match((await looks()).own ?? '', /^has been revoked: /)
    assert.equal((await looks()).team, 'PGP key revoked')
    await newsroom.workOff()
    newsroom.mailServer.mails.length = 0
    await newsroom.submit('story-angle')
    await newsroom.workOff()
    assert.deepEqual(
      newsroom.mailsTo(editorAddress).map(({ subject }) => subject),
      [generic],
    )
    // An admin takes it away, and then there is none.
    const email = editorAddress
    await newsroom.act('/desk/team/pgp-key/remove', { email }, await newsroom.signIn(second))
    assert.deepEqual(await looks(), { own: undefined, team: undefined })
  },
)

async function teamPage(newsroom: Newsroom): Promise<string> {
  const cookie = await newsroom.signIn(second)
  return (await newsroom.http().get('/desk/team').set('cookie', cookie).expect(200)).text
}

test('a key whose part that encrypts was revoked is told of as revoked', withGpg, async (t) => {
  const { newsroom, gpg } = await withKey(t)
  const armoredKey = gpg.run(['--armor', '--export-secret-keys', editorAddress]).toString()
  const key = await readPrivateKey({ armoredKey })
  const [part] = key.subkeys
  assert.ok(part)
  key.subkeys = [await part.revoke(key.keyPacket as SecretKeyPacket)]
  await newsroom.act('/desk/account/pgp', { key: key.toPublic().armor() })
  assert.match(await newsroom.deskPage('/desk'), /Your PGP key<\/strong> has been revoked/)
  await newsroom.submit('story-angle')
  await newsroom.workOff()
  assert.equal(newsroom.mailsTo(editorAddress).at(-1)?.subject, generic)
})

test(
  'a mail that cannot be encrypted for a fault of ours waits, and does not leave otherwise',
  withGpg,
  async (t) => {
    const { newsroom, gpg, signer } = await withKey(t)
    const path = join(newsroom.settings.DATA_DIR, 'newsroom-key.asc')
    const key = readFileSync(path)
    writeFileSync(path, 'no key at all')
    const { reference } = await newsroom.submit('story-angle', { ...storyAngle(), email: '' })
    await newsroom.workOff()
    assert.deepEqual(newsroom.mailServer.mails, [])
    const { id } = await newsroom.submission(reference)
    const jobs = await newsroom.application.storage.jobs.ofSubmission(id)
    assert.deepEqual(
      jobs.filter(({ type }) => type === 'editor-notice').map(({ state }) => state),
      ['pending'],
    )
    writeFileSync(path, key)
    newsroom.passTime(minute)
    await newsroom.workOff()
    assert.equal((await gpg.open(newsroom.mailsTo(editorAddress)[0]?.raw ?? '')).signedBy, signer)
  },
)

test(
  'what is no key that can be used is refused in plain words, and the one that was there stays',
  withGpg,
  async (t) => {
    const { newsroom, gpg } = await withKey(t)
    const fingerprint = gpg.fingerprint(editorAddress)
    const secret = gpg.run(['--armor', '--export-secret-keys', editorAddress]).toString()
    const other = gpg.makeKey('other@x.test', algorithms.curve25519)
    const refused: Record<string, [string | Buffer, RegExp]> = {
      nothing: ['', /no PGP key that can be read/],
      garbage: ['Dear Barua, here is my key.', /no PGP key that can be read/],
      'a key that was cut': [other.slice(0, 300), /no PGP key that can be read/],
      'a message': [other.replaceAll('PUBLIC KEY BLOCK', 'MESSAGE'), /no PGP key that can be read/],
      'a private key': [secret, /private key\. It has not been kept/],
      'a private key beside a public one': [other + secret, /private key/],
      'a private key that is not armored': [gpg.run(['--export-secret-keys', editorAddress]), /private key/],
      'two keys': [gpg.publicKey(editorAddress) + other, /several keys/],
      'two keys in one block': [gpg.run(['--armor', '--export']).toString(), /several keys/],
      'a key that can only sign': [gpg.makeKey('signs@x.test', ['ed25519']), /no part for that/],
      'a weak key': [gpg.makeKey('weak@x.test', ['rsa1024', 'rsa1024']), /too weak/],
      'an expired key': [gpg.makeKey('old@x.test', algorithms.curve25519, 'seconds=1'), /has expired/],
      'a revoked key': [gpg.revoked('other@x.test'), /has been revoked/],
      'a megabyte': [`-----BEGIN PGP PUBLIC KEY BLOCK-----\n\n${'A'.repeat(1_000_000)}`, /too large/],
    }
    newsroom.passTime(2000)
    const cookie = await newsroom.signIn()
    for (const [what, [key, words]] of Object.entries(refused)) {
      const answer = await newsroom
        .http()
        .post('/desk/account/pgp')
        .set('cookie', cookie)
        .set('sec-fetch-site', 'same-origin')
        .attach('file', Buffer.from(key), 'key.asc')
      assert.equal(answer.status, 422, what)
      assert.match(answer.text, words, what)
      if (Buffer.isBuffer(key)) continue
      const pasted = await newsroom.act('/desk/account/pgp', { key }, cookie)
      assert.equal(pasted.status, 422, what)
      assert.match(pasted.text, words, what)
      assert.ok(key.length < 30 || !pasted.text.includes(key.slice(0, 200)), 'what was given is shown')
    }
    const page = await newsroom.deskPage('/desk/account/pgp')
    assert.ok(page.replaceAll(' ', '').includes(fingerprint))
    assert.ok(!(await newsroom.databaseText()).includes('PRIVATE KEY'))
  },
)

test('a key is given as a file, armored or not, also one that names another address', withGpg, async (t) => {
  const newsroom = await openNewsroom(t)
  const gpg = openGpg(t)
  gpg.makeKey('Anna <anna@elsewhere.test>', algorithms.rsa, '2y')
  const cookie = await newsroom.signIn()
  const post = () =>
    newsroom.http().post('/desk/account/pgp').set('cookie', cookie).set('sec-fetch-site', 'same-origin')
  for (const key of [gpg.run(['--export']), gpg.run(['--armor', '--export'])]) {
    await post().field('key', '').attach('file', key, 'anna.gpg').expect(303)
    const page = await newsroom.deskPage('/desk/account/pgp?saved=given')
    const shown = /<dd class="code">([\dA-F ]+)<\/dd>/.exec(page)?.[1]?.replaceAll(' ', '')
    assert.equal(shown, gpg.fingerprint('anna@elsewhere.test'))
    assert.match(page, /<dd>RSA 3072<\/dd>/)
    assert.match(page, /Anna &lt;anna@elsewhere\.test&gt;/)
    assert.match(page, /It does not name your address here/)
    const years = new Date(newsroom.now()).getUTCFullYear() + 2
    assert.match(page, new RegExp(`<dt>Expires</dt><dd>${years}-`))
    await newsroom.act('/desk/account/pgp/remove', {}, cookie)
    assert.match(await newsroom.deskPage('/desk/account/pgp'), /There is none\./)
  }
  await post().set('content-type', 'multipart/form-data; boundary=x').send('no form at all').expect(422)
})

test('nothing confidential is in an encrypted mail unless the newsroom says so', withGpg, async (t) => {
  const env = { EDITORS: `${editorAddress},${second}` }
  const { newsroom, gpg } = await withKey(t, { env })
  const fields = { ...tip(), name: 'Canary Name', email: 'canary@source.test' }
  await newsroom.submit('news-tip', fields)
  await newsroom.workOff()
  const { said } = await gpg.open(newsroom.mailsTo(editorAddress)[0]?.raw ?? '')
  assert.match(said, /It is confidential, so nothing of it is in this mail/)
  assert.deepEqual(isIn(said, [...Object.values(fields)]), [])

  await allow(newsroom)
  await newsroom.workOff()
  newsroom.mailServer.mails.length = 0
  const { reference, receipt } = await newsroom.submit('news-tip', fields, [
    { name: 'canary.txt', content: 'Canary file' },
  ])
  assert.deepEqual(isIn(await newsroom.databaseText(), Object.values(fields)), [])
  await newsroom.workOff()
  const [mail] = newsroom.mailsTo(editorAddress)
  const opened = await gpg.open(mail?.raw ?? '')
  for (const part of [opened.mail.text ?? '', String(opened.mail.html)]) {
    assert.deepEqual(isIn(part, [fields.title, fields.body]), [fields.title, fields.body])
    assert.deepEqual(isIn(part, ['Canary', 'canary', fields.place, fields.evidence, receipt]), [])
  }
  assert.equal(opened.mail.subject, `News tip: ${reference}`)
  assert.deepEqual(isIn(onTheWire(mail?.raw ?? ''), [fields.title, fields.body, reference, 'News']), [])
  // Whoever has no key is told what they were told before, and nothing is left in the database.
  const [other] = newsroom.mailsTo(second).filter(({ subject }) => subject?.includes(reference))
  assert.match(other?.text ?? '', /It is confidential, so nothing of it is in this mail/)
  assert.deepEqual(isIn(other?.raw ?? '', Object.values(fields)), [])
  assert.deepEqual(isIn(await newsroom.databaseText(), [...Object.values(fields), 'Canary']), [])

  // A further message, once the first has been read.
  await newsroom.deskPage(`/desk/submissions/${reference}`)
  newsroom.mailServer.mails.length = 0
  await newsroom.writeAgain(receipt, 'The trucks are green.')
  await newsroom.writeAgain(receipt, 'And they come on Sundays.')
  newsroom.passTime(6 * minute)
  await newsroom.workOff()
  const further = (await gpg.open(newsroom.mailsTo(editorAddress)[0]?.raw ?? '')).mail.text ?? ''
  assert.match(further, /The trucks are green\./)
  assert.match(further, /The sender wrote again\. Read that at the desk\./)
  assert.doesNotMatch(further, /Sundays/)
})

/** Lets encrypted mail carry what is confidential, as an admin does at the desk. */
async function allow(newsroom: Newsroom, may = 'yes'): Promise<void> {
  const { revision } = await newsroom.application.storage.settings.confidentialByMail()
  const fields = { may, revision: String(revision) }
  assert.equal((await newsroom.act('/desk/settings/confidential-by-mail', fields)).status, 303)
}

for (const [what, happens] of Object.entries({
  'a restart': (newsroom: Newsroom) => newsroom.restart(),
  'the newsroom no longer wants it': (newsroom: Newsroom) => allow(newsroom, 'no'),
  'the key is gone': async (newsroom: Newsroom) => {
    await newsroom.act('/desk/account/pgp/remove', {})
  },
})) {
  test(`what was to be in an encrypted mail is in none when before that ${what}`, withGpg, async (t) => {
    const { newsroom, gpg } = await withKey(t)
    await allow(newsroom)
    newsroom.mailServer.refuse.recipient = 451
    await newsroom.submit('expose', tip())
    await newsroom.workOff()
    newsroom.mailServer.refuse.recipient = undefined
    await happens(newsroom)
    newsroom.passTime(minute)
    await newsroom.workOff()
    const { raw = '', text } = (await noticesTo(newsroom)).at(-1) ?? {}
    const said = raw.includes('PGP MESSAGE') ? (await gpg.open(raw)).said : (text ?? '')
    assert.match(said, /It is confidential, so nothing of it is in this mail/)
    assert.deepEqual(isIn(said + raw, Object.values(tip())), [])
    assert.deepEqual(isIn(await newsroom.databaseText(), Object.values(tip())), [])
  })
}

test(
  'of a tip that is passed on into an encrypted mail nothing is in the database, a log or a file, at any time',
  withGpg,
  async (t) => {
    const { newsroom } = await withKey(t)
    await allow(newsroom)
    newsroom.mailServer.refuse.recipient = 451
    const words = {
      title: 'Kanarienvogel title',
      body: 'Kanarienvogel words of a tip that nobody else reads.',
    }
    const { receipt } = await newsroom.submit('news-tip', words)
    const look = async () => {
      const files = readdirSync(newsroom.folder, { recursive: true, withFileTypes: true })
      for (const file of files.filter((one) => one.isFile())) {
        const bytes = readFileSync(join(file.parentPath, file.name))
        for (const form of ['Kanarienvogel', Buffer.from('Kanarienvogel').toString('base64').slice(0, -4)])
          assert.ok(!bytes.includes(form), file.name)
      }
      assert.ok(!newsroom.logged.join('').includes('Kanarienvogel'))
    }
    await look()
    await newsroom.workOff()
    await look()
    await newsroom.writeAgain(receipt, 'Kanarienvogel again')
    newsroom.mailServer.refuse.recipient = undefined
    newsroom.passTime(minute)
    await newsroom.workOff()
    await look()
    assert.equal((await noticesTo(newsroom)).length, 1)
  },
)

test('a repeated mail is encrypted anew, with the same Message-ID', withGpg, async (t) => {
  const { newsroom, gpg } = await withKey(t)
  newsroom.mailServer.refuse.cutAfterAccepting = true
  await newsroom.submit('story-angle', { ...storyAngle(), email: '' })
  await newsroom.workOff()
  newsroom.mailServer.refuse.cutAfterAccepting = false
  newsroom.passTime(minute)
  await newsroom.workOff()
  const mails = newsroom.mailsTo(editorAddress)
  assert.equal(mails.length, 2)
  assert.equal(new Set(mails.map(({ messageId }) => messageId)).size, 1)
  for (const { raw } of mails) assert.match((await gpg.open(raw)).mail.subject ?? '', /^Story angle/)
})

test(
  'an encrypted mail is signed by the domain too, and kept as a file where no server sends it',
  withGpg,
  async (t) => {
    const { newsroom, gpg, signer } = await withKey(t)
    const dkim = await makeDkimKey(newsroom.settings.DATA_DIR)
    await newsroom.restart({ SMTP_URL: '' })
    await newsroom.submit('story-angle', { ...storyAngle(), email: '' })
    await newsroom.workOff()
    const [kept = '', ...others] = await newsroom.keptMails()
    assert.deepEqual(others, [])
    assert.equal((await gpg.open(kept)).signedBy, signer)
    assert.deepEqual(isIn(onTheWire(kept), [storyAngle().title, 'angle']), [])
    assert.doesNotMatch(kept, /(?<!\r)\n/)
    const resolver = async () => [[dkimRecord(dkim)]]
    const { results } = await dkimVerify(Buffer.from(kept), { resolver })
    assert.deepEqual(
      results.map(({ status }) => status.result),
      ['pass'],
    )
  },
)

test('files of an answer to an address with a key are in the encrypted mail, whole', withGpg, async (t) => {
  const { newsroom, gpg } = await withKey(t, {
    env: { ...inboundMail, EDITORS: `${second},${editorAddress}` },
  })
  await newsroom.submit('story-angle', { ...storyAngle(), email: editorAddress })
  await newsroom.workOff()
  const notice = newsroom.mailsTo(second).find(({ subject }) => subject?.startsWith('Story angle'))
  assert.ok(notice)
  const content = Buffer.alloc(3_000_000, 'A line of a long file.\r\n')
  const reply = replyTo(notice, 'See the file.', { attachments: [{ filename: 'canary.txt', content }] })
  newsroom.mailServer.mails.length = 0
  assert.equal(await newsroom.receiveMail(reply), 'done')
  await newsroom.pause(121_000)
  const [answer] = newsroom.mailsTo(editorAddress)
  assert.doesNotMatch(onTheWire(answer?.raw ?? ''), /canary/)
  const { attachments } = (await gpg.open(answer?.raw ?? '')).mail
  assert.deepEqual(
    attachments.map((file) => [file.filename, file.content.equals(content)]),
    [['canary.txt', true]],
  )
})

test(
  'a reply of an editor that is encrypted is held for them, and nothing of it reaches the sender',
  withGpg,
  async (t) => {
    const { newsroom, gpg } = await withKey(t, { env: inboundMail })
    const sender = 'amina@example.org'
    for (const [what, encrypted] of Object.entries(repliesBy(gpg))) {
      const { reference, receipt } = await newsroom.submit('story-angle', { ...storyAngle(), email: sender })
      await newsroom.workOff()
      const notice = newsroom.mailsTo(editorAddress).at(-1)
      const to = notice?.replyTo?.value[0]?.address ?? ''
      const mail = { from: editorAddress, to, subject: 'Re: Encrypted message', inReplyTo: notice?.messageId }
      newsroom.mailServer.mails.length = 0
      assert.equal(
        await newsroom.receiveMail(await compose({ ...mail, ...encrypted }), { to: [to] }),
        'quarantined',
        what,
      )
      await newsroom.pause(11_000)
      assert.deepEqual(newsroom.mailsTo(sender), [], what)
      assert.equal((await newsroom.status(receipt)).messages.length, 1)
      const [confirmation] = newsroom.mailsTo(editorAddress)
      assert.match(
        (await gpg.open(confirmation?.raw ?? '')).mail.text ?? '',
        /encrypted, or signed within its/,
      )
      const page = await newsroom.deskPage(`/desk/submissions/${reference}`)
      assert.match(page, /It is encrypted, or signed within its text: that cannot be read here\./)
      assert.doesNotMatch(page, /BEGIN PGP|encrypted\.asc/)
      // Sent on by hand, only what is written there then goes, and none of the garbage.
      const held = /name="held" value="([^"]+)"/.exec(page)?.[1] ?? ''
      const { revision } = await newsroom.seen(reference)
      const way = { way: 'send', held, revision, body: 'What I meant to say.' }
      assert.equal((await newsroom.act(`/desk/submissions/${reference}/held`, way)).status, 303)
      await newsroom.pause(11_000)
      const [answer] = newsroom.mailsTo(sender)
      assert.match(answer?.text ?? '', /^What I meant to say\./)
      assert.deepEqual(answer?.attachments, [])
    }
  },
)

/** As mail programs write it: by PGP/MIME, within the text, signed within the text, by S/MIME. */
function repliesBy(gpg: Gpg) {
  const armored = gpg.run(['--armor', '--encrypt', '--recipient', editorAddress], 'Who are you?').toString()
  const signed = gpg.run(['--clear-sign', '--local-user', editorAddress], 'Who are you?').toString()
  return {
    'PGP/MIME': {
      raw: undefined,
      attachments: [
        { contentType: 'application/pgp-encrypted', content: 'Version: 1\r\n', filename: false as const },
        { contentType: 'application/octet-stream', content: armored, filename: 'encrypted.asc' },
      ],
    },
    'within the text': { text: armored },
    'signed within the text': { text: signed },
    'S/MIME': {
      attachments: [{ contentType: 'application/pkcs7-mime', content: 'MIAG', filename: 'smime.p7m' }],
    },
  }
}
