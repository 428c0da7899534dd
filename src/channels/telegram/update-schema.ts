import { z } from 'zod'

/**
 * What a conversation has to know of an update before anything in it is read: who says it, where, and what it replies to.
 * All else is read from the update as it came, by `message/message.ts`, which knows what it could not read.
 * https://core.telegram.org/bots/api#update
 */
const user = z.object({
  id: z.number().int().optional().catch(undefined),
  is_bot: z.boolean().optional().catch(undefined),
  first_name: z.string().optional().catch(undefined),
  last_name: z.string().optional().catch(undefined),
  username: z.string().optional().catch(undefined),
  language_code: z
    .string()
    .regex(/^[\w-]{1,50}$/)
    .optional()
    .catch(undefined),
})
const chat = z.object({
  id: z.number().int(),
  type: z.string(),
  is_direct_messages: z.boolean().optional().catch(undefined),
})
const topic = z.object({ topic_id: z.number().int(), user: user.optional().catch(undefined) })

/** Seconds since 1970 as a date can have them, up to the year 9999. */
export const Moment = z.number().int().min(0).max(253_402_300_799)

const TelegramMessage = z.object({
  message_id: z.number().int(),
  edit_date: Moment.optional().catch(undefined),
  media_group_id: z
    .string()
    .regex(/^\P{Cc}{1,200}$/u)
    .optional()
    .catch(undefined),
  chat,
  from: user.optional().catch(undefined),
  direct_messages_topic: topic.optional().catch(undefined),
  reply_to_message: z
    .object({ message_id: z.number().int(), from: user.optional().catch(undefined) })
    .optional()
    .catch(undefined),
  text: z.string().optional().catch(undefined),
  caption: z.string().optional().catch(undefined),
})
export type TelegramMessage = z.infer<typeof TelegramMessage>

const Press = z.object({
  id: z.string(),
  from: user,
  /** Absent, or without text, where the message is too old for Telegram to show. */
  message: z
    .object({ message_id: z.number().int(), chat, direct_messages_topic: topic.optional().catch(undefined) })
    .optional(),
  data: z.string().optional(),
})
/** The press of a button under a message that is told of. */
export type Press = z.infer<typeof Press> & { message: NonNullable<z.infer<typeof Press>['message']> }

export const Update = z.object({
  update_id: z.number().int(),
  message: TelegramMessage.optional(),
  edited_message: TelegramMessage.optional(),
  callback_query: Press.optional(),
})
export type Update = z.infer<typeof Update>

/** An update as we understand it, the same as JSON, and as it came. */
export type HeardUpdate = { update: Update; json: Record<string, unknown>; raw: string }

/** A message, new or edited, with what is said in it before that is read. */
export type Incoming = HeardUpdate & { message: TelegramMessage; fields: Record<string, unknown> }

/** The message that an update brings. */
export function messageIn({ update, json, raw }: HeardUpdate): Incoming | undefined {
  const message = update.message ?? update.edited_message
  if (!message) return undefined
  const fields = (update.message ? json.message : json.edited_message) as Record<string, unknown>
  return { update, json, raw, message, fields }
}

/** Nesting that no message has; what is nested deeper is not taken apart. */
const deepest = 200

export function isTooDeep(value: unknown, left = deepest): boolean {
  if (typeof value !== 'object' || value === null) return false
  return left === 0 || Object.values(value).some((one) => isTooDeep(one, left - 1))
}
