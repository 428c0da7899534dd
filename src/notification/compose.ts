import { createHmac, type KeyObject } from 'node:crypto'
import { Eta } from 'eta'
import { CarryFault, type Delivery } from '../delivery.ts'
import { isConfidential, kindNames, type Message, type Submission, sideFields } from '../submission.ts'
import type { Mail } from './mailer.ts'

export type ComposeParts = {
  viewsFolder: string
  submissions: {
    byId(id: string): Promise<Submission | undefined>
    message(id: string): Promise<Message | undefined>
    opening(submissionId: string): Promise<Message | undefined>
  }
  editors: { byId(id: string): Promise<{ id: string; email: string } | undefined> }
  /** Makes a one-time sign-in link when the mail is composed, so that none lies in the outbox. */
  signInLink: (editorId: string) => Promise<string>
  newsroom: string
  mailFrom: string
  siteUrl: string
  /** Reply addresses are signed with it. */
  replyKey: KeyObject
  formats: Record<string, unknown>
}

const nobody = () => new CarryFault('recipient-gone', { permanent: true })
const nothing = () => new CarryFault('submission-gone', { permanent: true })

/** Composes the mail of a delivery. @throws CarryFault when there is nobody or nothing to write of any more. */
export function mailComposer(parts: ComposeParts) {
  const render = mailRenderer(parts.viewsFolder, {
    ...parts.formats,
    newsroom: parts.newsroom,
    siteUrl: parts.siteUrl,
  })
  const { local, domain } = addressOf(parts.mailFrom)

  return {
    /** Tells an editor of a piece or a further message: in full, or, if confidential, only that there is one. */
    async editorNotice(delivery: Delivery): Promise<Mail> {
      const editor = await parts.editors.byId(delivery.editorId ?? '')
      if (!editor) throw nobody()
      const submission = await submissionOf(delivery)
      const deskUrl = `${parts.siteUrl}/desk/submissions/${submission.reference}`
      const opening = await parts.submissions.opening(submission.id)
      const message = await parts.submissions.message(delivery.messageId ?? '')
      if (!opening || !message) throw nothing()
      const isFurther = message.id !== opening.id
      const kindName = kindNames[submission.kind]
      const isTold = !isConfidential(submission.kind)
      const title = (isTold && opening.content.fields.title) || submission.reference
      const view = isTold ? 'editor-notice' : 'editor-notice-confidential'
      const told = { submission, kindName, isFurther, deskUrl, sideFields, ...(isTold && { message }) }
      const subject = `${isFurther ? 'Re: ' : ''}${kindName}: ${title}`
      return {
        ...envelope(delivery),
        to: editor.email,
        subject,
        ...render(view, told),
        ...threadOf(submission),
      }
    },

    /** Tells a sender who left an address that the piece is here; of a confidential one, nothing more. */
    async senderReceipt(delivery: Delivery): Promise<Mail> {
      if (!delivery.target) throw nobody()
      const submission = await submissionOf(delivery)
      const { receipt } = delivery
      const message = receipt ? await parts.submissions.message(delivery.messageId ?? '') : undefined
      const title = message?.content.fields.title
      const statusUrl = `${parts.siteUrl}/status`
      const bodies = render('sender-receipt', { submission, receipt, title, statusUrl })
      const subject = `We received what you sent (${submission.reference})`
      return { ...envelope(delivery), to: delivery.target, subject, ...bodies, ...threadOf(submission) }
    },

    /** A link by which an editor signs in, once. */
    async signIn(delivery: Delivery): Promise<Mail> {
      const editor = await parts.editors.byId(delivery.editorId ?? '')
      if (!editor) throw nobody()
      const link = await parts.signInLink(editor.id)
      const { messageId, deliveryId } = envelope(delivery)
      const subject = `Sign in at the desk of ${parts.newsroom}`
      return { messageId, deliveryId, to: editor.email, subject, ...render('sign-in', { link }) }
    },
  }

  async function submissionOf(delivery: Delivery): Promise<Submission> {
    const submission = await parts.submissions.byId(delivery.submissionId ?? '')
    if (!submission) throw nothing()
    return submission
  }

  function envelope(delivery: Delivery) {
    return {
      deliveryId: delivery.id,
      messageId: `<${delivery.id}@${domain}>`,
      replyTo: `${local}+${replyToken(parts.replyKey, delivery.id)}@${domain}`,
    }
  }

  function threadOf(submission: Submission) {
    return { references: `<${submission.id}@${domain}>` }
  }
}

/**
 * The token of a reply address: which delivery is answered, hence which editor or sender and which submission, and a
 * signature, so that nobody can make one up. 45 characters, for a mailbox name may have 64 (RFC 5321, 4.5.3.1.1).
 */
export function replyToken(key: KeyObject, deliveryId: string): string {
  const id = deliveryId.replaceAll('-', '')
  const signature = createHmac('sha256', key).update(`reply\0${deliveryId}`).digest('hex').slice(0, 13)
  return id + signature
}

function addressOf(mailFrom: string): { local: string; domain: string } {
  const address = /<([^<>]+)>$/.exec(mailFrom)?.[1] ?? mailFrom
  const at = address.lastIndexOf('@')
  return { local: address.slice(0, at), domain: address.slice(at + 1) }
}

/** Renders `mail/NAME.txt` unescaped and `mail/NAME.html` escaped. */
function mailRenderer(views: string, frame: Record<string, unknown>) {
  const asText = new Eta({
    views,
    cache: true,
    autoEscape: false,
    autoTrim: [false, 'nl'],
    defaultExtension: '.txt.eta',
  })
  const asHtml = new Eta({ views, cache: true, autoTrim: [false, 'nl'], defaultExtension: '.html.eta' })
  return (name: string, data: Record<string, unknown>) => ({
    text: asText.render(`mail/${name}`, { ...frame, ...data }).trim(),
    html: asHtml.render(`mail/${name}`, { ...frame, ...data }),
  })
}
