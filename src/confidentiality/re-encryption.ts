import type { Pace } from '../core/pace.ts'
import type { Identity, Keys } from '../encryption/types.ts'
import type { FileStore } from '../files/store.ts'
import type { ReEncryptionStore } from './re-encryption-store.ts'

/** Where a walk has come along what is encrypted for earlier keys. */
type WalkPlace = { encryptedFor: string | null; id: string }

/** What re-encryption is handed where everything meets. */
type ReEncryptionContext = {
  store: Pick<ReEncryptionStore, 'left' | 'submissions' | 'files' | 'reEncrypt' | 'deadLetters'>
  files: Pick<FileStore, 'reEncrypt'>
  onError: (error: unknown) => void
  pace: Pace
}

export type ReEncryption = ReturnType<typeof createReEncryption>

/**
 * How far it is: how many are still to be re-encrypted, whether there are more than those, and whether that is being
 * done.
 */
type ReEncryptionProgress = { left: number; isMore: boolean; isRunning: boolean }

const atOnce = 50
const deadLettersAtOnce = { first: 2, most: 50 }

/** More are not counted. */
const mostCounted = 1000
const mostTries = 3

/**
 * Re-encrypts what is encrypted for an earlier key, submission by submission. Only an editor has the keys for it: while
 * it goes on, this process remembers them, and forgets them at the end. Broken off, it goes on with the next editor who
 * comes in.
 */
export function createReEncryption({ store, files, onError, pace }: ReEncryptionContext) {
  let identities = new Set<Identity>()
  let running: Promise<void> | undefined
  let isStopping = false
  /** Something came behind where it is already. */
  let isAsked = false
  const keys: Keys = async () => [...identities]

  return {
    /** Goes on with what these keys open. It resolves at once, and works on beside everything else. */
    async begin(brought: Keys): Promise<void> {
      try {
        if (stops() || (await store.left(1)) === 0) return
        for (const identity of await brought()) identities.add(identity)
        isAsked = true
        if (identities.size > 0) running ??= run().finally(forget)
      } catch (error) {
        onError(error)
      }
    },

    async progress(): Promise<ReEncryptionProgress> {
      const left = await store.left(mostCounted + 1)
      return {
        left: Math.min(left, mostCounted),
        isMore: left > mostCounted,
        isRunning: running !== undefined,
      }
    },

    /** Resolves when nothing is being re-encrypted. */
    async settled(): Promise<void> {
      await running
    },

    async stop(): Promise<void> {
      isStopping = true
      await running
    },
  }

  function stops(): boolean {
    return isStopping || pace.signal.aborted
  }

  function forget(): void {
    identities = new Set()
    running = undefined
  }

  async function run(): Promise<void> {
    try {
      while (isAsked && !stops()) {
        isAsked = false
        await walkSubmissions()
        await walkDeadLetters()
      }
    } catch (error) {
      if (!stops()) onError(error)
    }
  }

  async function walkSubmissions(): Promise<void> {
    let after: WalkPlace | undefined
    while (!stops()) {
      const from = after
      const places = await pace.turn(() => store.submissions(from, atOnce))
      if (places.length === 0) return
      // One that cannot be read holds up none of the others.
      await pace.each(places, async ({ id }) => {
        if (!stops()) await reEncryptSubmission(id).catch(onError)
      })
      after = places.at(-1)
    }
  }

  /**
   * Its files first: that it is re-encrypted is noted with its texts. What is written to it meanwhile is looked at
   * again.
   */
  async function reEncryptSubmission(id: string): Promise<void> {
    for (let i = 0; i < mostTries; i++) {
      const encrypted = await store.files(id)
      if (!encrypted) return
      for (const { id: file, encryptedFor } of encrypted.files)
        if (!(await files.reEncrypt(file, keys, encryptedFor))) return
      if ((await store.reEncrypt(id, encrypted, keys)) !== 'changed') return
    }
  }

  async function walkDeadLetters(): Promise<void> {
    let after: WalkPlace | undefined
    await pace.steps(async (most) => {
      if (stops()) return 0
      const { last, count } = await store.deadLetters(after, most, keys)
      after = last
      return count
    }, deadLettersAtOnce)
  }
}
