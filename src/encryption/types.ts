import type { Author } from '../db/values.ts'

/** Whom something is sealed for: `age1…`, the public half of an identity. https://github.com/C2SP/C2SP/blob/main/age.md */
export type Recipient = string

/** What opens: `AGE-SECRET-KEY-1…`. It is in memory while somebody uses it, and kept nowhere as it is. */
export type Identity = string

/** What somebody brings to open with. Asked for only when there is something to open. */
export type Keys = () => Promise<Identity[]>

/** Nothing to open with: what is sealed stays so. */
export const noKeys: Keys = async () => []

/**
 * How a sealed thing was found: it never was sealed, it is open, nobody here has its key, or it is not what was sealed.
 * What is locked or damaged says nothing.
 */
export type SealState = 'clear' | 'open' | 'locked' | 'damaged'

/**
 * How the content of a conversation is sealed: for the desk, for whoever has the receipt, and under which bond. Every
 * sealed thing names the bond of its conversation, so that nothing can be moved from one to another.
 */
export type Sealing = {
  bond: string
  desk: Recipient
  /** Null where no receipt is known. */
  sender: Recipient | null
}

/** For whom something is sealed: what editors say among themselves is not for the sender. */
export type SealedFor = 'both' | 'desk'

/** For whom a message is sealed, with its files: what a stranger says is not the sender's either. */
export function whomFor(author: Author): SealedFor {
  return author === 'stranger' ? 'desk' : 'both'
}

/** How something is sealed that is for these only. */
export function narrowed(sealing: Sealing, whom: SealedFor): Sealing {
  return whom === 'both' ? sealing : { ...sealing, sender: null }
}

/**
 * The files of a conversation as it is at this revision, for whom each of them is to be sealed, and how all else of it is.
 */
export type SealedFiles = {
  revision: number
  files: { id: string; sealedFor: Sealing }[]
  sealing: Sealing
}

/** What seals texts. A sealed text is an armored age file, which the `age` command opens too. */
export type Sealer = {
  seal(text: string, recipients: Recipient[]): Promise<string>
  open(sealed: string, identities: Identity[]): Promise<{ text: string } | { fault: 'locked' | 'damaged' }>
  /** The same text sealed for others, by whoever can open it; undefined for whoever cannot. */
  sealAnew(sealed: string, identities: Identity[], recipients: Recipient[]): Promise<string | undefined>
}

/** The worst of several: a conversation is open only where all of it is. */
export function worst(states: SealState[]): SealState {
  const order: SealState[] = ['damaged', 'locked', 'open', 'clear']
  return order.find((state) => states.includes(state)) ?? 'clear'
}

/** What a process knows while it lives, and nobody after it. */
export type Memory = {
  hide(text: string): string
  /** Undefined for what another process has hidden. */
  reveal(hidden: string): string | undefined
  /** Tells whether something is the same as before, within this process. With a dot in it. */
  digest(text: string): string
  /** True for a digest of this process: another one cannot be compared. */
  isOurs(digest: string): boolean
}
