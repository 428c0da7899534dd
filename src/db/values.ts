import { z } from 'zod'

/** The five kinds of submission a newsroom asks for. */
export const kinds = ['guest-post', 'expose', 'news-tip', 'story-angle', 'human-interest'] as const

export const Kind = z.enum(kinds)

export type Kind = z.infer<typeof Kind>

/** The channel a submission came in by. */
export const channels = ['form', 'telegram', 'email', 'api'] as const

export type Channel = (typeof channels)[number]

export const states = ['waiting', 'in-review', 'accepted', 'declined', 'spam'] as const

export type State = (typeof states)[number]

/** A stranger is whoever writes in an editor's place without being known as that editor; what they say is held. */
export type Author = 'sender' | 'editor' | 'system' | 'unverified'

/** `awaited` is still to be fetched from the channel it came by; `failed` could not be. */
export type AttachmentState = 'kept' | 'awaited' | 'failed'

export type Action =
  | 'opened'
  | 'claimed'
  | 'released'
  | 'assigned'
  | 'tagged'
  | 'untagged'
  | 'noted'
  | 'moved'
  | 'answered'
  | 'undone'
  | 'retried'
  | 'dropped'
  | 'escalated'
  | 'set-aside'
  | 'encrypted'
  | 'kept'
  | 'hold-set'
  | 'hold-lifted'
  | 'sender-left'

/** An admin also invites and removes editors, and keeps the newsroom's settings. */
export const roles = ['editor', 'admin'] as const

export type Role = (typeof roles)[number]

/** By what a session was begun: a link that bears a key is a key. */
export type SessionWay = 'passphrase' | 'passkey' | 'link' | 'key-link'

/*
 * Who can open what: the desk key opens every confidential submission. It is kept only as granted to its holders, encrypted for
 * each; a holder is an editor, or the recovery sheet. What an editor's own identity is kept under is what they bring:
 * their passphrase, a passkey, or, until they have set up, the link that they were sent.
 */

/** What an editor's identity is wrapped under. */
export type WrapWay = 'passphrase' | 'link' | 'passkey'

/**
 * `in`: is granted each new desk key. `waiting`: asked for by somebody who had only a mailed link; holds nothing until it is
 * let in. `former`: another took its place; keeps what it was granted, and is granted nothing more.
 */
export type Standing = 'in' | 'waiting' | 'former'

export type JobType =
  | 'tell-editors'
  | 'editor-notice'
  | 'assignment'
  | 'digest'
  | 'burst-digest'
  | 'escalation'
  | 'erasure-warning'
  | 'sender-receipt'
  | 'answer-mail'
  | 'answer-telegram'
  | 'sign-in'
  | 'security-notice'
  | 'telegram-file'
  | 'preview'
  | 'chat-update'
  | 'chat-live'
  | 'chat-send'
  | 'chat-receipt'
  | 'upload-link'
  | 'file-refused'
  | 'answer-webhook'
  | 'deed-confirmation'

/** Who carries it. Each carrier works at its own pace, so that a slow one holds up no other. */
export const queues = ['mail', 'telegram', 'file', 'chat', 'hook', 'desk', 'preview'] as const

export type Queue = (typeof queues)[number]

/**
 * pending → sent | failed | dropped; failed → pending when an editor has it tried again, failed → dropped when an editor
 * lets it be. Dropped is what was called back or became needless before it was carried.
 */
export const jobStates = ['pending', 'sent', 'failed', 'dropped'] as const

export type JobState = (typeof jobStates)[number]

export const itemSorts = [
  'message',
  'photo',
  'video',
  'voice',
  'audio',
  'document',
  'location',
  'contact',
] as const

export type ItemSort = (typeof itemSorts)[number]

const draftStates = ['open', 'closed', 'sent', 'discarded'] as const

export type DraftState = (typeof draftStates)[number]

/** What a guest post is asked for in a conversation, in order; `review` shows it all before it is sent. */
export const steps = [
  'title',
  'standfirst',
  'byline',
  'bio',
  'body',
  'category',
  'language',
  'links',
  'interest',
  'name',
  'email',
  'website',
  'consent',
  'review',
] as const

export type Step = (typeof steps)[number]

/** What changes who may come in, or who opens what. */
export type SecurityAction =
  | 'signed-in'
  | 'unlocked'
  | 'passphrase'
  | 'totp-on'
  | 'totp-off'
  | 'recovery-codes'
  | 'passkey-added'
  | 'passkey-removed'
  | 'pgp-key'
  | 'pgp-key-removed'
  | 'invited'
  | 'codes-guessed'
  | 'role'
  | 'reset'
  | 'removed'
  | 'asked'
  | 'stopped'
  | 'began-anew'
  | 'let-in'
  | 'gave-up'
  | 'sheet-made'
  | 'sheet-used'
  | 'token-added'
  | 'token-revoked'
  | 'confidential-by-mail'
  | 'setting'
  | 'exported-for-key'

export type AuditAction =
  | SecurityAction
  | 'opened'
  | 'downloaded'
  | 'exported'
  | 'moved'
  | 'encrypted'
  | 'kept'
  | 'hold-set'
  | 'hold-lifted'
  | 'sender-left'
  | 'erased'
