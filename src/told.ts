import { isToldToSender, type Message, type Submission, senderState } from './submission.ts'

/** A submission with its conversation as its sender may know it now, for programs. */
export function toldToSender(submission: Submission, conversation: Message[], now: number) {
  const { reference, kind, createdAt, updatedAt } = submission
  const messages = conversation.filter((message) => isToldToSender(message, now))
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
      files: message.attachments.map(({ id, state, size, type }) => ({
        name: message.content.files[id]?.name,
        state,
        size,
        type,
      })),
    })),
  }
}
