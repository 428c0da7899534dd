import type { Author } from '../db/values.ts'

/**
 * Whom something is encrypted for: `age1…`, the public half of an identity.
 * https://github.com/C2SP/C2SP/blob/main/age.md
 */
export type Recipient = string

/** What opens: `AGE-SECRET-KEY-1…`. It is in memory while somebody uses it, and kept nowhere as it is. */
export type Identity = string

/** What somebody brings to open with. Asked for only when there is something to open. */
export type Keys = () => Promise<Identity[]>

/** Nothing to open with: what is encrypted stays so. */
export const noKeys: Keys = async () => []

/**
 * How an encrypted thing was found: it never was encrypted, it is open, nobody here has its key, or it is not what was
 * encrypted. What is locked or damaged says nothing.
 */
export type ContentAccess = 'clear' | 'open' | 'locked' | 'damaged'

/**
 * How the content of a conversation is encrypted: for the desk, for whoever has the receipt, and under which bond. Every
 * encrypted thing names the bond of its conversation, so that nothing can be moved from one to another.
 */
export type Recipients = {
  contextId: string
  desk: Recipient
  /** Null where no receipt is known. */
  sender: Recipient | null
}

/** For whom something is encrypted: what editors say among themselves is not for the sender. */
export type EncryptedFor = 'both' | 'desk'

/** For whom a message is encrypted, with its files: what a stranger says is not the sender's either. */
export function whomFor(author: Author): EncryptedFor {
  return author === 'unverified' ? 'desk' : 'both'
}

/** How something is encrypted that is for these only. */
export function narrowed(recipients: Recipients, whom: EncryptedFor): Recipients {
  return whom === 'both' ? recipients : { ...recipients, sender: null }
}

/**
 * The files of a conversation as it is at this revision, for whom each of them is to be encrypted, and how all else of
 * it is.
 */
export type FilesToEncrypt = {
  revision: number
  files: { id: string; encryptedFor: Recipients }[]
  recipients: Recipients
}

/** What encrypts texts. An encrypted text is an armored age file, which the `age` command opens too. */
export type TextCipher = {
  encrypt(text: string, publicKeys: Recipient[]): Promise<string>
  open(
    encrypted: string,
    identities: Identity[],
  ): Promise<{ text: string } | { errorCode: 'locked' | 'damaged' }>
  /** The same text encrypted for others, by whoever can open it; undefined for whoever cannot. */
  reEncrypt(encrypted: string, identities: Identity[], publicKeys: Recipient[]): Promise<string | undefined>
}

/** The worst of several: a conversation is open only where all of it is. */
export function worst(states: ContentAccess[]): ContentAccess {
  const order: ContentAccess[] = ['damaged', 'locked', 'open', 'clear']
  return order.find((state) => states.includes(state)) ?? 'clear'
}

/** What a process knows while it lives, and nobody after it. */
export type ProcessKey = {
  encrypt(text: string): string
  /** Undefined for what another process has hidden. */
  decrypt(processCodec: string): string | undefined
  /** Tells whether something is the same as before, within this process. With a dot in it. */
  digest(text: string): string
  /** True for a digest of this process: another one cannot be compared. */
  isOurs(digest: string): boolean
}
