import type { Job, Unsent } from '../../jobs/job.ts'
import { type DraftToSubmit, quietTime, tally } from '../chat/draft.ts'
import type { DraftStore } from '../chat/draft-store/draft-store.ts'
import { type ChatWords, gathered, lasting, wordsIn } from '../chat/words/words.ts'
import { inTopic, readAddress } from './address.ts'
import { breakingOff, errorCodeOf, type GetApi } from './client.ts'
import type { ChatSession } from './context.ts'
import { type Answer, draftButtons, postButtons, undoButtons } from './keyboards.ts'
import { isAsking } from './questionnaire.ts'

type LiveContext = {
  getApi: GetApi
  drafts: DraftStore
  readSession: (chat: string) => Promise<ChatSession | undefined>
  referenceOf: (submissionId: string) => Promise<string | undefined>
  /** Tells where the form is, which does not ask who writes. */
  saferForm: (words: ChatWords) => string
  /** The usual quiet time, in milliseconds. */
  quiet: number
}

/** In which language a chat is spoken to: the one chosen there, or that of the person's Telegram. */
export function speaking(readSession: LiveContext['readSession']) {
  return async ({ chat, language }: Pick<DraftToSubmit, 'chat' | 'language'>): Promise<ChatWords> => {
    const session = await readSession(chat)
    return wordsIn(session?.language ?? language ?? undefined)
  }
}

/** Keeps the one message up to date that tells a chat what it has gathered. */
export function liveMessages(app: LiveContext) {
  const wordsFor = speaking(app.readSession)

  /** @throws JobError */
  return async ({ submissionId: draftId }: Job, signal: AbortSignal): Promise<Unsent | undefined> => {
    const draft = await app.drafts.byId(draftId ?? '')
    if (!draft?.target || isAsking(draft.step)) return { skipped: 'shown-already' }
    if (draft.shown && draft.shown.revision >= draft.revision) return { skipped: 'shown-already' }
    const answer = await answerFor(draft, await wordsFor(draft))
    if (!answer) return { skipped: 'shown-already' }
    try {
      const messageId = await show(draft, answer, signal)
      await app.drafts.shown(draft.id, { messageId, revision: draft.revision })
      return undefined
    } catch (error) {
      const errorCode = errorCodeOf(error)
      // Whoever has blocked the bot wants to hear of nothing, and no editor has to see to it.
      if (errorCode.permanent) return { skipped: 'not-wanted' }
      throw errorCode
    }
  }

  async function answerFor(draft: DraftToSubmit, words: ChatWords): Promise<Answer | undefined> {
    const sorts = await app.drafts.sorts(draft.id)
    const has = gathered(words, sorts)
    switch (draft.state) {
      case 'open':
        return tally(sorts).length === 0 ? undefined : openAnswer(draft, words, has)
      case 'discarded': {
        if (!draft.shown) return undefined
        const canUndo = draft.itemCount > 0
        return canUndo
          ? { text: words.discarded(has), buttons: undoButtons(words, draft.id) }
          : { text: words.discardedForGood }
      }
      default:
        return draft.shown ? { text: words.sent(has) } : undefined
    }
  }

  async function openAnswer(draft: DraftToSubmit, words: ChatWords, has: string): Promise<Answer> {
    const waits = words.sendsItself(lasting(words, quietTime(draft, app.quiet)))
    if (draft.step) {
      const summary = words.notSent(has, words.kinds[draft.kind])
      return { text: `${summary}\n${waits}`, buttons: postButtons(words, draft.id, draft.step) }
    }
    const reference = draft.joins === null ? undefined : await app.referenceOf(draft.joins)
    const summary =
      reference === undefined ? words.notSent(has, words.kinds[draft.kind]) : words.reply(has, reference)
    const isBegun = draft.joins === null && draft.encrypted !== undefined
    const warning = isBegun ? [`${words.beforeYouTell} ${app.saferForm(words)}`] : []
    const text = [`${summary}\n${waits}`, ...warning].join('\n\n')
    return { text, buttons: draftButtons(words, draft.id, draft.joins !== null) }
  }

  /** Edits the message that is there; a new one is sent where there is none, or it is gone. Gives its number. */
  async function show(
    draft: DraftToSubmit,
    { text, buttons = [] }: Answer,
    signal: AbortSignal,
  ): Promise<number> {
    const api = await app.getApi()
    const address = readAddress(draft.target ?? '')
    const { chatId } = address
    const more = { reply_markup: { inline_keyboard: buttons }, link_preview_options: { is_disabled: true } }
    if (draft.shown) {
      const edited = await api
        .editMessageText(chatId, draft.shown.messageId, text, more, breakingOff(signal))
        .then(
          () => true,
          (error: { error_code?: number; description?: string }) => {
            if (error.error_code !== 400) throw error
            return /not modified/.test(error.description ?? '')
          },
        )
      if (edited || draft.state !== 'open') return draft.shown.messageId
    }
    const sent = await api.sendMessage(chatId, text, { ...more, ...inTopic(address) }, breakingOff(signal))
    return sent.message_id
  }
}
