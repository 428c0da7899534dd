import { Failure } from '../../core/errors.ts'
import { CarryFault, type Instead } from '../../jobs/job.ts'
import type { IncomingMessage, IncomingSubmission } from '../../submissions/incoming.ts'
import {
  fieldsOf,
  filesOf,
  inOrder,
  type Part,
  type PieceToSend,
  quietTime,
  rawUpdatesOf,
  regretTime,
} from '../chat/draft.ts'
import type { OpenPieceStore } from '../chat/draft-store/draft-store.ts'

export type SendingContext = {
  pieces: OpenPieceStore
  receive: (incoming: IncomingSubmission) => Promise<{ reference: string; receipt: string }>
  receiveFurther: (incoming: IncomingMessage) => Promise<unknown>
  receiveInto: (incoming: IncomingMessage & { messageId: string }) => Promise<unknown>
  /** Keeps for the editors to see what could not be taken in. */
  keepUnread: (reason: string, raw: string) => Promise<void>
  nudge: () => void
  quiet: number
  now: () => number
}

/**
 * Makes a submission of what a chat has gathered, when the person says so or has been quiet for long enough. Repeated
 * after a crash, it makes the same one: a closed piece knows what it becomes, and nothing joins it.
 */
export function pieceSender(app: SendingContext) {
  const { pieces, now } = app

  /** @throws CarryFault */
  async function carry(pieceId: string): Promise<Instead | undefined> {
    const piece = await pieces.byId(pieceId)
    if (!piece) return { needless: 'sent-already' }
    switch (piece.state) {
      case 'open':
        return sendIfQuiet(piece)
      case 'discarded':
        return forgetIfNotRegretted(piece)
      case 'closed':
        return orKept(piece, () => sendAll(piece))
      case 'sent':
        return orKept(piece, () => sendLate(piece))
    }
  }
  return carry

  async function sendIfQuiet(piece: PieceToSend): Promise<Instead | undefined> {
    const dueAt = piece.heardAt + quietTime(piece, app.quiet)
    if (dueAt > now()) return { waitUntil: dueAt }
    if (piece.partCount === 0) {
      const isForgotten = await pieces.forget(piece.id, piece.revision)
      return isForgotten ? { needless: 'empty' } : { waitUntil: now() }
    }
    await pieces.close(piece.id, now())
    app.nudge()
    return undefined
  }

  async function forgetIfNotRegretted(piece: PieceToSend): Promise<Instead> {
    const dueAt = piece.heardAt + regretTime
    if (dueAt > now()) return { waitUntil: dueAt }
    await pieces.forget(piece.id, piece.revision)
    return { needless: 'discarded' }
  }

  async function sendAll(piece: PieceToSend): Promise<Instead | undefined> {
    const [opening, ...others] = inMessages(await pieces.parts(piece.id))
    const { becomes } = piece
    if (!becomes || !opening) return { needless: 'empty' }
    const received = piece.joins === null ? await app.receive(incomingOf(piece, opening)) : undefined
    if (!received) await app.receiveFurther(replyOf(piece, opening))
    const { submissionId } = becomes
    const sent = [{ parts: opening, messageId: becomes.messageId }]
    for (const some of others) {
      const [first] = some
      if (!first) continue
      const { id: messageId } = await pieces.messageFor(piece.chat, first, now())
      const arrival = { source: 'telegram', key: `${piece.id}/${first.messageId}` }
      await app.receiveFurther({ ...furtherOf(submissionId, some), messageId, arrival })
      sent.push({ parts: some, messageId })
    }
    await pieces.sent(
      piece,
      sent,
      { submissionId, ...(received?.receipt && { receipt: received.receipt }) },
      now(),
    )
    app.nudge()
    return undefined
  }

  /** What came after its piece was sent: a photo joins its album's message, anything else is a further message. */
  async function sendLate(piece: PieceToSend): Promise<Instead | undefined> {
    const late = await pieces.parts(piece.id, true)
    const submissionId = piece.becomes?.submissionId
    if (!submissionId || late.length === 0) return { needless: 'sent-already' }
    for (const part of late) {
      const message = await pieces.messageFor(piece.chat, part, now())
      const incoming = {
        ...furtherOf(submissionId, [part], !message.isThere),
        messageId: message.id,
        arrival: { source: 'telegram', key: `${piece.id}/${part.messageId}/${part.editedAt}` },
      }
      await (message.isThere ? app.receiveInto(incoming) : app.receiveFurther(incoming))
      await pieces.sent(piece, [{ parts: [part], messageId: message.id }], { submissionId }, now())
    }
    return undefined
  }

  /** A piece that is refused as it stands is kept raw: nobody's words are lost with it. */
  async function orKept(
    piece: PieceToSend,
    send: () => Promise<Instead | undefined>,
  ): Promise<Instead | undefined> {
    try {
      return await send()
    } catch (error) {
      if (!(error instanceof Failure)) throw error
      if (error.code === 'unavailable') throw new CarryFault('unavailable')
      const held = await pieces.parts(piece.id, piece.state === 'sent')
      await app.keepUnread(error.code, JSON.stringify({ kind: piece.kind, parts: held }))
      throw new CarryFault(error.code, { permanent: true })
    }
  }
}

/** The parts as messages: one, unless there is more than a message holds. No album is cut. */
function inMessages(parts: Part[]): Part[][] {
  const messages: Part[][] = []
  let characters = 0
  for (const part of inOrder(parts)) {
    const current = messages.at(-1)
    const belongs = part.album !== null && current?.at(-1)?.album === part.album
    characters += sizeOf(part) + 2
    if (current && (belongs || characters <= mostCharacters)) current.push(part)
    else {
      messages.push([part])
      characters = sizeOf(part)
    }
  }
  return messages
}

/** An album’s last captions may come on top. */
const mostCharacters = 80_000

function incomingOf(piece: PieceToSend, parts: Part[]): IncomingSubmission {
  const { id, kind, secret, becomes, sealed } = piece
  if (!(secret || sealed) || !becomes) throw new Error('a piece that is not closed cannot be sent')
  return {
    kind,
    channel: 'telegram',
    // Only the secret, which is forgotten, leads to the receipt.
    arrival: { source: 'telegram', key: id, ...(secret && { secret }) },
    fields: fieldsOf(parts),
    files: [],
    awaited: filesOf(parts).map(({ mark: _, ...file }) => file),
    ...(parts[0] && { telegram: parts[0].sender }),
    ...rawUpdatesOf(parts),
    ids: becomes,
    ...(sealed && { sealed: { ...sealed, ...blocksOf(parts) } }),
  }
}

/** What nobody can read any more is taken in as it is sealed, all of it, so that it stays in order. */
function blocksOf(parts: Part[]): { blocks?: string[] } {
  if (!parts.some(({ lost }) => lost)) return {}
  return { blocks: inOrder(parts).flatMap(({ block }) => block ?? []) }
}

/** Characters. The same before and after a restart, for a piece must not be cut in two ways. */
function sizeOf({ words, lost }: Part): number {
  return lost?.size ?? words.length
}

function replyOf(piece: PieceToSend, parts: Part[]): IncomingMessage {
  const { submissionId = '', messageId = '' } = piece.becomes ?? {}
  return { ...furtherOf(submissionId, parts), messageId, arrival: { source: 'telegram', key: piece.id } }
}

function furtherOf(submissionId: string, parts: Part[], isAll = true): Omit<IncomingMessage, 'arrival'> {
  return {
    submissionId,
    fields: { body: fieldsOf(parts).body },
    files: [],
    awaited: filesOf(parts, isAll).map(({ mark: _, ...file }) => file),
    ...(parts[0] && !parts[0].lost && { telegram: parts[0].sender }),
    ...rawUpdatesOf(parts),
    ...blocksOf(parts),
  }
}
