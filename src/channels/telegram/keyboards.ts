import { z } from 'zod'
import { type Kind, kinds, type Step, steps } from '../../db/values.ts'
import { type ChatWords, languages } from '../chat/words/words.ts'

/** Buttons below a message, row by row. https://core.telegram.org/bots/api#inlinekeyboardmarkup */
export type Buttons = { text: string; callback_data: string }[][]

/** What the bot says. */
export type Answer = { text: string; buttons?: Buttons; replyTo?: number }

/** What a button does, as it stands in its data: at most 64 bytes. */
const ButtonAction = z.union([
  z.tuple([z.literal('kind'), z.enum(kinds)]),
  z.tuple([z.literal('language'), z.string()]),
  z.tuple([z.enum(['send', 'more', 'discard', 'undo', 'new', 'yes']), z.uuid()]),
  z.tuple([z.enum(['next', 'back', 'skip']), z.uuid(), z.enum(steps)]),
  z.tuple([z.literal('pick'), z.uuid(), z.enum(steps), z.coerce.number().int().min(0).max(100)]),
])
export type ButtonAction = z.infer<typeof ButtonAction>

export function readButton(data: string | undefined): ButtonAction | undefined {
  return ButtonAction.safeParse(data?.split(':')).data
}

export function button(text: string, ...action: ButtonAction): Buttons[number][number] {
  return { text, callback_data: action.join(':') }
}

const offered: Kind[] = ['news-tip', 'expose', 'story-angle', 'human-interest', 'guest-post']

export function kindButtons(words: ChatWords): Buttons {
  return offered.map((kind) => [button(words.kinds[kind], 'kind', kind)])
}

export function languageButtons(): Buttons {
  return [Object.entries(languages).map(([code, { language }]) => button(language, 'language', code))]
}

/** Below what has been gathered for a submission. */
export function draftButtons(words: ChatWords, id: string, isReply: boolean): Buttons {
  const rest = [button(words.addMore, 'more', id), button(words.discard, 'discard', id)]
  return isReply
    ? [[button(words.sendReply, 'send', id)], [button(words.somethingNew, 'new', id)], rest]
    : [[button(words.send, 'send', id)], rest]
}

/** Below the article of a guest post, and below the whole of it. */
export function postButtons(words: ChatWords, id: string, step: Step): Buttons {
  const forth = step === 'review' ? button(words.send, 'send', id) : button(words.next, 'next', id, step)
  return [[forth], [button(words.back, 'back', id, step), button(words.discard, 'discard', id)]]
}

export function discardButtons(words: ChatWords, id: string): Buttons {
  return [[button(words.discard, 'discard', id)]]
}

export function undoButtons(words: ChatWords, id: string): Buttons {
  return [[button(words.undo, 'undo', id)]]
}
