import type { Readable } from 'node:stream'
import type { SendMailOptions } from 'nodemailer'
import type { Mail, MailBodies } from './mail.ts'
import type { Protection } from './pgp/key.ts'
import { pgpMime } from './pgp/mime.ts'

export type LeavingContext = {
  from: string
  readFile: (id: string) => Promise<Readable>
  /** How a mail to this address has to leave. */
  protectionOf: (address: string) => Promise<Protection>
  /** What is said where nothing may be. */
  contentless: MailBodies
  /** What everybody on the way reads as the subject of an encrypted mail. */
  outerSubject: string
}

/**
 * A mail as it leaves. No mail goes by another way, whatever it is about and whoever it was composed for: what its
 * address asks for is asked here.
 */
export async function leaving(mail: Mail, app: LeavingContext): Promise<SendMailOptions> {
  const protection = await app.protectionOf(mail.to)
  switch (protection.way) {
    case 'as-it-is':
      return optionsFor(mail, app)
    case 'contentless':
      return optionsFor(withoutContent(mail, app.contentless), app)
    case 'encrypted': {
      const whole = { ...mail, ...mail.inConfidence }
      return pgpMime(await optionsFor(whole, app), app.outerSubject, protection.encrypt)
    }
  }
}

/** Nobody can answer what they were not told. */
function withoutContent({ files, replyTo, inConfidence, ...mail }: Mail, words: MailBodies): Mail {
  return { ...mail, ...words }
}

async function optionsFor(mail: Mail, { from, readFile }: LeavingContext): Promise<SendMailOptions> {
  const inReplyTo = mail.references?.at(-1)
  return {
    from,
    to: { name: '', address: mail.to },
    subject: mail.subject,
    text: mail.text,
    html: mail.html,
    messageId: mail.messageId,
    ...(mail.references && { references: mail.references, inReplyTo }),
    ...(mail.replyTo && { replyTo: mail.replyTo }),
    ...(mail.returnPath !== undefined && { envelope: { from: mail.returnPath, to: [mail.to] } }),
    headers: {
      ...(mail.unsubscribe && { 'List-Unsubscribe': `<${mail.unsubscribe}>` }),
      ...(!mail.isPersonal && {
        'Auto-Submitted': mail.isReply ? 'auto-replied' : 'auto-generated',
        'X-Auto-Response-Suppress': 'All',
      }),
    },
    attachments: await Promise.all(
      (mail.files ?? []).map(async ({ id, name, type }) => ({
        filename: name,
        contentType: type ?? 'application/octet-stream',
        content: await readFile(id),
      })),
    ),
  }
}
