import type { Kind } from '../../db/values.ts'

/** What the bot can be told to do. */
export const commandNames = [
  'start',
  'tip',
  'expose',
  'story',
  'guest',
  'status',
  'cancel',
  'language',
  'help',
] as const

export type CommandName = (typeof commandNames)[number]

/** The kinds of submission that a command begins. */
export const kindOfCommand: Partial<Record<CommandName, Kind>> = {
  tip: 'news-tip',
  expose: 'expose',
  story: 'story-angle',
  guest: 'guest-post',
}
