import { type ExecFileException, execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { chmod, chown, mkdir, mkdtemp, readFile, rm, stat, utimes, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { freePort } from './process.ts'

const [postfix, swaks] = ['/usr/sbin/postfix', '/usr/bin/swaks'] as const

/** Why tests with Postfix cannot run here, or nothing. */
export const skip = reasonToSkip()

function reasonToSkip(): { skip?: string } {
  if (![postfix, swaks].every((program) => existsSync(program))) {
    return { skip: 'Postfix and swaks are not installed: apt-get install postfix swaks' }
  }
  return process.getuid?.() === 0 ? {} : { skip: 'Postfix is started by root only' }
}

export type PostfixParts = {
  /** The port of the LMTP server that mail for `newsroom.test` goes to. */
  lmtp: number
  /** The port of the SMTP server that all other mail goes to, such as what Postfix says to a sender. */
  relay: number
  /** Mail goes to the LMTP server over TLS or not at all. */
  isSafe?: boolean
  /** Lines of main.cf that say otherwise than usual here. */
  settings?: string
  /** What /etc/aliases holds on a real machine. */
  aliases?: string
}

export type Postfix = {
  port: number
  /** True when nothing is left of all the mails that it was ever given; it was given one at least. */
  isDone(): Promise<boolean>
  /** Why it put mail off, for every try. */
  putOff(): Promise<string[]>
}

/**
 * A private Postfix with a queue of its own, as a newsroom has it in front of the door: mail for `newsroom.test` goes
 * on by LMTP, and what is put off is tried again every second. Stopped and removed when the test ends.
 */
export async function startPostfix(t: TestContext, parts: PostfixParts): Promise<Postfix> {
  const folder = await mkdtemp(join(tmpdir(), 'barua-postfix-'))
  const settings = join(folder, 'etc')
  const port = await freePort()
  // Its programs run as a user of their own, who has to come by here.
  await chmod(folder, 0o755)
  for (const name of ['etc', 'queue', 'data']) await mkdir(join(folder, name))
  await chown(join(folder, 'data'), await ownerOf('/var/lib/postfix'), 0)
  await writeSettings(join(settings, 'main.cf'), mainSettings(folder, parts))
  await writeSettings(join(settings, 'aliases'), parts.aliases ?? '')
  await run('/usr/sbin/postalias', ['-c', settings, join(settings, 'aliases')])
  await writeSettings(join(settings, 'master.cf'), services(port))
  const log = () => readFile(join(folder, 'log'), 'utf8')
  await run(postfix, ['-c', settings, 'start'])
  t.after(async () => {
    await run(postfix, ['-c', settings, 'stop'])
    await rm(folder, { recursive: true, force: true })
  })
  return {
    port,
    async isDone() {
      const told = await log()
      const taken = idsIn(told, /cleanup\[\d+\]: (\w+): message-id=/g)
      const removed = idsIn(told, /qmgr\[\d+\]: (\w+): removed$/gm)
      return taken.length > 0 && taken.every((id) => removed.includes(id))
    },
    async putOff() {
      return [...(await log()).matchAll(/status=deferred \((.*)\)$/gm)].map(([, reason = '']) => reason)
    },
  }
}

/** Its log tells it surely; a mail that goes from one queue to another while they are listed is in neither. */
function idsIn(log: string, told: RegExp): string[] {
  return [...log.matchAll(told)].map(([, id = '']) => id)
}

/** Sends a mail with swaks to a port of this machine, and gives the talk of both sides. */
export function sendWithSwaks(port: number, ...options: string[]): Promise<string> {
  return run(swaks, ['--server', '127.0.0.1', '--port', String(port), '--timeout', '60', ...options])
}

/** Sends a mail with swaks exactly as it is. */
export function sendRaw(port: number, raw: Buffer, envelope: { from: string; to: string }): Promise<string> {
  const data = raw.toString('latin1').replace(/^\./gm, '..')
  const given = ['--from', envelope.from, '--to', envelope.to, '--no-data-fixup', '--data', '-']
  return run(
    swaks,
    ['--server', '127.0.0.1', '--port', String(port), '--timeout', '60', ...given],
    Buffer.from(`${data}\r\n.`, 'latin1'),
  )
}

/** The user whom the package made for Postfix, known by what belongs to them. */
async function ownerOf(folder: string): Promise<number> {
  return (await stat(folder)).uid
}

/** Postfix waits for a file that was just written, in case more is being written; so this one looks old. */
async function writeSettings(path: string, text: string): Promise<void> {
  await writeFile(path, text)
  await utimes(path, 0, 0)
}

function mainSettings(folder: string, { lmtp, relay, isSafe = false, settings = '' }: PostfixParts): string {
  return [
    'compatibility_level = 3.6',
    `queue_directory = ${folder}/queue`,
    `data_directory = ${folder}/data`,
    `maillog_file = ${folder}/log`,
    `maillog_file_prefixes = ${folder}`,
    'myhostname = mail.newsroom.test',
    'mydestination =',
    `alias_maps = hash:${folder}/etc/aliases`,
    'alias_database = $alias_maps',
    'inet_interfaces = 127.0.0.1',
    'inet_protocols = ipv4',
    'mynetworks = 127.0.0.0/8',
    'virtual_mailbox_domains = newsroom.test',
    `virtual_transport = lmtp:inet:127.0.0.1:${lmtp}`,
    `relayhost = [127.0.0.1]:${relay}`,
    'recipient_delimiter = +',
    'smtp_dns_support_level = disabled',
    'lmtp_dns_support_level = disabled',
    'smtpd_peername_lookup = no',
    'smtp_connection_cache_on_demand = no',
    'lmtp_connection_cache_on_demand = no',
    `lmtp_tls_security_level = ${isSafe ? 'encrypt' : 'none'}`,
    'minimal_backoff_time = 1s',
    'maximal_backoff_time = 1s',
    'queue_run_delay = 1s',
    'address_verify_map = ',
    settings,
    '',
  ].join('\n')
}

/**
 * What runs in it; nothing is locked into a folder, for there is nothing in such a folder yet. The queue is looked at
 * every second (`qmgr`): a mail whose last try was just ending when it was its turn again waits for the next look.
 */
function services(port: number): string {
  return [
    `127.0.0.1:${port} inet n - n - - smtpd`,
    'pickup unix n - n 60 1 pickup',
    'cleanup unix n - n - 0 cleanup',
    'qmgr unix n - n 1 1 qmgr',
    'tlsmgr unix - - n 1000? 1 tlsmgr',
    'rewrite unix - - n - - trivial-rewrite',
    'bounce unix - - n - 0 bounce',
    'defer unix - - n - 0 bounce',
    'trace unix - - n - 0 bounce',
    'flush unix n - n 1000? 0 flush',
    'proxymap unix - - n - - proxymap',
    'smtp unix - - n - - smtp',
    'lmtp unix - - n - - lmtp',
    'local unix - n n - - local',
    'verify unix - - n - 1 verify',
    'error unix - - n - - error',
    'retry unix - - n - - error',
    'showq unix n - n - - showq',
    'anvil unix - - n - 1 anvil',
    'postlog unix-dgram n - n - 1 postlogd',
    '',
  ].join('\n')
}

/** Runs a program to its end without holding up the newsroom, which lives in this process. */
function run(program: string, options: string[], input?: Buffer): Promise<string> {
  return new Promise((resolve, reject) => {
    const ended = (error: ExecFileException | null, output: string, said: string) => {
      if (error) reject(new Error(`${program} ended with ${error.code}:\n${output}${said}`))
      else resolve(output)
    }
    execFile(program, options, ended).stdin?.end(input)
  })
}
