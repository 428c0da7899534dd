import { Readable } from 'node:stream'
import type { SendMailOptions } from 'nodemailer'

const composing = { newline: 'windows', disableFileAccess: true, disableUrlAccess: true }

/**
 * A mail with all of it encrypted: https://www.rfc-editor.org/rfc/rfc3156#section-4. Inside is the whole mail with its
 * headers, as mail programs look for them there (`protected-headers`); outside are those by which it finds its way and its
 * thread, with a subject that tells nothing.
 */
export async function pgpMime(
  mail: SendMailOptions,
  outerSubject: string,
  encrypt: (inner: AsyncIterable<Uint8Array>) => Promise<AsyncIterable<string>>,
): Promise<SendMailOptions> {
  const { default: MailComposer } = await import('nodemailer/lib/mail-composer')
  const inner = new MailComposer({ ...mail, ...composing }).compile()
  inner.setHeader('Content-Type', `${inner.getHeader('Content-Type')}; protected-headers="v1"`)
  const { text, html, attachments, ...way } = mail
  const outer = new MailComposer({ ...way, subject: outerSubject, ...composing }).compile()
  outer.setHeader('Content-Type', 'multipart/encrypted; protocol="application/pgp-encrypted"')
  outer.content = undefined
  outer
    .createChild('application/pgp-encrypted')
    .setHeader({ 'Content-Transfer-Encoding': '7bit' })
    .setContent('Version: 1\r\n')
  outer
    .createChild('application/octet-stream; name="encrypted.asc"')
    .setHeader({
      'Content-Transfer-Encoding': '7bit',
      'Content-Disposition': 'inline; filename="encrypted.asc"',
    })
    .setContent(Readable.from(await encrypt(inner.createReadStream())))
  return { envelope: outer.getEnvelope(), raw: outer.createReadStream() }
}
