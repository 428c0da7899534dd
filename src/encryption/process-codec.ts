import type { ProcessKey } from './types.ts'

export type ProcessCodec = ReturnType<typeof processCodecOf>

/** What the database holds only as long as this process lives, as it holds it: nothing to anybody else. */
export function processCodecOf(processKey: ProcessKey) {
  return {
    encrypt: (known: object): string => processKey.encrypt(JSON.stringify(known)),
    /** A word that only this process, and those that share its memory key, know again. */
    digest: processKey.digest,
    /** `lost` for what another process has hidden. */
    decrypt<T extends object>(stored: string | null): T | 'lost' | undefined {
      if (stored === null) return undefined
      const shown = processKey.decrypt(stored)
      return shown === undefined ? 'lost' : (JSON.parse(shown) as T)
    },
  }
}
