import type { Delivery, Instead } from '../../jobs/job.ts'
import { type PieceToSend, quietTime, tally } from '../chat/draft.ts'
import type { OpenPieceStore } from '../chat/draft-store/draft-store.ts'
import { gathered, lasting, type Words, wordsIn } from '../chat/words/words.ts'
import { inTopic, readAddress } from './address.ts'
import { breakingOff, faultOf, type GetApi } from './client.ts'
import type { Session } from './context.ts'
import { type Answer, pieceButtons, postButtons, undoButtons } from './keyboards.ts'
import { isAsking } from './questionnaire.ts'

export type LiveContext = {
  getApi: GetApi
  pieces: OpenPieceStore
  readSession: (chat: string) => Promise<Session | undefined>
  referenceOf: (submissionId: string) => Promise<string | undefined>
  /** Tells where the form is, which does not ask who writes. */
  saferForm: (words: Words) => string
  /** The usual quiet time, in milliseconds. */
  quiet: number
}

/** In which language a chat is spoken to: the one chosen there, or that of the person's Telegram. */
export function speaking(readSession: LiveContext['readSession']) {
  return async ({ chat, language }: Pick<PieceToSend, 'chat' | 'language'>): Promise<Words> => {
    const session = await readSession(chat)
    return wordsIn(session?.language ?? language ?? undefined)
  }
}

/** Keeps the one message up to date that tells a chat what it has gathered. */
export function liveMessages(app: LiveContext) {
  const wordsFor = speaking(app.readSession)

  /** @throws CarryFault */
  return async ({ submissionId: pieceId }: Delivery, signal: AbortSignal): Promise<Instead | undefined> => {
    const piece = await app.pieces.byId(pieceId ?? '')
    if (!piece?.target || isAsking(piece.step)) return { needless: 'shown-already' }
    if (piece.shown && piece.shown.revision >= piece.revision) return { needless: 'shown-already' }
    const answer = await answerFor(piece, await wordsFor(piece))
    if (!answer) return { needless: 'shown-already' }
    try {
      const messageId = await show(piece, answer, signal)
      await app.pieces.shown(piece.id, { messageId, revision: piece.revision })
      return undefined
    } catch (error) {
      const fault = faultOf(error)
      // Whoever has blocked the bot wants to hear of nothing, and no editor has to see to it.
      if (fault.permanent) return { needless: 'not-wanted' }
      throw fault
    }
  }

  async function answerFor(piece: PieceToSend, words: Words): Promise<Answer | undefined> {
    const sorts = await app.pieces.sorts(piece.id)
    const has = gathered(words, sorts)
    switch (piece.state) {
      case 'open':
        return tally(sorts).length === 0 ? undefined : openAnswer(piece, words, has)
      case 'discarded': {
        if (!piece.shown) return undefined
        const canUndo = piece.partCount > 0
        return canUndo
          ? { text: words.discarded(has), buttons: undoButtons(words, piece.id) }
          : { text: words.discardedForGood }
      }
      default:
        return piece.shown ? { text: words.sent(has) } : undefined
    }
  }

  async function openAnswer(piece: PieceToSend, words: Words, has: string): Promise<Answer> {
    const waits = words.sendsItself(lasting(words, quietTime(piece, app.quiet)))
    if (piece.step) {
      const said = words.notSent(has, words.kinds[piece.kind])
      return { text: `${said}\n${waits}`, buttons: postButtons(words, piece.id, piece.step) }
    }
    const reference = piece.joins === null ? undefined : await app.referenceOf(piece.joins)
    const said =
      reference === undefined ? words.notSent(has, words.kinds[piece.kind]) : words.reply(has, reference)
    const isBegun = piece.joins === null && piece.sealed !== undefined
    const warning = isBegun ? [`${words.beforeYouTell} ${app.saferForm(words)}`] : []
    const text = [`${said}\n${waits}`, ...warning].join('\n\n')
    return { text, buttons: pieceButtons(words, piece.id, piece.joins !== null) }
  }

  /** Edits the message that is there; a new one is sent where there is none, or it is gone. Gives its number. */
  async function show(
    piece: PieceToSend,
    { text, buttons = [] }: Answer,
    signal: AbortSignal,
  ): Promise<number> {
    const api = await app.getApi()
    const address = readAddress(piece.target ?? '')
    const { chatId } = address
    const more = { reply_markup: { inline_keyboard: buttons }, link_preview_options: { is_disabled: true } }
    if (piece.shown) {
      const edited = await api
        .editMessageText(chatId, piece.shown.messageId, text, more, breakingOff(signal))
        .then(
          () => true,
          (error: { error_code?: number; description?: string }) => {
            if (error.error_code !== 400) throw error
            return /not modified/.test(error.description ?? '')
          },
        )
      if (edited || piece.state !== 'open') return piece.shown.messageId
    }
    const sent = await api.sendMessage(chatId, text, { ...more, ...inTopic(address) }, breakingOff(signal))
    return sent.message_id
  }
}
