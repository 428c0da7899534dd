import type { KeyMoves, KeyRows, KeyWrap, NewHolder, WrapWay } from '../key-ring.ts'
import { loadedOnce } from '../loaded-once.ts'
import type { Identity, Keys } from '../seal.ts'
import { grantedTo, isLastHolder, type KeyStep, keyStep, unwrapped } from './key-step.ts'

export type KeyRingParts = {
  store: KeyRows & {
    /** Does all that one step moves in one transaction; steps exclude each other. */
    together<T>(work: (moves: KeyMoves) => Promise<T>): Promise<T>
  }
  now: () => number
}

export type KeyRing = ReturnType<typeof keyRing>

/** Who holds the desk key, and how they come to it. No function here needs more than its caller brings along. */
export function keyRing({ store, now }: KeyRingParts) {
  return {
    hasBegun: async (): Promise<boolean> => (await store.current()) !== undefined,

    /** Moves keys, and the accounts that go with them, in one step: all of it, or nothing. */
    together,

    /** Makes an editor a holder, beside what they hold already, of what `keys` open and of what comes from now on. */
    async admit(editorId: string, keys?: Keys): Promise<NewHolder> {
      const opened = keys ? await keys() : []
      return together((step) => step.admit(editorId, opened))
    },

    /** Gives a holder everything that `keys` can open. */
    async letIn(editorId: string, keys: Keys): Promise<void> {
      const opened = await keys()
      await together((step) => step.letIn(editorId, opened))
    },

    /** Makes the recovery sheet, in the place of the one before. Its identity is shown this once. */
    async recoverySheet(keys: Keys): Promise<Identity> {
      const opened = await keys()
      return together((step) => step.recoverySheet(opened))
    },

    /** What this identity opens: every desk key that it has been granted. */
    keysOf(identity: Identity | undefined): Keys {
      return loadedOnce(async () => (identity === undefined ? [] : grantedTo(store, identity)))
    },

    /** The identity that was kept under this secret; undefined where there is none. */
    unwrap: (id: string, secret: string | Uint8Array): Promise<Identity | undefined> =>
      unwrapped(store, id, secret),

    wrapsOf,

    /** How an editor comes to what they hold. Empty for one who has no way. */
    async waysOf(editorId: string): Promise<WrapWay[]> {
      return (await wrapsOf(editorId)).map(({ way }) => way)
    },

    /** True if anything is sealed. */
    isNeeded: (): Promise<boolean> => store.isNeeded(),

    /** True if something is sealed that, beside this editor, nobody could open any more. */
    isLastHolder: (editorId: string): Promise<boolean> => isLastHolder(store, editorId),

    /** True if an editor has a key that must not be replaced: one of their own, or the only one to what is sealed. */
    async holdsAlready(editorId: string): Promise<boolean> {
      const ways = await this.waysOf(editorId)
      return ways.some((way) => way !== 'link') || (ways.length > 0 && (await this.isLastHolder(editorId)))
    },

    /** Of each editor, whether they have a way to open everything; and whether a recovery sheet has. */
    async standing(): Promise<{ editors: Map<string, boolean>; hasSheet: boolean }> {
      const all = await store.count()
      const holders = await store.holders()
      const editors = new Map<string, boolean>()
      for (const { editorId, grants, ways } of holders) {
        if (editorId === null) continue
        editors.set(editorId, editors.get(editorId) === true || (grants >= all && ways.length > 0))
      }
      return { editors, hasSheet: holders.some(({ editorId }) => editorId === null) }
    },
  }

  async function together<T>(work: (step: KeyStep) => Promise<T>): Promise<T> {
    return store.together((moves) => work(keyStep(moves, now())))
  }

  /** What the identities of an editor are kept under, by name and way. */
  async function wrapsOf(editorId: string): Promise<Pick<KeyWrap, 'id' | 'way'>[]> {
    const holders = await store.holdersOf(editorId)
    return (await Promise.all(holders.map(({ id }) => store.wrapsOf(id)))).flat()
  }
}
