import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { globSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { folderUntilExit } from './support/folder.ts'
import { compose } from './support/mail.ts'
import { freePort } from './support/process.ts'
import { botToken, openTelegramServer } from './support/telegram-server.ts'

const documents = ['README.md', 'CONTRIBUTING.md', 'SECURITY.md', 'bench/README.md', ...globSync('docs/*.md')]

/**
 * The commands of ours that a document tells people to give, in code: `npm run barua -- editor add`, and the like. What
 * follows them is left out.
 */
function commandsIn(text: string): string[] {
  const blocks = [...text.matchAll(/^```\w*\n([\s\S]*?)^```/gm)].map(([, block = '']) => block)
  const spans = [...text.replace(/^```[\s\S]*?^```/gm, '').matchAll(/`([^`\n]+)`/g)].map(
    ([, span = '']) => span,
  )
  const lines = [...blocks, ...spans].flatMap((code) => code.split('\n'))
  const commands = lines.flatMap((line) => line.replace(/(^|\s)#.*/, '').split(/&&|;/))
  return commands.flatMap((command) => {
    const given = command
      .trim()
      .replace(/^(?:[A-Z_]+=\S+\s+)+/, '')
      .replace(/^ExecStart=\S+\//, '')
    const shape = /^(npm run barua -- \w+ \w+|npm run [\w:-]+|npm \w+|npx .+|node \S+|\.ci\/run)/
    return shape.exec(given)?.[1]?.trim() ?? []
  })
}

type Ended = { code: number | null; output: string; lines: string[] }
type Env = Record<string, string>

function begin(
  command: string,
  env: Env,
): { child: ChildProcess; output: () => string; ended: Promise<Ended> } {
  const child = spawn('/bin/sh', ['-c', command], {
    env: { PATH: process.env.PATH ?? '', HOME: env.HOME, ...env },
    // A group of its own: npm's children end with it.
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let output = ''
  for (const stream of [child.stdout, child.stderr]) stream?.on('data', (chunk) => (output += chunk))
  const ended = new Promise<Ended>((resolve) => {
    child.once('close', (code) => resolve({ code, output, lines: output.trim().split('\n') }))
  })
  return { child, output: () => output, ended }
}

/** Gives a command as it is written, and sees it succeed. */
async function give(command: string, env: Env): Promise<Ended> {
  const done = await begin(command, env).ended
  assert.equal(done.code, 0, `${command}: ${done.output}`)
  return done
}

function end({ child }: { child: ChildProcess }, signal: NodeJS.Signals = 'SIGTERM'): void {
  if (child.pid && child.exitCode === null) process.kill(-child.pid, signal)
}

async function until(is: () => boolean | Promise<boolean>, what: () => string): Promise<void> {
  for (let attempts = 0; attempts < 600; attempts++) {
    if (await is()) return
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
  assert.fail(what())
}

const answers = (url: string) =>
  fetch(`${url}/healthz`).then(
    ({ ok }) => ok,
    () => false,
  )

describe('every command that the documents name is run', async () => {
  const folder = folderUntilExit('documents')
  const telegram = await openTelegramServer()
  const [port, mailPort, devPort] = await Promise.all([freePort(), freePort(), freePort()])
  const site = `http://127.0.0.1:${port}`
  const env: Env = {
    HOME: folder,
    PORT: String(port),
    DATA_DIR: join(folder, 'data'),
    UPLOADS_DIR: join(folder, 'uploads'),
    EDITORS: 'anna@in.example.org',
    // Mail goes out through the listener that it comes in by.
    SMTP_URL: `smtp://127.0.0.1:${mailPort}`,
    EMAIL_LISTEN: `smtp://127.0.0.1:${mailPort}`,
    EMAIL_ADDRESSES: 'stories@in.example.org=story-angle',
    MAIL_FROM: 'Barua <letterbox@in.example.org>',
    TELEGRAM_BOT_TOKEN: botToken,
    TELEGRAM_API_ROOT: telegram.root,
  }
  const benchEnv: Env = {
    HOME: folder,
    BENCH_SECONDS: '1',
    BENCH_ROUNDS: '1',
    BENCH_CONNECTIONS: '2',
    BENCH_LOADS: 'conversation',
    BENCH_LISTS: 'two words',
    BENCH_JOBS: 'erasing',
    BENCH_SIZES: '50',
    BENCH_READERS: '2',
    BENCH_HOSTILE: '5',
    BENCH_TRIES: '1',
  }
  const barua = (rest: string) => give(`npm run barua -- ${rest}`, env)
  const runs = (path: string, line: string) => async () => {
    assert.ok(readFileSync(path, 'utf8').split('\n').includes(line), `${path} does not run ${line}`)
  }
  const bench = (name: string, figures: RegExp) => async () => {
    assert.match((await give(`npm run ${name}`, benchEnv)).output, figures)
  }
  let server: ReturnType<typeof begin> | undefined

  async function startServer(): Promise<void> {
    server = begin('npm start', env)
    await until(
      () => answers(site),
      () => `npm start: ${server?.output()}`,
    )
  }

  const how: Record<string, () => Promise<void>> = {
    'npm ci': runs('.ci/run', 'npm ci && npm test'),
    'npm test': runs('.ci/run', 'npm ci && npm test'),
    'npm run test:endurance': runs('.ci/run', 'npm run test:endurance'),
    'npm run check': runs('.ci/run', 'npm run check'),
    async 'npm run fix'() {
      await give('npm run fix', env)
    },
    async '.ci/run'() {
      await give('bash -n .ci/run', env)
    },
    'npm start': startServer,
    async 'node src/main.ts'() {
      const { scripts } = JSON.parse(readFileSync('package.json', 'utf8'))
      assert.equal(scripts.start, 'node src/main.ts', 'npm start runs another program')
    },
    async 'npm run dev'() {
      const besides = { DATA_DIR: join(folder, 'dev'), UPLOADS_DIR: join(folder, 'dev-files') }
      const own = { ...env, PORT: String(devPort), EMAIL_LISTEN: '', ...besides }
      const dev = begin('npm run dev', own)
      await until(
        () => answers(`http://127.0.0.1:${devPort}`),
        () => `npm run dev: ${dev.output()}`,
      )
      end(dev, 'SIGKILL')
      await dev.ended
    },
    async 'npm run seed'() {
      const { output } = await give('npm run seed -- 8', env)
      assert.match(output, /8 made-up submissions are at the desk/)
      const [cookie = ''] = (
        await fetch(site + (await signInPath()), { method: 'POST', redirect: 'manual' })
      ).headers
        .getSetCookie()
        .map((one) => one.split(';')[0])
      const page = async (path: string) => (await fetch(site + path, { headers: { cookie } })).text()
      const links = [...(await page('/desk?view=all')).matchAll(/class="title" href="([^"]+)"/g)].map(
        ([, link = '']) => link,
      )
      assert.equal(links.length, 8)
      for (const link of links)
        assert.match(await page(link.replaceAll('&amp;', '&')), /<h2[^>]*>Conversation/)
    },
    async 'npm run barua -- editor add'() {
      assert.match((await barua('editor add otto@example.org')).lines.at(-1) ?? '', /\/desk\/sign-in\//)
      assert.match((await barua('editor add otto@example.org admin')).lines.at(-1) ?? '', /\/desk\/sign-in\//)
    },
    async 'npm run barua -- editor list'() {
      assert.ok((await barua('editor list')).lines.includes('otto@example.org (admin)'))
    },
    async 'npm run barua -- editor reset'() {
      assert.match((await barua('editor reset otto@example.org')).lines.at(-1) ?? '', /\/desk\/sign-in\//)
    },
    async 'npm run barua -- editor remove'() {
      assert.match((await barua('editor remove otto@example.org')).output, /no longer an editor/)
    },
    async 'npm run barua -- storage adopt'() {
      const own = { ...env, DATA_DIR: join(folder, 'restored'), UPLOADS_DIR: join(folder, 'restored-files') }
      assert.match((await give('npm run barua -- storage adopt', own)).output, /belong together/)
    },
    async 'npm run barua -- storage sweep'() {
      assert.match((await barua('storage sweep')).output, /^0 files that nothing speaks of/m)
    },
    async 'npm run barua -- audit verify'() {
      const head = (await barua('audit verify')).lines.at(-1) ?? ''
      assert.match(head, /^[\da-f]{64}$/)
      await barua(`audit verify ${head}`)
    },
    async 'npm run barua -- token add'() {
      const { lines } = await barua('token add "Signal bridge" --limit 600')
      const answer = await fetch(`${site}/api/v1/submissions`, {
        method: 'POST',
        headers: { authorization: `Bearer ${lines.at(-1)}`, 'content-type': 'application/json' },
        body: JSON.stringify({ kind: 'news-tip', body: 'Two trucks leave the depot every Friday night.' }),
      })
      assert.equal(answer.status, 201)
    },
    async 'npm run barua -- token list'() {
      assert.match((await barua('token list')).output, /Signal bridge, 600 an hour/)
    },
    async 'npm run barua -- token revoke'() {
      await barua('token revoke "Signal bridge"')
    },
    async 'npm run barua -- telegram connect'() {
      await give('npm run barua -- telegram connect', { ...env, PUBLIC_URL: 'https://letterbox.example.org' })
      assert.equal(telegram.webhook.url, 'https://letterbox.example.org/webhooks/telegram')
    },
    async 'npm run barua -- telegram check'() {
      assert.match((await barua('telegram check')).output, /Telegram posts to/)
    },
    async 'npm run barua -- telegram poll'() {
      const polling = begin('npm run barua -- telegram poll', env)
      await until(() => /Fetching updates/.test(polling.output()), polling.output)
      end(polling)
      await polling.ended
    },
    async 'npm run barua -- email check'() {
      assert.match((await barua('email check')).output, /came back/i)
    },
    async 'npm run barua -- email keys'() {
      assert.match((await barua('email keys')).output, /v=DKIM1/)
    },
    async 'npm run barua -- email import'() {
      const path = join(folder, 'old-mail.eml')
      writeFileSync(
        path,
        await compose({ to: 'stories@in.example.org', subject: 'An old one', text: 'Of long ago.' }),
      )
      assert.deepEqual((await barua(`email import ${path}`)).lines.at(-1), '1 new')
    },
    'npm run bench': bench('bench', /^talking +\d+\/s[\s\S]*ratio/m),
    'npm run bench:mail': bench('bench:mail', /5 hostile mails[\s\S]*Barua +\d+\/s/),
    'npm run bench:desk': bench('bench:desk', /^two words +\d+[\s\S]*^erasing +\d+/m),
    'npm run bench:erase': bench('bench:erase', /rows of a piece +\d+ steps/),
    'npm run bench:sign-in': bench('bench:sign-in', /\d+ ms with an account, \d+ ms without/),
  }

  async function signInPath(): Promise<string> {
    return new URL((await barua('editor add wanja@in.example.org')).lines.at(-1) ?? '').pathname
  }

  test('none is named that is not run here, and none is run that is not named', () => {
    const named = new Set(documents.flatMap((path) => commandsIn(readFileSync(path, 'utf8'))))
    assert.deepEqual([...named].toSorted(), Object.keys(how).toSorted())
  })
  for (const [command, run] of Object.entries(how)) test(command, run)

  test('and the server ran well meanwhile, and stops', async () => {
    assert.ok(server)
    end(server)
    await server.ended
    assert.doesNotMatch(server.output(), /caught by nobody/)
    await telegram.close()
  })
})
