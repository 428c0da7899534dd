import { access, mkdir, open, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { Transporter } from 'nodemailer'
import { CarryFault } from '../delivery.ts'
import { type LeavingParts, leaving } from './leaving.ts'
import type { Mail } from './mail.ts'

/** The key that mails are signed with, and where the other half of it is found (RFC 6376). */
export type Signing = { domain: string; selector: string; privateKey: string }

export type MailerParts = LeavingParts & {
  signing: Signing | undefined
  /** How we call ourselves to other servers; undefined for the name of this machine. */
  name: string | undefined
}

export type Mailer = {
  /** Resolves when the mail is accepted by the server, or durable as a file. @throws CarryFault */
  send(mail: Mail): Promise<void>
  close(): void
}

/** Mail by SMTP, over a few connections that stay open. */
export async function smtpMailer(url: string, parts: MailerParts): Promise<Mailer> {
  const { createTransport } = await import('nodemailer')
  const transport: Transporter = createTransport({
    url,
    pool: true,
    maxConnections: 5,
    maxMessages: 500,
    connectionTimeout: 30_000,
    greetingTimeout: 30_000,
    socketTimeout: 120_000,
    disableFileAccess: true,
    disableUrlAccess: true,
    ...(parts.name !== undefined && { name: parts.name }),
    ...signingOptions(parts.signing),
  } as object)
  return {
    async send(mail) {
      const info = await transport.sendMail(await leaving(mail, parts)).catch((error: unknown) => {
        throw faultOf(error)
      })
      if ((info.rejected ?? []).length > 0) throw new CarryFault('smtp-rejected', { permanent: true })
    },
    close: () => transport.close(),
  }
}

/** Where there is no mail server: each mail is kept as a file that any mail program opens. */
export async function folderMailer(folder: string, parts: MailerParts): Promise<Mailer> {
  await mkdir(folder, { recursive: true, mode: 0o700 })
  return {
    async send(mail) {
      const { createTransport } = await import('nodemailer')
      const composer = createTransport({
        streamTransport: true,
        buffer: true,
        newline: 'windows',
        ...signingOptions(parts.signing),
      })
      const { message } = await composer.sendMail(await leaving(mail, parts))
      await writeDurably(folder, `${mail.deliveryId}.eml`, message as Buffer)
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

function faultOf(error: unknown): CarryFault {
  const { responseCode, command, code } = error as {
    responseCode?: unknown
    command?: unknown
    code?: unknown
  }
  if (typeof responseCode === 'number') {
    const permanent = responseCode >= 500 && aboutThisMail.has(String(command))
    return new CarryFault(`smtp-${responseCode}`, { permanent })
  }
  return new CarryFault(typeof code === 'string' ? `smtp-${code.toLowerCase()}` : 'smtp-trouble')
}

/** Removes the file that a mail was kept as, durably, also where mail has been sent since; nothing where there is none. */
export async function forgetKeptMail(folder: string, deliveryId: string): Promise<void> {
  const name = `${deliveryId}.eml`
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
