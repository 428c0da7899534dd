import type { Identity, Keys, SealedFiles, Sealing } from '../seal.ts'

/** What sealing anew is handed where everything meets. */
export type ResealingParts = {
  store: {
    left(): Promise<number>
    pieces(after: string, most: number): Promise<string[]>
    files(submissionId: string): Promise<SealedFiles | undefined>
    sealAnew(
      submissionId: string,
      as: Pick<SealedFiles, 'revision' | 'sealing'>,
      keys: Keys,
    ): Promise<'done' | 'changed' | 'locked'>
    unread(after: string, most: number, keys: Keys): Promise<{ last: string; done: number } | undefined>
  }
  files: { sealAnew(id: string, keys: Keys, sealedFor: Pick<Sealing, 'desk' | 'sender'>): Promise<boolean> }
  onTrouble: (error: unknown) => void
}

export type Resealing = ReturnType<typeof createResealing>

/** How far it is: how many are still to be sealed anew, and whether that is being done. */
export type ResealingProgress = { left: number; isRunning: boolean }

const atOnce = 50
/** It rests three times as long as it works, so that what comes in goes first. */
const restAfterWork = 3
const mostTries = 3

/**
 * Seals anew what is sealed for an earlier key, piece by piece. Only an editor has the keys for it: while it goes on, this
 * process remembers them, and forgets them at the end. Broken off, it goes on with the next editor who comes in.
 */
export function createResealing({ store, files, onTrouble }: ResealingParts) {
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
        if (isStopping || (await store.left()) === 0) return
        for (const identity of await brought()) identities.add(identity)
        isAsked = true
        if (identities.size > 0) running ??= run().finally(forget)
      } catch (error) {
        onTrouble(error)
      }
    },

    async progress(): Promise<ResealingProgress> {
      return { left: await store.left(), isRunning: running !== undefined }
    },

    /** Resolves when nothing is being sealed anew. */
    async settled(): Promise<void> {
      await running
    },

    async stop(): Promise<void> {
      isStopping = true
      await running
    },
  }

  function forget(): void {
    identities = new Set()
    running = undefined
  }

  async function run(): Promise<void> {
    try {
      while (isAsked && !isStopping) {
        isAsked = false
        await walkPieces()
        await walkUnread()
      }
    } catch (error) {
      onTrouble(error)
    }
  }

  async function walkPieces(): Promise<void> {
    let after = ''
    while (!isStopping) {
      const ids = await store.pieces(after, atOnce)
      if (ids.length === 0) return
      for (const id of ids) {
        if (isStopping) return
        // One that cannot be read holds up none of the others.
        await resting(() => sealPiece(id).catch(onTrouble))
      }
      after = ids.at(-1) ?? after
    }
  }

  /** Its files first: that it is sealed anew is noted with its texts. What is written to it meanwhile is looked at again. */
  async function sealPiece(id: string): Promise<void> {
    for (let i = 0; i < mostTries; i++) {
      const sealed = await store.files(id)
      if (!sealed) return
      for (const { id: file, sealedFor } of sealed.files)
        if (!(await files.sealAnew(file, keys, sealedFor))) return
      if ((await store.sealAnew(id, sealed, keys)) !== 'changed') return
    }
  }

  async function walkUnread(): Promise<void> {
    let after = ''
    while (!isStopping) {
      const page = await resting(() => store.unread(after, atOnce, keys))
      if (!page) return
      after = page.last
    }
  }

  async function resting<T>(work: () => Promise<T>): Promise<T> {
    const begun = performance.now()
    const done = await work()
    await new Promise((resolve) => setTimeout(resolve, restAfterWork * (performance.now() - begun)))
    return done
  }
}
