import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { describe, test } from 'node:test'
import { promisify } from 'node:util'
import { folderUntilExit } from '../support/folder.ts'
import { openNewsroom } from '../support/newsroom.ts'
import { postgresPrograms, startCluster } from '../support/postgres.ts'
import { freePort, type RunningProcess, runCommand, startProcess } from '../support/process.ts'
import { guestPost, tip } from '../support/submissions.ts'

const strace = '/usr/bin/strace'
const withStrace = existsSync(strace) ? {} : { skip: 'strace is not installed: apt-get install strace' }
const passphrase = 'five words of my own'

function places(): Record<string, string> {
  const folder = folderUntilExit('first-start')
  return { DATA_DIR: join(folder, 'data'), UPLOADS_DIR: join(folder, 'uploads') }
}

function linksIn(output: string): string[] {
  return [...output.matchAll(/(\/desk\/sign-in\/[\w-]+)/g)].map(([, path = '']) => path)
}

/** Sends a tip; gives its reference. */
async function sendTip(url: string): Promise<string> {
  const page = await (await fetch(`${url}/submit/news-tip`)).text()
  const nonce = /name="nonce" value="([^"]+)"/.exec(page)?.[1] ?? ''
  const body = new URLSearchParams({ ...tip(), nonce })
  const headers = { accept: 'application/json' }
  const sent = await fetch(`${url}/submit/news-tip`, { method: 'POST', body, headers })
  const said = (await sent.json()) as { reference: string }
  assert.equal(sent.status, 201, JSON.stringify(said))
  return said.reference
}

/** Sets a passphrase by a link, and sees whether the tip opens then. */
async function opensBy(url: string, path: string, reference: string): Promise<boolean> {
  const body = new URLSearchParams({ passphrase, again: passphrase })
  const answer = await fetch(url + path, { method: 'POST', body, redirect: 'manual' })
  if (answer.status !== 303) return false
  const cookie = answer.headers.getSetCookie()[0]?.split(';')[0] ?? ''
  const page = await fetch(`${url}/desk/submissions/${reference}`, { headers: { cookie } })
  return (await page.text()).includes(tip().title)
}

describe('a first start that fails, in any way, loses no key', () => {
  const failures: Record<string, (env: Record<string, string>) => Promise<void>> = {
    async 'the port is taken'(env) {
      const taken = createServer().listen(0, '127.0.0.1')
      await once(taken, 'listening')
      const port = String((taken.address() as { port: number }).port)
      assert.match((await runCommand({ ...env, PORT: port })).output, /cannot be listened on/)
      taken.close()
    },
    async 'a certificate that is none'(env) {
      const path = join(folderUntilExit('cert'), 'cert.pem')
      await writeFile(path, 'no certificate')
      const email = {
        EMAIL_LISTEN: `smtp://127.0.0.1:${await freePort()}`,
        EMAIL_ADDRESSES: 'a@b.test=news-tip',
      }
      const wrong = { ...env, ...email, EMAIL_TLS_KEY: path, EMAIL_TLS_CERT: path }
      assert.match((await runCommand(wrong)).output, /EMAIL_TLS_CERT/)
    },
    async 'nobody saw what was printed'(env) {
      await (await startProcess(env)).kill()
    },
  }
  for (const [name, fail] of Object.entries(failures)) {
    test(name, async (t) => {
      const env = places()
      await fail(env)
      const running = await startProcess(env)
      t.after(() => running.kill())
      const [link = ''] = linksIn(running.output())
      assert.ok(link, running.output())
      assert.ok(await opensBy(running.url, link, await sendTip(running.url)))
    })
  }

  test('killed at each fsync, and at listen', withStrace, async (t) => {
    const kill = async (env: Record<string, string>, injected: string) => {
      const args = ['-f', '-qq', '-o', '/dev/null', '-e', 'trace=fsync,listen', '-e', `inject=${injected}`]
      const options = {
        env: { PATH: process.env.PATH ?? '', PORT: '0', UV_THREADPOOL_SIZE: '1', ...env },
        timeout: 15_000,
      }
      return promisify(execFile)(strace, [...args, process.execPath, 'src/main.ts'], options).then(
        () => false,
        ({ signal, code }: { signal?: string; code?: number }) => signal !== 'SIGTERM' && code !== 1,
      )
    }
    const points = [
      'listen:signal=SIGKILL:when=1',
      ...[1, 2, 3].map((nth) => `fsync:signal=SIGKILL:when=${nth}`),
    ]
    for (const point of points) {
      const env = places()
      await kill(env, point)
      const running = await startProcess(env)
      t.after(() => running.kill())
      const [link = ''] = linksIn(running.output())
      assert.ok(link, `${point}: ${running.output()}`)
      assert.ok(await opensBy(running.url, link, await sendTip(running.url)), point)
      await running.kill()
    }
  })
})

test('until one was used, every start prints new links, and those from before stay good; then they are dead', async (t) => {
  const env = places()
  const printed: string[] = []
  let running: RunningProcess | undefined
  for (let i = 0; i < 3; i++) {
    running = await startProcess(env)
    printed.push(...linksIn(running.output()))
    if (i < 2) await running.stop()
  }
  assert.ok(running)
  t.after(() => running?.kill())
  assert.equal(new Set(printed).size, 3)
  const [first = '', second = '', third = ''] = printed
  const reference = await sendTip(running.url)

  // It signs in once. Where the answer to that is lost, or no passphrase was set, it is still the only way to its key: it
  // unlocks a session of its editor.
  const follow = (link: string, cookie = '') =>
    fetch(running?.url + link, { method: 'POST', redirect: 'manual', headers: { cookie } })
  assert.equal((await follow(first)).status, 303)
  assert.equal((await follow(first)).status, 404)
  const cookie = (await follow(second)).headers.getSetCookie()[0]?.split(';')[0] ?? ''
  assert.equal((await follow(first, cookie)).status, 303)
  const seen = await fetch(`${running.url}/desk/submissions/${reference}`, { headers: { cookie } })
  assert.ok((await seen.text()).includes(tip().title))
  assert.ok(await opensBy(running.url, third, reference))
  for (const link of [first, second, third]) assert.equal((await fetch(running.url + link)).status, 404)
  await running.stop()
  running = await startProcess(env)
  assert.deepEqual(linksIn(running.output()), [])
})

test('once something is sealed, a start makes no other key, and says where the links are', async (t) => {
  const env = places()
  let running = await startProcess(env)
  t.after(() => running.kill())
  const [link = ''] = linksIn(running.output())
  const reference = await sendTip(running.url)
  await running.stop()
  running = await startProcess(env)
  assert.match(running.output(), /printed at earlier starts/)
  assert.ok(await opensBy(running.url, link, reference))
})

test('a desk from before there were keys has its first one made, whoever has set up and whatever is there', async (t) => {
  const env = places()
  const before = await startProcess(env)
  t.after(() => before.kill())
  const [old = ''] = linksIn(before.output())
  assert.ok(await opensBy(before.url, old, await sendTip(before.url)))
  await before.stop()
  const db = new DatabaseSync(join(env.DATA_DIR ?? '', 'barua.db'))
  for (const table of ['desk_keys', 'key_holders', 'key_wraps', 'key_grants']) db.exec(`delete from ${table}`)
  db.close()
  const running = await startProcess(env)
  t.after(() => running.kill())
  const [link = ''] = linksIn(running.output())
  assert.ok(link, running.output())
  assert.ok(await opensBy(running.url, link, await sendTip(running.url)))
})

const programs = postgresPrograms()
test(
  'two machines that start at once on an empty PostgreSQL: the links of both are good',
  programs ? {} : { skip: 'PostgreSQL is not installed: apt-get install postgresql' },
  async (t) => {
    const cluster = await startCluster(programs ?? '')
    t.after(() => cluster.stop())
    for (const round of [1, 2]) {
      const env = {
        ...places(),
        DATABASE_URL: await cluster.url(`first${round}`),
        EDITORS: 'a@b.test,c@b.test',
      }
      const machines = await Promise.all([startProcess(env), startProcess(env)])
      for (const machine of machines) t.after(() => machine.kill())
      const [one = '', two = ''] = machines.map(({ output }, i) => linksIn(output())[i] ?? '')
      const reference = await sendTip(machines[0].url)
      assert.ok(await opensBy(machines[1].url, one, reference), `${round}: the first machine's`)
      assert.ok(await opensBy(machines[0].url, two, reference), `${round}: the second machine's`)
    }
  },
)

describe('while nobody has a way to open', () => {
  test('what is confidential is refused with a clear word by each channel, and the rest comes in', async (t) => {
    const newsroom = await openNewsroom(t, {
      EMAIL_LISTEN: 'smtp://127.0.0.1:0',
      EMAIL_ADDRESSES: 'tips@in.test=news-tip',
    })
    const db = new DatabaseSync(join(newsroom.settings.DATA_DIR, 'barua.db'))
    t.after(() => db.close())
    db.exec('delete from key_wraps')
    const nobody = /Nobody at the newsroom can open what is confidential yet/
    const refused = await newsroom.post('news-tip')
    assert.equal(refused.status, 503)
    assert.match(refused.body.error.message, nobody)
    const page = await newsroom
      .http()
      .post('/submit/news-tip')
      .type('form')
      .send({ ...tip(), nonce: await newsroom.nonce() })
    assert.equal(page.status, 503)
    assert.match(page.text, nobody)
    assert.ok(page.text.includes(tip().body), 'the words are lost')
    const marked = await newsroom.post('guest-post', { ...guestPost(), confidential: 'yes' })
    assert.equal(marked.status, 503)
    await assert.rejects(
      newsroom.receiveMail({ to: 'tips@in.test', subject: 'A tip', text: 'The bridge is closed.' }),
    )
    assert.equal((await newsroom.post('guest-post')).status, 201)
    assert.equal((await newsroom.all()).length, 1)
  })
})
