/** What a mail says. */
export type MailBodies = { subject: string; text: string; html: string }

export type Mail = MailBodies & {
  /** The job's id: the same job always has the same Message-ID and, kept as a file, the same name. */
  jobId: string
  to: string
  /** What it says instead where it leaves encrypted, and nowhere else. */
  inConfidence?: MailBodies
  messageId: string
  /** What it answers, the nearest last. */
  references?: string[]
  replyTo?: string
  /** Where it is sent back to if it cannot be delivered; empty for nowhere. */
  returnPath?: string
  /** Written by a person to a person, not by the program. */
  isPersonal?: boolean
  /** It answers a mail, by itself. */
  isReply?: boolean
  /** Where its reader chooses not to get any more. */
  unsubscribe?: string
  files?: { id: string; name: string; type: string | null }[]
}
