import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { cp, mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, describe, test } from 'node:test'
import { pino } from 'pino'
import supertest from 'supertest'
import { openPassphrase } from '../../src/accounts/passphrase.ts'
import { hashToken } from '../../src/accounts/session-token.ts'
import { passkeyWrap } from '../../src/accounts/webauthn.ts'
import { type Application, createApplication } from '../../src/app/app.ts'
import { readConfig } from '../../src/config.ts'
import type { Identity } from '../../src/encryption/types.ts'
import { folderUntilExit } from '../support/folder.ts'
import { admin, colleague, invited, passphrases } from '../support/key-people.ts'
import { tip } from '../support/submissions.ts'

const strace = '/usr/bin/strace'
const withStrace = existsSync(strace) ? {} : { skip: 'strace is not installed: apt-get install strace' }
const compiled = folderUntilExit('compiled')
const passkeySecret = randomBytes(32)
const outside = { now: Date.now, random: Math.random, log: pino({ level: 'silent' }) }

/** A newsroom in which both editors have set up, with a tip and a printed sheet; and one that is just about to be. */
type Template = {
  folder: string
  reference: string
  key: string
  sheet: string
  link: string
  cookie: string
}

const steps = [
  'set-up',
  'passphrase',
  'passphrase, forgotten',
  'passkey',
  'sheet',
  'use of the sheet',
  'invite',
  'let in',
  'reset',
  'remove',
  'removal by the shell',
  'reset by the shell',
  'rotate',
]

describe('a step that moves keys, broken off anywhere, leaves a way to all that is sealed', async () => {
  const [ready, fresh] = [await template(true), await template(false)]
  let killed = 0

  for (const name of steps) {
    test(`${name}: killed at each fsync, and on a full disk`, withStrace, async (t) => {
      const from = name === 'set-up' ? fresh : ready
      const whole = await run(name, from)
      assert.match(whole.output, /done/)
      const syncs = countOf(whole.calls, 'fsync')
      await eachOf(
        Array.from({ length: syncs }, (_, i) => i + 1),
        async (nth) => {
          const { folder, signal } = await run(name, from, `fsync:signal=SIGKILL:when=${nth}`)
          assert.equal(signal, 'SIGKILL', `it went on after fsync ${nth}`)
          await holds(folder, from, `killed at fsync ${nth}`)
        },
      )
      const { folder, calls } = await run(name, from, 'pwrite64:error=ENOSPC:when=1+')
      assert.match(calls.join('\n'), /ENOSPC.*INJECTED/)
      await holds(folder, from, 'the disk is full')
      t.diagnostic(`${syncs} points`)
      killed += syncs
    })
  }

  test('there were enough points', withStrace, () => {
    assert.ok(killed >= 60, `only ${killed}`)
  })
})

/** How many calls of this sort the thread of the step makes: strace counts them for each thread. */
function countOf(calls: string[], call: string): number {
  const isOne = (line: string) => line.includes(` ${call}(`) && !/= -1/.test(line)
  const threads = Map.groupBy(calls.filter(isOne), (line) => line.split(' ')[0])
  const most = Math.max(0, ...[...threads.values()].map((lines) => lines.length))
  assert.ok(most > 0, `the step makes no ${call}`)
  return most
}

/** Runs a step in a process of its own on a copy. strace looks on from where it begins, and may break in. */
async function run(step: string, from: Template, injected?: string) {
  const folder = await mkdtemp(join(tmpdir(), 'barua-step-'))
  after(() => rm(folder, { recursive: true, force: true }))
  await cp(from.folder, folder, { recursive: true })
  const child = spawn(process.execPath, ['test/support/key-step.ts', step], {
    env: {
      PATH: process.env.PATH ?? '',
      ...environment(folder),
      UV_THREADPOOL_SIZE: '1',
      // Compiled once for all of them.
      NODE_COMPILE_CACHE: compiled,
      COOKIE: from.cookie,
      PASSKEY_SECRET: passkeySecret.toString('base64'),
      SHEET: from.sheet,
      LINK: from.link,
    },
  })
  let output = ''
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (sent) => (output += sent))
  const ended = new Promise<NodeJS.Signals | null>((resolve) =>
    child.once('close', (_code, signal) => resolve(signal)),
  )
  await Promise.race([once(child.stdout, 'data'), ended])
  const log = join(folder, 'calls')
  const watching = [
    ...['-f', '-p', String(child.pid), '-o', log, '-e', 'trace=fsync,pwrite64'],
    ...(injected ? ['-e', `inject=${injected}`] : []),
  ]
  const watcher = spawn(strace, watching)
  const watched = new Promise((resolve) => watcher.once('close', resolve))
  // It says so when it has begun.
  await Promise.race([once(watcher.stderr, 'data'), ended])
  child.stdin.end('go\n')
  const signal = await ended
  await watched
  return { folder, calls: (await readFile(log, 'utf8')).trim().split('\n'), output, signal }
}

function environment(folder: string) {
  return {
    DATA_DIR: join(folder, 'data'),
    UPLOADS_DIR: join(folder, 'uploads'),
    EDITORS: `${admin},${colleague}`,
    LOG_LEVEL: 'silent',
  }
}

/** What must be so, wherever a step was broken off. */
async function holds(folder: string, from: Template, when: string): Promise<void> {
  const application = await createApplication(readConfig(environment(folder)), outside)
  try {
    const { storage, keyRing } = application
    await application.openDesk()
    const identities = await identitiesIn(application, from)
    const opened = (await Promise.all(identities.map((one) => keyRing.keysOf(one)()))).flat()
    const submission = await storage.submissions.byReference(from.reference)
    const opening = await storage.submissions.opening(submission?.id ?? '', async () => opened)
    assert.equal(opening?.content?.fields.title, tip().title, `${when}: nobody opens what came in`)
    const current = await storage.recipientsStore.desk()
    const theirs = await Promise.all(identities.map((one) => keyRing.keysOf(one)()))
    assert.ok(await opensFor(theirs.flat(), current), `${when}: nobody opens what comes next`)
    await rotationHolds(application, from, current, when)
  } finally {
    await application.stop()
  }
}

async function opensFor(identities: Identity[], recipient: string): Promise<boolean> {
  const { recipientOf } = await import('../../src/encryption/age-x25519.ts')
  return identities.some((one) => recipientOf(one) === recipient)
}

/** Who is no editor any more holds nothing, and never held what is current; who is one holds it. */
async function rotationHolds({ storage }: Application, from: Template, current: string, when: string) {
  const editors = await storage.editors.active()
  const holders = await storage.keyRing.holders()
  for (const { editorId } of holders)
    assert.ok(
      editorId === null || editors.some(({ id }) => id === editorId),
      `${when}: somebody who was removed holds keys`,
    )
  if (!editors.some(({ email }) => email === colleague))
    assert.notEqual(current, from.key, `${when}: the key is the one that was held by who was removed`)
  for (const { id, email } of editors) {
    const ways = holders.filter(({ editorId }) => editorId === id).flatMap((one) => one.ways)
    assert.ok(email === invited || ways.length > 0, `${when}: ${email} has no way in`)
  }
}

/** Everybody who can still be had, by what they would type or scan. A passphrase that signs in has to open. */
async function identitiesIn({ storage, keyRing }: Application, from: Template): Promise<Identity[]> {
  const found: Identity[] = []
  for (const { id, email } of await storage.editors.active()) {
    const hash = await storage.factors.passphrase(id)
    if (!hash) continue
    const secret = await secretOf(hash)
    assert.ok(secret, `${email} has a passphrase that nobody chose`)
    const identity = await keyRing.unwrap(`passphrase ${id}`, secret)
    assert.ok(identity, `the passphrase of ${email} signs in and opens nothing`)
    found.push(identity)
    const passkeys = await storage.factors.passkeys(id)
    if (passkeys.length > 0)
      found.push(
        (await keyRing.unwrap(passkeyWrap('pk'), passkeySecret)) ?? assert.fail('the passkey opens nothing'),
      )
  }
  const token = from.link.split('/').at(-1) ?? ''
  const byLink = await keyRing.unwrap(hashToken(token), token)
  return [...found, ...(byLink ? [byLink] : []), ...(from.sheet ? [from.sheet] : [])]
}

const secrets = new Map<string, Promise<Uint8Array | undefined>>()

/** What one of the passphrases gives; worked out once for each hash, for it takes long on purpose. */
function secretOf(hash: string): Promise<Uint8Array | undefined> {
  const known = secrets.get(hash)
  const secret =
    known ??
    Promise.all(Object.values(passphrases).map((words) => openPassphrase(words, hash))).then((opened) =>
      opened.find((one) => one !== undefined),
    )
  secrets.set(hash, secret)
  return secret
}

/** Two at a time. */
async function eachOf<T>(items: T[], work: (item: T) => Promise<void>): Promise<void> {
  const left = [...items]
  const one = async () => {
    for (let item = left.shift(); item !== undefined; item = left.shift()) await work(item)
  }
  await Promise.all([one(), one()])
}

async function template(isSetUp: boolean): Promise<Template> {
  const folder = folderUntilExit('keys')
  const application = await createApplication(readConfig(environment(folder)), outside)
  await application.openDesk()
  const web = supertest(application.web)
  const links = new Map(application.setUpLinks.map(({ email, link }) => [email, link]))
  const cookies: string[] = []
  const words = { passphrase: passphrases.old, again: passphrases.old }
  if (isSetUp)
    for (const link of links.values()) {
      const { headers } = await web.post(new URL(link).pathname).type('form').send(words).expect(303)
      cookies.push(String(headers['set-cookie']?.[0]).split(';')[0] ?? '')
    }
  const page = await web.get('/submit/news-tip')
  const nonce = /name="nonce" value="([^"]+)"/.exec(page.text)?.[1]
  const sent = await web
    .post('/submit/news-tip')
    .set('accept', 'application/json')
    .type('form')
    .send({ ...tip(), nonce })
    .expect(201)
  const sheet = isSetUp
    ? (
        await web
          .post('/desk/keys/recovery')
          .set('cookie', cookies[0] ?? '')
          .set('sec-fetch-site', 'same-origin')
          .type('form')
          .send({})
      ).text
    : ''
  const key = await application.storage.recipientsStore.desk()
  await application.stop()
  return {
    folder,
    reference: sent.body.reference,
    key,
    sheet: /AGE-[\w -]{60,90}/.exec(sheet)?.[0].replace(/\s+/g, '') ?? '',
    link: links.get(admin) ?? '',
    cookie: cookies[0] ?? '',
  }
}
