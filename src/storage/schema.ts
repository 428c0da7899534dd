import type { Carrier, Delivery } from '../delivery.ts'
import type { AttachmentState, Author, Channel, Kind, State } from '../submission.ts'

/** The tables as both databases hold them: ids are UUIDv7 text, times are integers in milliseconds. */
export type Tables = {
  submissions: {
    id: string
    reference: string
    receipt_hash: string
    kind: Kind
    channel: Channel
    state: State
    created_at: number
    updated_at: number
  }
  messages: {
    id: string
    submission_id: string
    author: Author
    editor_id: string | null
    /** Written and read by `contents.ts` only. */
    content: string
    created_at: number
  }
  attachments: {
    id: string
    message_id: string
    position: number
    state: AttachmentState
    size: number | null
    type: string | null
    sha256: string | null
  }
  arrivals: {
    source: string
    key: string
    digest: string | null
    submission_id: string
    created_at: number
  }
  deliveries: {
    id: string
    purpose: Delivery['purpose']
    carrier: Carrier
    submission_id: string | null
    message_id: string | null
    editor_id: string | null
    attachment_id: string | null
    target: string | null
    receipt: string | null
    state: Delivery['state']
    attempts: number
    due_at: number
    lease: string | null
    leased_until: number
    fault: string | null
    created_at: number
    done_at: number | null
  }
  unread_arrivals: {
    id: string
    digest: string
    source: string
    reason: string
    raw: string
    created_at: number
  }
  editors: {
    id: string
    email: string
    created_at: number
    removed_at: number | null
  }
  sign_in_links: {
    token_hash: string
    editor_id: string
    expires_at: number
    used_at: number | null
  }
  sessions: {
    token_hash: string
    editor_id: string
    created_at: number
    seen_at: number
  }
}
