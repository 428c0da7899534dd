import { type KeyObject, randomBytes } from 'node:crypto'
import { Failure, unavailable } from '../core/errors.ts'
import { groupCommit, type Settled } from '../core/group-commit.ts'
import { coarseId, coarseIdBehind, idBehind, minuteOf, newId } from '../core/ids.ts'
import { isReadByNobody } from '../core/no-reply-address.ts'
import { narrowed, type Recipient, type Recipients, whomFor } from '../encryption/types.ts'
import type { NewJob } from '../jobs/job.ts'
import { type FileLabel, previewsOf } from './attachment.ts'
import {
  type AwaitedFile,
  type DraftEncryption,
  type IdempotencyKey,
  type IncomingMessage,
  type IncomingSubmission,
  isInConfidence,
  parseFields,
  parseFurtherFields,
  type StagedFile,
} from './incoming.ts'
import type { EncryptedAs, NewRecord, NewSubmission, ReceivedBefore, Recorded } from './intake-record.ts'
import { type Content, type Fields, type Message, summaryOf } from './model.ts'
import { settlingTime } from './presence.ts'
import { hashReceipt, newReceipt, newReference, receiptCandidatesIn, receiptFor } from './receipt.ts'
import { isRepeated } from './repeated-message.ts'
import { areComparable } from './request-digest.ts'
import { mailboxKey, sendersOf } from './sender-fingerprint.ts'

/**
 * What a sender is told. The receipt is in no log and no URL, and is stored only as a hash. A repeat is told the same
 * receipt; it is empty where it was made by chance, and is lost.
 */
export type Received = {
  reference: string
  receipt: string
  repeat: boolean
  /** Whether it is confidential, as it is stored. */
  isConfidential: boolean
  /** Its receipt was to be mailed, and is not: the address has had as many mails as it may within a day. */
  isUnmailed: boolean
  /** The reference of what was sent before without being confidential, where this was asked for in confidence since. */
  earlier?: string
}

/** What became of a further message. */
type Further = { repeat: boolean; isChanged: boolean }

/** What the intake is handed where everything meets. */
type IntakeContext = {
  /** Writes records durably in one transaction, each with its own outcome. */
  record(records: NewRecord[]): Promise<Settled<Recorded>[]>
  /** What an idempotency key was taken in as; undefined for one that is new. */
  receivedAs(idempotencyKey: Pick<IdempotencyKey, 'source' | 'key'>): Promise<ReceivedBefore | undefined>
  files: Record<'discard' | 'remove', (ids: string[]) => Promise<void>> & {
    /** Makes staged files durable, encrypted where that is asked; gives by what those are known that are. */
    keep(ids: string[], recipients?: Recipients): Promise<Map<string, EncryptedAs>>
  }
  /** For whom one encrypts so that this receipt opens it. */
  recipientFor: (receipt: string) => Recipient
  /** How this conversation is encrypted; undefined where it is not. */
  recipientsOf: (submissionId: string) => Promise<Recipients | undefined>
  /** The last message of a conversation, and whether its sender deleted their side; undefined for one that has gone. */
  standingOf: (submissionId: string) => Promise<{ last: string; hasLeft: boolean } | undefined>
  /** What was said so far, as far as this receipt opens it. */
  conversation: (submissionId: string, receipt: string) => Promise<Message[]>
  /** True if one of these receipts opens a submission that is confidential. */
  opensConfidential: (receipts: string[]) => Promise<boolean>
  /** For whom the desk's side is encrypted now. */
  deskRecipient: () => Promise<Recipient>
  /** Receipts are derived with it; whoever has it and an idempotency key's secret has the receipt. */
  receiptKey: KeyObject
  /** Senders are known again by it. */
  senderKey: KeyObject
  now: () => number
}

/** More would make one transaction's statements large without making it any cheaper a submission. */
const mostInOneCommit = 200

export type Intake = ReturnType<typeof createIntake>

/**
 * The one way in. Its functions resolve only when everything is durable, and a repeat of an idempotency key
 * is answered as the first was.
 */
export function createIntake(app: IntakeContext) {
  const commit = groupCommit(app.record, mostInOneCommit)

  return {
    /**
     * Takes a new submission in.
     * @throws Failure `invalid` with every faulty field, `conflict` if the idempotency key refuses changes, or
     * `unavailable`.
     */
    async receive(given: IncomingSubmission): Promise<Received> {
      const fields = await orDiscarded(given.files, () => fieldsIn(given, () => parseFields(given)))
      const incoming = await orDiscarded(given.files, () => inItsPlace(given))
      if (isThere(incoming) && !isInConfidence(incoming))
        await orDiscarded(given.files, () => refuseReceipts(fields))
      const receipt = receiptOf(incoming)
      const record = newSubmission(incoming, fields, receipt, app)
      const { contextId, isConfidential, senderRecipient } = record.submission
      // For the files: how its words are encrypted is asked with all that are written together.
      const recipients =
        isConfidential && incoming.files.length > 0
          ? { contextId, sender: senderRecipient, desk: await app.deskRecipient() }
          : undefined
      return keeping(incoming.files, recipients, async (marks) => {
        mark(record, marks)
        const recorded = await commit(record)
        // Sent both ways at the same moment: whoever sends it again finds the other one there.
        if (isConfidential && !recorded.isConfidential) throw unavailable(undefined, true)
        const changed = recorded.repeat && (await isChanged(recorded, incoming, record, receipt))
        if (changed && incoming.idempotencyKey.refusesChange) await refuseChange(incoming.files)
        const { repeat } = changed ? await commit(await further(record, recorded.submissionId)) : recorded
        return {
          reference: recorded.reference as string,
          receipt: recorded.repeat && isByChance(incoming) ? '' : receipt,
          repeat,
          isConfidential: recorded.isConfidential,
          isUnmailed: recorded.isUnmailed,
          ...(incoming.earlier !== undefined && { earlier: incoming.earlier }),
        }
      })
    },

    /**
     * Takes a further message of the sender in. Says whether it was there already, and whether as it is now.
     * @throws Failure as `receive` does.
     */
    async receiveFurther(incoming: IncomingMessage): Promise<Further> {
      const fields = await orDiscarded(incoming.files, () =>
        fieldsIn(incoming, () => parseFurtherFields(incoming)),
      )
      const recipients = await app.recipientsOf(incoming.submissionId)
      const turn = await orDiscarded(incoming.files, () => turnOf(incoming, recipients))
      if (incoming.isConfidential && !recipients) await orDiscarded(incoming.files, refuseInClear)
      if (incoming.canBeCorrected && !recipients)
        await orDiscarded(incoming.files, () => refuseReceipts(fields))
      const record = furtherMessage(incoming, fields, turn)
      const forWhom = recipients && narrowed(recipients, whomFor(incoming.author ?? 'sender'))
      const { repeat, digest } = await keeping(incoming.files, forWhom, (marks) => {
        mark(record, marks)
        return commit(record)
      })
      const { idempotencyKey } = incoming
      return {
        repeat,
        isChanged: repeat && areComparable(digest, idempotencyKey.digest) && digest !== idempotencyKey.digest,
      }
    },

    /**
     * Takes in what belongs to a message that is there already, such as a photo of its album that came late.
     * @throws Failure as `receive` does.
     */
    async receiveInto(incoming: IncomingMessage & { messageId: string }): Promise<{ repeat: boolean }> {
      const fields = fieldsIn(incoming, () => parseFurtherFields(incoming))
      const turn = await turnOf(incoming, await app.recipientsOf(incoming.submissionId))
      return commit({ ...furtherMessage(incoming, fields, turn), adds: true })
    },
  }

  /**
   * When something further is said, and its id: of what is encrypted no more than the minute.
   * @throws Failure `not-found` for a conversation that was erased, `conflict` for a sender who deleted their side
   */
  async function turnOf(
    { submissionId, author }: Pick<IncomingMessage, 'submissionId' | 'author'>,
    recipients: Recipients | undefined,
  ): Promise<MessageTurn> {
    const now = app.now()
    const standing = await app.standingOf(submissionId)
    if (!standing) throw new Failure('not-found', 'This conversation is not there any more.')
    if (standing.hasLeft && author !== 'unverified')
      throw new Failure('conflict', 'The sender’s side of this conversation was deleted.')
    if (!recipients) return { now, at: now, id: idBehind(standing.last, now) }
    return { now, at: minuteOf(now), id: coarseIdBehind(standing.last, now) }
  }

  /** Where the digests tell nothing, for an upgrade lies between them, what was said is compared itself. */
  async function isChanged(
    { digest, submissionId }: Recorded,
    incoming: IncomingSubmission,
    record: NewRecord,
    receipt: string,
  ): Promise<boolean> {
    const { idempotencyKey } = incoming
    if (digest === idempotencyKey.digest) return false
    if (areComparable(digest, idempotencyKey.digest)) return true
    // Nobody here can open what was said: the same idempotency key is taken for the same.
    if (isByChance(incoming)) return false
    return !isRepeated(await app.conversation(submissionId, receipt), record)
  }

  async function further(record: FreshSubmission, submissionId: string): Promise<NewRecord> {
    return asFurtherMessage(
      record,
      await turnOf({ submissionId }, await app.recipientsOf(submissionId)),
      submissionId,
    )
  }

  /**
   * A draft as it fits what came under its key before, as after the browser's Back. What is asked in confidence never joins
   * what is stored in the clear: it begins a submission of its own, with a receipt of its own, and names the earlier one.
   * What follows something confidential is confidential too.
   */
  async function inItsPlace(incoming: IncomingSubmission): Promise<IncomingSubmission> {
    const before = await app.receivedAs(incoming.idempotencyKey)
    if (!before || before.isConfidential === isInConfidence(incoming)) return incoming
    if (before.isConfidential) return { ...incoming, isConfidential: true }
    if (incoming.idempotencyKey.refusesChange) throw keyUsed()
    return { ...incoming, idempotencyKey: inConfidence(incoming.idempotencyKey), earlier: before.reference }
  }

  function receiptOf(incoming: IncomingSubmission): string {
    if (isByChance(incoming)) return newReceipt()
    const { idempotencyKey, encrypted } = incoming
    return (
      encrypted?.receipt ?? receiptFor(app.receiptKey, `${idempotencyKey.source}\0${idempotencyKey.secret}`)
    )
  }

  async function refuseChange(files: StagedFile[]): Promise<never> {
    await app.files.remove(files.map((file) => file.id))
    throw keyUsed()
  }

  async function orDiscarded<T>(files: StagedFile[], parse: () => T | Promise<T>): Promise<T> {
    try {
      return await parse()
    } catch (error) {
      await app.files.discard(files.map((file) => file.id))
      throw error
    }
  }

  // If the commit fails the files stay, unless it is certain that nothing was written: a broken connection does not
  // tell whether the commit was made, and the sweep at the next start can. A repeat has its files already.
  /**
   * A receipt is a secret: beside words that are kept in the clear it would open what was told in confidence.
   * @throws Failure `invalid`
   */
  async function refuseReceipts(fields: Fields): Promise<void> {
    for (const [name, text] of Object.entries(fields)) {
      const receipts = receiptCandidatesIn([text ?? ''].flat().join(' '))
      if (receipts.length > 0 && (await app.opensConfidential(receipts))) throw receiptAmong(name)
    }
  }

  async function keeping<T extends { repeat: boolean }>(
    files: StagedFile[],
    recipients: Recipients | undefined,
    record: (marks: Map<string, EncryptedAs>) => Promise<T>,
  ): Promise<T> {
    const ids = files.map((file) => file.id)
    const marks = await app.files.keep(ids, recipients)
    try {
      const recorded = await record(marks)
      if (recorded.repeat) await app.files.remove(ids)
      return recorded
    } catch (error) {
      if (error instanceof Failure && error.isUndone) await app.files.remove(ids)
      throw error
    }
  }
}

function keyUsed(): Failure {
  return new Failure('conflict', 'This key was used for another submission. Use a new key for a new one.')
}

function receiptAmong(field: string): Failure {
  const message =
    'This holds the receipt of a confidential submission, and would be kept unencrypted. Please take the receipt out. To write more about that submission, use the receipt on the status page.'
  return new Failure('invalid', message, { fields: { [field]: [message] } })
}

function refuseInClear(): never {
  throw new Failure(
    'conflict',
    'This conversation is not confidential, so nothing was kept of what you wrote. To tell us something in confidence, please send it as a new submission.',
  )
}

/** True where whoever sends it is there to be told what is wrong with it. */
function isThere({ channel }: Pick<IncomingSubmission, 'channel'>): boolean {
  return channel === 'form' || channel === 'api'
}

/** The same idempotency key, asked for in confidence after it was taken in without. */
function inConfidence({ key, secret, ...idempotencyKey }: IdempotencyKey): IdempotencyKey {
  return {
    ...idempotencyKey,
    key: `${key}/confidential`,
    ...(secret !== undefined && { secret: `${secret}\0confidential` }),
  }
}

/** What is encrypted already cannot be looked into: it was parsed when it came. */
function fieldsIn(
  { encrypted, blocks }: { encrypted?: DraftEncryption; blocks?: string[] },
  parse: () => Fields,
): Fields {
  return (encrypted?.blocks ?? blocks) ? { body: '' } : parse()
}

/** Nothing that comes again leads to its receipt. */
function isByChance({ idempotencyKey, encrypted }: IncomingSubmission): boolean {
  return encrypted ? encrypted.receipt === undefined : idempotencyKey.secret === undefined
}

/** Notes by what encrypted files are known. */
function mark({ attachments }: NewRecord, marks: Map<string, EncryptedAs>): void {
  for (const one of attachments) {
    const as = marks.get(one.id)
    if (!('awaited' in one) && as) Object.assign(one, { mark: as.mark, desk: as.desk })
  }
}

/** When something is said, what is told of that, and the id that it stands by. */
type MessageTurn = { now: number; at: number; id: string }

type FreshSubmission = NewRecord & { submission: NewSubmission }

function newSubmission(
  incoming: IncomingSubmission,
  fields: Fields,
  receipt: string,
  app: IntakeContext,
): FreshSubmission {
  const now = app.now()
  const { kind, channel, telegram, api, email, threads, encrypted, rawUpdates, earlier } = incoming
  const isConfidential = isInConfidence(incoming)
  const at = isConfidential ? minuteOf(now) : now
  const idNow = isConfidential ? coarseId : newId
  const awaited = incoming.awaited.map((file) => ({ ...file, id: file.id ?? coarseId(now) }))
  const receiptMail = receiptMails(incoming, fields, receipt, isConfidential)
  const attachments = [...incoming.files, ...awaited.map((file) => ({ id: file.id, awaited: file }))]
  const content: Content = {
    fields,
    files: labels([...incoming.files, ...awaited]),
    ...(telegram && { telegram }),
    ...(api && { api }),
    ...(email && { email }),
    ...(rawUpdates && { rawUpdates }),
    ...(earlier !== undefined && { earlier }),
  }
  return {
    idempotencyKey: named(incoming.idempotencyKey),
    submissionId: incoming.ids?.submissionId ?? idNow(now),
    submission: {
      reference: newReference(),
      receiptHash: hashReceipt(receipt),
      kind,
      channel,
      summary: summaryOf(content, attachments.length - incoming.files.filter(({ isRaw }) => isRaw).length),
      senders: sendersOf(content, app.senderKey),
      isConfidential,
      contextId: encrypted?.contextId ?? randomBytes(12).toString('base64url'),
      senderRecipient: isConfidential ? app.recipientFor(receipt) : null,
    },
    messageId: incoming.ids?.messageId ?? idNow(now),
    author: 'sender',
    content,
    attachments,
    jobs: [tellEditors(now), ...receiptMail, ...awaited.flatMap(fetchOf), ...previewsOf(incoming.files)],
    at,
    ...(receiptMail.length > 0 && fields.email && { mailed: mailboxKey(fields.email, app.senderKey) }),
    ...(threads && { threads }),
    ...(encrypted?.blocks && { blocks: encrypted.blocks }),
  }
}

function furtherMessage(incoming: IncomingMessage, fields: Fields, { now, at, id }: MessageTurn): NewRecord {
  const { telegram, email, isEdit, files, threads, rawUpdates } = incoming
  const author = incoming.author ?? 'sender'
  const notifiesEditors = author === 'sender' && !incoming.isQuiet
  const awaited = (incoming.awaited ?? []).map((file) => ({ ...file, id: file.id ?? coarseId(now) }))
  return {
    idempotencyKey: incoming.idempotencyKey,
    submissionId: incoming.submissionId,
    messageId: incoming.messageId ?? id,
    author,
    content: {
      fields,
      files: labels([...files, ...awaited]),
      ...(telegram && { telegram }),
      ...(email && { email }),
      ...(isEdit && { isEdit }),
      ...(rawUpdates && { rawUpdates }),
    },
    attachments: [...files, ...awaited.map((file) => ({ id: file.id, awaited: file }))],
    jobs: [
      ...(incoming.jobs ?? []),
      ...(notifiesEditors ? [tellEditors(now)] : []),
      ...awaited.flatMap(fetchOf),
      ...previewsOf(files),
    ],
    at,
    ...(threads && { threads }),
    ...(incoming.blocks && { blocks: incoming.blocks }),
  }
}

/**
 * A submission that was changed and sent again under the same key, as after the browser's Back: the first one
 * was received and its receipt holds, and the change joins it as a message, so that no word is lost.
 */
function asFurtherMessage(record: FreshSubmission, { id, at }: MessageTurn, submissionId: string): NewRecord {
  const { submission: _, mailed: __, ...message } = record
  const { source, key, digest } = record.idempotencyKey
  const idempotencyKey = { source, key: `${key}/${digest}` }
  // An id of its own again: ids order a conversation, and this message comes after the first one.
  const jobs = message.jobs.filter(({ type }) => type !== 'sender-receipt')
  return { ...message, idempotencyKey, submissionId, messageId: id, at, jobs }
}

/** What is kept of an idempotency key. */
function named({ source, key, digest }: IdempotencyKey): NewRecord['idempotencyKey'] {
  return { source, key, ...(digest !== undefined && { digest }) }
}

/** Which editors are told, and when, is decided a little later: by then it is known what else came in. */
function tellEditors(at: number): NewJob {
  return { type: 'tell-editors', dueAt: at + settlingTime }
}

/**
 * The receipt itself is mailed only for kinds that are not confidential: it opens the conversation to whoever reads the
 * mailbox. Who came by mail has no other way to get it, and wrote it all in that mailbox already.
 */
function receiptMails(
  { channel, isUnanswered, email }: IncomingSubmission,
  fields: Fields,
  receipt: string,
  isConfidential: boolean,
): NewJob[] {
  const to = fields.email
  if (!to || isUnanswered || isReadByNobody(to)) return []
  if (!isConfidential) return [{ type: 'sender-receipt', target: to, receipt }]
  const contact = { email: to, ...(email?.messageId && { references: [email.messageId] }) }
  return [{ type: 'sender-receipt', ephemeralPayload: { contact, ...(channel === 'email' && { receipt }) } }]
}

function fetchOf(file: AwaitedFile & { id: string }): NewJob[] {
  if (file.withheld !== undefined) return []
  return [{ type: 'telegram-file', attachmentId: file.id, target: file.remoteId }]
}

function labels(files: (FileLabel & { id: string })[]): Record<string, FileLabel> {
  return Object.fromEntries(
    files.map(({ id, name, caption, credit, isRaw, isLeftOut, refused }) => [
      id,
      {
        name,
        ...(caption && { caption }),
        ...(credit && { credit }),
        ...(isRaw && { isRaw }),
        ...(isLeftOut && { isLeftOut }),
        ...(refused && { refused }),
      },
    ]),
  )
}
