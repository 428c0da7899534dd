import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { chmod, mkdir, readdir, rm, stat, symlink } from 'node:fs/promises'
import { connect } from 'node:net'
import { join } from 'node:path'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { promisify } from 'node:util'
import { folderUntilExit } from '../support/folder.ts'
import { startProcess } from '../support/process.ts'
import { tip } from '../support/submissions.ts'

function folder() {
  const path = folderUntilExit('start')
  return { DATA_DIR: join(path, 'data'), UPLOADS_DIR: join(path, 'uploads'), NEWSROOM_NAME: 'Test Post' }
}

async function barua(
  env: Record<string, string>,
  ...args: string[]
): Promise<{ code: number; lines: string[] }> {
  const options = { env: { PATH: process.env.PATH ?? '', ...env } }
  const { code, stdout, stderr } = await promisify(execFile)(
    process.execPath,
    ['src/main.ts', ...args],
    options,
  ).then(
    (done) => ({ code: 0, ...done }),
    (error: { code: number; stdout: string; stderr: string }) => error,
  )
  return { code, lines: `${stdout}${stderr}`.trim().split('\n') }
}

/** Waits for a finished mail; one that is being written has another ending. */
async function mailIn(path: string): Promise<void> {
  for (let attempts = 0; attempts < 100; attempts++) {
    const names = await readdir(path).catch(() => [])
    if (names.some((name) => name.endsWith('.eml'))) return
    await sleep(50)
  }
  assert.fail('no mail was kept')
}

test('started with nothing, it says where everything is and how to come in', async (t) => {
  const env = folder()
  const running = await startProcess(env)
  t.after(() => running.kill())
  const said = running.output()
  const port = new URL(running.url).port
  assert.ok(said.includes(`Letterbox   http://localhost:${port}/`))
  assert.ok(said.includes(join(env.DATA_DIR, 'mail')))
  assert.match(
    said,
    new RegExp(
      `POST http://localhost:${port}/webhooks/telegram\\n.*X-Telegram-Bot-Api-Secret-Token: [\\w-]{32}\\n`,
    ),
  )
  const link = /http:\/\/localhost:\d+(\/desk\/sign-in\/[\w-]+)/.exec(said)?.[1]
  const signedIn = await fetch(running.url + link, { method: 'POST', redirect: 'manual' })
  assert.equal(signedIn.status, 303)
  await mailIn(join(env.DATA_DIR, 'mail'))

  // The shell side works while the server runs.
  const added = await barua(env, 'editor', 'add', 'New@Newsroom.test')
  assert.equal(added.code, 0, added.lines.join('\n'))
  const newLink = new URL(added.lines.at(-1) as string)
  assert.equal(
    (await fetch(running.url + newLink.pathname, { method: 'POST', redirect: 'manual' })).status,
    303,
  )
  assert.deepEqual((await barua(env, 'editor', 'list')).lines, [
    'editor@localhost (admin)',
    'new@newsroom.test',
  ])
  assert.match(
    (await barua(env, 'editor', 'reset', 'new@newsroom.test')).lines.at(-1) ?? '',
    /\/desk\/sign-in\//,
  )
  assert.equal((await barua(env, 'editor', 'remove', 'new@newsroom.test')).code, 0)
  for (const wrong of [['editor', 'add', 'nobody'], ['editor', 'remove', 'x@y.test'], ['nonsense']]) {
    assert.equal((await barua(env, ...wrong)).code, 1, wrong.join(' '))
  }

  await running.stop()
  const again = await startProcess(env)
  t.after(() => again.kill())
  const secret = /Secret-Token: ([\w-]{32})\n/.exec(said)?.[1] as string
  assert.ok(!again.output().includes(secret), 'the secret is printed once')
})

test('until somebody has set up, every start says how to come in, and the command that it names does it', async (t) => {
  const env = folder()
  const first = await startProcess(env)
  t.after(() => first.kill())
  const lost = /\/desk\/sign-in\/[\w-]+/.exec(first.output())?.[0] ?? ''
  assert.ok(lost)
  const page = await (await fetch(`${first.url}/submit/news-tip`)).text()
  const nonce = /name="nonce" value="([^"]+)"/.exec(page)?.[1] ?? ''
  const sent = await fetch(`${first.url}/submit/news-tip`, {
    method: 'POST',
    body: new URLSearchParams({ ...tip(), nonce }),
  })
  assert.ok(sent.ok)
  await first.stop()

  const second = await startProcess(env)
  t.after(() => second.kill())
  assert.match(second.output(), /Nobody has set up the desk yet/)
  assert.doesNotMatch(second.output(), /\/desk\/sign-in\//)
  const command = /npm run barua -- (editor reset \S+)/.exec(second.output())?.[1] ?? ''
  const asked = await barua(env, ...command.split(' '))
  assert.equal(asked.code, 1)
  assert.match(asked.lines.join(' '), /add --lose-what-is-sealed 1/)
  const reset = await barua(env, ...command.split(' '), '--lose-what-is-sealed', '1')
  assert.equal(reset.code, 0, reset.lines.join('\n'))
  const { pathname } = new URL(reset.lines.at(-1) ?? '')
  const passphrase = 'five words of my own'
  const body = new URLSearchParams({ passphrase, again: passphrase })
  const answer = await fetch(second.url + pathname, { method: 'POST', body, redirect: 'manual' })
  assert.equal(answer.status, 303)
  await second.stop()

  const third = await startProcess(env)
  t.after(() => third.kill())
  assert.doesNotMatch(third.output(), /set up|sign-in/)
})

test('a desk under a path of another site’s host is warned of at every start, and one with its own host is named', async (t) => {
  const shared = { ...folder(), PUBLIC_URL: 'https://news.test/tips' }
  const warned = await startProcess(shared)
  t.after(() => warned.kill())
  assert.match(
    warned.output(),
    /Desk +https:\/\/news\.test\/tips\/desk\n +WARNING: every script on news\.test [\s\S]+DESK_URL/,
  )
  const apart = { ...folder(), PUBLIC_URL: 'https://news.test/tips', DESK_URL: 'https://desk.news.test' }
  const running = await startProcess(apart)
  t.after(() => running.kill())
  assert.match(
    running.output(),
    /Letterbox +https:\/\/news\.test\/tips\/\nDesk +https:\/\/desk\.news\.test\/desk\n/,
  )
  assert.match(running.output(), /\n +https:\/\/desk\.news\.test\/desk\/sign-in\//)
  assert.doesNotMatch(running.output(), /WARNING/)
  const added = await barua(apart, 'editor', 'add', 'other@news.test')
  assert.match(added.lines.at(-1) ?? '', /^https:\/\/desk\.news\.test\/desk\/sign-in\/[\w-]+$/)
})

test('a faulty configuration is named and nothing starts', async () => {
  const { code, lines } = await barua({ PORT: 'x', SMTP_URL: 'y' })
  assert.equal(code, 1)
  assert.equal(lines.length, 3)
  assert.match(lines.join(), /PORT.*SMTP_URL/)
})

test('told to stop, it finishes the request in flight and ends in good order', async (t) => {
  const env = folder()
  const running = await startProcess(env)
  t.after(() => running.kill())
  const body = `body=${encodeURIComponent(tip().body)}`
  const socket = connect(Number(new URL(running.url).port), '127.0.0.1')
  let answer = ''
  socket.on('data', (chunk) => {
    answer += chunk
  })
  const closed = new Promise((resolve) => socket.on('close', resolve))
  socket.write(
    `POST /submit/news-tip HTTP/1.1\r\nHost: x\r\nAccept: application/json\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: ${body.length}\r\nExpect: 100-continue\r\n\r\n`,
  )
  while (!answer.includes('100 Continue')) await sleep(10)
  socket.write(body.slice(0, 10))
  const stopped = running.stop()
  while (await isAnswering(running.url)) await sleep(50)
  socket.write(body.slice(10))
  await closed
  assert.match(answer, /^HTTP\/1\.1 201 /m)
  assert.equal(await stopped, 0)
})

async function isAnswering(url: string): Promise<boolean> {
  return fetch(`${url}/healthz`).then(
    () => true,
    () => false,
  )
}

test('compiled code is kept where nobody else can write, and nowhere else', async () => {
  const env = folder()
  const temporary = join(env.DATA_DIR, '..', 'tmp')
  await mkdir(temporary)
  const start = () => barua({ ...env, TMPDIR: temporary }, 'editor', 'list')
  const compiled = join(env.DATA_DIR, 'compiled')
  const kept = async () =>
    (await readdir(compiled, { recursive: true, withFileTypes: true })).filter((one) => one.isFile())
  await start()
  await start()
  assert.equal((await stat(compiled)).mode & 0o777, 0o700)
  const count = (await kept()).length
  assert.ok(count > 50, `${count} files`)
  // Whoever could have written there might have put anything there.
  for (const [place, mode] of [
    [compiled, 0o770],
    [env.DATA_DIR, 0o777],
  ] as const) {
    await rm(compiled, { recursive: true })
    await mkdir(compiled, { mode: 0o700 })
    await chmod(place, mode)
    await start()
    assert.deepEqual(await kept(), [], place)
    await chmod(place, 0o700)
  }
  await rm(compiled, { recursive: true })
  const elsewhere = join(temporary, 'elsewhere')
  await mkdir(elsewhere, { mode: 0o777 })
  await symlink(elsewhere, compiled)
  await start()
  assert.deepEqual(await readdir(elsewhere), [])
  const names = await readdir(temporary)
  assert.ok(!names.includes('node-compile-cache'), names.join())
})
