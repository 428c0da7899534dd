import type { Generated } from 'kysely'
import type {
  Action,
  AttachmentState,
  AuditAction,
  Author,
  Channel,
  DraftState,
  ItemSort,
  JobState,
  JobType,
  Kind,
  Queue,
  Role,
  SessionWay,
  Standing,
  State,
  Step,
  WrapWay,
} from './values.ts'

/** The tables as both databases hold them: ids are UUIDv7 text, times are integers in milliseconds. */
export type Tables = {
  /** One row. */
  installation: {
    one: number
    files_id: string
    joined_at: number | null
    secrets_fingerprint: string | null
    /** When it was last tried whether anything can be written. */
    probed_at: number | null
  }
  submissions: {
    id: string
    reference: string
    receipt_hash: string
    kind: Kind
    channel: Channel
    state: State
    created_at: number
    updated_at: number
    heard_at: number
    /** The revision at which its sender last wrote. */
    heard_revision: number
    revision: number
    /** Empty for nobody. */
    assignee_id: string
    /** Written and read by `content-codec.ts` only. Null for an encrypted submission: its first message says it. */
    summary: string | null
    moved_from: State | null
    moved_at: number | null
    /** From when the sender is told of the move. */
    moved_visible_at: number | null
    spam_before: number
    first_opened_at: number | null
    decided_at: number | null
    escalated_at: number | null
    is_confidential: number
    /** What every encrypted thing of this conversation names. */
    context_id: string
    /** For whom the sender's side is encrypted: what their receipt opens. Null where no receipt is known. */
    sender_recipient: string | null
    /** How the sender of an encrypted submission is reached, hidden under this process's own key. */
    contact: string | null
    /** The desk key that all of it is encrypted for; null where that is not so. */
    encrypted_for: string | null
    /** When its sender last wrote or an editor last did something: what it is kept by. */
    active_at: number
    /** When editors were told that it will be erased; null again after any activity. */
    warned_at: number | null
    /** 1 where it must not be erased. */
    legal_hold: number
    /** When its sender deleted their side. */
    sender_left_at: number | null
  }
  messages: {
    id: string
    submission_id: string
    author: Author
    editor_id: string | null
    /** Written and read by `content-codec.ts` only. */
    content: string
    created_at: number
    withdrawn_at: number | null
    /** The held message that an editor made their own by this one. */
    settles: string | null
    /** From when the sender may read it; until then its editor can stop it. */
    visible_at: number
  }
  attachments: {
    id: string
    message_id: string
    position: number
    state: AttachmentState
    size: number | null
    type: string | null
    sha256: string | null
    preview_id: string | null
    /** Of an encrypted file `type` is content, and `sha256` is not kept: it would tell who has the same file. */
    is_encrypted: number
    /** The held message that it came with, where an answer took it over. */
    came_with: string | null
  }
  idempotency_keys: {
    source: string
    key: string
    digest: string | null
    submission_id: string
    created_at: number
  }
  jobs: {
    id: string
    type: JobType
    queue: Queue
    submission_id: string | null
    message_id: string | null
    editor_id: string | null
    attachment_id: string | null
    target: string | null
    receipt: string | null
    /** What is said only while this process lives, hidden under its own key. */
    ephemeral_payload: string | null
    state: JobState
    attempts: number
    /** How often it was begun since the last outcome. */
    begun: number
    due_at: number
    /** Whose it is while it is in hand. */
    lease: string | null
    /** Where it goes, as the processes that share a memory key know it again; null until that was asked. */
    lane: string | null
    error_code: string | null
    created_at: number
    tried_since: number
    done_at: number | null
  }
  leases: {
    id: string
    renewals: number
  }
  job_attempts: {
    job_id: string
    at: number
    error_code: string
  }
  dead_letters: {
    id: string
    digest: string
    source: string
    reason: string
    raw: string
    created_at: number
    /** The desk key that it is encrypted for. */
    encrypted_for: string | null
  }
  editors: {
    id: string
    email: string
    created_at: number
    removed_at: number | null
    name: string
    role: Role
    /** JSON of a NoticePolicy; null until the editor chose one. */
    policy: string | null
    /** See `accounts/passphrase.ts` for its form. */
    passphrase: string | null
    /** Encrypted under a key of `secrets.json`. */
    totp_secret: string | null
    /** The last step of the clock whose code was used. */
    totp_used: number | null
    /** Codes of the app that were wrong since the last one that was right. */
    wrong_codes: Generated<number>
    digested_at: number | null
  }
  recovery_codes: {
    code_hash: string
    editor_id: string
  }
  passkeys: {
    id: string
    editor_id: string
    public_key: string
    counter: number
    name: string
    /** Null for one that is older than this column: made for the host of the public address. */
    host: string | null
    created_at: number
    used_at: number | null
  }
  pgp_keys: {
    editor_id: string
    armored: string
    fingerprint: string
    algorithm: string
    /** JSON of a list. */
    names: string
    usable_until: number | null
    is_revoked: number
    was_looked_up: number
    given_at: number
  }
  login_attempts: {
    account: string
    /** The times of the latest tries, separated by blanks. */
    times: string
    latest_at: number
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
    /** 1 between the passphrase and the second factor. */
    waits_for_factor: number
    /** What a passkey has to sign next. */
    challenge: string | null
    /** The editor's identity, under a key that is in their cookie only. */
    secret: string | null
    begun_by: SessionWay | null
    /** When its editor last gave their passphrase, or used a passkey, in it. */
    confirmed_at: number | null
  }
  desk_keys: {
    recipient: string
    created_at: number
    retired_at: number | null
  }
  key_holders: {
    id: string
    /** Null for the recovery sheet. */
    editor_id: string | null
    recipient: string
    created_at: number
    standing: Generated<Standing>
    /** What is kept of the passphrase that opens this holder, while that is not the one of the account. */
    passphrase: string | null
    /** Of one that waits: in which session it was asked for. */
    asked_in: string | null
  }
  key_wraps: {
    /** Of a link's wrap the hash of its token; of the others, what they are and whose, or which passkey. */
    id: string
    holder_id: string
    way: WrapWay
    wrapped: string
  }
  key_grants: {
    desk_key: string
    holder_id: string
    encrypted: string
  }
  history: {
    id: string
    submission_id: string
    editor_id: string | null
    action: Action
    detail: string | null
    at: number
  }
  audit_log: {
    number: number
    at: number
    editor_id: string | null
    action: AuditAction
    reference: string | null
    detail: string | null
    hash: string
  }
  audit_head: {
    one: number
    number: number
    hash: string
  }
  /** What was deleted, and has still to be wiped. */
  erasures: {
    submission_id: string
    at: number
    /** 1 where words of it were in the search index. */
    was_indexed: number
    /** 1 where it is wiped by what is being done just now. */
    is_being_wiped: number
  }
  erased_files: {
    /** The file's id, or that of the job whose mail was kept. */
    name: string
    sort: 'file' | 'mail'
    submission_id: string
  }
  notes: {
    id: string
    submission_id: string
    editor_id: string
    /** Written and read by `content-codec.ts` only. */
    content: string
    created_at: number
  }
  tags: {
    name: string
    submission_id: string
  }
  attention: {
    editor_id: string
    submission_id: string
    opened_at: number | null
    /** The revision that the editor has opened last; 0 for none. */
    opened_revision: number
    notified_at: number | null
    present_at: number | null
  }
  settings: {
    name: string
    value: string
    revision: number
    changed_at: number
  }
  spam_senders: {
    sender: string
    created_at: number
  }
  counted_days: {
    day: string
    kind: Kind
    channel: Channel
    submissions: number
  }
  unindexed: {
    submission_id: string
  }
  search_documents: {
    number: Generated<number>
    submission_id: string
  }
  drafts: {
    /** Also the id of the submission that it becomes. */
    id: string
    chat: string
    kind: Kind
    /** Empty for none. */
    joins: string
    state: DraftState
    step: Step | null
    /** 1 where its sender chose its kind; 0 for the usual one. */
    is_chosen: number
    /** That of whoever began it. */
    language: string | null
    /** The chat itself, for writing into it; forgotten when all is said. */
    target: string | null
    /** What the receipt is derived from; of a confidential submission the receipt, hidden under this process's own key. */
    secret: string | null
    /** Empty for a submission that is not confidential. */
    context_id: string
    sender_recipient: string | null
    heard_at: number
    revision: number
    shown_message_id: number | null
    shown_revision: number | null
    item_count: number
    characters: number
    last_message_id: number
    /** What it becomes, from the moment it is closed. */
    submission_id: string | null
    message_id: string | null
    created_at: number
  }
  draft_items: {
    chat: string
    message_id: number
    draft_id: string
    album: string | null
    field: Step | null
    sort: ItemSort
    /**
     * Written and read by `draft-store/rows.ts` only; of a confidential submission hidden under this process's own key.
     * Forgotten when the part has been taken into a message.
     */
    content: string | null
    /** The same encrypted, for when that process is gone. */
    block: string | null
    /** How long it is, and which files the channel still holds, for the same case. */
    awaited: string | null
    /** Of words and files: whether an edit changed anything. */
    digest: string
    edited_at: number
    /** It came after its submission was closed. */
    is_late: number
    /** The message that it was taken into. */
    became: string | null
    is_taken: number
  }
  seen_updates: {
    bot: string
    update_id: string
    seen_at: number
  }
  chat_sessions: {
    chat: string
    value: string
  }
  chat_submissions: {
    chat: string
    submission_id: string
  }
  chat_answers: {
    chat: string
    message_id: number
    submission_id: string
    /** When an editor answered; null for what the bot said of itself. */
    answered_at: number | null
  }
  api_tokens: {
    id: string
    name: string
    token_hash: string
    hourly_limit: number
    hook_url: string | null
    created_at: number
    used_at: number | null
    revoked_at: number | null
  }
  mail_threads: {
    message: string
    address: string
    submission_id: string
  }
  mail_receipts: {
    job_id: string
    address: string
    at: number
  }
  mail_canaries: {
    id: string
    sent_at: number
    came_at: number | null
    came_by: string | null
  }
}
