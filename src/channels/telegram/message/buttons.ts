import type {
  CopyTextButton,
  InlineKeyboardButton,
  InlineKeyboardMarkup,
  LoginUrl,
  RichMessageButton,
  SwitchInlineQueryChosenChat,
  WebAppInfo,
} from '@grammyjs/types'
import { inLink } from './entities.ts'
import { envelope, joined, list, looks, object, type Reader, words } from './reader.ts'

/** What a button does; each has one of these. What it tells its bot is not ours. */
const commands = {
  url: words,
  callback_data: envelope,
  web_app: object<WebAppInfo>({ url: words }),
  login_url: object<LoginUrl>(
    { url: words, forward_text: words, bot_username: envelope, request_write_access: looks },
    ({ url, forward_text }) => joined([url, forward_text], ' '),
  ),
  disabled: looks,
  switch_inline_query: words,
  switch_inline_query_current_chat: words,
  switch_inline_query_chosen_chat: object<SwitchInlineQueryChosenChat>({
    query: words,
    allow_user_chats: looks,
    allow_bot_chats: looks,
    allow_group_chats: looks,
    allow_channel_chats: looks,
  }),
  copy_text: object<CopyTextButton>({ text: words }),
}

type AnyKeyboardButton = InlineKeyboardButton.UrlButton &
  InlineKeyboardButton.CallbackButton &
  InlineKeyboardButton.WebAppButton &
  InlineKeyboardButton.LoginButton &
  InlineKeyboardButton.DisabledButtonButton &
  InlineKeyboardButton.SwitchInlineButton &
  InlineKeyboardButton.SwitchInlineCurrentChatButton &
  InlineKeyboardButton.SwitchInlineChosenChatButton &
  InlineKeyboardButton.CopyTextButtonButton &
  InlineKeyboardButton.GameButton &
  InlineKeyboardButton.PayButton

const keyboardButton = object<AnyKeyboardButton>(
  { text: words, ...commands, callback_game: looks, pay: looks, icon_custom_emoji_id: looks, style: looks },
  asLink,
)

/** The buttons below a message of a bot. */
export const keyboard = object<InlineKeyboardMarkup>({
  inline_keyboard: list(list(keyboardButton, ' ')),
  force_reply: looks,
})

type AnyRichButton = RichMessageButton.UrlButton &
  RichMessageButton.CallbackButton &
  RichMessageButton.WebAppButton &
  RichMessageButton.LoginUrlButton &
  RichMessageButton.DisabledButtonButton &
  RichMessageButton.SwitchInlineButton &
  RichMessageButton.SwitchInlineCurrentChatButton &
  RichMessageButton.SwitchInlineQueryChosenChatButton &
  RichMessageButton.CopyTextButtonButton

/** A button in a rich message; its words are read by `text`. */
export function richButton(text: Reader): Reader {
  return object<AnyRichButton>({ text, ...commands, style: looks }, asLink)
}

function asLink({ text, ...action }: Record<string, string>): string {
  const phrases = joined(Object.values(action), ' ')
  if (phrases === '') return `[${text}]`
  return /^[a-z][a-z\d+.-]*:\S+$/i.test(phrases) ? `[${text}](${inLink(phrases)})` : `[${text}: ${phrases}]`
}
