import { loadedOnce } from '../../core/loaded-once.ts'
import type { Standing, WrapWay } from '../../db/values.ts'
import { recipientOf } from '../../encryption/age-x25519.ts'
import type { Identity, Keys, Recipient } from '../../encryption/types.ts'
import {
  type AccessRequest,
  type KeyMoves,
  type KeyRows,
  type KeyWrap,
  losing,
  type NewHolder,
  type OwnHolder,
  ownPassphraseWrap,
  type Standings,
  wouldLose,
} from './key-holders.ts'
import {
  grantedTo,
  hasColleague,
  isUntouched,
  type KeyStep,
  keyStep,
  openableBy,
  unwrapped,
  waitingTime,
} from './key-step.ts'

type KeyRingContext = {
  store: KeyRows & {
    /** Does all that one step moves in one transaction; steps exclude each other. */
    together<T>(work: (moves: KeyMoves) => Promise<T>): Promise<T>
  }
  now: () => number
}

export type KeyRing = ReturnType<typeof keyRing>

/** What can be opened at all, and what by something that somebody is known to have. */
type Openable = { anyhow: Set<Recipient>; settled: Set<Recipient> }

/** Who holds the desk key, and how they come to it. No function here needs more than its caller brings along. */
export function keyRing({ store, now }: KeyRingContext) {
  return {
    hasBegun: async (): Promise<boolean> => (await store.current()) !== undefined,

    /**
     * Moves keys, and the accounts that go with them, in one step: all of it, or nothing. After a step everything that
     * could be opened before still can be, unless it is said that it shall not: see `losing`.
     * @throws Failure `conflict` where that is not said with the right count, see `acknowledgementFor`
     */
    together,

    /** Makes an editor a holder, beside what they hold already, of what `keys` open and of what comes from now on. */
    async admit(editorId: string, keys?: Keys): Promise<NewHolder> {
      const opened = keys ? await keys() : []
      return together((step) => step.admit(editorId, opened))
    },

    /** What this identity opens: every desk key that it has been granted. */
    keysOf(identity: Identity | undefined): Keys {
      return loadedOnce(async () => (identity === undefined ? [] : grantedTo(store, identity)))
    },

    /** The identity that was kept under this secret; undefined where there is none. */
    unwrap: (id: string, secret: string | Uint8Array): Promise<Identity | undefined> =>
      unwrapped(store, id, secret),

    /** True if whoever brings this identity has been let in: they may change who opens what. */
    async isIn(identity: Identity): Promise<boolean> {
      return (await store.holderFor(recipientOf(identity)))?.standing === 'in'
    },

    /** How the recovery sheet stands that this is printed on; undefined if it is on none that opens anything. */
    async sheetStanding(identity: Identity): Promise<Standing | undefined> {
      const holder = await store.holderFor(recipientOf(identity))
      return holder?.editorId === null ? holder.standing : undefined
    },

    /** True as long as nobody has settled and nothing is encrypted: nobody can lose anything, or be read by anybody. */
    isUntouched: (): Promise<boolean> => isUntouched(store),

    wrapsOf: (editorId: string) => wrapsOf(editorId, ['in']),

    /** The same, with what still opens what they had before. */
    allWrapsOf: (editorId: string) => wrapsOf(editorId, ['in', 'former']),

    /** How an editor comes to what they hold. Empty for one who has no way. */
    async waysOf(editorId: string): Promise<WrapWay[]> {
      return (await wrapsOf(editorId, ['in'])).map(({ way }) => way)
    },

    /** True if an editor has a key of their own, which no link replaces. */
    async holdsAlready(editorId: string): Promise<boolean> {
      return (await wrapsOf(editorId, ['in'])).some(({ way }) => way !== 'link')
    },

    /** What an editor has asked for by a mailed link, while it waits. */
    async requestOf(editorId: string): Promise<AccessRequest | undefined> {
      const waiting = (await store.holdersOf(editorId)).find(({ standing }) => standing === 'waiting')
      if (!waiting) return undefined
      return {
        id: waiting.id,
        askedAt: waiting.createdAt,
        passphrase: waiting.passphrase ?? '',
        beginsAt: hasColleague(await store.holders(), editorId) ? undefined : waiting.createdAt + waitingTime,
      }
    },

    /** Whose request this is, while it waits. */
    async editorOfRequest(id: string): Promise<string | undefined> {
      const holder = (await store.holders()).find((one) => one.id === id && one.standing === 'waiting')
      return holder?.editorId ?? undefined
    },

    /** What an editor still holds by earlier passphrases, of what they hold by no later way. */
    formerOf,

    /** What an earlier passphrase of an editor opens: `open` gives its secret where it is the one of which this is kept. */
    async openFormer(
      editorId: string,
      open: (hash: string) => Promise<Uint8Array | undefined>,
    ): Promise<Identity | undefined> {
      for (const { id, passphrase } of await formerOf(editorId)) {
        const secret = passphrase === null ? undefined : await open(passphrase)
        const identity = secret && (await unwrapped(store, ownPassphraseWrap(id), secret))
        if (identity) return identity
      }
      return undefined
    },

    /** How much is encrypted. */
    async countEncrypted(): Promise<number> {
      const holders = await store.holders()
      return store.countEncryptedFor([...new Set(holders.flatMap(({ keys }) => keys))])
    },

    /** Of each editor, whether they have a way to open everything, and who waits; and whether a recovery sheet has. */
    async standing(): Promise<Standings> {
      const all = await store.count()
      const holders = await store.holders()
      const editors = new Map<string, boolean>()
      const waiting = new Map<string, { id: string; askedAt: number }>()
      const ways = new Map<string, Set<WrapWay>>()
      for (const { id, editorId, keys, ways: theirs, standing, createdAt } of holders) {
        if (editorId === null) continue
        if (standing === 'waiting') waiting.set(editorId, { id, askedAt: createdAt })
        const isIn = standing === 'in' && keys.length >= all && theirs.length > 0
        if (standing === 'in') ways.set(editorId, new Set([...(ways.get(editorId) ?? []), ...theirs]))
        editors.set(editorId, editors.get(editorId) === true || isIn)
      }
      const sheet = holders.find(({ editorId, standing }) => editorId === null && standing === 'in')
      return {
        editors,
        waiting,
        withLinkOnly: new Set(
          [...ways].filter(([, had]) => had.size === 1 && had.has('link')).map(([id]) => id),
        ),
        hasSheet: sheet !== undefined,
        isSheetFull: (sheet?.keys.length ?? 0) >= all,
      }
    },
  }

  async function together<T>(work: (step: KeyStep) => Promise<T>, acknowledged = ''): Promise<T> {
    return store.together(async (moves) => {
      const before = await openable(moves)
      const result = await work(keyStep(moves, now()))
      await mustKeep(moves, before, acknowledged)
      return result
    })
  }

  /**
   * @throws Failure `conflict` if something that could be opened no longer can, or by nothing but a link that was not used
   * yet, unless that was said with the true count
   */
  async function mustKeep(moves: KeyMoves, before: Openable, acknowledged: string): Promise<void> {
    const after = await openable(moves)
    const lost = [...before.anyhow].filter((key) => !after.anyhow.has(key))
    const byLink = [...before.settled].filter((key) => !after.settled.has(key))
    const keys = [...new Set([...lost, ...byLink])]
    const count = keys.length === 0 ? 0 : await moves.countEncryptedFor(keys)
    if (count > 0 && acknowledged.trim() !== losing(count))
      throw wouldLose(count, { isByLink: lost.length === 0 })
  }

  async function openable(rows: KeyRows): Promise<Openable> {
    const [holders, editors] = [await rows.holders(), new Set(await rows.editorIds())]
    return {
      anyhow: openableBy(holders, editors, { settled: false }),
      settled: openableBy(holders, editors, { settled: true }),
    }
  }

  async function formerOf(editorId: string): Promise<OwnHolder[]> {
    return (await store.holdersOf(editorId)).filter(({ standing }) => standing === 'former')
  }

  /** What the identities of an editor that stand like this are kept under, by name and way. */
  async function wrapsOf(editorId: string, standings: Standing[]): Promise<Pick<KeyWrap, 'id' | 'way'>[]> {
    const holders = (await store.holdersOf(editorId)).filter(({ standing }) => standings.includes(standing))
    return (await Promise.all(holders.map(({ id }) => store.wrapsOf(id)))).flat()
  }
}
