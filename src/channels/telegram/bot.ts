import type { Bot, Context, LazySessionFlavor, StorageAdapter } from 'grammy'
import type { Kind } from '../../submission.ts'
import { faultOf } from './api.ts'
import { type Answer, readDeed } from './buttons.ts'
import { type Conversation, conversation, NothingSaid } from './conversation.ts'
import type { ConversationParts, Session } from './parts.ts'
import { isService, type Message, type Press, type Update } from './update.ts'
import { wordsIn } from './words/words.ts'

/** An update as we understand it, beside grammY's view of it, and where the one call goes that answers its webhook. */
type Heard = { update: Update; reply: Reply | undefined }
type Turn = Context & LazySessionFlavor<Session> & { heard: Heard }

/** Takes the one call that can be made by answering the webhook. https://core.telegram.org/bots/api#making-requests-when-getting-updates */
export type Reply = (call: { method: string } & Record<string, unknown>) => void

/** Has the conversation about an update. Without a reply, as when polling, the bot calls Telegram itself. */
export type HandleUpdate = (update: Update, raw: object, reply?: Reply) => Promise<void>

const kindCommands: Record<string, Kind> = {
  tip: 'news-tip',
  expose: 'expose',
  story: 'story-angle',
  guest: 'guest-post',
}

/** `/tip`, alone or with words after it. Entities are not asked: a relay may not pass them on. */
const kindCommand = /^\/(tip|expose|story|guest)(?:@\w+)?(?:\s+([\s\S]+))?$/
const start = /^\/start(?:@\w+)?(?:\s+([\w-]{1,64}))?\s*$/
/** With words after them they are no commands, and taken in like anything that is said. */
const bare = (name: string) => new RegExp(`^/${name}(?:@\\w+)?\\s*$`)
const linkToken = /^[\w-]{48}$/

/**
 * The bot: which update leads to what. Its name is told by `nameFrom`, for groups, where it answers only when addressed.
 * The library is loaded with the first update, so that starting up does not wait for it.
 */
export async function createBot(
  parts: ConversationParts,
  nameFrom: () => string | undefined,
): Promise<HandleUpdate> {
  const { Bot: GrammyBot, lazySession } = await import('grammy')
  const talk = conversation(parts)
  const id = Number(parts.token.split(':')[0])
  // Known from the token; the rest is asked for when it is needed, and no update waits for it.
  const bot = new GrammyBot<Turn>(parts.token, { botInfo: unasked(id) })
  const heard = new WeakMap<object, Heard>()
  bot.use((turn, next) => {
    turn.heard = heard.get(turn.update) as Heard
    return next()
  })
  bot.use(
    lazySession<Session, Turn>({
      initial: () => ({}),
      storage: writingChangesOnly(parts.chats.sessions),
      getSessionKey: (turn) => (turn.chat ? talk.chatOf(turn.chat.id).key : undefined),
    }),
  )
  inPrivate(bot, talk, parts)
  inGroups(bot, parts, id, nameFrom)
  return async (update, raw, reply) => {
    heard.set(raw, { update, reply })
    await bot.handleUpdate(raw as never).catch((error: { error?: unknown }) => {
      throw error.error ?? error
    })
  }
}

function inPrivate(bot: Bot<Turn>, talk: Conversation, parts: ConversationParts): void {
  const chat = bot.chatType('private')
  const text = chat.on('message:text')
  text.hears(start, async (turn) => {
    const payload = turn.match[1] ?? ''
    const words = await wordsFor(turn)
    if (!linkToken.test(payload)) return say(turn, talk.greet(words), parts)
    return say(turn, await talk.linkTo(payload, messageOf(turn), words), parts)
  })
  text.hears(bare('help'), async (turn) => say(turn, talk.help(await wordsFor(turn)), parts))
  text.hears(bare('language'), async (turn) => say(turn, talk.askLanguage(await wordsFor(turn)), parts))
  text.hears(bare('cancel'), async (turn) =>
    say(turn, await talk.cancel(turn.heard.update, await wordsFor(turn)), parts),
  )
  text.hears(bare('status'), async (turn) =>
    say(turn, await talk.status(turn.chat.id, await wordsFor(turn)), parts),
  )
  text.hears(kindCommand, async (turn) => {
    const kind = kindCommands[turn.match[1] ?? ''] ?? 'news-tip'
    const answer = await talk.begin(turn.heard.update, kind, await wordsFor(turn), turn.match[2])
    say(turn, answer, parts)
  })
  chat.on('message', async (turn) => {
    const { update } = turn.heard
    try {
      say(turn, await talk.say(update, messageOf(turn), () => wordsFor(turn)), parts)
    } catch (error) {
      if (!(error instanceof NothingSaid)) throw error
      if (isService(turn.update)) return
      await parts.keepUnread('no-words-or-files', JSON.stringify(turn.update))
      say(turn, { text: (await wordsFor(turn)).notTaken }, parts)
    }
  })
  chat.on('edited_message', async (turn) => {
    const { update } = turn.heard
    const answer = await talk.edit(update, update.edited_message as Message, () => wordsFor(turn))
    say(turn, answer, parts)
  })
  chat.on('callback_query', async (turn) => {
    const press = turn.heard.update.callback_query as Press
    const deed = readDeed(press.data)
    const words = await wordsFor(turn)
    const pressed = deed ? await talk.press(turn.heard.update, press, deed, words) : { toast: words.tooLate }
    if (pressed.language) turn.session = { ...(await turn.session), language: pressed.language }
    say(turn, pressed.say, parts)
    const shown = pressed.toast === undefined ? {} : { text: pressed.toast }
    call(turn, parts, 'answerCallbackQuery', { callback_query_id: press.id, ...shown })
  })
}

/** In groups the bot speaks only when it is spoken to, and only to say that tips belong in private. */
function inGroups(
  bot: Bot<Turn>,
  parts: ConversationParts,
  id: number,
  nameFrom: () => string | undefined,
): void {
  bot.chatType(['group', 'supergroup']).on('message', async (turn) => {
    const message = messageOf(turn)
    const name = nameFrom()
    const isReply = message.reply_to_message?.from?.id === id
    const said = (message.text ?? message.caption ?? '').toLowerCase()
    const isNamed = name !== undefined && new RegExp(`@${name.toLowerCase()}(?!\\w)`).test(said)
    if (!isReply && !isNamed) return
    const words = await wordsFor(turn)
    const link = name === undefined ? '' : `https://t.me/${name}`
    say(turn, { text: words.inGroup(link), replyTo: message.message_id }, parts)
  })
}

function messageOf(turn: Turn): Message {
  return turn.heard.update.message as Message
}

/** The language chosen here, or that of the person's own Telegram. */
async function wordsFor(turn: Turn) {
  const { message, edited_message: edited, callback_query: press } = turn.heard.update
  return wordsIn((await turn.session).language ?? (message ?? edited ?? press)?.from?.language_code)
}

function say(turn: Turn, answer: Answer | undefined, parts: ConversationParts): void {
  if (!answer) return
  const { text, buttons, replyTo } = answer
  call(turn, parts, 'sendMessage', {
    chat_id: turn.chat?.id,
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
  turn: Turn,
  parts: ConversationParts,
  method: 'sendMessage' | 'answerCallbackQuery',
  payload: Record<string, unknown>,
): void {
  const { heard } = turn
  if (heard.reply) {
    heard.reply({ method, ...payload })
    heard.reply = undefined
    return
  }
  parts
    .getApi()
    .then((api): Promise<unknown> => api.raw[method](payload as never))
    .catch((error: unknown) => parts.onFault(faultOf(error).code))
}

/** The library writes a session back whenever it was read; most that are read do not change. */
function writingChangesOnly(sessions: ConversationParts['chats']['sessions']): StorageAdapter<Session> {
  const asRead = new WeakMap<Session, string>()
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
