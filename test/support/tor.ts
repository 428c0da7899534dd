import { execFile, spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { connect } from 'node:net'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { promisify } from 'node:util'
import { folderUntilExit } from './folder.ts'
import { freePort } from './process.ts'

const run = promisify(execFile)
const programs = ['tor', 'tor-gencert'].map((name) => ['/usr/bin', '/usr/sbin'].map((at) => join(at, name)))
const [tor, gencert] = programs.map((places) => places.find((path) => existsSync(path)))

/** Why tests with Tor cannot run here, or nothing. */
export const skip = tor && gencert ? {} : { skip: 'Tor is not installed: apt-get install tor' }

/** How many there are of them that everything passes through: three on each side of a meeting place, with some choice. */
const relays = 5
const patience = 120_000

export type TorNetwork = {
  /** The name of the onion service. */
  hostname: string
  /** Connects the service and one client, whose SOCKS proxy is at the port that it gives; they can then find each other. */
  join(): Promise<{ socksPort: number }>
}

/**
 * A Tor network on this machine alone, with directory authorities that are the relays as well, and an onion service as
 * `torrc` describes it. `%` there stands for a folder of its own. Stopped when the test ends.
 */
export async function startTor(t: TestContext, torrc: string): Promise<TorNetwork> {
  const folder = folderUntilExit('tor')
  const authorities = await Promise.all(Array.from({ length: relays }, (_, i) => authority(folder, `a${i}`)))
  const network = `TestingTorNetwork 1\n${authorities.map(({ entry }) => entry).join('\n')}\n`
  for (const { name, settings } of authorities) await start(t, folder, name, settings + network)
  const service = torrc.replaceAll('%', folder)
  const controlPort = await freePort()
  return {
    hostname: await nameOf(t, folder, service),
    async join() {
      await until(async () => (await known(authorities[0]?.dirPort ?? 0)) >= relays)
      await start(t, folder, 's', `${network}${service}SocksPort 0\nControlPort 127.0.0.1:${controlPort}\n`)
      await published(controlPort)
      const socksPort = await freePort()
      const client = await start(t, folder, 'c', `${network}SocksPort 127.0.0.1:${socksPort}\n`)
      await until(async () => client().includes('Bootstrapped 100%'))
      return { socksPort }
    },
  }
}

/** Settings and keys of one authority, and the line by which all others know it. */
async function authority(folder: string, name: string) {
  const [orPort, dirPort] = [await freePort(), await freePort()]
  const keys = join(folder, name, 'keys')
  await mkdir(keys, { recursive: true, mode: 0o700 })
  const settings = `
Nickname ${name}
ContactInfo ${name}@newsroom.test
Address 127.0.0.1
OrPort 127.0.0.1:${orPort}
DirPort 127.0.0.1:${dirPort}
SocksPort 0
ExitPolicy reject *:*
AssumeReachable 1
AuthoritativeDirectory 1
V3AuthoritativeDirectory 1
V3AuthVotingInterval 10
V3AuthVoteDelay 2
V3AuthDistDelay 2
TestingV3AuthInitialVotingInterval 10
TestingV3AuthInitialVoteDelay 2
TestingV3AuthInitialDistDelay 2
TestingDirAuthVoteExit *
TestingDirAuthVoteGuard *
TestingDirAuthVoteHSDir *
`
  const certificate = run(
    gencert as string,
    ['--create-identity-key', '--passphrase-fd', '0', '-m', '2', '-a', `127.0.0.1:${dirPort}`],
    { cwd: keys },
  )
  certificate.child.stdin?.end('for this test only\n')
  await certificate
  const identity = /^fingerprint (\w+)/m.exec(await readFile(join(keys, 'authority_certificate'), 'utf8'))
  const file = join(folder, `${name}.torrc`)
  // Whoever lists a fingerprint must name an authority; which does not matter.
  const some = `DirAuthority x 127.0.0.1:1 ${'f'.repeat(40)}\n`
  await writeFile(file, `DataDirectory ${join(folder, name)}\nTestingTorNetwork 1\n${settings}${some}`)
  const listed = await run(tor as string, ['-f', file, '--list-fingerprint', '--quiet'])
  const fingerprint = listed.stdout.trim().split('\n').at(-1)?.replace(/^\S+/, '').replaceAll(' ', '')
  const entry = `DirAuthority ${name} orport=${orPort} no-v2 v3ident=${identity?.[1]} 127.0.0.1:${dirPort} ${fingerprint}`
  return { name, settings, dirPort, entry }
}

/** Starts one Tor; gives what it has said so far. */
async function start(t: TestContext, folder: string, name: string, settings: string): Promise<() => string> {
  const file = join(folder, `${name}.torrc`)
  await writeFile(
    file,
    `DataDirectory ${join(folder, name)}\nLog notice stdout\nPathsNeededToBuildCircuits 0.25\n${settings}`,
  )
  const child = spawn(tor as string, ['-f', file], { stdio: ['ignore', 'pipe', 'ignore'] })
  let said = ''
  child.stdout.on('data', (chunk) => (said += chunk))
  const gone = new Promise((resolve) => child.once('exit', resolve))
  t.after(async () => {
    child.kill('SIGKILL')
    await gone
  })
  return () => said
}

/** The keys of a service are made before it is connected to anything. */
async function nameOf(t: TestContext, folder: string, service: string): Promise<string> {
  const alone = new AbortController()
  const file = join(folder, 'alone.torrc')
  await writeFile(file, `DataDirectory ${join(folder, 's')}\n${service}SocksPort 0\nDisableNetwork 1\n`)
  await run(tor as string, ['-f', file, '--verify-config'])
  const child = spawn(tor as string, ['-f', file], { stdio: 'ignore', signal: alone.signal })
  child.on('error', () => undefined)
  const gone = new Promise((resolve) => child.once('exit', resolve))
  t.after(() => alone.abort())
  const where = join(/^HiddenServiceDir (.+)$/m.exec(service)?.[1] ?? '', 'hostname')
  await until(async () => existsSync(where) && (await readFile(where, 'utf8')).endsWith('.onion\n'))
  alone.abort()
  await gone
  return (await readFile(where, 'utf8')).trim()
}

/** How many relays the authorities have agreed on that can say where a service is. */
async function known(dirPort: number): Promise<number> {
  const consensus = await fetch(`http://127.0.0.1:${dirPort}/tor/status-vote/current/consensus`)
    .then((response) => (response.ok ? response.text() : ''))
    .catch(() => '')
  return [...consensus.matchAll(/^s .*\bHSDir\b/gm)].length
}

/** Resolves when the service has told where it is. A client that asks before waits for long. */
async function published(controlPort: number): Promise<void> {
  let heard = ''
  await until(async () => {
    const socket = connect(controlPort, '127.0.0.1')
    const isOpen = await new Promise<boolean>((resolve) => {
      socket.once('connect', () => resolve(true)).once('error', () => resolve(false))
    })
    if (!isOpen) return false
    socket.on('data', (chunk) => (heard += chunk))
    socket.on('error', () => undefined)
    socket.write('AUTHENTICATE\r\nSETEVENTS HS_DESC\r\n')
    await until(async () => heard.split('650 HS_DESC UPLOADED').length > relays)
    socket.destroy()
    return true
  })
}

async function until(isSo: () => Promise<boolean>): Promise<void> {
  const giveUp = Date.now() + patience
  while (!(await isSo())) {
    if (Date.now() > giveUp) throw new Error('this Tor network does not come up')
    await new Promise((resolve) => setTimeout(resolve, 200))
  }
}
