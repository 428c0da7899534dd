import type { BotCommand } from './commands.ts'
import { isFields } from './message/reader.ts'
import type { Incoming } from './update-schema.ts'

/** The message as if the command had not stood before it: links and marks stay with the words that they belong to. */
export function withoutCommand(incoming: Incoming, { rest, restAt }: BotCommand): Incoming {
  const { message, fields } = incoming
  const [field, marks] =
    message.text === undefined ? (['caption', 'caption_entities'] as const) : (['text', 'entities'] as const)
  const entities = Array.isArray(fields[marks])
    ? fields[marks].flatMap((one) => moved(one, restAt))
    : fields[marks]
  return {
    ...incoming,
    message: { ...message, [field]: rest },
    fields: { ...fields, [field]: rest, ...(entities !== undefined && { [marks]: entities }) },
  }
}

/** What covers the words before that place goes with them; what reaches over it begins there. */
function moved(entity: unknown, by: number): unknown[] {
  if (!isFields(entity) || typeof entity.offset !== 'number' || typeof entity.length !== 'number')
    return [entity]
  const end = entity.offset + entity.length - by
  if (end <= 0) return []
  const offset = Math.max(0, entity.offset - by)
  return [{ ...entity, offset, length: end - offset }]
}
