import type { Update } from '@grammyjs/types'

/**
 * What becomes of each kind of update. `conversation`: a person says or does something to us. `dead letter`: somebody says
 * something that did not come to us in the way we ask for it, and it is kept raw. `not ours`: nobody says anything to us.
 */
export const updateKinds = {
  update_id: 'not ours',
  message: 'conversation',
  edited_message: 'conversation',
  callback_query: 'conversation',
  // What a channel publishes is for everybody; Telegram is not asked for it, but a relay may pass it on.
  channel_post: 'dead letter',
  edited_channel_post: 'dead letter',
  // Written to an account of the newsroom, or where the bot was called as a guest: there it cannot answer.
  business_message: 'dead letter',
  edited_business_message: 'dead letter',
  guest_message: 'dead letter',
  business_connection: 'not ours',
  deleted_business_messages: 'not ours',
  stopped_message_generation: 'not ours',
  message_reaction: 'not ours',
  message_reaction_count: 'not ours',
  inline_query: 'not ours',
  chosen_inline_result: 'not ours',
  shipping_query: 'not ours',
  pre_checkout_query: 'not ours',
  purchased_paid_media: 'not ours',
  poll: 'not ours',
  poll_answer: 'not ours',
  my_chat_member: 'not ours',
  chat_member: 'not ours',
  chat_join_request: 'not ours',
  chat_boost: 'not ours',
  removed_chat_boost: 'not ours',
  managed_bot: 'not ours',
  subscription: 'not ours',
} satisfies Record<keyof Update, 'conversation' | 'dead letter' | 'not ours'>

/** True where all that there is in an update is known, and nothing of it is said to us. */
export function isNotOurs(update: object): boolean {
  const names = Object.keys(update).filter((name) => name !== 'update_id')
  return names.length > 0 && names.every((name) => kindOf(name) === 'not ours')
}

/** What stands beside a message in its update, and would say something by itself or is not known. */
export function besideMessage(update: object): string[] {
  const [message] = (['message', 'edited_message'] as const).filter((name) => name in update)
  return Object.keys(update).filter((name) => name !== message && kindOf(name) !== 'not ours')
}

/** Why an update that no conversation can be made of is kept. */
export function reasonToKeep(update: object): string {
  return Object.keys(update).some((name) => kindOf(name) === 'dead letter')
    ? 'not-said-to-the-bot'
    : 'unknown-update'
}

function kindOf(name: string) {
  return Object.hasOwn(updateKinds, name) ? updateKinds[name as keyof Update] : undefined
}
