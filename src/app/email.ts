import type { Readable } from 'node:stream'
import { finished } from 'node:stream/promises'
import { type Mailbox, type MailboxState, watchMailbox } from '../channels/email/imap.ts'
import type { Envelope } from '../channels/email/inbound-email.ts'
import type { MailedFile } from '../channels/email/parsed-mail.ts'
import { type LeftFile, mailReader } from '../channels/email/parser-pool.ts'
import { type ReplyCommand, replyCommands } from '../channels/email/reply-commands.ts'
import { fullNames, type InboundResult, mailRouter } from '../channels/email/router.ts'
import { addressBook } from '../channels/email/routing.ts'
import { type Listener, listenForMail } from '../channels/email/smtp-listener.ts'
import { type Config, ConfigError } from '../config.ts'
import { addressOf } from '../core/email-address.ts'
import { Failure } from '../core/errors.ts'
import { answerFiles } from '../editorial/reply-attachments.ts'
import { tidyFileName } from '../files/name.ts'
import { NoRoom } from '../files/no-room.ts'
import { fileTypeCheck } from '../files/type.ts'
import { isOurDelimiter } from '../outbound-mail/reply-delimiter.ts'
import { FileRefused } from '../submissions/file-refusal.ts'
import type { StagedFile } from '../submissions/incoming.ts'
import type { Intake } from '../submissions/intake.ts'
import { messageKey, threadKey } from '../submissions/mail-thread-key.ts'
import { hashReceipt } from '../submissions/receipt.ts'
import { mailSender } from '../submissions/sender-fingerprint.ts'
import { type App, deskSiteUrl, siteUrl } from './context.ts'

/** The channel for e-mail: what comes in by it, whichever way. */
export type EmailChannel = {
  /** Takes one mail in durably. @throws Failure `too-large`, `unavailable`, `forbidden` */
  take: (source: Readable, envelope: Envelope) => Promise<InboundResult>
  /** Opens the ways in that are configured; says on which port the listener is. */
  open: () => Promise<{ port: number | undefined }>
  /** What is wrong with the channel, in plain words. */
  warnings: () => string[]
  close: () => Promise<void>
}

const MiB = 1024 * 1024

/** Files grow by a third when they are written as letters, and by line ends (RFC 2045, 6.8). */
const growth = 1.4

/** A mail of so many bytes is a text: it is taken also where there is no room for files. One with more is put off. */
const mostOfText = MiB

/** Of what is only kept to be looked at, so much. Bytes. */
const mostUnread = 256 * 1024

/** By so much a key is known. Bytes. */
const mostOfKey = 4096

export function createEmailChannel(app: App, letterbox: Intake): EmailChannel {
  const { config, storage, files, secrets, outside } = app
  const { now } = outside
  const senderKey = secrets.keyFor('sender')
  const { domain } = addressOf(config.MAIL_FROM)
  const reply = addressOf(config.EMAIL_REPLY_ADDRESS)
  // A mail may answer one from before the desk had an address of its own.
  const deskLinks = [...new Set([deskSiteUrl(config), siteUrl(config)])].map((url) =>
    `${url}/desk/`.toLowerCase(),
  )
  const maxMailBytes = Math.ceil(config.MAX_SUBMISSION_BYTES * growth) + MiB
  const addresses = addressBook({
    addresses: config.EMAIL_ADDRESSES,
    own: [config.MAIL_FROM, config.EMAIL_REPLY_ADDRESS],
    replyKey: secrets.keyFor('reply'),
  })
  const reader = mailReader({
    takeFile,
    ours: {
      addresses: [config.MAIL_FROM, config.EMAIL_REPLY_ADDRESS].map(bareAddress),
      names: [nameOf(config.MAIL_FROM), config.NEWSROOM_NAME],
    },
  })
  const taken = mailRouter({
    addresses,
    reader,
    stage: async (source) => ({
      ...(await files.stage(source, {
        isEncrypted: true,
        maxBytes: maxMailBytes,
        ofReserve: mostOfText,
        typeOf: async () => 'message/rfc822',
      })),
      name: 'mail.eml',
      isRaw: true,
    }),
    readStaged: files.readStaged,
    discard: files.discard,
    receive: letterbox.receive,
    receiveFurther: letterbox.receiveFurther,
    doCommand: doing(app),
    jobById: storage.jobs.byId,
    jobNamed: async (messageIds) => {
      for (const id of messageIds.flatMap(ourId)) {
        const job = await storage.jobs.byId(id)
        if (job) return job
      }
      return undefined
    },
    bounced: async (id, errorCode) => {
      await storage.jobs.bounced(id, errorCode, now())
      app.changed()
    },
    editorById: storage.editors.byId,
    async threadOf(messageIds, address) {
      const marks = messageIds.map((id) => messageKey(senderKey, id))
      const id = await storage.mail.submissionOf(marks, mailSender(address, senderKey))
      return id === undefined ? undefined : storage.submissions.byId(id)
    },
    async namesOfOurs() {
      const editors = await storage.editors.active()
      const names = editors.flatMap(({ email, name }) => [email, ...fullNames(name)])
      return [...names, `${reply.local}+`, ...deskLinks]
    },
    beginningOf: async (id) => beginning(await files.readStaged(id), mostOfKey),
    isFromDesk: ({ visible, quoted }) =>
      deskLinks.some((link) => visible.includes(link) || quoted.includes(link)),
    markOf: (messageId, address) => threadKey(senderKey, messageId, address),
    async openedBy(receipts) {
      for (const receipt of receipts) {
        const submission = await storage.submissions.byReceiptHash(hashReceipt(receipt))
        if (submission) return submission
      }
      return undefined
    },
    submissionById: storage.submissions.byId,
    async markedBy(mark) {
      if (!isOurDelimiter(secrets.keyFor('reply'), mark)) return undefined
      return (await storage.submissions.byReference(mark.reference))?.id
    },
    canaryCame: (id) => storage.mail.canaryCame(id, 'mail', now()),
    async keepDeadLetter(reason, rawId) {
      const raw = await beginning(await files.readStaged(rawId), mostUnread)
      await storage.deadLetters.keep({ source: 'email', reason, raw, createdAt: now() })
      outside.log.warn({ channel: 'email', reason }, 'kept unread')
    },
  })
  let listener: Listener | undefined
  let mailbox: Mailbox | undefined
  let mailboxState: MailboxState | undefined

  return {
    take,
    async open() {
      if (config.EMAIL_LISTEN) listener = await listenForMail(listening(config.EMAIL_LISTEN)).catch(failing)
      if (config.IMAP_URL) {
        mailbox = watchMailbox({
          url: config.IMAP_URL,
          take,
          now,
          onChange(state) {
            mailboxState = state
            if (state.errorCode) warn(state.errorCode)
            else outside.log.info({ channel: 'email' }, 'the mailbox is watched')
            app.changed()
          },
        })
      }
      return { port: listener?.port }
    },
    warnings: () => warningsOf(mailboxState),
    async close() {
      await Promise.all([listener?.stop(), mailbox?.stop()])
      await reader.close()
    },
  }

  async function take(source: Readable, envelope: Envelope): Promise<InboundResult> {
    const begun = performance.now()
    const what = await taken(source, envelope)
    // When a mail came is not logged: it may be a tip.
    outside.log.debug({ channel: 'email', what, ms: Math.round(performance.now() - begun) }, 'mail taken in')
    return what
  }

  function listening(url: string) {
    return {
      url,
      name: domain,
      take,
      addresses,
      maxMailBytes,
      limit: config.EMAIL_LIMIT,
      tls: tlsFiles(config),
      onError: warn,
      now,
    }
  }

  /** A file that is too large, or of a type that is not taken, stays in the raw mail and is only told of. */
  async function takeFile({ name: given }: MailedFile, content: Readable): Promise<StagedFile | LeftFile> {
    const name = tidyFileName(given)
    const typeOf = fileTypeCheck(config.FILE_TYPES)
    let size = 0
    content.on('data', (chunk: Buffer) => {
      size += chunk.length
    })
    content.pause()
    try {
      const written = await files.stage(content, {
        isEncrypted: true,
        maxBytes: config.MAX_SUBMISSION_BYTES,
        typeOf: (sample) => typeOf(sample, name),
      })
      return { ...written, name }
    } catch (error) {
      const isNoRoom = error instanceof NoRoom
      if (!(error instanceof Failure) || (error.code === 'unavailable' && !isNoRoom)) {
        content.destroy()
        throw error
      }
      await finished(content.resume())
      const reason = error instanceof FileRefused ? error.reason : undefined
      return { name, size, refused: isNoRoom ? 'no-room' : reason }
    }
  }

  /** The job's or submission's id in a Message-ID of ours. */
  function ourId(messageId: string): string[] {
    const id = /^<([\da-f-]{36})@(.+)>$/i.exec(messageId)
    return id?.[1] && id[2]?.toLowerCase() === domain ? [id[1].toLowerCase()] : []
  }

  function warn(errorCode: string): void {
    outside.log.warn({ channel: 'email', errorCode }, 'mail door')
  }
}

function bareAddress(mailbox: string): string {
  const { local, domain } = addressOf(mailbox)
  return `${local}@${domain}`
}

/** The name before an address; empty where there is none. */
function nameOf(mailbox: string): string {
  const [name = '', address] = mailbox.split('<', 2)
  return address === undefined ? '' : name.replaceAll('"', '').trim()
}

/** Does what an editor replied. */
function doing(app: App) {
  const { config, storage, files, outside, nudge } = app
  const withFiles = answerFiles(app)
  const commands = replyCommands({
    applyOnce: storage.work.applyOnce,
    submissionById: storage.submissions.byId,
    conversation: (id) => storage.submissions.conversation(id),
    lastTurnOf: async (id) => (await storage.submissions.standingOf(id))?.last,
    contact: storage.submissions.contact,
    letter: storage.settings.letter,
    replyWait: async () => (await storage.settings.replyWait()).value * 1000,
    hasBot: config.TELEGRAM_BOT_TOKEN !== undefined,
    newsroom: config.NEWSROOM_NAME,
    now: outside.now,
  })
  return async (replied: ReplyCommand) => {
    const against = await commands.reasonAgainst(replied)
    if (against) return against
    const done = await withFiles(replied.submissionId, replied, (files, aside) =>
      commands.do({ ...replied, files, aside }),
    )
    if (done === 'repeat') await files.remove([...replied.files, ...replied.aside].map(({ id }) => id))
    if (done === 'done') {
      for (const queue of ['mail', 'telegram', 'file', 'hook', 'preview'] as const) nudge(queue)
      app.changed()
    }
    return done
  }
}

function failing(error: NodeJS.ErrnoException): never {
  throw new ConfigError(
    error.syscall === 'listen'
      ? `EMAIL_LISTEN: this cannot be listened on (${error.code})`
      : `EMAIL_TLS_KEY, EMAIL_TLS_CERT: these are no files of a key and its certificate (${error.code})`,
  )
}

function tlsFiles({ EMAIL_TLS_KEY: key, EMAIL_TLS_CERT: cert }: Config) {
  return key !== undefined && cert !== undefined ? { key, cert } : undefined
}

function warningsOf(mailbox: MailboxState | undefined): string[] {
  if (!mailbox?.errorCode) return []
  const since = new Date(mailbox.since).toISOString().slice(0, 16).replace('T', ' ')
  return [`Mail has not been fetched from the mailbox since ${since} UTC: ${mailbox.errorCode}.`]
}

async function beginning(content: Readable, most: number): Promise<string> {
  let text = ''
  for await (const chunk of content as AsyncIterable<Buffer>) {
    text += chunk.toString('latin1')
    if (text.length >= most) break
  }
  return Buffer.from(text.slice(0, most), 'latin1').toString('utf8')
}
