import type { KeyObject } from 'node:crypto'
import { CarryFault, type Delivery } from '../delivery.ts'
import type { Editor } from '../editor.ts'
import type { Letter, LetterName } from '../letter.ts'
import { fill, mailValuesFor } from '../letter.ts'
import type { Attention } from '../notice-policy.ts'
import {
  type Fields,
  isConfidential,
  kindNames,
  type Message,
  type Submission,
  sideFields,
} from '../submission.ts'
import type { Mail } from './mailer.ts'
import { mailRenderer } from './render.ts'
import { addressOf, replyToken } from './reply-address.ts'

export type ComposeParts = {
  viewsFolder: string
  submissions: {
    byId(id: string): Promise<Submission | undefined>
    conversation(submissionId: string): Promise<Message[]>
  }
  editors: { byId(id: string): Promise<Editor | undefined> }
  attention: { of(submissionId: string, editorId: string): Promise<Attention> }
  letter: (name: LetterName) => Promise<Letter>
  /** Makes a one-time sign-in link when the mail is composed, so that none lies in the outbox. */
  signInLink: (editorId: string) => Promise<string>
  newsroom: string
  mailFrom: string
  siteUrl: string
  /** Reply addresses are signed with it. */
  replyKey: KeyObject
  formats: Record<string, unknown>
}

/** A mail as it stands, before it is anybody's delivery. */
export type Draft = Pick<Mail, 'to' | 'subject' | 'text' | 'html'>

export type Composer = ReturnType<typeof mailComposer>

const nobody = () => new CarryFault('recipient-gone', { permanent: true })
const nothing = () => new CarryFault('submission-gone', { permanent: true })
/** More pieces are not listed in one mail; how many more there are is said. */
const mostListed = 50

/** Composes the mail of a delivery. @throws CarryFault when there is nobody or nothing to write of any more. */
export function mailComposer(parts: ComposeParts) {
  const render = mailRenderer(parts.viewsFolder, {
    ...parts.formats,
    newsroom: parts.newsroom,
    siteUrl: parts.siteUrl,
  })
  const { local, domain } = addressOf(parts.mailFrom)

  return {
    /**
     * Tells an editor of a piece, or of what its sender wrote since: in full, or, if confidential, only that there is
     * something. Undefined if the editor has read it all meanwhile.
     */
    async editorNotice(delivery: Delivery): Promise<Mail | undefined> {
      const editor = await editorOf(delivery)
      const { submission, messages, opening } = await pieceOf(delivery)
      const { openedAt } = await parts.attention.of(submission.id, editor.id)
      const from = messages.findIndex((message) => message.id === delivery.messageId)
      if (from === -1) throw nothing()
      const unread = messages
        .slice(from)
        .filter((message) => message.author === 'sender' && message.createdAt > (openedAt ?? 0))
      if (unread.length === 0) return undefined
      const isFurther = unread[0]?.id !== opening.id
      const isTold = !isConfidential(submission.kind)
      const told = { ...frameOf(submission), isFurther, ...(isTold && { messages: unread }) }
      const subject = `${isFurther ? 'Re: ' : ''}${subjectOf(submission, opening.content.fields)}`
      const view = isTold ? 'editor-notice' : 'editor-notice-confidential'
      return {
        ...envelope(delivery),
        to: editor.email,
        subject,
        ...render(view, told),
        ...threadOf(submission),
      }
    },

    /** Tells an editor that a colleague has given them a piece. */
    async assignment(delivery: Delivery): Promise<Mail | undefined> {
      const editor = await editorOf(delivery)
      const { submission, opening } = await pieceOf(delivery)
      if (submission.assigneeId !== editor.id) return undefined
      const subject = `Re: ${subjectOf(submission, opening.content.fields)}`
      const bodies = render('assignment', frameOf(submission))
      return { ...envelope(delivery), to: editor.email, subject, ...bodies, ...threadOf(submission) }
    },

    /** Tells an editor of many pieces in one mail. */
    async digest(
      delivery: Delivery,
      submissions: Submission[],
      words: { subject: string; lead: string },
    ): Promise<Mail> {
      const editor = await editorOf(delivery)
      const shown = submissions.slice(0, mostListed)
      const pieces = await Promise.all(shown.map(listed))
      const more = submissions.length - shown.length
      const { messageId, deliveryId } = envelope(delivery)
      const bodies = render('digest', { ...words, pieces, more, deskUrl: `${parts.siteUrl}/desk` })
      return { messageId, deliveryId, to: editor.email, subject: words.subject, ...bodies }
    },

    /**
     * Tells a sender who left an address that the piece is here; of a confidential one, nothing more. Undefined where
     * the newsroom sends no receipts.
     */
    async senderReceipt(delivery: Delivery): Promise<Mail | undefined> {
      const { submission, opening } = await pieceOf(delivery)
      const { fields } = opening.content
      const to = delivery.target ?? fields.email
      if (!to) throw nobody()
      const letter = await parts.letter('receipt')
      if (!letter.isOn) return undefined
      const values = mailValuesFor(submission, fields, parts.newsroom)
      const isTold = !isConfidential(submission.kind)
      const bodies = render('sender-receipt', {
        submission,
        words: fill(letter.body, values),
        title: isTold ? fields.title : undefined,
        receipt: delivery.receipt,
        isTold,
        statusUrl: `${parts.siteUrl}/status`,
      })
      const subject = fill(letter.subject, values)
      return { ...envelope(delivery), to, subject, ...bodies, ...threadOf(submission) }
    },

    /** Sends an editor's answer to the sender; of a confidential piece, only that there is one. */
    async answer(delivery: Delivery): Promise<Mail | undefined> {
      const { submission, messages, opening } = await pieceOf(delivery)
      const message = messages.find((one) => one.id === delivery.messageId)
      if (!message) throw nothing()
      if (message.isWithdrawn) return undefined
      const draft = await this.answerDraft(submission, opening, message.content.fields)
      return { ...envelope(delivery), ...draft, isPersonal: true, ...threadOf(submission) }
    },

    /** The mail that this answer would be. @throws CarryFault if the sender left no address. */
    async answerDraft(
      submission: Submission,
      opening: Message,
      said: Pick<Fields, 'title' | 'body'>,
    ): Promise<Draft> {
      const { fields } = opening.content
      if (!fields.email) throw nobody()
      const statusUrl = `${parts.siteUrl}/status`
      if (isConfidential(submission.kind)) {
        const bodies = render('answer-confidential', { submission, statusUrl })
        const subject = `There is an answer to what you sent (${submission.reference})`
        return { to: fields.email, subject, ...bodies }
      }
      const receiptLetter = await parts.letter('receipt')
      const values = mailValuesFor(submission, fields, parts.newsroom)
      const subject = said.title || `Re: ${fill(receiptLetter.subject, values)}`
      return { to: fields.email, subject, ...render('answer', { submission, words: said.body, statusUrl }) }
    },

    /** A link by which an editor signs in, once. */
    async signIn(delivery: Delivery): Promise<Mail> {
      const editor = await editorOf(delivery)
      const link = await parts.signInLink(editor.id)
      const { messageId, deliveryId } = envelope(delivery)
      const subject = `Sign in at the desk of ${parts.newsroom}`
      return { messageId, deliveryId, to: editor.email, subject, ...render('sign-in', { link }) }
    },
  }

  async function editorOf(delivery: Delivery): Promise<Editor> {
    const editor = await parts.editors.byId(delivery.editorId ?? '')
    if (!editor) throw nobody()
    return editor
  }

  async function pieceOf(delivery: Delivery) {
    const submission = await parts.submissions.byId(delivery.submissionId ?? '')
    if (!submission) throw nothing()
    return { submission, ...(await conversationOf(submission)) }
  }

  async function conversationOf(submission: Submission) {
    const messages = await parts.submissions.conversation(submission.id)
    const [opening] = messages
    if (!opening) throw nothing()
    return { messages, opening }
  }

  async function listed(submission: Submission) {
    const { opening } = await conversationOf(submission)
    const { kindName, deskUrl } = frameOf(submission)
    return { submission, kindName, deskUrl, title: titleOf(submission, opening.content.fields) }
  }

  function frameOf(submission: Submission) {
    const deskUrl = `${parts.siteUrl}/desk/submissions/${submission.reference}`
    return { submission, kindName: kindNames[submission.kind], deskUrl, sideFields }
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

function subjectOf(submission: Submission, fields: Fields): string {
  return `${kindNames[submission.kind]}: ${titleOf(submission, fields)}`
}

/** What a piece is called in a mail: by its reference, where its title is confidential. */
function titleOf(submission: Submission, fields: Fields): string {
  return (!isConfidential(submission.kind) && fields.title) || submission.reference
}
