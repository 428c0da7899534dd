import type { Bot, Context, LazySessionFlavor, StorageAdapter } from 'grammy'
import { kindOfCommand } from '../chat/command-names.ts'
import { type ChatWords, wordsIn } from '../chat/words/words.ts'
import { addressOf, inTopic, isByAnother, isGroup, isToUs } from './address.ts'
import { errorCodeOf } from './client.ts'
import { commandIn, isPayload } from './commands.ts'
import type { ChatSession, ConversationContext } from './context.ts'
import { type Conversation, conversation, EmptyMessage } from './conversation.ts'
import { type Answer, readButton } from './keyboards.ts'
import { isService } from './parse-message.ts'
import { type HeardUpdate, type Incoming, messageIn } from './update-schema.ts'
import { withoutCommand } from './without-command.ts'

/** An update beside grammY's view of it, and where the one call goes that answers its webhook. */
type BotTurn = Context & LazySessionFlavor<ChatSession> & { heard: HeardUpdate; firstCall: Reply | undefined }

/**
 * Takes the one call that can be made by answering the webhook.
 * https://core.telegram.org/bots/api#making-requests-when-getting-updates
 */
export type Reply = (call: { method: string } & Record<string, unknown>) => void

/** Has the conversation about an update. Without a reply, as when polling, the bot calls Telegram itself. */
export type HandleUpdate = (heard: HeardUpdate, reply?: Reply) => Promise<void>

const linkToken = /^[\w-]{48}$/

/**
 * The bot: which update leads to what. Its name is told by `nameFrom`, for groups, where it answers only when addressed.
 * The library is loaded with the first update, so that starting up does not wait for it.
 */
export async function createBot(
  app: ConversationContext,
  nameFrom: () => string | undefined,
): Promise<HandleUpdate> {
  const { Bot: GrammyBot, lazySession } = await import('grammy')
  const talk = conversation(app)
  const id = Number(app.token.split(':')[0])
  // Known from the token; the rest is asked for when it is needed, and no update waits for it.
  const bot = new GrammyBot<BotTurn>(app.token, { botInfo: unasked(id) })
  const given = new WeakMap<object, Pick<BotTurn, 'heard' | 'firstCall'>>()
  bot.use((turn, next) => {
    Object.assign(turn, given.get(turn.update))
    return next()
  })
  bot.use(
    lazySession<ChatSession, BotTurn>({
      initial: () => ({}),
      storage: writingChangesOnly(app.chats.sessions),
      getSessionKey: (turn) => {
        const place = placeOf(turn)
        return place && app.keys.chat(addressOf(place))
      },
    }),
  )
  onButtons(bot, talk, app)
  onMessages(bot, talk, app)
  inGroups(bot, app, id, nameFrom)
  elsewhere(bot, app)
  return async (heard, reply) => {
    given.set(heard.json, { heard, firstCall: reply })
    await bot.handleUpdate(heard.json as never).catch((error: { error?: unknown }) => {
      throw error.error ?? error
    })
  }
}

function onMessages(bot: Bot<BotTurn>, talk: Conversation, app: ConversationContext): void {
  const spoken = bot.on(['message', 'edited_message'])
  spoken
    .filter((turn) => isToUs(incomingOf(turn).message))
    .use(async (turn) => {
      const incoming = incomingOf(turn)
      // Whoever writes there beside its owner must not be taken for them.
      if (isByAnother(incoming.message)) {
        if (isService(incoming, app.reading)) return
        return app.keepDeadLetter('not-by-the-sender', incoming.raw)
      }
      try {
        say(turn, await answerTo(incoming, talk, () => wordsFor(turn)), app)
      } catch (error) {
        if (!(error instanceof EmptyMessage)) throw error
        await app.keepDeadLetter('no-words-or-files', incoming.raw)
        say(turn, { text: (await wordsFor(turn)).notTaken }, app)
      }
    })
}

/** What a person says is a command, or part of what they tell us; an edit of it is one too. */
async function answerTo(
  incoming: Incoming,
  talk: Conversation,
  wordsFor: () => Promise<ChatWords>,
): Promise<Answer | undefined> {
  const { message, update } = incoming
  const isEdit = update.edited_message !== undefined
  const takeIn = (one: Incoming) => (isEdit ? talk.edit(one, wordsFor) : talk.say(one, wordsFor))
  const command = commandIn(message.text ?? message.caption ?? '')
  if (!command) return takeIn(incoming)
  const { name, rest } = command
  const kind = name && kindOfCommand[name]
  // Below a file it stands with something in any case.
  const isAlone = rest === '' && message.text !== undefined
  if (kind) {
    if (isAlone) return talk.begin(incoming, kind, await wordsFor())
    const more = withoutCommand(incoming, command)
    return isEdit ? talk.edit(more, wordsFor, kind) : talk.begin(incoming, kind, await wordsFor(), more)
  }
  if (message.text !== undefined && name === 'start' && isPayload(rest)) {
    const words = await wordsFor()
    return linkToken.test(rest) ? talk.linkTo(rest, incoming, words) : talk.greet(words)
  }
  if (!isAlone) {
    if (isEdit) return takeIn(incoming)
    if (name === 'cancel' && (await talk.hasSomething(incoming))) return talk.cancelAfter(incoming, wordsFor)
    return (await takeIn(incoming)) ?? talk.tookAsWords(incoming, await wordsFor())
  }
  switch (name) {
    case 'help':
      return talk.help(await wordsFor())
    case 'language':
      return talk.askLanguage(await wordsFor())
    case 'cancel':
      return talk.cancel(incoming, await wordsFor())
    case 'status':
      return talk.status(incoming, await wordsFor())
    default:
      return talk.unknownCommand(incoming, await wordsFor())
  }
}

function onButtons(bot: Bot<BotTurn>, talk: Conversation, app: ConversationContext): void {
  bot.on('callback_query', async (turn) => {
    const { callback_query: press } = turn.heard.update
    // Under a message that is too old, or that is not ours, there is nothing to be pressed.
    if (!press?.message || !isToUs(press.message)) return
    const { message, ...rest } = press
    const action = readButton(press.data)
    const words = await wordsFor(turn)
    const pressed = action
      ? await talk.press(turn.heard.update, { ...rest, message }, action, words)
      : { toast: words.tooLate }
    if (pressed.language) turn.session = { ...(await turn.session), language: pressed.language }
    say(turn, pressed.say, app)
    const shown = pressed.toast === undefined ? {} : { text: pressed.toast }
    call(turn, app, 'answerCallbackQuery', { callback_query_id: press.id, ...shown })
  })
}

/** In groups the bot speaks only when it is spoken to, and only to say that tips belong in private. */
function inGroups(
  bot: Bot<BotTurn>,
  app: ConversationContext,
  id: number,
  nameFrom: () => string | undefined,
): void {
  bot
    .on('message')
    .filter((turn) => isGroup(incomingOf(turn).message))
    .use(async (turn) => {
      const { message } = incomingOf(turn)
      const name = nameFrom()
      const isReply = message.reply_to_message?.from?.id === id
      const lower = (message.text ?? message.caption ?? '').toLowerCase()
      const isNamed = name !== undefined && new RegExp(`@${name.toLowerCase()}(?!\\w)`).test(lower)
      if (!isReply && !isNamed) return
      const words = await wordsFor(turn)
      const link = name === undefined ? '' : `https://t.me/${name}`
      say(turn, { text: words.inGroup(link), replyTo: message.message_id }, app)
    })
}

/** What is said in a chat that is neither a person's nor a group, as far as we know them, is kept raw. */
function elsewhere(bot: Bot<BotTurn>, app: ConversationContext): void {
  bot
    .on(['message', 'edited_message'])
    .filter((turn) => !isGroup(incomingOf(turn).message))
    .use((turn) => app.keepDeadLetter('not-said-to-the-bot', incomingOf(turn).raw))
}

function incomingOf({ heard }: BotTurn): Incoming {
  const incoming = messageIn(heard)
  if (!incoming) throw new Error('an update without a message was taken for one')
  return incoming
}

/** The message that an update brings, or that a button stands under. */
function placeOf({ heard: { update } }: Pick<BotTurn, 'heard'>) {
  return update.message ?? update.edited_message ?? update.callback_query?.message
}

/** The language chosen here, or that of the person's own Telegram. */
async function wordsFor(turn: BotTurn): Promise<ChatWords> {
  const { message, edited_message: edited, callback_query: press } = turn.heard.update
  return wordsIn((await turn.session).language ?? (message ?? edited ?? press)?.from?.language_code)
}

function say(turn: BotTurn, answer: Answer | undefined, app: ConversationContext): void {
  const place = placeOf(turn)
  if (!answer || !place) return
  const { text, buttons, replyTo } = answer
  const address = addressOf(place)
  call(turn, app, 'sendMessage', {
    chat_id: address.chatId,
    ...inTopic(address),
    text,
    link_preview_options: { is_disabled: true },
    ...(buttons && { reply_markup: { inline_keyboard: buttons } }),
    ...(replyTo && { reply_parameters: { message_id: replyTo, allow_sending_without_reply: true } }),
  })
}

/**
 * Calls Telegram: the first call answers the webhook, any further one goes out by itself. What is said is told from how
 * things stand, so that one word lost costs nothing, and nobody waits for it.
 */
function call(
  turn: BotTurn,
  app: ConversationContext,
  method: 'sendMessage' | 'answerCallbackQuery',
  payload: Record<string, unknown>,
): void {
  if (turn.firstCall) {
    turn.firstCall({ method, ...payload })
    turn.firstCall = undefined
    return
  }
  app
    .getApi()
    .then((api): Promise<unknown> => api.raw[method](payload as never))
    .catch((error: unknown) => app.onError(errorCodeOf(error).code))
}

/** The library writes a session back whenever it was read; most that are read do not change. */
function writingChangesOnly(sessions: ConversationContext['chats']['sessions']): StorageAdapter<ChatSession> {
  const asRead = new WeakMap<ChatSession, string>()
  return {
    async read(chat) {
      const session = await sessions.read(chat)
      if (session) asRead.set(session, JSON.stringify(session))
      return session
    },
    async write(chat, session) {
      const before = asRead.get(session) ?? '{}'
      if (JSON.stringify(session) !== before) await sessions.write(chat, session)
    },
    delete: (chat) => sessions.delete(chat),
  }
}

function unasked(id: number) {
  return {
    id,
    is_bot: true as const,
    first_name: '',
    username: '',
    can_join_groups: true,
    can_read_all_group_messages: false,
    can_manage_bots: false,
    supports_guest_queries: false,
    can_connect_to_business: false,
    has_main_web_app: false,
    has_topics_enabled: false,
    allows_users_to_create_topics: false,
    supports_inline_queries: false,
    supports_join_request_queries: false,
  }
}
