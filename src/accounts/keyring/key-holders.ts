import { hash } from 'node:crypto'
import type { SecurityEvent } from '../../audit/security-event.ts'
import { Failure } from '../../core/errors.ts'
import type { Role, Standing, WrapWay } from '../../db/values.ts'
import type { Identity, Recipient } from '../../encryption/types.ts'
import type { NewJob } from '../../jobs/job.ts'
import type { Editor, Passkey } from '../editor.ts'

/*
 * Who can open what: the desk key opens every confidential submission. It is kept only as granted to its holders, encrypted for
 * each; a holder is an editor, or the recovery sheet. What an editor's own identity is kept under is what they bring:
 * their passphrase, a passkey, or, until they have set up, the link that they were sent.
 */
export type KeyHolder = {
  id: string
  /** Null for the recovery sheet. */
  editorId: string | null
  recipient: Recipient
  standing: Standing
}

/** A holder that was made just now, with what is not kept of it. */
export type NewHolder = KeyHolder & { identity: Identity }

/** One of an editor's holders. */
export type OwnHolder = KeyHolder & {
  createdAt: number
  /** What is kept of its passphrase, where that is not the one of the account. */
  passphrase: string | null
  /** The hash of the session in which it was asked for. */
  askedIn: string | null
}

/** The identity of a holder under something that they bring. */
export type KeyWrap = { id: string; way: WrapWay; wrapped: string }

/** The desk key, encrypted for a holder. */
export type KeyGrant = { deskKey: Recipient; holderId: string; encrypted: string }

/** A holder, with the desk keys that they were granted, and the ways by which they come to them. */
export type StandingHolder = KeyHolder & { createdAt: number; keys: Recipient[]; ways: WrapWay[] }

/** Somebody who asked for a new way in and has not been let in. */
export type AccessRequest = {
  id: string
  askedAt: number
  /** What is kept of the passphrase that they chose for it. */
  passphrase: string
  /** From when they may begin anew by themselves; undefined while a colleague can let them in. */
  beginsAt: number | undefined
}

/**
 * Six digits by which somebody who asked for a new way in tells a colleague, by word of mouth, which request is theirs: a
 * thief who reads their mail may cancel it and put another in its place. No mail holds them.
 */
export function requestCode(requestId: string): string {
  const number = Number.parseInt(hash('sha256', `barua request ${requestId}`).slice(0, 12), 16)
  return String(number % 1_000_000).padStart(6, '0')
}

/** Of each editor, whether they have a way to open everything, and who waits; and whether a recovery sheet has. */
export type Standings = {
  editors: Map<string, boolean>
  waiting: Map<string, { id: string; askedAt: number }>
  /** Those who have nothing but links that they have not settled on. */
  withLinkOnly: Set<string>
  hasSheet: boolean
  isSheetFull: boolean
}

/** What is read of the ring. */
export type KeyRows = {
  current(): Promise<Recipient | undefined>
  /** How many keys there have been: who holds fewer cannot open everything. */
  count(): Promise<number>
  /** True if anything is encrypted. */
  isNeeded(): Promise<boolean>
  /** How many submissions, and other things that came in, need one of these keys to be opened. */
  countEncryptedFor(keys: Recipient[]): Promise<number>
  holders(): Promise<StandingHolder[]>
  /** The newest first. */
  holdersOf(editorId: string): Promise<OwnHolder[]>
  holderFor(recipient: Recipient): Promise<KeyHolder | undefined>
  grantsOf(holderId: string): Promise<KeyGrant[]>
  wrapped(id: string): Promise<(KeyWrap & { holder: KeyHolder }) | undefined>
  wrapsOf(holderId: string): Promise<Pick<KeyWrap, 'id' | 'way'>[]>
  /** Those who have an account. */
  editorIds(): Promise<string[]>
}

/** What one step reads and changes, all in one transaction: the ring, and the accounts that go with it. */
export type KeyMoves = KeyRows & {
  replaceKey(key: Recipient, grants: KeyGrant[], at: number): Promise<void>
  addHolder(holder: KeyHolder, at: number): Promise<void>
  dropHolders(ids: string[]): Promise<void>
  changeStanding(ids: string[], standing: Standing): Promise<void>
  /** Keeps with a holder what is kept of its passphrase, and in which session it was asked for. */
  keepPassphrase(holderId: string, hash: string | null, askedIn?: string): Promise<void>
  grant(grants: KeyGrant[]): Promise<void>
  wrap(holderId: string, wrap: KeyWrap): Promise<void>
  renameWrap(from: string, to: string): Promise<void>
  dropWraps(ids: string[]): Promise<void>
  dropLinks(hashes: string[]): Promise<void>
  addEditor(email: string, role: Role, now: number): Promise<Editor>
  removeEditor(id: string, now: number, options?: { lastAdminToo?: boolean }): Promise<void>
  resetFactors(editorId: string): Promise<void>
  passphrase(editorId: string): Promise<string | undefined>
  /** A new passphrase ends the links that were mailed before it. */
  setPassphrase(editorId: string, hash: string): Promise<void>
  endSessions(editorId: string, except: string | undefined): Promise<void>
  addPasskey(passkey: Omit<Passkey, 'usedAt'>): Promise<void>
  removePasskey(editorId: string, id: string): Promise<void>
  addLink(tokenHash: string, editorId: string, expiresAt: number): Promise<void>
  post(job: NewJob, now: number): Promise<void>
  /** Writes into the audit log, and has told whom it concerns. The last thing of a step. */
  note(event: SecurityEvent, now: number): Promise<void>
}

/** The name of what is kept under an editor's passphrase. */
export function passphraseWrap(editorId: string): string {
  return `passphrase ${editorId}`
}

/** The name of what is kept under the passphrase of a holder that waits, or that another has taken the place of. */
export function ownPassphraseWrap(holderId: string): string {
  return `passphrase of holder ${holderId}`
}

/** What has to be said to go on with a step after which nobody could open so much any more. */
export function losing(count: number): string {
  return count === 1 ? 'lose 1 submission' : `lose ${count} submissions`
}

const losingField = 'losing'

/**
 * A step that was refused, for nobody could open so much after it; with `isByLink`, nobody but whoever has a link that was
 * not used yet, and may never have arrived.
 */
export function wouldLose(count: number, { isByLink }: { isByLink: boolean }): Failure {
  const what = count === 1 ? 'one submission' : `${count} submissions`
  const message = isByLink
    ? `After this, only a link that nobody has used yet could open ${what}. If that is lost, nobody ever can. Nothing was changed.`
    : `After this, nobody could ever open ${what}. Nothing was changed.`
  return new Failure('conflict', message, { fields: { [losingField]: [losing(count)] } })
}

/** What has to be said to go on in spite of this failure; undefined if it is another. */
export function acknowledgementFor(error: unknown): string | undefined {
  return error instanceof Failure ? error.fields?.[losingField]?.[0] : undefined
}
