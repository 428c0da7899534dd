import type { Attachment } from './attachment.ts'
import { filesOf, isVisibleToSender, type Message, type Submission, senderState } from './model.ts'

/** A submission with its conversation as its sender may know it now, for programs. */
export function senderView(submission: Submission, conversation: Message[], now: number) {
  const { reference, kind, createdAt, updatedAt } = submission
  const messages = conversation.filter((message) => isVisibleToSender(message, now))
  return {
    reference,
    kind,
    state: senderState(submission, now),
    createdAt: new Date(createdAt).toISOString(),
    updatedAt: new Date(updatedAt).toISOString(),
    messages: messages.map((message) => ({
      author: message.author,
      at: new Date(message.createdAt).toISOString(),
      title: message.content.fields.title,
      body: message.content.fields.body,
      ...belowOf(message),
      files: filesOf(message).map(({ id, state, size, type }) => ({
        ...(message.author === 'editor' && { id }),
        name: message.content.files[id]?.name,
        state,
        size,
        type,
        ...(message.content.files[id]?.refused && { refused: message.content.files[id].refused }),
      })),
    })),
  }
}

/** What a mail of the sender says besides: what it said where a document was the article, and what is folded below it. */
function belowOf({ author, content }: Message): { cover?: string; folded?: string } {
  const { cover, quoted } = (author === 'sender' && content.email) || {}
  return { ...(cover && { cover }), ...(quoted && { folded: quoted }) }
}

/** A file that an editor sent along with an answer, with its name. */
export function findSharedFile(
  conversation: Message[],
  id: string,
  now: number,
): { attachment: Attachment; name: string } | undefined {
  const answers = conversation.filter(
    (message) => message.author === 'editor' && isVisibleToSender(message, now),
  )
  for (const message of answers) {
    const attachment = filesOf(message).find((one) => one.id === id && one.state === 'kept')
    if (attachment) return { attachment, name: message.content.files[id]?.name ?? 'file' }
  }
  return undefined
}
