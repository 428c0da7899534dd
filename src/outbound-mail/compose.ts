import type { KeyObject } from 'node:crypto'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { type Editor, fullNameFrom, mostWrongCodes } from '../accounts/editor.ts'
import type { EditorStore } from '../accounts/editor-store.ts'
import { eventIn, securityEvents, sessionWays } from '../audit/security-event.ts'
import type { Replies } from '../config.ts'
import { addressOf, type MailTokenUse, mailToken, messageIdOf, tagged } from '../core/email-address.ts'
import type { SecurityAction } from '../db/values.ts'
import type { Letter, LetterName } from '../editorial/letter-templates.ts'
import { fill, mailValuesFor } from '../editorial/letter-templates.ts'
import { confirmationWords } from '../editorial/reply-confirmations.ts'
import { type EphemeralPayload, type Job, JobError } from '../jobs/job.ts'
import { type RejectionReason, rejections } from '../submissions/file-refusal.ts'
import {
  detailFields,
  encryptionNames,
  type Fields,
  filesOf,
  kindNames,
  type Message,
  type Submission,
} from '../submissions/model.ts'
import type { AttentionStore } from '../submissions/presence-store.ts'
import type { SubmissionStore } from '../submissions/store.ts'
import type { Mail, MailBodies } from './mail.ts'
import { mailRenderer } from './render.ts'
import { replyDelimiter } from './reply-delimiter.ts'

type ComposeContext = {
  viewsFolder: string
  submissions: Pick<SubmissionStore, 'byId' | 'conversation'>
  editors: Pick<EditorStore, 'byId' | 'names'>
  attention: Pick<AttentionStore, 'of'>
  letter: (name: LetterName) => Promise<Letter>
  /** Whether encrypted mail to editors may carry what is confidential. */
  confidentialByMail: () => Promise<boolean>
  /** The link by which a reply by mail is stopped or sent at once, while it waits. */
  replyLink: (messageId: string, visibleAt: number) => string
  /** The link by which a request to reset a passphrase is cancelled. */
  requestLink: (id: string, askedAt: number) => string
  /** Makes a one-time sign-in link when the mail is composed, so that none lies in the outbox. */
  signInLink: (editorId: string) => Promise<string>
  /** True if an editor has something of their own to sign in with. */
  hasSetUp: (editorId: string) => Promise<boolean>
  newsroom: string
  mailFrom: string
  /** Where replies and bounces go; where they are collected, with a token behind a plus. */
  replyAddress: string
  /** Where they are collected, an editor can answer by mail, and what bounces comes back to us. */
  replies: Replies
  siteUrl: string
  /** Where the desk is, with `/desk` at the end. */
  deskUrl: string
  /** The onion address, where there is one. */
  onionUrl: string | undefined
  /** Reply addresses are signed with it. */
  replyKey: KeyObject
  formats: Record<string, unknown>
}

/** A mail as it stands, before it is anybody's delivery. */
type SubmissionToShow = Pick<Mail, 'to'> & MailBodies

export type Composer = ReturnType<typeof mailComposer>

const nobody = () => new JobError('recipient-gone', { permanent: true })
const nothing = () => new JobError('submission-gone', { permanent: true })

/** More submissions are not listed in one mail; how many more there are is said. */
const mostListed = 50

/** Mail programs find a thread by its last mails. */
const mostReferences = 10

/** Of what should be seen at once, what the mail is called. */
const securitySubjects: Partial<Record<SecurityAction, string>> = {
  asked: 'Request to reset a passphrase',
  'began-anew': 'An editor started over with a new passphrase',
  passphrase: 'Your passphrase was changed',
  removed: 'Make a new recovery sheet',
  'sheet-made': 'New recovery sheet',
  'sheet-used': 'The recovery sheet was used',
}

/** What is said at the end of a mail about replying to it. */
const replyNotes = {
  welcome: 'You can also reply to this email.',
  unread: 'Replies to this email are not read.',
  misses: 'Please answer at the desk: a reply to this email does not reach the sender.',
} as const

/** Composes the mail of a job. @throws JobError when there is nobody or nothing to write of any more. */
export function mailComposer(app: ComposeContext) {
  const render = mailRenderer(app.viewsFolder, {
    ...app.formats,
    newsroom: app.newsroom,
    siteUrl: app.siteUrl,
    onionUrl: app.onionUrl,
    encryptionNames,
  })
  const { domain } = addressOf(app.mailFrom)
  const replyAddress = addressOf(app.replyAddress)
  /** Of a mail that nobody has to answer. */
  const automatic = { replyNote: app.replies === 'to-people' ? undefined : replyNotes.unread }

  return {
    /**
     * Tells an editor of a submission, or of what its sender wrote since: in full, or, if confidential, only that there is
     * something. Where the newsroom lets encrypted mail carry it, that has the first unread message too: whatever else
     * came meanwhile is encrypted. Undefined if the editor has read it all meanwhile.
     */
    async editorNotice(job: Job): Promise<Mail | undefined> {
      const editor = await editorOf(job)
      const { submission, messages, opening } = await submissionOf(job)
      const { openedAt, hasSeenAll } = await app.attention.of(submission.id, editor.id)
      if (hasSeenAll) return undefined
      const from = messages.findIndex((message) => message.id === job.messageId)
      if (from === -1) throw nothing()
      const unread = messages
        .slice(from)
        .filter(({ author }) => author === 'sender')
        .filter(({ createdAt }) => submission.isConfidential || createdAt > (openedAt ?? 0))
      if (unread.length === 0) return undefined
      const isFurther = unread[0]?.id !== opening.id
      const tellsContent = !submission.isConfidential
      const shared = {
        ...frameOf(submission),
        ...markOf(submission),
        isFurther,
        ...(tellsContent && { messages: unread }),
      }
      const subject = `${isFurther ? 'Re: ' : ''}${subjectOf(submission, opening.content.fields)}`
      const view = tellsContent ? 'editor-notice' : 'editor-notice-confidential'
      const wording = unread[0]?.id === job.messageId ? await confidentialContent(job, submission) : undefined
      const inConfidence = wording && {
        subject,
        ...render('editor-notice-in-confidence', { ...shared, wording, hasMore: unread.length > 1 }),
      }
      return {
        ...envelope(job),
        to: editor.email,
        subject,
        ...render(view, shared),
        ...(inConfidence && { inConfidence }),
        ...threadOf(submission),
      }
    },

    /** Tells an editor that a colleague has given them a submission. */
    async assignment(job: Job): Promise<Mail | undefined> {
      const editor = await editorOf(job)
      const { submission, opening } = await submissionOf(job)
      if (submission.assigneeId !== editor.id) return undefined
      const subject = `Re: ${subjectOf(submission, opening.content.fields)}`
      const bodies = render('assignment', { ...frameOf(submission), ...markOf(submission) })
      return { ...envelope(job), to: editor.email, subject, ...bodies, ...threadOf(submission) }
    },

    /** Tells an editor of many submissions in one mail. */
    async digest(
      job: Job,
      submissions: Submission[],
      words: { subject: string; lead: string },
    ): Promise<Mail> {
      const editor = await editorOf(job)
      const shown = submissions.slice(0, mostListed)
      const entries: Awaited<ReturnType<typeof listed>>[] = []
      for (const one of shown) {
        entries.push(await listed(one))
        // Requests have their turn between two: many digests may be due at one hour.
        await nextTurn()
      }
      const more = submissions.length - shown.length
      const bodies = render('digest', {
        ...words,
        ...automatic,
        submissions: entries,
        more,
        deskUrl: app.deskUrl,
      })
      return {
        ...unanswered(job),
        to: editor.email,
        subject: words.subject,
        ...bodies,
        unsubscribe: `${app.deskUrl}/account`,
      }
    },

    /**
     * Tells an editor which submissions will be erased soon, by their references: it may be read by whoever keeps the
     * mailbox.
     */
    async erasureWarning(job: Job, soon: { submission: Submission; at: number }[]): Promise<Mail> {
      const editor = await editorOf(job)
      const shown = soon.slice(0, mostListed).sort((a, b) => a.at - b.at)
      const entries = shown.map(({ submission: entry, at }) => ({ ...frameOf(entry), at }))
      const bodies = render('erasure-warning', {
        ...automatic,
        submissions: entries,
        more: soon.length - shown.length,
        listUrl: `${app.deskUrl}/retention`,
      })
      const subject =
        soon.length === 1 ? 'One piece will be erased soon' : `${soon.length} pieces will be erased soon`
      return { ...unanswered(job), to: editor.email, subject, ...bodies }
    },

    /**
     * Tells a sender who left an address that the submission is here, without a word of theirs: the address may be somebody
     * else's. Undefined where the newsroom sends no receipts.
     */
    async senderReceipt(job: Job): Promise<Mail | undefined> {
      const { submission, opening } = await submissionOf(job)
      const { fields } = opening.content
      const known = payloadOf(job, submission)
      const to = job.target ?? known?.contact?.email ?? fields.email
      if (!to) throw nobody()
      const letter = await app.letter('receipt')
      if (!letter.isOn) return undefined
      const values = mailValuesFor(submission, app.newsroom)
      const tellsContent = !submission.isConfidential
      const isReply = submission.channel === 'email'
      const receipt = job.receipt ?? known?.receipt
      const bodies = render('sender-receipt', {
        submission,
        words: fill(letter.body, values),
        receipt,
        tellsContent,
        isReply,
        notOpened: tellsContent ? notOpenedIn(opening) : [],
        statusUrl: `${app.siteUrl}/status`,
        replyNote: toSender(tellsContent || (isReply && !receipt)),
      })
      const subject = fill(letter.subject, values)
      const incoming = { to, subject, ...bodies, ...threadOf(submission, [opening], known) }
      // Whoever wrote by mail is answered as RFC 3834 asks of programs: what comes back of it is nobody's.
      return isReply
        ? { ...envelope(job), ...incoming, isReply, returnPath: '' }
        : { ...envelope(job), ...incoming }
    },

    /** Sends an editor's answer to the sender; of a confidential submission, only that there is one. */
    async answer(job: Job): Promise<Mail | undefined> {
      const { submission, messages, opening } = await submissionOf(job)
      const message = messages.find((one) => one.id === job.messageId)
      if (!message) throw nothing()
      if (message.isWithdrawn) return undefined
      const known = payloadOf(job, submission)
      const to = known?.contact?.email ?? opening.content.fields.email
      const incoming = await this.answerDraft(submission, opening, message.content.fields, to)
      const tellsContent = !submission.isConfidential
      const files = tellsContent ? filesOf(message).filter(({ state }) => state === 'kept') : []
      return {
        ...envelope(job),
        ...incoming,
        isPersonal: true,
        files: files.map(({ id, type }) => ({ id, type, name: message.content.files[id]?.name ?? 'file' })),
        ...threadOf(submission, messages, known),
      }
    },

    /** The mail that this answer would be. @throws JobError if the sender left no address. */
    async answerDraft(
      submission: Submission,
      opening: Message,
      wording: Pick<Fields, 'title' | 'body'>,
      to = opening.content.fields.email,
    ): Promise<SubmissionToShow> {
      const { fields } = opening.content
      if (!to) throw nobody()
      const statusUrl = `${app.siteUrl}/status`
      if (submission.isConfidential) {
        const bodies = render('answer-confidential', { submission, statusUrl, replyNote: toSender(false) })
        const subject = `There is an answer to what you sent (${submission.reference})`
        return { to, subject, ...bodies }
      }
      const receiptLetter = await app.letter('receipt')
      const values = mailValuesFor(submission, app.newsroom)
      const isReply = submission.channel === 'email' && fields.title !== undefined
      const usual = isReply ? fields.title : fill(receiptLetter.subject, values)
      const subject = wording.title || `Re: ${usual}`
      const bodies = render('answer', {
        submission,
        words: wording.body,
        statusUrl,
        replyNote: toSender(true),
      })
      return { to, subject, ...bodies }
    },

    /**
     * Tells an editor what became of what they did by mail; where something will be sent, exactly what, with links that
     * stop it or send it at once. Of a confidential submission the words go only where the mail leaves encrypted.
     * Undefined if it was stopped meanwhile.
     */
    async confirmation(job: Job): Promise<Mail | undefined> {
      const editor = await editorOf(job)
      const { submission, messages, opening } = await submissionOf(job)
      const words = confirmationWords(job.target)
      if (!words) throw nothing()
      const subject = `Re: ${subjectOf(submission, opening.content.fields)}`
      const frame = { ...frameOf(submission), ...markOf(submission), words }
      const answer = messages.find(({ id, author }) => id === job.messageId && author === 'editor')
      if (answer?.isWithdrawn) return undefined
      const waiting = answer && waitingAnswer(answer)
      const wording = submission.isConfidential ? undefined : waiting && shownOf(waiting, messages)
      const kept = await confidentialContent(job, submission)
      const inConfidence = waiting &&
        kept?.text !== undefined && {
          subject,
          ...render('confirmation', { ...frame, waiting, wording: { ...kept, body: kept.text } }),
        }
      return {
        ...envelope(job),
        to: editor.email,
        subject,
        ...render('confirmation', { ...frame, waiting, wording }),
        ...(inConfidence && { inConfidence }),
        ...threadOf(submission),
      }
    },

    /** What is said to an editor whose PGP key cannot be used, whatever it was that was to be said. */
    contentless(): MailBodies {
      const bodies = render('contentless', { deskUrl: app.deskUrl, replyNote: replyNotes.unread })
      return { subject: 'Something is waiting for you', ...bodies }
    },

    /** A mail to ourselves, by which it is seen whether mail goes out and comes in. */
    canary(id: string): Mail {
      return {
        jobId: id,
        messageId: messageIdOf(id, domain),
        to: tagged(replyAddress, mailToken(app.replyKey, 'canary', id)),
        subject: `Does mail reach ${app.newsroom}?`,
        ...render('canary', {}),
      }
    },

    /** Tells an editor what was done that changes who may come in, or who opens what. */
    async securityNotice(job: Job): Promise<Mail> {
      const editor = await editorOf(job)
      const event = eventIn(job.target)
      if (!event) throw nothing()
      const nameOf = fullNameFrom(await app.editors.names())
      const { action, editorId, aboutId, detail, session } = event
      if (action === 'codes-guessed') return guessNotice(job, editor, Number(detail))
      const isAboutAnother = aboutId !== undefined && aboutId !== editorId
      const isRequest = action === 'asked' && detail !== undefined
      const bodies = render('security-notice', {
        ...automatic,
        who: editorId === null ? undefined : nameOf(editorId),
        isYou: editorId === editor.id,
        what: securityEvents[action].words,
        about: isAboutAnother ? nameOf(aboutId) : undefined,
        at: job.createdAt,
        session: session && { ...session, how: session.way ? sessionWays[session.way] : '' },
        isRequest,
        stopLink: isRequest ? app.requestLink(detail, job.createdAt) : undefined,
        deskUrl: `${app.deskUrl}/keys`,
      })
      return {
        ...unanswered(job),
        to: editor.email,
        subject: `${securitySubjects[action] ?? 'Security notice'} – ${app.newsroom}`,
        ...bodies,
      }
    },

    /** A link by which an editor signs in, once. */
    async signIn(job: Job): Promise<Mail> {
      const editor = await editorOf(job)
      // A link that bears a key is lost with the process that made it: then there is one that does not.
      const known = job.ephemeralPayload === 'lost' ? undefined : job.ephemeralPayload
      const link = known?.link ?? (await app.signInLink(editor.id))
      const subject = `Sign in at the desk of ${app.newsroom}`
      return {
        ...unanswered(job),
        to: editor.email,
        subject,
        ...render('sign-in', {
          ...automatic,
          link,
          bearsKey: known?.link !== undefined,
          isSetUp: await app.hasSetUp(editor.id),
          email: editor.email,
        }),
      }
    },
  }

  /** Warns an editor that the codes of their app were guessed at, and that they are closed if it was so often. */
  function guessNotice(job: Job, editor: Editor, count: number): Mail {
    const isClosed = count >= mostWrongCodes
    return {
      ...unanswered(job),
      to: editor.email,
      subject: 'Somebody has been guessing your sign-in codes',
      ...render('codes-guessed', { ...automatic, count, isClosed, deskUrl: app.deskUrl }),
    }
  }

  /** What an encrypted message says, where a mail may tell it and this process has not forgotten it. */
  async function confidentialContent({ ephemeralPayload }: Job, { isConfidential }: Submission) {
    const isKnown = isConfidential && ephemeralPayload !== undefined && ephemeralPayload !== 'lost'
    return isKnown && (await app.confidentialByMail()) ? ephemeralPayload : undefined
  }

  /** The answer that a confirmation speaks of, with its links. */
  function waitingAnswer(message: Message) {
    return { message, visibleAt: message.visibleAt, link: app.replyLink(message.id, message.visibleAt) }
  }

  /** What the sender will get, and what of the reply was left out. */
  function shownOf({ message }: { message: Message }, messages: Message[]) {
    const original = messages.find(({ id }) => id === message.settles)
    const { title, body } = message.content.fields
    return {
      title,
      body,
      files: namesIn(message),
      leftOut: {
        words: original?.content.email?.quoted ?? '',
        files: original ? namesIn(original) : [],
      },
    }
  }

  async function editorOf(job: Job): Promise<Editor> {
    const editor = await app.editors.byId(job.editorId ?? '')
    if (!editor) throw nobody()
    return editor
  }

  async function submissionOf(job: Job) {
    const submission = await app.submissions.byId(job.submissionId ?? '')
    if (!submission) throw nothing()
    return { submission, ...(await conversationOf(submission)) }
  }

  async function conversationOf(submission: Submission) {
    const messages = await app.submissions.conversation(submission.id)
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
    const deskUrl = `${app.deskUrl}/submissions/${submission.reference}`
    return { submission, kindName: kindNames[submission.kind], deskUrl, detailFields }
  }

  /** Above its line an editor answers by mail, where that comes in; elsewhere it is said that it does not. */
  function markOf(submission: Submission) {
    return app.replies === 'collected'
      ? { mark: replyDelimiter(app.replyKey, submission.reference) }
      : { replyNote: replyNotes.misses }
  }

  /** What is said to a sender about replying. Where that should not be done, it is said only if nobody would read it. */
  function toSender(isWelcome: boolean): string | undefined {
    if (app.replies === 'unread') return replyNotes.unread
    return isWelcome ? replyNotes.welcome : undefined
  }

  /** To mail that can be answered by replying to it. */
  function envelope(job: Job) {
    return {
      ...unanswered(job),
      ...(app.replies === 'collected' && { replyTo: tokenAddress('reply', job) }),
    }
  }

  /** The return path names the job, so that what comes back tells which one it was. */
  function unanswered(job: Job) {
    const named = { jobId: job.id, messageId: messageIdOf(job.id, domain) }
    switch (app.replies) {
      case 'collected':
        return { ...named, returnPath: tokenAddress('bounce', job) }
      case 'to-people':
        return { ...named, returnPath: app.replyAddress, replyTo: app.replyAddress }
      case 'unread':
        return named
    }
  }

  function tokenAddress(use: MailTokenUse, { id }: Job): string {
    return tagged(replyAddress, mailToken(app.replyKey, use, id))
  }

  /** Puts a mail into its submission's thread, behind the mails of its sender where it answers them. */
  function threadOf(submission: Submission, conversation: Message[] = [], known?: EphemeralPayload) {
    const mails = conversation
      .filter(({ author }) => author === 'sender')
      .flatMap(({ content }) => content.email?.messageId ?? [])
    const answered = known?.contact?.references ?? mails
    return { references: [messageIdOf(submission.id, domain), ...answered.slice(-mostReferences)] }
  }
}

/** What a job knows of a confidential submission. @throws JobError where a restart has lost it */
function payloadOf({ ephemeralPayload }: Job, { isConfidential }: Submission): EphemeralPayload | undefined {
  if (!isConfidential) return undefined
  if (ephemeralPayload === undefined || ephemeralPayload === 'lost')
    throw new JobError('sealed-away', { permanent: true })
  return ephemeralPayload
}

function namesIn(message: Message): { name: string }[] {
  return filesOf(message).map(({ id }) => ({ name: message.content.files[id]?.name ?? 'file' }))
}

function subjectOf(submission: Submission, fields: Fields): string {
  return `${kindNames[submission.kind]}: ${titleOf(submission, fields)}`
}

/** What the sender of files that were not taken can send instead, once for each kind of file. */
function notOpenedIn({ content }: Message): string[] {
  const reasons = Object.values(content.files).flatMap(({ refused }) => refused ?? [])
  return [...new Set(reasons)].map((reason) => rejectionSentence(reason, content.email !== undefined))
}

function rejectionSentence(reason: RejectionReason, isInMail: boolean): string {
  const { what, instead } = rejections[reason]
  if (reason !== 'no-room') return `A file that came with it is ${what}, and was not opened. ${instead}`
  return isInMail
    ? 'The files that came with it are kept in your mail as it came.'
    : `A file that came with it was not kept, for we had no room for it. ${instead}`
}

/** What a submission is called in a mail: by its reference, where its title is confidential. */
function titleOf(submission: Submission, fields: Fields): string {
  return (!submission.isConfidential && fields.title) || submission.reference
}
