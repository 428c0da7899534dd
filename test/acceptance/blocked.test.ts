import assert from 'node:assert/strict'
import { join } from 'node:path'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { folderUntilExit } from '../support/folder.ts'
import { openNewsroom } from '../support/newsroom.ts'
import { freePort, startProcess } from '../support/process.ts'
import { type Brought, everyTakingRoute, webhookSecret } from '../support/routes.ts'
import { storyAngle } from '../support/submissions.ts'

const KiB = 1024

/** Tells the longest that the event loop was held since it was asked last, in milliseconds. */
const watch = `
import { monitorEventLoopDelay } from 'node:perf_hooks'
const delay = monitorEventLoopDelay({ resolution: 5 })
delay.enable()
process.on('SIGUSR2', () => { console.log('held for ' + Math.round(delay.max / 1e6)); delay.reset() })
`

const urlencoded = 'application/x-www-form-urlencoded'
const multipart = 'multipart/form-data; boundary=b'
const part = (name: string, value: string) =>
  `--b\r\nContent-Disposition: form-data; name="${name}"\r\n\r\n${value}\r\n`
const json = (more: string) => `{"kind":"news-tip","body":"Two trucks leave the depot every night.",${more}}`
/** Fields of many forms at once. */
const names =
  'body title links evidence message note email passphrase receipt nonce code key tag recipient q to'.split(
    ' ',
  )
const inAll = (value: string) => names.map((name) => part(name, value)).join('')
const link = `https://example.org/${'a'.repeat(1900)}`

const hostile: Record<string, { type: string; body: string }> = {
  'deep JSON': { type: 'application/json', body: '['.repeat(900 * KiB) },
  'deep JSON in a value': {
    type: 'application/json',
    body: json(`"links":${'['.repeat(450 * KiB)}${']'.repeat(450 * KiB)}`),
  },
  'JSON of many values': { type: 'application/json', body: json(`"links":[${'{},'.repeat(300_000)}{}]`) },
  'JSON of many keys': {
    type: 'application/json',
    body: json(Array.from({ length: 60_000 }, (_, n) => `"k${n}":1`).join()),
  },
  'JSON of many links': {
    type: 'application/json',
    body: json(`"links":[${Array(400).fill(`"${link}"`).join()}]`),
  },
  'JSON with a long text of escapes': {
    type: 'application/json',
    body: json(`"title":"${'\\"'.repeat(450 * KiB)}"`),
  },
  'many fields': { type: urlencoded, body: 'a=1&'.repeat(220 * KiB) },
  'many fields of other names': {
    type: urlencoded,
    body: Array.from({ length: 90_000 }, (_, n) => `f${n}=1`).join('&'),
  },
  'a field of many signs': {
    type: urlencoded,
    body: names.map((name) => `${name}=${'%00'.repeat(18_000)}`).join('&'),
  },
  'many fields in parts': { type: multipart, body: `${part('a', '1').repeat(15_000)}--b--\r\n` },
  'many tiny parts': { type: multipart, body: `${'--b\r\n\r\n\r\n'.repeat(95_000)}--b--\r\n` },
  'many files': {
    type: multipart,
    body: `${'--b\r\nContent-Disposition: form-data; name="file"; filename="a"\r\n\r\nx\r\n'.repeat(13_000)}--b--\r\n`,
  },
  'many almost boundaries': { type: multipart, body: `${part('body', '\r\n--'.repeat(95_000))}--b--\r\n` },
  'long lines': { type: multipart, body: `${inAll('a'.repeat(60_000))}--b--\r\n` },
  'long lines of spaces': { type: multipart, body: `${inAll(`a${' '.repeat(60_000)}b`)}--b--\r\n` },
  'many lines': { type: multipart, body: `${inAll('\n'.repeat(60_000))}--b--\r\n` },
  'what shows nothing': { type: multipart, body: `${inAll('\u200b'.repeat(20_000))}--b--\r\n` },
  'letters with many marks': { type: multipart, body: `${inAll(`e${'\u0301'.repeat(30_000)}`)}--b--\r\n` },
  'angles and quotes': { type: multipart, body: `${inAll('<"\'&'.repeat(15_000))}--b--\r\n` },
  'markdown that never ends': { type: multipart, body: `${inAll('[*_`('.repeat(12_000))}--b--\r\n` },
  'many links': {
    type: multipart,
    body: `${part('body', 'Two trucks leave every night.')}${part('links', `${link}\n`.repeat(500))}--b--\r\n`,
  },
  '55 links of their own': {
    type: multipart,
    body: `${part('body', 'Two trucks leave every night.')}${part('links', `https://a.example/${'b'.repeat(17_000)}`).repeat(55)}--b--\r\n`,
  },
  '55 broken links': {
    type: multipart,
    body: `${part('body', 'Two trucks leave every night.')}${part('links', 'https://'.repeat(2200)).repeat(55)}--b--\r\n`,
  },
  'links of many lines': {
    type: urlencoded,
    body: `body=Two trucks leave every night.&links=${'a%0A'.repeat(200_000)}`,
  },
  'an address that is none': {
    type: urlencoded,
    body: `body=Two trucks leave every night.&email=${'a@'.repeat(150_000)}`,
  },
  'an address of dots': {
    type: urlencoded,
    body: `body=Two trucks leave every night.&email=${'a.'.repeat(150_000)}@b.c`,
  },
}

/** Most forms of the desk have few fields and are read alike: they get some sorts only. Those that do something with a text get all. */
const ofTheirOwn = /\/(pgp|answer|note|sign-in)\b/
const forAll = ['many fields', 'many tiny parts', 'angles and quotes']

/** Longer than any of this takes, on a machine that does something else as well. Milliseconds. */
const longest = 250

test('no body of any sort holds up all others, whoever sends it to whichever route', async (t) => {
  const folder = folderUntilExit('blocked')
  const env = {
    DATA_DIR: join(folder, 'data'),
    UPLOADS_DIR: join(folder, 'uploads'),
    PORT: String(await freePort()),
    TELEGRAM_WEBHOOK_SECRET: webhookSecret,
    STATUS_LIMIT: '0',
    LOG_LEVEL: 'silent',
  }
  const running = await startProcess(env, { before: watch })
  t.after(() => running.kill())
  const headers = { accept: 'application/json', 'content-type': urlencoded }
  const first = await fetch(`${running.url}/submit/story-angle`, {
    method: 'POST',
    headers,
    body: new URLSearchParams(storyAngle()),
  })
  const submission = (await first.json()) as { reference: string; receipt: string }
  const all = await everyTakingRoute(await openNewsroom(t), env, running, submission)
  // Only Telegram has the secret of the webhook.
  const routes = all.filter(({ path }) => !path.startsWith('/webhooks'))
  const asOthers = routes.filter(({ path }) => path.startsWith('/desk') && !ofTheirOwn.test(path))
  const quarantinedFor = async () => {
    const before = running.output().length
    process.kill(running.pid, 'SIGUSR2')
    for (;;) {
      const told = /held for (\d+)/.exec(running.output().slice(before))
      if (told) return Number(told[1])
      await sleep(5)
    }
  }
  const post = ({ path, headers }: Brought, { type, body }: { type: string; body: string }) =>
    fetch(running.url + path, {
      method: 'POST',
      headers: { ...headers, 'content-type': type },
      body,
      redirect: 'manual',
    }).then(
      (answer) => answer.arrayBuffer(),
      () => undefined,
    )
  const slow: string[] = []
  for (const [sort, how] of Object.entries(hostile)) {
    for (const route of routes) {
      if (asOthers.includes(route) && !forAll.includes(sort)) continue
      const measured = async () => {
        await quarantinedFor()
        await post(route, how)
        return quarantinedFor()
      }
      // The machine may be busy with something else: what is slow is slow each time.
      let ms = await measured()
      for (let again = 0; again < 3 && ms > longest; again++) ms = Math.min(ms, await measured())
      if (ms > longest) slow.push(`${ms} ms: ${sort} to ${route.path}`)
    }
  }
  assert.deepEqual(slow, [])
})
