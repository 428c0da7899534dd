import { hash } from 'node:crypto'
import { unavailable } from '../../core/errors.ts'
import type { Kind } from '../../db/values.ts'
import { isConfidentialKind, senderState } from '../../submissions/model.ts'
import type { Chat, Draft, DraftItem, UpdateName } from '../chat/draft.ts'
import { firstStep, stepAfter, stepBefore } from '../chat/draft.ts'
import { type ChatWords, isLanguage, languages } from '../chat/words/words.ts'
import { type Address, addressOf, isByAnother, readAddress, writtenAddress } from './address.ts'
import type { ConversationContext } from './context.ts'
import { namesOfFiles, newFiles, wordsRemoved } from './edits.ts'
import {
  type Answer,
  type ButtonAction,
  discardButtons,
  kindButtons,
  languageButtons,
  undoButtons,
} from './keyboards.ts'
import { readMessage } from './parse-message.ts'
import { errorsIn, isAsking, missingStep, question, suggestionsFor } from './questionnaire.ts'
import type { Incoming, Press, TelegramMessage, Update } from './update-schema.ts'

/** Nothing in the message that a submission could be made of. */
export class EmptyMessage extends Error {}

/** For so long after our answer, what a person writes without more ado is taken for their reply. */
const replyTime = 7 * 24 * 3_600_000

export type Conversation = ReturnType<typeof conversation>

/**
 * What happens when a person says something to the bot. Everything that changes anything is written down once for each
 * update; what is said to a repeat is told from how things stand.
 */
export function conversation(app: ConversationContext) {
  const { drafts, chats, now } = app

  return {
    chatOf,

    greet(words: ChatWords): Answer {
      const text = [words.greeting(app.newsroom), app.saferForm(words), words.chooseKind].join('\n\n')
      return { text, buttons: kindButtons(words) }
    },

    help(words: ChatWords): Answer {
      const text = [words.greeting(app.newsroom), app.saferForm(words), words.helpCommands].join('\n\n')
      return { text }
    },

    /** A deep link with a token ties this chat to a submission that came in by another channel. */
    async linkTo(token: string, { message }: Incoming, words: ChatWords): Promise<Answer> {
      const sender = { ...addressOf(message), messageId: message.message_id }
      const reference = await app.link(token, chatOf(sender), sender)
      return { text: reference ? words.linked(reference) : words.notLinked }
    },

    /** Begins a piece of a kind, or makes the open one of that kind; with what was said along with the command. */
    async begin(
      incoming: Incoming,
      kind: Kind,
      words: ChatWords,
      more?: Incoming,
    ): Promise<Answer | undefined> {
      const draft = await drafts.begin(updateName(incoming.update), chatFrom(incoming.message), kind, now())
      app.nudge()
      if (more === undefined) return firstWordsOf(words, draft, kind)
      return say(more, async () => words, 'words', draft)
    },

    say,

    /** What to say to something that looks like a command and was taken in as words. */
    async tookAsWords({ message }: Incoming, words: ChatWords): Promise<Answer> {
      const [draft] = await drafts.ofChat(chatFrom(message).key)
      const text = words.commandWithWords(words.helpCommands)
      return { text, ...(draft && { buttons: discardButtons(words, draft.id) }) }
    },

    /** Nothing was done at a command that is none; what is open waits again, for it may have been meant to be discarded. */
    async unknownCommand({ message }: Incoming, words: ChatWords): Promise<Answer> {
      for (const { id } of await drafts.ofChat(chatFrom(message).key)) await drafts.wait(id, now())
      return { text: words.unknownCommand(words.helpCommands) }
    },

    /**
     * Takes an edit in: an open draft is changed, a submission that was sent gets a message that says so. Where it begins
     * with a command of a confidential `kind`, nothing of it is kept in the clear: the draft becomes of that kind, and what
     * was sent in the clear is not added to.
     */
    async edit(
      incoming: Incoming,
      wordsFor: () => Promise<ChatWords>,
      kind?: Kind,
    ): Promise<Answer | undefined> {
      const { update, message, fields } = incoming
      // Only a place that is shared live is ever edited: it moves, or its sharing ends. Where it began is what was said, and
      // where it ends may be where somebody lives: no other place is kept.
      if (fields.location !== undefined) return undefined
      const chat = chatFrom(message)
      const { item, nature } = readMessage(incoming, app.reading)
      const fileNames = namesOfFiles(app.keys, message, item.files)
      const fate = await drafts.fateOf(chat.key, item.messageId)
      const secretKind = kind !== undefined && isConfidentialKind(kind) ? kind : undefined
      if (secretKind && !(fate?.isEncrypted ?? false)) {
        const isGathered = fate === undefined || (fate.state === 'open' && fate.joins === '')
        if (!isGathered) return receiveInConfidence(incoming, secretKind, wordsFor)
        // Taken in by it below, whichever of its messages this was.
        await drafts.begin(updateName(update, 'kind'), chat, secretKind, now())
      }
      if (!fate) {
        if (nature === 'service' || nature === 'nothing') return undefined
        const name = updateName(update)
        await app.take({
          update: name,
          fileNames,
          chat,
          item,
          joins: null,
          kind: kind ?? 'news-tip',
          at: now(),
        })
        app.nudge()
        return undefined
      }
      if (fate.state === 'open') {
        const errors = isAsking(fate.field) ? errorsIn(fate.field, item.words) : []
        if (errors.length > 0) return { text: (await wordsFor()).answerAgain(errors.join(' ')) }
        if (await drafts.change(chat.key, item, fileNames, now())) return undefined
        // It has just been sent: it is an edit of that from now on.
        return this.edit(incoming, wordsFor)
      }
      if (fate.state === 'discarded' || drafts.isKnown(fate, item)) return undefined
      // It is just being sent. Telegram tries again in a moment: nobody else could keep what it says in confidence.
      if (!fate.isTaken || !fate.submissionId) throw unavailable(undefined)
      await app.receiveFurther({
        submissionId: fate.submissionId,
        idempotencyKey: { source: 'telegram-edit', key: updateName(update).key },
        fields: { body: item.words || wordsRemoved },
        files: [],
        awaited: await newFiles(item.files, fileNames, drafts.knownFiles),
        telegram: item.sender,
        ...(item.rawUpdate && { rawUpdates: [item.rawUpdate.raw] }),
        isEdit: true,
      })
      await drafts.edited(chat.key, item, fileNames, now())
      return undefined
    },

    async cancel({ update, message }: Incoming, words: ChatWords): Promise<Answer> {
      const chat = chatFrom(message)
      const [draft] = await drafts.ofChat(chat.key)
      if (!draft) return { text: words.nothingToDiscard }
      await drafts.discard(updateName(update), draft.id, now())
      app.nudge()
      if (draft.itemCount === 0) return { text: words.discardedForGood }
      return { text: words.discardedForGood, buttons: undoButtons(words, draft.id) }
    },

    /** True where something is open that could be discarded. */
    async hasSomething({ message }: Incoming): Promise<boolean> {
      const [draft] = await drafts.ofChat(chatFrom(message).key)
      return draft !== undefined && draft.itemCount > 0
    },

    /** Discards what is open, with the words that came after the command: whoever wants it back has them back too. */
    async cancelAfter(incoming: Incoming, wordsFor: () => Promise<ChatWords>): Promise<Answer> {
      await say(incoming, wordsFor, 'words')
      return this.cancel(incoming, await wordsFor())
    },

    async status({ message }: Incoming, words: ChatWords): Promise<Answer> {
      const submissions = await chats.submissions(chatFrom(message).key)
      if (submissions.length === 0) return { text: words.statusEmpty }
      const lines = submissions.map((submission) => {
        const day = new Date(submission.createdAt).toISOString().slice(0, 10)
        const state = words.states[senderState(submission, now())]
        return words.statusLine(submission.reference, words.kinds[submission.kind], state, day)
      })
      return { text: [words.statusList, lines.join('\n'), words.statusHint].join('\n\n') }
    },

    askLanguage(words: ChatWords): Answer {
      return { text: words.chooseLanguage, buttons: languageButtons() }
    },

    /** Does what a button says. */
    async press(update: Update, press: Press, action: ButtonAction, words: ChatWords): Promise<Pressed> {
      const { message, from } = press
      const chat = chatOf(addressOf(message), from.language_code)
      if (isByAnother({ ...message, from })) return { toast: words.tooLate }
      if (action[0] === 'kind') {
        const draft = await drafts.begin(updateName(update), chat, action[1], now())
        app.nudge()
        return { say: firstWordsOf(words, draft, action[1]) }
      }
      if (action[0] === 'language') {
        if (!isLanguage(action[1])) return {}
        return { language: action[1], say: { text: languages[action[1]].languageChosen } }
      }
      const draft = await drafts.byId(action[1])
      if (draft?.chat !== chat.key) return { toast: words.tooLate }
      const pressed = await pressOn(update, press, action, draft, chat, words)
      app.nudge()
      return pressed
    },
  }

  function firstWordsOf(words: ChatWords, draft: Draft, kind: Kind): Answer {
    if (draft.step === firstStep('guest-post')) {
      const first = question(words, draft, draft.step ?? 'title')
      return { ...first, text: `${words.begunGuestPost}\n\n${first.text}` }
    }
    if (draft.step !== null) return question(words, draft, draft.step)
    const begun = words.begun(words.kinds[kind])
    return { text: isConfidentialKind(kind) ? `${begun}\n\n${warningOf(words)}` : begun }
  }

  /** What somebody should know before they tell us something confidential. */
  function warningOf(words: ChatWords): string {
    return `${words.beforeYouTell} ${app.saferForm(words)}`
  }

  /**
   * Takes in what a person says. Nothing is answered to it here, unless it answers a question. `of` tells apart what
   * one update makes happen.
   */
  async function say(
    incoming: Incoming,
    wordsFor: () => Promise<ChatWords>,
    of = '',
    begun?: Draft,
  ): Promise<Answer | undefined> {
    const { update, message } = incoming
    const chat = chatFrom(message)
    const { item, nature } = readMessage(incoming, app.reading)
    if (nature === 'service') return undefined
    if (nature === 'nothing') throw new EmptyMessage()
    const open = await drafts.ofChat(chat.key)
    const [draft] = open
    const name = updateName(update, of)
    // What stands with the command that chose a kind is of that kind, whatever it replies to.
    const named = begun ? undefined : await repliedTo(message, chat)
    const fileNames = namesOfFiles(app.keys, message, item.files)
    if (!named && draft?.joins === null && isAsking(draft.step)) {
      const words = await wordsFor()
      if (item.files.length > 0 || nature === 'unreadable') {
        await app.take({ update: name, fileNames, chat, item, joins: null, kind: draft.kind, at: now() })
        const again = question(words, draft, draft.step)
        const what = nature === 'unreadable' ? words.notTaken : words.fileKept
        return { ...again, text: `${what}\n\n${again.text}` }
      }
      const answered = await answerStep(name, draft, item, chat, words)
      // Somebody answered meanwhile: this is the answer to what is asked now.
      return answered === 'moved-on' ? say(incoming, wordsFor, of, begun) : answered
    }
    const joins = begun ? null : (named ?? (await joinedBy(chat, open)))
    const kind = begun?.kind ?? 'news-tip'
    await app.take({ update: name, fileNames, chat, item, joins, kind, at: now() })
    app.nudge()
    return nature === 'unreadable' ? { text: (await wordsFor()).notTaken } : undefined
  }

  /**
   * Receives an edit as a submission of its own: what it was an edit of was sent in the clear. Edited once more, the message
   * adds to that submission.
   */
  async function receiveInConfidence(
    incoming: Incoming,
    kind: Kind,
    wordsFor: () => Promise<ChatWords>,
  ): Promise<Answer | undefined> {
    const { message } = incoming
    const { item } = readMessage(incoming, app.reading)
    const chat = chatFrom(message)
    const fileNames = namesOfFiles(app.keys, message, item.files)
    const { words: body, name, language, sender, rawUpdate } = item
    const awaited = item.files.map(({ mark: _, ...file }) => file)
    const { reference, receipt, repeat } = await app.receive({
      kind,
      channel: 'telegram',
      idempotencyKey: {
        source: 'telegram-edit',
        key: `${chat.key}/${message.message_id}`,
        digest: drafts.digestOf(JSON.stringify([body, awaited])),
      },
      fields: { body, ...(name && { name }), ...(language && { language }) },
      files: [],
      awaited,
      telegram: sender,
      ...(rawUpdate && { rawUpdates: [rawUpdate.raw] }),
    })
    await drafts.edited(chat.key, item, fileNames, now())
    if (repeat) return undefined
    const words = await wordsFor()
    if (receipt === '') return { text: words.joined(reference) }
    const received = words.received(reference, receipt, `${app.siteUrl}/status`)
    return { text: `${received}\n\n${words.afterSending}` }
  }

  /** By which name this chat is known to us, and to Telegram. */
  function chatOf(address: Address, language?: string): Chat {
    return { key: app.keys.chat(address), target: writtenAddress(address), language }
  }

  function chatFrom(message: TelegramMessage): Chat {
    return chatOf(addressOf(message), message.from?.language_code)
  }

  /** The submission that one of our messages was about, if this one replies to it. */
  async function repliedTo(
    { reply_to_message: ours }: TelegramMessage,
    chat: Chat,
  ): Promise<string | undefined> {
    return ours && chats.answered(chat.key, ours.message_id)
  }

  /** The submission that a message goes on with: by what is open, or because we answered last. */
  async function joinedBy(chat: Chat, open: Draft[]): Promise<string | null> {
    if (open[0]) return open[0].joins
    const since = Math.max(await drafts.lastHeardAt(chat.key), now() - replyTime)
    return (await chats.lastAnswered(chat.key, since)) ?? null
  }

  async function answerStep(
    update: UpdateName,
    draft: Draft,
    item: DraftItem,
    chat: Chat,
    words: ChatWords,
  ): Promise<Answer | undefined | 'moved-on'> {
    const { step } = draft
    if (!isAsking(step)) return 'moved-on'
    if (step === 'consent') return { ...question(words, draft, step), text: words.pressButton }
    const errors = errorsIn(step, item.words)
    if (errors.length > 0) {
      return { ...question(words, draft, step), text: words.answerAgain(errors.join(' ')) }
    }
    const moved = await goOn(update, draft, 'forth', { item: { ...item, field: step }, chat })
    return moved ? asked(words, moved) : 'moved-on'
  }

  /**
   * Goes to the next question or the one before. Undefined, with nothing written, if the submission has moved on
   * meanwhile.
   */
  async function goOn(
    update: UpdateName,
    draft: Draft,
    way: 'forth' | 'back',
    { skips, ...answer }: { item?: DraftItem; chat?: Chat; skips?: boolean } = {},
  ): Promise<Draft | undefined> {
    const step = draft.step ?? 'review'
    const to = way === 'forth' ? stepAfter(step) : stepBefore(step)
    return drafts.goOn(update, draft, to, { ...answer, ...(skips && { forgets: step }), at: now() })
  }

  async function pressOn(
    update: Update,
    press: Press,
    action: DraftAction,
    draft: Draft,
    chat: Chat,
    words: ChatWords,
  ): Promise<Pressed> {
    switch (action[0]) {
      case 'send':
        return send(update, draft, words)
      case 'more':
        await drafts.wait(draft.id, now())
        return { toast: words.listening }
      case 'discard':
        await drafts.discard(updateName(update), draft.id, now())
        return { toast: words.discardedForGood }
      case 'undo':
        return (await drafts.restore(updateName(update), draft.id, now()))
          ? { toast: words.listening }
          : { toast: words.tooLate }
      case 'new':
        if (draft.state !== 'open') return { toast: words.tooLate }
        return (await drafts.detach(updateName(update), draft.id, chat.key, now()))
          ? {}
          : { toast: words.otherOpen }
      case 'yes':
        return answerByButton(update, press, draft, 'consent', 'yes', chat, words)
      case 'pick': {
        const picked = suggestionsFor(action[2])[action[3]]
        if (picked === undefined) return { toast: words.tooLate }
        return answerByButton(update, press, draft, action[2], picked, chat, words)
      }
      default:
        return turn(update, action, draft, words)
    }
  }

  async function send(update: Update, draft: Draft, words: ChatWords): Promise<Pressed> {
    if (draft.state !== 'open') return { toast: draft.state === 'discarded' ? words.tooLate : words.sending }
    const missing = draft.kind === 'guest-post' ? missingStep(await drafts.items(draft.id)) : undefined
    if (missing) {
      await drafts.goOn(updateName(update), draft, missing, { at: now() })
      return { say: question(words, draft, missing) }
    }
    await drafts.close(draft.id, now())
    return { toast: words.sending }
  }

  /**
   * The press of a button is an answer like a written one; it is named by the question, which has the number of our
   * message.
   */
  async function answerByButton(
    update: Update,
    press: Press,
    draft: Draft,
    step: Draft['step'],
    answer: string,
    chat: Chat,
    words: ChatWords,
  ): Promise<Pressed> {
    const messageId = press.message.message_id
    if (draft.step !== step || draft.state !== 'open' || step === null) return { toast: words.tooLate }
    const item: DraftItem = {
      messageId: -messageId,
      album: null,
      field: step,
      sort: 'message',
      words: answer,
      files: [],
      sender: { ...readAddress(chat.target), messageId },
      language: press.from.language_code,
      editedAt: 0,
    }
    return ask(draft, await goOn(updateName(update), draft, 'forth', { item, chat }), words)
  }

  /** Asks what is asked now, also where another press was faster. */
  async function ask(draft: Draft, moved: Draft | undefined, words: ChatWords): Promise<Pressed> {
    const there = moved ?? (await drafts.byId(draft.id))
    return { say: there && asked(words, there) }
  }

  async function turn(update: Update, action: TurnAction, draft: Draft, words: ChatWords): Promise<Pressed> {
    if (draft.step !== action[2] || draft.state !== 'open') return { toast: words.tooLate }
    if (action[0] === 'back') return ask(draft, await goOn(updateName(update), draft, 'back'), words)
    if (action[0] === 'next' && missingStep(await drafts.items(draft.id)) === 'body')
      return { toast: words.bodyNeeded }
    const skips = action[0] === 'skip'
    return ask(draft, await goOn(updateName(update), draft, 'forth', { skips }), words)
  }
}

/** What the press of a button leads to: something said, a word that is shown for a moment, a language chosen. */
type Pressed = { say?: Answer | undefined; toast?: string; language?: string }

type DraftAction = Exclude<ButtonAction, ['kind', ...unknown[]] | ['language', ...unknown[]]>
type TurnAction = Extract<DraftAction, ['next' | 'back' | 'skip', ...unknown[]]>

function asked(words: ChatWords, draft: Draft): Answer | undefined {
  return draft.step === null ? undefined : question(words, draft, draft.step)
}

/** Update ids count per bot. With the message, for two bots that share this channel may share an update id. */
function updateName(update: Update, of = ''): UpdateName {
  const { update_id: id, message, edited_message: edited, callback_query: press } = update
  const fields = message ?? edited ?? press?.message
  const place = hash('sha256', `${fields?.chat.id}:${fields?.message_id}`, 'base64url').slice(0, 8)
  return { bot: 'telegram', key: `${id}.${place}${of && `.${of}`}` }
}
