import type { Memory } from './types.ts'

export type Hidden = ReturnType<typeof hiddenBy>

/** What the database holds only as long as this process lives, as it holds it: nothing to anybody else. */
export function hiddenBy(memory: Memory) {
  return {
    hide: (known: object): string => memory.hide(JSON.stringify(known)),
    /** A word that only this process, and those that share its memory key, know again. */
    digest: memory.digest,
    /** `lost` for what another process has hidden. */
    reveal<T extends object>(stored: string | null): T | 'lost' | undefined {
      if (stored === null) return undefined
      const shown = memory.reveal(stored)
      return shown === undefined ? 'lost' : (JSON.parse(shown) as T)
    },
  }
}
