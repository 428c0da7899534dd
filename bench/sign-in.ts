// Prints how long a wrong sign-in takes for an address that has an account and for one that has none: it should not tell.
import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { median } from '../src/statistics/model.ts'
import { start } from './servers.ts'

const attempts = Number(process.env.BENCH_TRIES ?? 30)
const folder = mkdtempSync(join(tmpdir(), 'barua-sign-in-'))
const env = { DATA_DIR: join(folder, 'data'), UPLOADS_DIR: join(folder, 'uploads'), TRUST_PROXY: 'true' }
const server = await start('src/main.ts', env)
const site = `http://127.0.0.1:${server.port}`
let clients = 0

const addresses: string[] = []
for (let i = 0; i < attempts; i++) addresses.push(await newEditor(`editor${i}@localhost`))
const known: number[] = []
const unknown: number[] = []
for (const [i, address] of addresses.entries()) {
  known.push(await taken(address))
  unknown.push(await taken(`nobody${i}@localhost`))
}
const [a = 0, b = 0] = [median(known), median(unknown)]
console.log(
  `a wrong passphrase, median of ${attempts}: ${a.toFixed(0)} ms with an account, ${b.toFixed(0)} ms without`,
)
await server.stop()
rmSync(folder, { recursive: true, force: true })

/** An account with a passphrase. */
async function newEditor(email: string): Promise<string> {
  const settings = { ...process.env, ...env, PORT: String(server.port) }
  const said = execFileSync(process.execPath, ['src/main.ts', 'editor', 'add', email], {
    env: settings,
    encoding: 'utf8',
  })
  const link = new URL(said.trim().split('\n').at(-1) ?? '')
  const signedIn = await fetch(site + link.pathname, { method: 'POST', redirect: 'manual' })
  const cookie =
    signedIn.headers
      .getSetCookie()
      .map((one) => one.split(';')[0])
      .find((one) => one?.startsWith('barua=')) ?? ''
  const words = 'five words of my own'
  await post(
    '/desk/account/passphrase',
    { passphrase: words, again: words },
    { cookie, 'sec-fetch-site': 'same-origin' },
  )
  return email
}

async function taken(email: string): Promise<number> {
  const begun = performance.now()
  // Each from another client, for there is a limit for one.
  const from = `10.0.${clients++ >> 8}.${clients & 255}`
  const status = await post(
    '/desk/sign-in',
    { email, passphrase: 'a wrong passphrase', way: 'passphrase' },
    { 'x-forwarded-for': from },
  )
  if (status !== 401) throw new Error(`a wrong passphrase gave ${status}`)
  return performance.now() - begun
}

async function post(
  path: string,
  fields: Record<string, string>,
  headers: Record<string, string>,
): Promise<number> {
  const body = new URLSearchParams(fields)
  const response = await fetch(site + path, { method: 'POST', body, headers, redirect: 'manual' })
  await response.arrayBuffer()
  return response.status
}
