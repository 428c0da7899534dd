import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { text } from 'node:stream/consumers'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { openStorage } from '../../src/app/stores.ts'
import { createCleaner } from '../../src/files/metadata/cleaner.ts'
import { previewNow } from '../../src/files/preview/preview.ts'
import { madeBy } from '../../src/files/processes/child-process.ts'
import { type Confinement, confinedBy } from '../../src/files/processes/confinement.ts'
import { bombs } from '../support/bombs.ts'
import { processesBelow, watched } from '../support/children.ts'
import { openNewsroom } from '../support/newsroom.ts'
import { freePort, startProcess } from '../support/process.ts'
import { offlineDesk, storageParts } from '../support/storage.ts'
import { onePagePdf, png, storyAngle } from '../support/submissions.ts'

const MiB = 1024 * 1024
/** What Node may take. */
const mostMemory = 1024 * MiB
const isThere = (program: string, ...args: string[]) => spawnSync(program, args).status === 0
const hasSandbox = isThere('bwrap', '--unshare-all', '--ro-bind', '/', '/', 'true')
const hasLimits = isThere('prlimit', '--version')
const skipFor: Record<Confinement, string | false> = {
  sandbox: !hasSandbox && 'needs bubblewrap: apt-get install bubblewrap',
  limits: !hasLimits && 'needs prlimit: apt-get install util-linux',
}
const confining = { skip: skipFor.limits, timeout: 120_000 }

/** What a program finds where files are read; `show` prints for it. */
async function found(way: Confinement, script: string): Promise<string | undefined> {
  const command = confinedBy(way, '-e', script)
  const made = await madeBy(command, Readable.from([]), { patience: 60_000 })
  return typeof made === 'string' ? undefined : text(made.content).catch(() => undefined)
}

for (const way of ['sandbox', 'limits'] as const) {
  test(`what reads a sender’s file is limited in memory, time, files and processes: ${way}`, {
    skip: skipFor[way],
  }, async () => {
    const told = await found(way, 'console.log(JSON.stringify(process.report.getReport().userLimits))')
    const limits = Object.entries(JSON.parse(told ?? '{}') as Record<string, { hard: number }>)
    assert.deepEqual(Object.fromEntries(limits.map(([name, { hard }]) => [name, hard])), {
      ...Object.fromEntries(limits.map(([name]) => [name, 'unlimited'])),
      ...Object.fromEntries(
        limits
          .filter(([name]) => /stack|locked|rss|nice|pend|message|real/.test(name))
          .map(([name, { hard }]) => [name, hard]),
      ),
      core_file_size_blocks: 0,
      cpu_time_seconds: 50,
      data_seg_size_bytes: 1280 * MiB,
      file_size_blocks: 0,
      max_user_processes: way === 'sandbox' ? 128 : 1024,
      open_files: 256,
      virtual_memory_bytes: 16_384 * MiB,
    })
    const taking =
      'try { console.log(Buffer.alloc(1300 * 2 ** 20, 1).length) } catch { console.log("refused") }'
    assert.doesNotMatch((await found(way, taking)) ?? '', /\d/)
    const enough = 'console.log(Buffer.alloc(300 * 2 ** 20, 1).length)'
    assert.equal((await found(way, enough))?.trim(), String(300 * MiB))
  })
}

test('in the sandbox it sees no file of ours, no network and no environment', {
  skip: skipFor.sandbox,
}, async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'barua-secret-'))
  t.after(() => rm(folder, { recursive: true, force: true }))
  await writeFile(join(folder, 'secret'), 'secret')
  const server = createServer().listen(0, '127.0.0.1')
  t.after(() => server.close())
  await new Promise((resolve) => server.once('listening', resolve))
  const { port } = server.address() as { port: number }
  process.env.BARUA_SECRET = 'secret'
  t.after(() => delete process.env.BARUA_SECRET)
  const told = await found(
    'sandbox',
    `const fs = require('node:fs')
const tried = (work) => { try { work(); return true } catch { return false } }
const places = ['/x', '/usr/x', ${JSON.stringify(join(process.cwd(), 'src', 'x'))}, '/tmp/x', '/dev/shm/x']
const seen = [${JSON.stringify(join(folder, 'secret'))}, ${JSON.stringify(join(process.cwd(), 'test'))}, '/proc/1', '/etc/passwd', '/home', '/root']
const socket = require('node:net').connect(${port}, '127.0.0.1')
socket.on('error', () => done(false)).on('connect', () => done(true))
const done = (isConnected) => { console.log(JSON.stringify([
  seen.filter((place) => fs.existsSync(place)),
  places.filter((place) => tried(() => fs.writeFileSync(place, 'some bytes'))),
  isConnected,
  Object.keys(process.env).sort(),
])); process.exit() }`,
  )
  assert.deepEqual(JSON.parse(told ?? ''), [
    [],
    [],
    false,
    ['HOME', 'LANG', 'PATH', 'PWD', 'VIPS_DISC_THRESHOLD'],
  ])
})

test('where memory runs out, it is ended before the letterbox', confining, async () => {
  const command = { file: 'cat', args: ['/proc/self/oom_score_adj'], env: { PATH: '/bin:/usr/bin' } }
  const made = await madeBy(command, Readable.from([]), { patience: 5000 })
  assert.ok(typeof made === 'object')
  assert.equal((await text(made.content)).trim(), '1000')
})

test(
  'a small file that would take gigabytes gets no preview, and takes no more than its limits',
  confining,
  async () => {
    for (const { name, type, content } of await bombs()) {
      assert.ok(content.length < 2 * MiB, `${name} has ${content.length} bytes`)
      const begun = performance.now()
      const { made, peak } = await watched(() => previewNow(type, Readable.from([content])))
      assert.equal(made, undefined, name)
      assert.ok(peak < mostMemory, `${name}: ${Math.round(peak / MiB)} MiB`)
      assert.ok(performance.now() - begun < 40_000, name)
    }
    assert.ok(await previewNow('image/png', Readable.from([png()])))
    assert.equal(
      String(await previewNow('application/pdf', Readable.from([onePagePdf('The bridge')]))),
      'The bridge',
    )
  },
)

test('a clean copy of such a picture is refused by what its head says', confining, async () => {
  const cleaner = createCleaner()
  for (const { name, type, content } of (await bombs()).filter((one) =>
    /^(?:AVIF|progressive|WebP|GIF)/.test(one.name),
  )) {
    const file = { type, name: 'a', size: content.length, isRaw: false }
    const { made, peak } = await watched(() => cleaner.clean(file, async () => Readable.from([content])))
    assert.match(String(made), /^(?:too-large|unreadable)$/, name)
    assert.ok(peak < mostMemory, `${name}: ${Math.round(peak / MiB)} MiB`)
  }
})

test('however many files are asked for, one is read at a time', confining, async () => {
  const cleaner = createCleaner()
  const picture = png(1500, 1500)
  const file = { type: 'image/png', name: 'a.png', size: picture.length, isRaw: false }
  const { made, atOnce } = await watched(() =>
    Promise.all([
      ...[1, 2, 3].map(() => previewNow('image/png', Readable.from([picture]))),
      ...[1, 2, 3].map(async () => {
        const copy = await cleaner.clean(file, async () => Readable.from([picture]))
        if (typeof copy === 'object') await text(copy.content)
        return copy
      }),
    ]),
  )
  assert.ok(made.every((one) => typeof one === 'object'))
  assert.equal(atOnce, 1)
})

test('what was begun twice without an outcome is given up, and that is said', async (t) => {
  const newsroom = await openNewsroom(t)
  const { leases, jobs } = newsroom.application.storage
  await newsroom.submit('story-angle', storyAngle(), [{ name: 'a.png', content: png() }])
  for (const process of ['first', 'second']) {
    await leases.begin(process)
    const leased = await jobs.lease('preview', process, { count: 1, now: newsroom.now() })
    assert.equal(leased?.length, 1)
    await leases.end({ id: process, renewals: 0 })
  }
  await newsroom.workOff()
  assert.equal((await newsroom.storedFiles()).length, 1)
  const page = await newsroom.deskPage('/desk/deliveries?state=failed')
  assert.match(page, /twice Barua came to an end while the file was read/)
  const [failed] = await jobs.page({ state: 'failed', size: 10 })
  // An editor may ask for one more try, which counts anew.
  await newsroom.application.storage.failedJobs.retry(failed?.id ?? '', '', newsroom.now())
  await newsroom.workOff()
  assert.equal((await newsroom.storedFiles()).length, 2)
})

test('previews of one submission do not wait for all of another’s', confining, async (t) => {
  const newsroom = await openNewsroom(t)
  const { attachments } = newsroom.application.storage
  const made: string[] = []
  const { previewed } = attachments
  attachments.previewed = async (id, previewId) => {
    made.push((await attachments.submissionOf(id)) ?? '')
    return previewed(id, previewId)
  }
  const pictures = Array.from({ length: 6 }, (_, i) => ({ name: `${i}.png`, content: png(40 + i) }))
  await newsroom.submit('story-angle', storyAngle(), pictures)
  const { reference } = await newsroom.submit('story-angle', storyAngle(), pictures.slice(0, 2))
  const { id } = await newsroom.submission(reference)
  await newsroom.workOff()
  assert.equal(made.length, 8)
  assert.ok(made.indexOf(id) <= 1 && made.lastIndexOf(id) <= 4, String(made.map((one) => one === id)))
})

test('what a stop broke off, or what failed and is tried again, does not count as begun', async (t) => {
  const newsroom = await openNewsroom(t)
  const { leases, jobs } = newsroom.application.storage
  await newsroom.submit('story-angle', storyAngle(), [{ name: 'a.png', content: png() }])
  for (const process of ['first', 'second', 'third']) {
    await leases.begin(process)
    const [one] = (await jobs.lease('preview', process, { count: 1, now: newsroom.now() })) ?? []
    assert.equal(one?.begun, 1)
    const at = newsroom.now()
    if (process === 'first') await leases.giveUp(process)
    else
      await jobs.settle([
        { id: one?.id ?? '', state: 'pending', at, dueAt: at, errorCode: 'unavailable', lease: process },
      ])
  }
  await newsroom.workOff()
  assert.equal((await newsroom.storedFiles()).length, 2)
})

test(
  'killed twice while it reads a file, the program starts again and leaves that file alone',
  confining,
  async (t) => {
    const folder = await mkdtemp(join(tmpdir(), 'barua-children-'))
    t.after(() => rm(folder, { recursive: true, force: true }))
    const env = {
      PORT: String(await freePort()),
      DATA_DIR: join(folder, 'data'),
      UPLOADS_DIR: join(folder, 'uploads'),
      OFFLINE_DESK_KEY: offlineDesk().recipient,
      LOG_LEVEL: 'warn',
    }
    // A file that takes its reader for ever, wherever it is.
    const before = `import children from 'node:child_process'
import { syncBuiltinESMExports } from 'node:module'
const { spawn } = children
children.spawn = (file, args, options) =>
  args.some((one) => one.endsWith('preview/process.ts')) ? spawn('/bin/sleep', ['60'], options) : spawn(file, args, options)
syncBuiltinESMExports()`
    let running = await startProcess(env, { before })
    t.after(() => running.kill())
    const form = new FormData()
    for (const [name, value] of Object.entries(storyAngle())) form.append(name, String(value))
    form.append('files', new Blob([new Uint8Array(png())]), 'a.png')
    const headers = { accept: 'application/json' }
    const sent = await fetch(`${running.url}/submit/story-angle`, { method: 'POST', body: form, headers })
    assert.equal(sent.status, 201, await sent.text())
    for (const _kill of [1, 2]) {
      const reader = await untilBegun(running.pid)
      await running.kill()
      process.kill(reader, 'SIGKILL')
      running = await startProcess(env, { before })
    }
    const failed = async () => {
      const storage = await openStorage(`sqlite:${env.DATA_DIR}/barua.db`, storageParts())
      return storage.jobs.page({ state: 'failed', size: 10 }).finally(() => storage.close())
    }
    for (let attempts = 0; attempts < 100 && (await failed()).length === 0; attempts++) await sleep(50)
    assert.deepEqual(
      (await failed()).map(({ type: jobType, errorCode }) => [jobType, errorCode]),
      [['preview', 'no-outcome']],
    )
  },
)

async function untilBegun(pid: number): Promise<number> {
  for (let attempts = 0; attempts < 500; attempts++) {
    const reader = (await processesBelow(pid)).find(({ command }) => command.includes('sleep 60'))
    if (reader) return reader.pid
    await sleep(20)
  }
  return assert.fail('no file is read')
}
