import { createTransport, type SendMailOptions } from 'nodemailer'
import type { ReceivedMail } from './mail-server.ts'

export type TestMail = SendMailOptions & { to: string }

/** A mail as a mail program writes it. */
export async function compose(mail: TestMail): Promise<Buffer> {
  const composer = createTransport({ streamTransport: true, buffer: true, newline: 'windows' })
  const { message } = await composer.sendMail({ from: 'Jane Mwangi <jane@example.org>', ...mail })
  return message as Buffer
}

/** Environment of a newsroom that takes mail. */
export const inboundMail = {
  EMAIL_LISTEN: 'smtp://127.0.0.1:0',
  EMAIL_ADDRESSES:
    'tips@newsroom.test=news-tip,opinion@newsroom.test=guest-post,stories@newsroom.test=story-angle',
}

/** A reply as mail programs write it: to the Reply-To, with what it answers quoted below. */
export function replyTo(mail: ReceivedMail, text: string, more: Partial<TestMail> = {}): TestMail {
  const quoted = (mail.text ?? '').trim().replace(/^/gm, '> ')
  return {
    from: mail.recipient,
    to: mail.replyTo?.value[0]?.address ?? '',
    subject: `Re: ${mail.subject}`,
    inReplyTo: mail.messageId,
    references: [mail.references ?? [], mail.messageId ?? []].flat(),
    text: `${text}\n\nOn Mon, 3 Mar 2025 at 10:00, Barua <barua@newsroom.test> wrote:\n\n${quoted}`,
    ...more,
  }
}
