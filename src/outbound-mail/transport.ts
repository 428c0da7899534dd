import { access, mkdir, open, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { Transporter } from 'nodemailer'
import { JobError } from '../jobs/job.ts'
import type { Mail } from './mail.ts'
import { type LeavingContext, leaving } from './protect.ts'

/** The key that mails are signed with, and where the other half of it is found (RFC 6376). */
type Signing = { domain: string; selector: string; privateKey: string }

type MailerContext = LeavingContext & {
  signing: Signing | undefined
  /** How we call ourselves to other servers; undefined for the name of this machine. */
  name: string | undefined
}

export type Mailer = {
  /**
   * Resolves when the mail is accepted by the server, or durable as a file. When `signal` is aborted, the connection that
   * it goes by is broken off: a server that has not had the whole of it by then drops it (RFC 5321, 4.1.1.4).
   * @throws JobError
   */
  send(mail: Mail, signal?: AbortSignal): Promise<void>
  /** Closes every connection, whatever goes by it. */
  close(): void
}

/** Connections to the mail server; whatever is sent at once has one of its own. */
export const mostConnections = 10

const second = 1000

/**
 * How long the mail server is waited for. Once it has had a whole mail it may look for viruses in it, and to break off
 * then is to send the mail twice: silence is borne for longer there than it takes to connect. A mail that goes on, however
 * slowly, may take an hour.
 */
const patience = { connecting: 15 * second, greeting: 20 * second, silence: 120 * second, all: 3600 * second }

/** Mail by SMTP, over a few connections that stay open. */
export async function smtpMailer(url: string, app: MailerContext): Promise<Mailer> {
  const { createTransport } = await import('nodemailer')
  const transport: Transporter = createTransport({
    url,
    pool: true,
    maxConnections: mostConnections,
    maxMessages: 500,
    connectionTimeout: patience.connecting,
    greetingTimeout: patience.greeting,
    socketTimeout: patience.silence,
    disableFileAccess: true,
    disableUrlAccess: true,
    ...(app.name !== undefined && { name: app.name }),
    ...signingOptions(app.signing),
  } as object)
  // What befalls a connection is told to the mail that was to go by it.
  transport.on('error', () => undefined)
  return {
    async send(mail, signal) {
      const left = await leaving(mail, app)
      const over = new AbortController()
      const timer = setTimeout(() => over.abort(), patience.all)
      const options = { ...left, signal: signal ? AbortSignal.any([signal, over.signal]) : over.signal }
      const info = await transport
        .sendMail(options)
        .catch((error: unknown) => {
          throw errorCodeOf(error)
        })
        .finally(() => clearTimeout(timer))
      if ((info.rejected ?? []).length > 0) throw new JobError('smtp-rejected', { permanent: true })
    },
    close: () => transport.close({ force: true }),
  }
}

/** Where there is no mail server: each mail is kept as a file that any mail program opens. */
export async function folderMailer(folder: string, app: MailerContext): Promise<Mailer> {
  await mkdir(folder, { recursive: true, mode: 0o700 })
  return {
    async send(mail) {
      const { createTransport } = await import('nodemailer')
      const composer = createTransport({
        streamTransport: true,
        buffer: true,
        newline: 'windows',
        ...signingOptions(app.signing),
      })
      const { message } = await composer.sendMail(await leaving(mail, app))
      await writeDurably(folder, `${mail.jobId}.eml`, message as Buffer)
    },
    close: () => undefined,
  }
}

function signingOptions(signing: Signing | undefined) {
  if (!signing) return {}
  const { domain: domainName, selector: keySelector, privateKey } = signing
  return { dkim: { domainName, keySelector, privateKey } }
}

// nodemailer says in `command` at which step the server refused. Only a refusal of this recipient or this mail is final;
// a refused greeting, sign-in or sender is ours to repair, and the mail waits for that.
const aboutThisMail = new Set(['RCPT TO', 'DATA'])

function errorCodeOf(error: unknown): JobError {
  const { responseCode, command, code } = error as {
    responseCode?: unknown
    command?: unknown
    code?: unknown
  }
  if (typeof responseCode === 'number') {
    const permanent = responseCode >= 500 && aboutThisMail.has(String(command))
    return new JobError(`smtp-${responseCode}`, { permanent })
  }
  return new JobError(typeof code === 'string' ? `smtp-${code.toLowerCase()}` : 'smtp-trouble')
}

/** Removes the file that a mail was kept as, durably, also where mail has been sent since; nothing where there is none. */
export async function forgetKeptMail(folder: string, jobId: string): Promise<void> {
  const name = `${jobId}.eml`
  const paths = [name, partialName(name)].map((one) => join(folder, one))
  const there = await Promise.all(
    paths.map((path) =>
      access(path).then(
        () => true,
        () => false,
      ),
    ),
  )
  if (!there.includes(true)) return
  for (const path of paths) await rm(path, { force: true })
  await syncFolder(folder)
}

/** What a mail is called while it is being written, and after a crash in that. */
function partialName(name: string): string {
  return `.${name}.part`
}

async function writeDurably(folder: string, name: string, content: Buffer): Promise<void> {
  const partial = join(folder, partialName(name))
  const file = await open(partial, 'w', 0o600)
  try {
    await file.writeFile(content)
    await file.sync()
  } finally {
    await file.close()
  }
  await rename(partial, join(folder, name))
  await syncFolder(folder)
}

/** What was done to names in a folder is durable once the folder is synced. */
async function syncFolder(path: string): Promise<void> {
  const folder = await open(path, 'r')
  try {
    await folder.sync()
  } finally {
    await folder.close()
  }
}
