import type { Readable } from 'node:stream'
import type { Editor } from '../../accounts/editor.ts'
import { Failure } from '../../core/errors.ts'
import type { Article } from '../../documents/article.ts'
import { confirmationTo } from '../../editorial/reply-confirmations.ts'
import type { Job } from '../../jobs/job.ts'
import type { Mark } from '../../outbound-mail/reply-delimiter.ts'
import {
  type IncomingMessage,
  type IncomingSubmission,
  isMailbox,
  type StagedFile,
} from '../../submissions/incoming.ts'
import { isConfidentialKind } from '../../submissions/model.ts'
import type { QuarantineReason } from '../../submissions/quarantine.ts'
import { receiptCandidatesIn } from '../../submissions/receipt.ts'
import { authorNames } from './authors.ts'
import type { EditorReply } from './editor-reply.ts'
import { type Envelope, left, MailInHand, nothingKnown, staged } from './inbound-email.ts'
import { type BodyText, shortened } from './mail-body.ts'
import type { MailFile, MailReader } from './parser-pool.ts'
import { filesOfReply } from './reply-attachments.ts'
import type { Done, ReplyCommand } from './reply-commands.ts'
import type { AddressBook, Destination, ForSubmission } from './routing.ts'

type TakeContext = {
  addresses: AddressBook
  reader: Pick<MailReader, 'read' | 'article' | 'holdsAnyOf'>
  /** Keeps the mail itself. @throws Failure `too-large`, `unavailable` */
  stage: (source: Readable) => Promise<StagedFile>
  readStaged: (id: string) => Promise<Readable>
  discard: (ids: string[]) => Promise<void>
  receive: (incoming: IncomingSubmission) => Promise<{ reference: string; repeat: boolean }>
  receiveFurther: (incoming: IncomingMessage) => Promise<{ repeat: boolean }>
  doCommand: (action: ReplyCommand) => Promise<Done>
  jobById: (id: string) => Promise<Job | undefined>
  /** A job that one of these Message-IDs names. */
  jobNamed: (messageIds: string[]) => Promise<Job | undefined>
  bounced: (jobId: string, errorCode: string) => Promise<void>
  /** An editor who may do something by mail. */
  editorById: (id: string) => Promise<Editor | undefined>
  /** The submission that this sender wrote these mails about, or was written them. */
  threadOf: (messageIds: string[], address: string) => Promise<Known | undefined>
  submissionById: (id: string) => Promise<Known | undefined>
  markOf: (messageId: string, address: string) => { message: string; address: string }
  /** The submission that a mark of ours speaks of; undefined for one that is not ours. */
  markedBy: (mark: Mark) => Promise<string | undefined>
  /** The submission that one of these receipts opens. */
  openedBy: (receipts: string[]) => Promise<Known | undefined>
  /** What no sender should be told: addresses and full names of editors, links to the desk. */
  namesOfOurs: () => Promise<string[]>
  /** The beginning of a file that is kept, as text. */
  beginningOf: (id: string) => Promise<string>
  /** True for what only mails to editors hold. */
  isFromDesk: (mailText: { visible: string; quoted: string }) => boolean
  canaryCame: (id: string) => Promise<void>
  /** What nobody can be told of otherwise is kept as it came. */
  keepDeadLetter: (reason: string, rawId: string) => Promise<void>
}

/** A submission that a mail may belong to. */
type Known = { id: string; reference: string; isConfidential: boolean }

/** What became of a mail. */
export type InboundResult =
  | 'received'
  | 'repeat'
  | 'joined'
  | 'done'
  | 'quarantined'
  | 'bounce'
  | 'canary'
  | 'kept'
  | 'ignored'

/** More servers than this make a circle (RFC 5321, 6.3). */
const mostHops = 50

/** An address whose token says nothing any more. */
const toNobody: Omit<ForSubmission, 'for'> = { kind: 'news-tip', address: '', isOwn: true }
const noText: BodyText = { visible: '', quoted: '', language: undefined }
const noReply: EditorReply = {
  command: undefined,
  words: '',
  text: '',
  leftOut: '',
  below: '',
  doubt: undefined,
}

/**
 * Takes a mail in, whichever way it came. Resolves when all there is of it is durable: what it becomes, or, where
 * nothing can be made of it, the mail itself.
 * @throws Failure `too-large`, `unavailable`, or `forbidden` for a mail that runs in circles; then nothing is kept.
 */
export function mailRouter(app: TakeContext) {
  return async function take(source: Readable, envelope: Envelope): Promise<InboundResult> {
    const raw = await app.stage(source)
    const files: MailFile[] = []
    try {
      const read = await app.reader.read(await app.readStaged(raw.id), files)
      const mail = 'mail' in read ? read.mail : undefined
      const unreadable = 'unreadable' in read ? read.unreadable : undefined
      return await takeRead(
        new MailInHand(
          raw,
          files,
          mail ?? nothingKnown,
          unreadable ?? (mail?.words ? undefined : 'broken'),
          envelope,
        ),
      )
    } finally {
      // What was made part of something is no longer staged, and stays.
      await app.discard([raw, ...staged(files)].map(({ id }) => id))
    }
  }

  async function takeRead(given: MailInHand): Promise<InboundResult> {
    const { mail } = given
    if (mail.hops > mostHops) throw new Failure('forbidden', 'This mail runs in circles.')
    // The headers say too whom else it is for: a mail to several of our addresses comes as one for each.
    const to = [...(given.envelope.to ?? []), ...mail.recipients]
    const destination = app.addresses.best(to)
    given.inConfidence = inConfidence(destination) ?? app.addresses.inConfidence(to)
    if (given.isBounce) {
      const job = await bouncedIn(given, destination)
      if (job) return takeBounce(given, job)
      // A person whose name looks like a mail system's has a return path, and is heard.
      if (mail.report.isReport || !given.returnPath) return keep(given, 'bounce-of-nothing-ours')
    }
    switch (destination.for) {
      case 'canary':
        await app.canaryCame(destination.id)
        return 'canary'
      case 'bounce':
        return takeAtReturnPath(given, await app.jobById(destination.id))
      case 'reply':
        return takeReply(given, await app.jobById(destination.id))
      case 'piece':
        return takeUnaddressed(given, destination)
    }
  }

  /** Which delivery a bounce is about: by the token of an address, here or in what it quotes, or by a Message-ID of ours. */
  async function bouncedIn(given: MailInHand, destination: Destination): Promise<Job | undefined> {
    const { about, tagged } = given.mail.report
    const isToToken = destination.for === 'bounce' || destination.for === 'reply'
    if (isToToken) return app.jobById(destination.id)
    // Otherwise it is believed only where nobody can be answered about it, as a server's word.
    if (!given.isNobodys && !given.mail.report.isFromDaemon) return undefined
    for (const address of tagged) {
      const found = app.addresses.destinationOf(address)
      const job = found && found.for !== 'piece' ? await app.jobById(found.id) : undefined
      if (job) return job
    }
    return app.jobNamed(about)
  }

  /** What a mail system tells of a mail of ours. It never becomes a submission. */
  async function takeBounce(given: MailInHand, job: Job): Promise<InboundResult> {
    const { fate, status } = given.mail.report
    if (fate === 'unclear') return keep(given, 'bounce-not-understood')
    if (fate === 'failed') await app.bounced(job.id, status ? `bounced-${status}` : 'bounced')
    return 'bounce'
  }

  /**
   * What comes to a return path and tells of no mail that did not arrive: by a person, who has something to say, or by
   * their program, as while they are away.
   */
  async function takeAtReturnPath(given: MailInHand, job: Job | undefined): Promise<InboundResult> {
    if (!job) return keep(given, 'bounce-of-nothing-ours')
    const isForSender = job.submissionId !== null && job.editorId === null
    if (isForSender || !given.isAutomatic) return takePersonal(given, job)
    return given.mail.isAutoReply ? 'ignored' : keep(given, 'bounce-not-understood')
  }

  async function takePersonal(given: MailInHand, { submissionId, editorId }: Job): Promise<InboundResult> {
    if (!submissionId) return takeUnaddressed(given, toNobody)
    return editorId ? hold(given, submissionId, editorId, 'not-theirs') : joinOrBegin(given, submissionId)
  }

  /** A reply to an address with a token: by the sender whom we wrote to, or in place of the editor. */
  async function takeReply(given: MailInHand, job: Job | undefined): Promise<InboundResult> {
    const submissionId = job?.submissionId
    if (!submissionId) return takeUnaddressed(given, toNobody)
    if (!job.editorId) return joinOrBegin(given, submissionId)
    const editor = await app.editorById(job.editorId)
    return takeEditorReply(given, submissionId, job.editorId, editor)
  }

  async function takeEditorReply(
    given: MailInHand,
    submissionId: string,
    editorId: string,
    editor: Editor | undefined,
  ): Promise<InboundResult> {
    const { mail } = given
    // An out-of-office reply must not reach a sender.
    if (mail.isAutoReply || given.isNobodys) return 'ignored'
    const isTheirs = editor !== undefined && mail.isFromOne && isSame(mail.from?.address, editor.email)
    if (!isTheirs) return hold(given, submissionId, editorId, 'not-theirs')
    if (mail.isAutomatic) return hold(given, submissionId, editorId, 'automatic')
    if (mail.encryption) return hold(given, submissionId, editorId, 'encrypted')
    // What an archive holds was done, or not, in its time.
    if (given.envelope.isImported) return hold(given, submissionId, editorId, 'not-possible')
    const reply = mail.words?.reply ?? noReply
    const names = [...(await app.namesOfOurs()), ...fullNames(mail.from?.name)]
    const files = await filesOfReply(given.files, mail.pictures, {
      beginningOf: app.beginningOf,
      tellsOfUs: async (id) => app.reader.holdsAnyOf(names, await app.readStaged(id)),
    })
    const isForSender = reply.command !== 'note' && reply.command !== 'claim'
    const doubt = reply.doubt ?? files.doubt
    if (doubt) return hold(given, submissionId, editorId, doubt, files.leftOut)
    if (isForSender && holdsAny(reply.words, names)) {
      return hold(given, submissionId, editorId, 'tells-of-us', files.leftOut)
    }
    const done = await app.doCommand({
      submissionId,
      editor,
      idempotencyKey: given.idempotencyKey,
      reply,
      files: files.sent,
      aside: [given.raw, ...staged(files.leftOut)],
      origin: given.origin(),
    })
    if (done === 'done' || done === 'repeat') return done
    return hold(given, submissionId, editorId, done, files.leftOut)
  }

  /** Keeps a reply for an editor to look at: it is nobody's words yet. */
  async function hold(
    given: MailInHand,
    submissionId: string,
    editorId: string | undefined,
    reason: QuarantineReason,
    leftOut: MailFile[] = [],
  ): Promise<InboundResult> {
    // Of what a stranger tells in confidence nothing may stand in the clear; and what holds a notice of ours makes no new
    // submission, for there may be a circle.
    if (reason === 'not-theirs' && given.inConfidence && !(await isConfidential(submissionId)))
      return keep(given, 'told-in-confidence')
    // What cannot be read is not to be sent on by mistake: it stays in the mail, as that came.
    const isOpen = reason !== 'encrypted'
    const { visible, quoted } = (isOpen && wordsOfQuarantined(given)) || noText
    // A program that passes mail on would pass on the confirmation too.
    const isSilent = given.mail.isAutomatic || given.envelope.isImported
    const isConfirmed = editorId !== undefined && !isSilent && (await app.editorById(editorId)) !== undefined
    const further = given.further(submissionId, visible)
    const ofProgram = new Set(staged(leftOut).map(({ id }) => id))
    const files = further.files.map((file) =>
      ofProgram.has(file.id) ? { ...file, isLeftOut: true as const } : file,
    )
    const { repeat } = await app.receiveFurther({
      ...further,
      files,
      ...(!isOpen && { files: [given.raw], awaited: [] }),
      author: 'unverified',
      email: {
        ...given.origin(),
        ...(quoted && { quoted }),
        quarantined: reason,
        ...(editorId && { quarantinedFor: editorId }),
      },
      jobs: isConfirmed ? [confirmationTo(editorId, `quarantined ${reason}`)] : [],
    })
    return repeat ? 'repeat' : 'quarantined'
  }

  /** A mail to an address that anybody may write to: it belongs where its sender wrote before, or it is a new submission. */
  async function takeUnaddressed(given: MailInHand, to: Omit<ForSubmission, 'for'>): Promise<InboundResult> {
    const { mail } = given
    // A mail of ours that comes back as it is, as by a rule that passes all mail on, must not make a new submission: of that
    // there would be a notice again.
    const itself = await app.jobNamed(mail.messageId ? [mail.messageId] : [])
    if (itself) return 'ignored'
    const from = mail.from?.address
    const thread = from && (await app.threadOf(mail.references, from))
    // Whoever has a receipt may write again; and a receipt that comes back by itself must not be given another.
    const opened = await app.openedBy([
      ...receiptCandidatesIn(mail.subject ?? ''),
      ...(mail.words?.receipts ?? []),
    ])
    const known = [thread || undefined, opened].filter((one) => one !== undefined)
    const fitting = known.find((one) => fits(given, one))
    if (fitting) return join(given, fitting.id)
    const answered = await app.jobNamed(mail.references)
    if (answered?.submissionId && answered.editorId) {
      return hold(given, answered.submissionId, answered.editorId, 'not-theirs')
    }
    // A digest or a link to sign in is about no single submission: what its editor replies must not become a new one.
    const editor = answered?.editorId ? await app.editorById(answered.editorId) : undefined
    if (editor && isSame(from, editor.email)) return keep(given, 'a-reply-to-the-desk')
    const marked = mail.words?.marked
    const submissionId = marked && (await app.markedBy(marked))
    if (submissionId) return hold(given, submissionId, undefined, 'not-theirs')
    if (app.isFromDesk(mail.words?.message ?? noText)) return keep(given, 'a-mail-from-the-desk')
    return begin(given, to, known[0]?.reference)
  }

  /**
   * What is told in confidence must not join a conversation whose mails hold every word, however it names it: then it is a
   * new submission, which tells the editors of the earlier one.
   */
  async function joinOrBegin(given: MailInHand, submissionId: string): Promise<InboundResult> {
    const there = await app.submissionById(submissionId)
    if (!there || !given.inConfidence || fits(given, there)) return join(given, submissionId)
    return begin(given, given.inConfidence, there.reference)
  }

  async function isConfidential(submissionId: string): Promise<boolean> {
    return (await app.submissionById(submissionId))?.isConfidential === true
  }

  async function begin(
    given: MailInHand,
    { kind, address }: Omit<ForSubmission, 'for'>,
    earlier?: string,
  ): Promise<InboundResult> {
    const { mail, envelope, unreadable } = given
    const isArticle = kind === 'guest-post'
    const words = (isArticle ? mail.words?.article : mail.words?.message) ?? noText
    const document = isArticle ? await articleIn(given) : undefined
    const formatted = document?.formatted ?? words.formatted
    const from = mail.from
    const names = authorNames(mail.authors)
    const replyTo = mail.replyTo && isMailbox(mail.replyTo) && !app.addresses.isOurs(mail.replyTo)
    const answerTo = replyTo ? mail.replyTo : from?.address
    // Nobody is written to by a program because somebody else has named them.
    const isElsewhere = answerTo !== undefined && !isSame(from?.address, answerTo)
    const isUnanswered =
      envelope.isImported ||
      mail.isAutomatic ||
      isElsewhere ||
      given.isNobodys ||
      unreadable !== undefined ||
      !from ||
      !answerTo ||
      app.addresses.isOurs(answerTo) ||
      app.addresses.isOurs(from.address)
    const { repeat } = await app.receive({
      kind,
      channel: 'email',
      idempotencyKey: given.idempotencyKey,
      fields: {
        title: mail.subject,
        body: document?.text ?? words.visible,
        name: names || undefined,
        email: answerTo,
        language: document ? document.language : words.language,
        ...(isArticle && names && { byline: names }),
      },
      files: [given.raw, ...staged(given.files)],
      awaited: left(given.files),
      email: {
        ...given.origin(),
        ...(address && { to: address }),
        ...(words.quoted && { quoted: words.quoted }),
        ...(formatted && { formatted }),
        ...(document && words.visible && { cover: words.visible }),
      },
      threads: isElsewhere ? [] : given.threads(app.markOf, answerTo),
      isUnanswered,
      ...(earlier !== undefined && { earlier }),
    })
    return repeat ? 'repeat' : 'received'
  }

  async function join(given: MailInHand, submissionId: string): Promise<InboundResult> {
    const { mail } = given
    const { visible, quoted } = mail.words?.further ?? noText
    const { repeat } = await app.receiveFurther({
      ...given.further(submissionId, visible),
      email: {
        ...given.origin(),
        ...(quoted && { quoted }),
        ...(given.isAutomatic && { isAutomatic: true }),
      },
      isQuiet: given.isAutomatic,
    })
    return repeat ? 'repeat' : 'joined'
  }

  async function articleIn({ files, mail }: MailInHand): Promise<Article | undefined> {
    const document = staged(files).find(({ name }) => isDocument(name))
    const sender = mail.from?.address.toLowerCase() ?? ''
    return document && app.reader.article(document.name, sender, () => app.readStaged(document.id))
  }

  async function keep({ raw }: MailInHand, reason: string): Promise<InboundResult> {
    await app.keepDeadLetter(reason, raw.id)
    return 'kept'
  }
}

/** The address that a mail is taken for, if it takes what is confidential and somebody chose it. */
function inConfidence(destination: Destination): ForSubmission | undefined {
  const isChosen = destination.for === 'piece' && isConfidentialKind(destination.kind) && !destination.isOwn
  return isChosen ? destination : undefined
}

/** True where a mail may join a submission: what is told in confidence joins what is confidential only. */
function fits({ inConfidence }: MailInHand, submission: Known): boolean {
  return submission.isConfidential || inConfidence === undefined
}

/** What somebody may have wanted to send, and all else that their mail says. */
function wordsOfQuarantined({ mail }: MailInHand): { visible: string; quoted: string } | undefined {
  const reply = mail.words?.reply
  if (!reply) return mail.words?.message
  const quoted = [reply.leftOut, reply.below].filter((text) => text !== '').join('\n\n')
  return { visible: shortened(reply.text), quoted: shortened(quoted) }
}

/** A name of one word is what one signs with; who somebody is, only the whole name tells. */
export function fullNames(name: string | undefined): string[] {
  return name && /\S\s+\S/.test(name.trim()) ? [name.trim()] : []
}

function holdsAny(words: string, names: string[]): boolean {
  const visible = words.toLowerCase().replace(/\s+/g, ' ')
  return names.some((name) => visible.includes(name.toLowerCase()))
}

/** True for the names of documents whose text can be taken for an article. */
function isDocument(name: string): boolean {
  return /\.(?:docx|odt)$/i.test(name)
}

function isSame(one: string | undefined, other: string): boolean {
  return one !== undefined && one.toLowerCase() === other.toLowerCase()
}
