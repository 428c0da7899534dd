import { Failure } from '../../core/errors.ts'
import { JobError, type Unsent } from '../../jobs/job.ts'
import type { IncomingMessage, IncomingSubmission } from '../../submissions/incoming.ts'
import {
  type DraftItem,
  type DraftToSubmit,
  fieldsOf,
  filesOf,
  inOrder,
  quietTime,
  rawUpdatesOf,
  regretTime,
} from '../chat/draft.ts'
import type { DraftStore } from '../chat/draft-store/draft-store.ts'

type SendingContext = {
  drafts: DraftStore
  receive: (incoming: IncomingSubmission) => Promise<{ reference: string; receipt: string }>
  receiveFurther: (incoming: IncomingMessage) => Promise<unknown>
  receiveInto: (incoming: IncomingMessage & { messageId: string }) => Promise<unknown>
  /** Keeps for the editors to see what could not be taken in. */
  keepDeadLetter: (reason: string, raw: string) => Promise<void>
  nudge: () => void
  quiet: number
  now: () => number
}

/**
 * Makes a submission of what a chat has gathered, when the person says so or has been quiet for long enough. Repeated
 * after a crash, it makes the same one: a closed submission knows what it becomes, and nothing joins it.
 */
export function draftSubmitter(app: SendingContext) {
  const { drafts, now } = app

  /** @throws JobError */
  async function handlers(draftId: string): Promise<Unsent | undefined> {
    const draft = await drafts.byId(draftId)
    if (!draft) return { skipped: 'sent-already' }
    switch (draft.state) {
      case 'open':
        return sendIfQuiet(draft)
      case 'discarded':
        return forgetIfNotRegretted(draft)
      case 'closed':
        return orKept(draft, () => sendAll(draft))
      case 'sent':
        return orKept(draft, () => sendLate(draft))
    }
  }
  return handlers

  async function sendIfQuiet(draft: DraftToSubmit): Promise<Unsent | undefined> {
    const dueAt = draft.heardAt + quietTime(draft, app.quiet)
    if (dueAt > now()) return { deferredUntil: dueAt }
    if (draft.itemCount === 0) {
      const isForgotten = await drafts.forget(draft.id, draft.revision)
      return isForgotten ? { skipped: 'empty' } : { deferredUntil: now() }
    }
    await drafts.close(draft.id, now())
    app.nudge()
    return undefined
  }

  async function forgetIfNotRegretted(draft: DraftToSubmit): Promise<Unsent> {
    const dueAt = draft.heardAt + regretTime
    if (dueAt > now()) return { deferredUntil: dueAt }
    await drafts.forget(draft.id, draft.revision)
    return { skipped: 'discarded' }
  }

  async function sendAll(draft: DraftToSubmit): Promise<Unsent | undefined> {
    const [opening, ...others] = inMessages(await drafts.items(draft.id))
    const { becomes } = draft
    if (!becomes || !opening) return { skipped: 'empty' }
    const received = draft.joins === null ? await app.receive(incomingOf(draft, opening)) : undefined
    if (!received) await app.receiveFurther(replyOf(draft, opening))
    const { submissionId } = becomes
    const sent = [{ items: opening, messageId: becomes.messageId }]
    for (const some of others) {
      const [first] = some
      if (!first) continue
      const { id: messageId } = await drafts.messageFor(draft.chat, first, now())
      const idempotencyKey = { source: 'telegram', key: `${draft.id}/${first.messageId}` }
      await app.receiveFurther({ ...furtherOf(submissionId, some), messageId, idempotencyKey })
      sent.push({ items: some, messageId })
    }
    await drafts.sent(
      draft,
      sent,
      { submissionId, ...(received?.receipt && { receipt: received.receipt }) },
      now(),
    )
    app.nudge()
    return undefined
  }

  /** What came after its submission was sent: a photo joins its album's message, anything else is a further message. */
  async function sendLate(draft: DraftToSubmit): Promise<Unsent | undefined> {
    const late = await drafts.items(draft.id, true)
    const submissionId = draft.becomes?.submissionId
    if (!submissionId || late.length === 0) return { skipped: 'sent-already' }
    for (const item of late) {
      const message = await drafts.messageFor(draft.chat, item, now())
      const incoming = {
        ...furtherOf(submissionId, [item], !message.isThere),
        messageId: message.id,
        idempotencyKey: { source: 'telegram', key: `${draft.id}/${item.messageId}/${item.editedAt}` },
      }
      await (message.isThere ? app.receiveInto(incoming) : app.receiveFurther(incoming))
      await drafts.sent(draft, [{ items: [item], messageId: message.id }], { submissionId }, now())
    }
    return undefined
  }

  /** A submission that is refused as it stands is kept raw: nobody's words are lost with it. */
  async function orKept(
    draft: DraftToSubmit,
    send: () => Promise<Unsent | undefined>,
  ): Promise<Unsent | undefined> {
    try {
      return await send()
    } catch (error) {
      if (!(error instanceof Failure)) throw error
      if (error.code === 'unavailable') throw new JobError('unavailable')
      const items = await drafts.items(draft.id, draft.state === 'sent')
      await app.keepDeadLetter(error.code, JSON.stringify({ kind: draft.kind, items }))
      throw new JobError(error.code, { permanent: true })
    }
  }
}

/** The parts as messages: one, unless there is more than a message holds. No album is cut. */
function inMessages(items: DraftItem[]): DraftItem[][] {
  const messages: DraftItem[][] = []
  let characters = 0
  for (const item of inOrder(items)) {
    const current = messages.at(-1)
    const belongs = item.album !== null && current?.at(-1)?.album === item.album
    characters += sizeOf(item) + 2
    if (current && (belongs || characters <= mostCharacters)) current.push(item)
    else {
      messages.push([item])
      characters = sizeOf(item)
    }
  }
  return messages
}

/** An album’s last captions may come on top. */
const mostCharacters = 80_000

function incomingOf(draft: DraftToSubmit, items: DraftItem[]): IncomingSubmission {
  const { id, kind, secret, becomes, encrypted } = draft
  if (!(secret || encrypted) || !becomes) throw new Error('a piece that is not closed cannot be sent')
  return {
    kind,
    channel: 'telegram',
    // Only the secret, which is forgotten, leads to the receipt.
    idempotencyKey: { source: 'telegram', key: id, ...(secret && { secret }) },
    fields: fieldsOf(items),
    files: [],
    awaited: filesOf(items).map(({ mark: _, ...file }) => file),
    ...(items[0] && { telegram: items[0].sender }),
    ...rawUpdatesOf(items),
    ids: becomes,
    ...(encrypted && { encrypted: { ...encrypted, ...blocksOf(items) } }),
  }
}

/** What nobody can read any more is taken in as it is encrypted, all of it, so that it stays in order. */
function blocksOf(items: DraftItem[]): { blocks?: string[] } {
  if (!items.some(({ lost }) => lost)) return {}
  return { blocks: inOrder(items).flatMap(({ block }) => block ?? []) }
}

/** Characters. The same before and after a restart, for a submission must not be cut in two ways. */
function sizeOf({ words, lost }: DraftItem): number {
  return lost?.size ?? words.length
}

function replyOf(draft: DraftToSubmit, items: DraftItem[]): IncomingMessage {
  const { submissionId = '', messageId = '' } = draft.becomes ?? {}
  return {
    ...furtherOf(submissionId, items),
    messageId,
    idempotencyKey: { source: 'telegram', key: draft.id },
  }
}

function furtherOf(
  submissionId: string,
  items: DraftItem[],
  isAll = true,
): Omit<IncomingMessage, 'idempotencyKey'> {
  return {
    submissionId,
    fields: { body: fieldsOf(items).body },
    files: [],
    awaited: filesOf(items, isAll).map(({ mark: _, ...file }) => file),
    ...(items[0] && !items[0].lost && { telegram: items[0].sender }),
    ...rawUpdatesOf(items),
    ...blocksOf(items),
  }
}
