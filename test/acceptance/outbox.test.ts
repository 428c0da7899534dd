import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, rmdir } from 'node:fs/promises'
import { createServer as createHttpServer } from 'node:http'
import { createServer, type Server, type Socket } from 'node:net'
import { join } from 'node:path'
import { after, before, describe, type TestContext, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { hashToken, newToken } from '../../src/accounts/api-token.ts'
import { folderUntilExit } from '../support/folder.ts'
import { type MailServer, openMailServer } from '../support/mail-server.ts'
import { editorAddress, openNewsroom } from '../support/newsroom.ts'
import { type Cluster, postgresPrograms, startCluster } from '../support/postgres.ts'
import { freePort, type RunningProcess, startProcess } from '../support/process.ts'
import { storyAngle } from '../support/submissions.ts'

type Newsroom = Awaited<ReturnType<typeof openNewsroom>>

const second = 1000
const minute = 60 * second
const hour = 60 * minute
/** Leases for tests that are in a hurry. */
const brisk = { beat: 50, silence: 400, giveUp: 250 }

/** Puts mails into the outbox, one to each of these addresses, which are editors'. */
async function addMails({ application, now }: Newsroom, addresses: string[]): Promise<void> {
  const { editors, jobs } = application.storage
  for (const address of addresses) {
    const editor = (await editors.byEmail(address)) ?? assert.fail(`${address} is no editor`)
    const ephemeralPayload = { link: 'https://desk.test/link' }
    await jobs.add({ type: 'sign-in', editorId: editor.id, ephemeralPayload }, now())
  }
}

/** A newsroom with these editors and nothing in its outbox. */
async function newsroomOf(
  t: TestContext,
  editors: string[],
  env: Record<string, string> = {},
  leaseTimes?: typeof brisk,
): Promise<Newsroom> {
  const newsroom = await openNewsroom(t, { EDITORS: editors.join(','), ...env }, undefined, leaseTimes)
  await newsroom.workOff()
  newsroom.mailServer.mails.splice(0)
  return newsroom
}

const addressesAt = (domain: string, count: number) =>
  Array.from({ length: count }, (_, i) => `editor${i}@${domain}`)

async function until(is: () => boolean, longest: number, what: () => string): Promise<number> {
  const begun = performance.now()
  while (!is()) {
    if (performance.now() - begun > longest) assert.fail(`${what()} after ${longest} ms`)
    await sleep(20)
  }
  return performance.now() - begun
}

/** Every mail came, and none of them twice. */
function cameOnce({ mails }: Pick<MailServer, 'mails'>, wanted: number): void {
  const ids = mails.map(({ messageId }) => messageId)
  const doubled = ids.filter((id, i) => ids.indexOf(id) !== i)
  assert.equal(doubled.length, 0, `${doubled.length} of ${wanted} mails came twice`)
  assert.equal(ids.length, wanted)
}

/** Another process that holds SQLite's lock until it is told to let go. */
async function lockedBy(path: string, t: TestContext): Promise<() => Promise<void>> {
  const script = `
    const db = new (require('node:sqlite').DatabaseSync)(${JSON.stringify(path)}, { timeout: 5000 })
    db.exec('begin immediate')
    console.log('locked')
    process.stdin.once('end', () => db.exec('rollback')).resume()`
  const child = spawn(process.execPath, ['-e', script], { stdio: ['pipe', 'pipe', 'ignore'] })
  t.after(() => child.kill('SIGKILL'))
  const ended = once(child, 'exit')
  await once(child.stdout, 'data')
  return async () => {
    child.stdin.end()
    await ended
  }
}

test('while another process holds SQLite’s lock for long, what was sent stays known: no mail goes twice, and all go soon after', async (t) => {
  const newsroom = await newsroomOf(t, addressesAt('a.test', 10).concat(addressesAt('b.test', 10)))
  const all = (await newsroom.application.storage.editors.active()).map(({ email }) => email)
  await addMails(newsroom, [...all, ...all])
  newsroom.mailServer.slow.accepting = 300
  await newsroom.application.startWork()
  await until(
    () => newsroom.mailServer.inHand() > 0,
    5 * second,
    () => 'nothing is sent',
  )
  const letGo = await lockedBy(join(newsroom.settings.DATA_DIR, 'barua.db'), t)
  await sleep(12 * second)
  await letGo()
  newsroom.passTime(11 * minute)
  const { mails } = newsroom.mailServer
  const took = await until(
    () => mails.length >= 40,
    20 * second,
    () => `${mails.length} of 40 came`,
  )
  t.diagnostic(`all had gone ${Math.round(took)} ms after the lock`)
  await sleep(second)
  cameOnce(newsroom.mailServer, 40)
})

test('a stop waits for verdicts that cannot be written at once', async (t) => {
  const newsroom = await newsroomOf(t, addressesAt('a.test', 2))
  await addMails(newsroom, addressesAt('a.test', 2))
  newsroom.mailServer.slow.accepting = 300
  await newsroom.application.startWork()
  await until(
    () => newsroom.mailServer.inHand() === 2,
    5 * second,
    () => 'nothing is sent',
  )
  const letGo = await lockedBy(join(newsroom.settings.DATA_DIR, 'barua.db'), t)
  const stopped = newsroom.restart()
  await sleep(2 * second)
  await letGo()
  await stopped
  await newsroom.workOff()
  cameOnce(newsroom.mailServer, 2)
})

test('a clock that is set by hours while mails are in hand, forwards or backwards, doubles none and loses none', async (t) => {
  const editors = ['a.test', 'b.test', 'c.test'].flatMap((domain) => addressesAt(domain, 2))
  const newsroom = await newsroomOf(t, editors)
  await addMails(newsroom, editors)
  const { slow, mails } = newsroom.mailServer
  slow.accepting = 3 * second
  await newsroom.application.startWork()
  await until(
    () => newsroom.mailServer.inHand() >= 5,
    5 * second,
    () => 'nothing is sent',
  )
  for (const wrongBy of [3 * hour, -3 * hour]) {
    newsroom.setClock(wrongBy)
    // What comes in has the outbox looked into at once.
    await newsroom.submit('story-angle', { ...storyAngle(), email: '' })
    await sleep(second)
  }
  newsroom.setClock(0)
  const signIns = () => mails.filter(({ subject }) => subject?.startsWith('Sign in'))
  await until(
    () => signIns().length >= 6,
    10 * second,
    () => `${signIns().length} of 6 came`,
  )
  await sleep(4 * second)
  cameOnce({ mails: signIns() }, 6)
})

test('a mail that takes longer than any lease is not begun again, by nobody', async (t) => {
  const newsroom = await newsroomOf(t, addressesAt('a.test', 1), {}, brisk)
  const { reference } = await newsroom.submit('story-angle', storyAngle(), [
    {
      name: 'long.txt',
      content: 'A line of seventy characters, over and over, fourteen megabytes of it.\n'.repeat(2),
    },
  ])
  await newsroom.workOff()
  newsroom.mailServer.mails.splice(0)
  const files = [{ name: 'long.txt', content: Buffer.alloc(10 * 1024 * 1024, 'words and words\n') }]
  await answer(newsroom, reference, files)
  newsroom.passTime(minute)
  newsroom.mailServer.slow.reading = 15
  const other = await newsroom.another()
  await newsroom.application.startWork()
  await until(
    () => newsroom.mailServer.inHand() === 1,
    10 * second,
    () => 'nothing is sent',
  )
  await other.startWork()
  newsroom.passTime(11 * minute)
  const took = await until(
    () => newsroom.mailServer.mails.length > 0,
    60 * second,
    () => 'nothing came',
  )
  assert.ok(took > 3 * brisk.silence, `it took ${took} ms only`)
  await sleep(second)
  cameOnce(newsroom.mailServer, 1)
})

test('two processes on one database share the work, and no mail goes twice', async (t) => {
  const domains = ['a.test', 'b.test', 'c.test', 'd.test', 'e.test', 'f.test', 'g.test']
  const editors = domains.flatMap((domain) => addressesAt(domain, 1))
  const newsroom = await newsroomOf(t, editors)
  const other = await newsroom.another()
  for (let i = 0; i < 13; i++) await addMails(newsroom, editors)
  newsroom.mailServer.slow.accepting = 100
  const { mails } = newsroom.mailServer
  await newsroom.application.startWork()
  await until(
    () => mails.length >= 10,
    10 * second,
    () => 'nothing is sent',
  )
  await other.startWork()
  await until(
    () => mails.length >= 91,
    30 * second,
    () => `${mails.length} of 91 came`,
  )
  newsroom.passTime(11 * minute)
  await sleep(second)
  cameOnce(newsroom.mailServer, 91)
})

test('whoever finds that its lease has been ended breaks off what it has in hand, and says so', async (t) => {
  const newsroom = await newsroomOf(t, addressesAt('a.test', 1), {}, brisk)
  const { reference } = await newsroom.submit('story-angle')
  await newsroom.workOff()
  newsroom.mailServer.mails.splice(0)
  await answer(newsroom, reference, [{ name: 'a.txt', content: Buffer.alloc(4 * 1024 * 1024, 'words\n') }])
  newsroom.passTime(minute)
  newsroom.mailServer.slow.reading = 100
  await newsroom.application.startWork()
  await until(
    () => newsroom.mailServer.inHand() === 1,
    10 * second,
    () => 'nothing is sent',
  )
  const { leases } = newsroom.application.storage
  for (const lease of await leases.all()) await leases.end(lease)
  await until(
    () => newsroom.logged.some((line) => /lease on deliveries is lost/.test(line)),
    second,
    () => 'silence',
  )
  newsroom.mailServer.slow.reading = 0
  const { mails } = newsroom.mailServer
  await until(
    () => mails.length > 0,
    15 * second,
    () => 'it is not sent again',
  )
  await sleep(second)
  cameOnce(newsroom.mailServer, 1)
})

for (const at of ['recipient', 'message'] as const) {
  test(`mails that hang at a ${at} hold up neither others nor the stop, and are sent once the server answers`, async (t) => {
    const hanging = addressesAt('hangs.test', 8)
    const manyHanging = Array.from({ length: 20 }, () => hanging).flat()
    const others = addressesAt('a.test', 3).concat(addressesAt('b.test', 3))
    const newsroom = await newsroomOf(t, [...hanging, ...others])
    const { mailServer } = newsroom
    await addMails(newsroom, [...manyHanging, ...others])
    mailServer.slow.hangs = { domain: 'hangs.test', at }
    await newsroom.application.startWork()
    await until(
      () => mailServer.mails.length >= 6,
      3 * second,
      () => `${mailServer.mails.length} of 6 came`,
    )
    assert.ok(mailServer.inHand() <= 2, `${mailServer.inHand()} mails are tried at one domain`)
    const begun = performance.now()
    await newsroom.restart()
    const took = performance.now() - begun
    assert.ok(took < 5 * second, `the stop took ${took} ms`)
    t.diagnostic(`the stop took ${Math.round(took)} ms`)
    mailServer.slow.hangs = undefined
    await newsroom.workOff()
    cameOnce(mailServer, 166)
  })
}

test('a mail server that says nothing at all does not hold up the stop of the service', async (t) => {
  const silent = await openSilence(t)
  const folder = folderUntilExit('silent')
  const running = await startProcess({
    DATA_DIR: join(folder, 'data'),
    UPLOADS_DIR: join(folder, 'uploads'),
    EDITORS: addressesAt('a.test', 5).join(','),
    SMTP_URL: `smtp://127.0.0.1:${silent.port}`,
    LOG_LEVEL: 'warn',
  })
  t.after(() => running.kill())
  await until(
    () => silent.connections() > 0,
    10 * second,
    () => 'nobody connects',
  )
  const begun = performance.now()
  assert.equal(await running.stop(), 0)
  const took = performance.now() - begun
  assert.ok(took < 6 * second, `the stop took ${took} ms`)
  t.diagnostic(`the stop took ${Math.round(took)} ms`)
})

test('a chat that hangs holds up no other, nor the stop', async (t) => {
  const newsroom = await newsroomOf(t, addressesAt('a.test', 1))
  const { telegram } = newsroom
  const [hangs, talks] = [newsroom.chat(7001), newsroom.chat(7002)]
  const referenceOf = async (chat: typeof hangs) =>
    (await newsroom.status(await chat.send('Words for the newsroom.'))).reference as string
  const [first, other] = [await referenceOf(hangs), await referenceOf(talks)]
  for (let i = 0; i < 9; i++) await answer(newsroom, first)
  await answer(newsroom, other)
  newsroom.passTime(minute)
  telegram.hanging.add(7001)
  await newsroom.application.startWork()
  await until(
    () => /An answer/.test(talks.last()),
    5 * second,
    () => 'the other chat heard nothing',
  )
  const begun = performance.now()
  await newsroom.application.stop()
  const took = performance.now() - begun
  assert.ok(took < 5 * second, `the stop took ${took} ms`)
})

test('an answer in several messages goes on where it broke off', async (t) => {
  const newsroom = await newsroomOf(t, addressesAt('a.test', 1))
  const { telegram } = newsroom
  const chat = newsroom.chat(7001)
  const { reference } = await newsroom.status(await chat.send('Words for the newsroom.'))
  await answer(newsroom, reference, [{ name: 'map.txt', content: Buffer.from('Here.') }])
  newsroom.passTime(11 * second)
  telegram.errors.push({ status: 500, method: 'sendDocument' })
  await newsroom.application.workOnce()
  assert.equal(telegram.documents.length, 0)
  newsroom.passTime(minute)
  await newsroom.workOff()
  assert.equal(telegram.documents.length, 1)
  assert.equal(chat.heard().filter(({ text }) => /An answer for you/.test(text)).length, 1)
})

test('a Telegram that answers nothing at all does not hold up the stop', async (t) => {
  const newsroom = await newsroomOf(t, addressesAt('a.test', 1))
  // Every call that is to no chat: those that ask who the bot is and how its webhook stands.
  newsroom.telegram.hanging.add(Number.NaN)
  const asked = newsroom.telegram.requests.length
  await newsroom.application.startWork()
  await until(
    () => newsroom.telegram.requests.length > asked,
    5 * second,
    () => 'nothing is asked',
  )
  const begun = performance.now()
  await newsroom.application.stop()
  const took = performance.now() - begun
  assert.ok(took < 6 * second, `the stop took ${took} ms`)
})

test('a bot whose webhook hangs holds up no other, nor the stop', async (t) => {
  const silent = await openSilence(t)
  const heard: string[] = []
  const hook = createHttpServer((req, res) => {
    heard.push(req.url ?? '')
    res.end()
  })
  await new Promise<void>((resolve) => hook.listen(0, '127.0.0.1', () => resolve()))
  t.after(() => hook.close())
  const newsroom = await newsroomOf(t, addressesAt('a.test', 1), { WEBHOOK_HOSTS: '127.0.0.1' })
  const hangs = await sentByBot(newsroom, silent.port)
  const other = await sentByBot(newsroom, (hook.address() as { port: number }).port)
  for (let i = 0; i < 9; i++) await answer(newsroom, hangs)
  await answer(newsroom, other)
  newsroom.passTime(minute)
  await newsroom.application.startWork()
  await until(
    () => heard.length === 1,
    5 * second,
    () => 'the other bot heard nothing',
  )
  assert.ok(silent.connections() <= 2, `${silent.connections()} connections to one host`)
  const begun = performance.now()
  await newsroom.application.stop()
  const took = performance.now() - begun
  assert.ok(took < 5 * second, `the stop took ${took} ms`)
})

test('a process that has died loses its deliveries to another in under a minute, and one that lives does not', async (t) => {
  await takenOver(t, await newsroomOf(t, addressesAt('a.test', 1)))
})

async function takenOver(t: TestContext, newsroom: Newsroom): Promise<void> {
  const { leases, jobs } = newsroom.application.storage
  await addMails(newsroom, addressesAt('a.test', 1))
  await leases.begin('another')
  const leased = await jobs.lease('mail', 'another', { count: 10, now: newsroom.now() })
  assert.equal(leased?.length, 1)
  const round = async (clockIsWrongBy: number) => {
    newsroom.setClock(clockIsWrongBy)
    await newsroom.application.workOnce()
    newsroom.passTime(2 * second)
  }
  for (let passed = 0; passed < 2 * minute; passed += 2 * second) {
    await leases.renew('another')
    await round(0)
  }
  const { mails } = newsroom.mailServer
  assert.equal(mails.length, 0, 'it was taken from a process that lives')
  let passed = 0
  // A clock that is set says nothing of how long that has been.
  for (; mails.length === 0 && passed < 2 * minute; passed += 2 * second) await round(passed % 4 ? -hour : 0)
  newsroom.setClock(0)
  assert.equal(mails.length, 1)
  assert.ok(passed < minute, `it took ${passed / second} s`)
  t.diagnostic(`it was taken over after ${passed / second} s`)
  assert.ok(newsroom.logged.some((line) => /another process that worked on the outbox has died/.test(line)))
}

const programs = postgresPrograms()

describe('several machines on PostgreSQL', { skip: programs ? false : 'PostgreSQL is not installed' }, () => {
  let cluster: Cluster
  let count = 0
  before(async () => {
    cluster = await startCluster(programs ?? '')
  })
  after(() => cluster.stop())
  const fresh = () => cluster.url(`outbox${count++}`)

  test('a machine that has died loses its deliveries to another in under a minute', async (t) => {
    await takenOver(t, await newsroomOf(t, addressesAt('a.test', 1), { DATABASE_URL: await fresh() }))
  })

  test('the deliveries of a machine that is killed while it sends are taken over', async (t) => {
    const env = { DATABASE_URL: await fresh(), MEMORY_KEY: 'a memory key that two machines share' }
    const newsroom = await newsroomOf(t, addressesAt('a.test', 2), env, brisk)
    await addMails(newsroom, addressesAt('a.test', 2))
    const silent = await openSilence(t)
    const machine = await startProcess({
      ...newsroom.settings,
      SMTP_URL: `smtp://127.0.0.1:${silent.port}`,
    })
    t.after(() => machine.kill())
    await until(
      () => silent.connections() === 2,
      10 * second,
      () => 'nobody connects',
    )
    await machine.kill()
    await newsroom.application.startWork()
    const { mails } = newsroom.mailServer
    await until(
      () => mails.length >= 2,
      10 * second,
      () => `${mails.length} of 2 came`,
    )
    cameOnce(newsroom.mailServer, 2)
  })

  test('a machine that cannot reach the database gives its lease up before another takes over', async (t) => {
    const env = { DATABASE_URL: await fresh(), MEMORY_KEY: 'a memory key that two machines share' }
    const newsroom = await newsroomOf(t, addressesAt('a.test', 1), env, brisk)
    const { storage } = newsroom.application
    const { reference } = await newsroom.submit('story-angle')
    await newsroom.workOff()
    newsroom.mailServer.mails.splice(0)
    await answer(newsroom, reference, [{ name: 'a.txt', content: Buffer.alloc(12 * 1024 * 1024, 'words\n') }])
    newsroom.passTime(minute)
    newsroom.mailServer.slow.reading = 100
    await newsroom.application.startWork()
    await until(
      () => newsroom.mailServer.inHand() === 1,
      10 * second,
      () => 'nothing is sent',
    )
    // Nothing of leases can be read or written, as behind a net that is cut.
    storage.leases.all = () => new Promise(() => undefined)
    const other = await newsroom.another()
    await other.startWork()
    await until(
      () => newsroom.logged.some((line) => /lease on deliveries is lost/.test(line)),
      second,
      () => 'silence',
    )
    newsroom.mailServer.slow.reading = 0
    const { mails } = newsroom.mailServer
    await until(
      () => mails.length > 0,
      15 * second,
      () => 'nobody takes over',
    )
    await sleep(second)
    cameOnce(newsroom.mailServer, 1)
  })

  test('a mail that is put off is tried again', async (t) => {
    const newsroom = await newsroomOf(t, addressesAt('a.test', 1), { DATABASE_URL: await fresh() })
    await addMails(newsroom, addressesAt('a.test', 1))
    const { mailServer } = newsroom
    mailServer.refuse.recipient = 451
    await newsroom.application.workOnce()
    mailServer.refuse.recipient = undefined
    await newsroom.application.workOnce()
    assert.equal(mailServer.mails.length, 0, 'it was not put off')
    newsroom.passTime(minute)
    await newsroom.application.workOnce()
    cameOnce(mailServer, 1)
  })

  test('two machines share the work, and no mail goes twice', async (t) => {
    const mailServer = await openMailServer()
    const folder = folderUntilExit('machines')
    const env = {
      DATA_DIR: join(folder, 'data'),
      UPLOADS_DIR: join(folder, 'uploads'),
      DATABASE_URL: await fresh(),
      MEMORY_KEY: 'a memory key that two machines share',
      SMTP_URL: mailServer.url,
      LOG_LEVEL: 'warn',
    }
    const machines: RunningProcess[] = []
    t.after(async () => {
      await Promise.all(machines.map((machine) => machine.kill()))
      await mailServer.close()
    })
    for (let i = 0; i < 2; i++) machines.push(await startProcess({ ...env, PORT: String(await freePort()) }))
    mailServer.slow.accepting = 100
    const submissions = Array.from({ length: 60 }, (_, i) => ({
      ...storyAngle(),
      email: `sender${i}@s${i % 9}.test`,
    }))
    await Promise.all(submissions.map((submission, i) => post(machines[i % 2]?.url ?? '', submission)))
    const receipts = () => mailServer.mails.filter(({ recipient }) => recipient.startsWith('sender'))
    await until(
      () => receipts().length >= 60,
      30 * second,
      () => `${receipts().length} of 60 came`,
    )
    assert.deepEqual(await Promise.all(machines.map((machine) => machine.stop())), [0, 0])
    const ids = mailServer.mails.map(({ messageId }) => messageId)
    assert.equal(new Set(ids).size, ids.length, 'a mail came twice')
  })
})

test('a mailer that could not be made at first is made with the next mail', async (t) => {
  const newsroom = await openNewsroom(t)
  const key = join(newsroom.settings.DATA_DIR, 'dkim.pem')
  await mkdir(key)
  await addMails(newsroom, [editorAddress])
  await newsroom.workOff()
  assert.equal(newsroom.mailServer.mails.length, 0)
  await rmdir(key)
  newsroom.passTime(minute)
  await newsroom.workOff()
  assert.ok(newsroom.mailServer.mails.length > 0)
})

/** An editor answers, with files. */
async function answer(
  newsroom: Newsroom,
  reference: string,
  files: { name: string; content: Buffer }[] = [],
): Promise<void> {
  const request = newsroom
    .http()
    .post(`/desk/submissions/${reference}/answer`)
    .set('cookie', await newsroom.signIn(addressesAt('a.test', 1)[0]))
    .set('sec-fetch-site', 'same-origin')
  for (const [name, value] of Object.entries({
    ...(await newsroom.seen(reference)),
    body: 'An answer for you.',
  }))
    request.field(name, value)
  for (const { name, content } of files) request.attach('files', content, name)
  const response = await request
  assert.equal(response.status, 303, response.text)
}

/** A bot with a webhook at this port sends a submission. */
async function sentByBot(newsroom: Newsroom, port: number): Promise<string> {
  const token = newToken()
  const hookUrl = `http://127.0.0.1:${port}/hook`
  const made = { name: `bot ${port}`, tokenHash: hashToken(token), hourlyLimit: 0, hookUrl }
  await newsroom.application.storage.apiTokens.add(made, newsroom.now())
  const { status, body, text } = await newsroom
    .http()
    .post('/api/v1/submissions')
    .set('authorization', `Bearer ${token}`)
    .set('idempotency-key', `key-${port}`)
    .send({ kind: 'story-angle', title: 'The last typewriter mender', body: storyAngle().body })
  assert.equal(status, 201, text)
  return body.reference
}

async function post(url: string, submission: object): Promise<void> {
  const form = new FormData()
  for (const [name, value] of Object.entries(submission)) form.set(name, String(value))
  const headers = { accept: 'application/json' }
  const response = await fetch(`${url}/submit/story-angle`, { method: 'POST', body: form, headers })
  assert.equal(response.status, 201)
}

/** Takes connections and says nothing. */
async function openSilence(t: TestContext): Promise<{ port: number; connections: () => number }> {
  const sockets: Socket[] = []
  const server: Server = createServer((socket) => {
    socket.on('error', () => undefined)
    sockets.push(socket)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', () => resolve()))
  t.after(() => {
    for (const socket of sockets) socket.destroy()
    server.close()
  })
  return { port: (server.address() as { port: number }).port, connections: () => sockets.length }
}
