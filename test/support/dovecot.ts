import { type ChildProcess, spawn } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { chmod, chown, mkdir, mkdtemp, open, rename, rm, writeFile } from 'node:fs/promises'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { ImapFlow } from 'imapflow'
import { freePort } from './process.ts'

const program = '/usr/sbin/dovecot'
const protocol = '/usr/lib/dovecot/imap'
const account = { user: 'door', password: 'secret' }
/** The system's user for mail, on every Debian: Dovecot serves no mail as root. */
const owner = { uid: 8, gid: 8 }

/** Why tests with Dovecot cannot run here, or nothing. */
export const skip = reasonToSkip()

function reasonToSkip(): { skip?: string } {
  if (!existsSync(program) || !existsSync(protocol)) {
    return { skip: 'Dovecot is not installed: apt-get install dovecot-imapd' }
  }
  return process.getuid?.() === 0 ? {} : { skip: 'Dovecot is started by root only' }
}

/** A mail as any mail program sees it in its folder. */
export type FiledMail = { subject: string; isSeen: boolean }

export type Dovecot = {
  /** With the right password. */
  url: string
  /** Puts a mail into the mailbox as a mail server does: there is all of it, or nothing. */
  deliver(raw: Buffer, more?: { isSeen: boolean }): Promise<void>
  /** What is in a folder, oldest first; nothing where there is no such folder. */
  mailsIn(folder: string): Promise<FiledMail[]>
  start(): Promise<void>
  stop(): Promise<void>
}

/**
 * A private Dovecot with one mailbox, `door`. The mailbox stays when it is stopped and started again; everything is
 * removed when the test ends.
 */
export async function startDovecot(t: TestContext): Promise<Dovecot> {
  const folder = await mkdtemp(join(tmpdir(), 'barua-dovecot-'))
  const maildir = join(folder, 'mail')
  const settings = join(folder, 'dovecot.conf')
  const port = await freePort()
  let running: ChildProcess | undefined
  let delivered = 0
  await chmod(folder, 0o755)
  for (const name of ['', 'tmp', 'new', 'cur']) {
    await mkdir(join(maildir, name))
    await chown(join(maildir, name), owner.uid, owner.gid)
  }
  await writeFile(join(folder, 'users'), `${account.user}:{PLAIN}${account.password}\n`)
  await chmod(join(folder, 'users'), 0o644)
  await writeFile(settings, settingsOf(folder, port))
  await start()
  t.after(async () => {
    await stop()
    await rm(folder, { recursive: true, force: true })
  })
  return { url: urlFor(port), deliver, mailsIn, start, stop }

  async function start(): Promise<void> {
    const child = spawn(program, ['-F', '-c', settings], { stdio: 'ignore', detached: true })
    running = child
    await untilAnswering(port, child, join(folder, 'log'))
  }

  async function stop(): Promise<void> {
    const child = running
    if (child?.pid === undefined || child.exitCode !== null) return
    const gone = new Promise((resolve) => child.once('exit', resolve))
    child.kill('SIGTERM')
    await gone
    endGroup(child.pid)
  }

  async function deliver(raw: Buffer, { isSeen } = { isSeen: false }): Promise<void> {
    delivered += 1
    const name = `${Math.floor(Date.now() / 1000)}.${process.pid}_${delivered}.mail.newsroom.test`
    const written = await open(join(maildir, 'tmp', name), 'wx', 0o600)
    await written.writeFile(raw)
    await written.chown(owner.uid, owner.gid)
    await written.sync()
    await written.close()
    const place = isSeen ? join('cur', `${name}:2,S`) : join('new', name)
    await rename(join(maildir, 'tmp', name), join(maildir, place))
  }

  async function mailsIn(name: string): Promise<FiledMail[]> {
    const client = new ImapFlow({
      host: '127.0.0.1',
      port,
      secure: false,
      doSTARTTLS: false,
      auth: { user: account.user, pass: account.password },
      logger: false,
    })
    await client.connect()
    try {
      if (!(await client.list()).some(({ path }) => path === name)) return []
      // Only looks: who opens a folder to write takes the mark of what is new from it.
      await client.mailboxOpen(name, { readOnly: true })
      const found = await client.fetchAll('1:*', { envelope: true, flags: true })
      return found.map(({ envelope, flags }) => ({
        subject: envelope?.subject ?? '',
        isSeen: flags?.has('\\Seen') ?? false,
      }))
    } finally {
      await client.logout()
    }
  }
}

/** Ends what a program has left behind: sessions at Dovecot go on for up to ten seconds without it. */
function endGroup(leader: number): void {
  try {
    process.kill(-leader, 'SIGKILL')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error
  }
}

function urlFor(port: number): string {
  return `imap://${account.user}:${account.password}@127.0.0.1:${port}/INBOX`
}

function settingsOf(folder: string, port: number): string {
  return `
base_dir = ${folder}/run
state_dir = ${folder}/state
log_path = ${folder}/log
protocols = imap
listen = 127.0.0.1
ssl = no
disable_plaintext_auth = no
auth_failure_delay = 0
mail_location = maildir:${folder}/mail
first_valid_uid = ${owner.uid}
first_valid_gid = ${owner.gid}
namespace inbox {
  inbox = yes
}
passdb {
  driver = passwd-file
  args = ${folder}/users
}
userdb {
  driver = static
  args = uid=${owner.uid} gid=${owner.gid} home=${folder}/mail
}
service imap-login {
  inet_listener imap {
    port = ${port}
  }
  inet_listener imaps {
    port = 0
  }
}
`
}

async function untilAnswering(port: number, child: ChildProcess, log: string): Promise<void> {
  for (let attempts = 0; attempts < 600 && child.exitCode === null; attempts++) {
    if (await isGreeting(port)) return
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
  throw new Error(`Dovecot does not start:\n${existsSync(log) ? readFileSync(log, 'utf8') : ''}`)
}

function isGreeting(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1')
    const ended = (isOpen: boolean) => {
      socket.destroy()
      resolve(isOpen)
    }
    socket.once('data', () => ended(true))
    socket.once('error', () => ended(false))
    socket.once('close', () => ended(false))
  })
}
