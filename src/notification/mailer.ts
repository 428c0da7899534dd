import { mkdir, open, rename } from 'node:fs/promises'
import { join } from 'node:path'
import type { SendMailOptions, Transporter } from 'nodemailer'
import { CarryFault } from '../delivery.ts'

export type Mail = {
  /** The delivery's id: the same delivery always has the same Message-ID and, kept as a file, the same name. */
  deliveryId: string
  to: string
  subject: string
  text: string
  html: string
  messageId: string
  references?: string
  replyTo?: string
  /** Written by a person to a person, not by the program. */
  isPersonal?: boolean
}

export type Mailer = {
  /** Resolves when the mail is accepted by the server, or durable as a file. @throws CarryFault */
  send(mail: Mail): Promise<void>
  close(): void
}

/** Mail by SMTP, over a few connections that stay open. */
export async function smtpMailer(url: string, from: string): Promise<Mailer> {
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
  } as object)
  return {
    async send(mail) {
      const info = await transport.sendMail(optionsFor(mail, from)).catch((error: unknown) => {
        throw faultOf(error)
      })
      if ((info.rejected ?? []).length > 0) throw new CarryFault('smtp-rejected', { permanent: true })
    },
    close: () => transport.close(),
  }
}

/** Where there is no mail server: each mail is kept as a file that any mail program opens. */
export async function folderMailer(folder: string, from: string): Promise<Mailer> {
  await mkdir(folder, { recursive: true, mode: 0o700 })
  return {
    async send(mail) {
      const { createTransport } = await import('nodemailer')
      const composer = createTransport({ streamTransport: true, buffer: true, newline: 'windows' })
      const { message } = await composer.sendMail(optionsFor(mail, from))
      await writeDurably(folder, `${mail.deliveryId}.eml`, message as Buffer)
    },
    close: () => undefined,
  }
}

function optionsFor(mail: Mail, from: string): SendMailOptions {
  return {
    from,
    to: { name: '', address: mail.to },
    subject: mail.subject,
    text: mail.text,
    html: mail.html,
    messageId: mail.messageId,
    ...(mail.references && { references: mail.references, inReplyTo: mail.references }),
    ...(mail.replyTo && { replyTo: mail.replyTo }),
    ...(!mail.isPersonal && {
      headers: { 'Auto-Submitted': 'auto-generated', 'X-Auto-Response-Suppress': 'All' },
    }),
  }
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

async function writeDurably(folder: string, name: string, content: Buffer): Promise<void> {
  const partial = join(folder, `.${name}.part`)
  const file = await open(partial, 'w', 0o600)
  try {
    await file.writeFile(content)
    await file.sync()
  } finally {
    await file.close()
  }
  await rename(partial, join(folder, name))
  const directory = await open(folder, 'r')
  try {
    await directory.sync()
  } finally {
    await directory.close()
  }
}
