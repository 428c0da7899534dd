import { randomBytes } from 'node:crypto'
import { newId } from '../id.ts'
import type { KeyGrant, KeyHolder, KeyWrap, NewHolder, WrapWay } from '../key-ring.ts'
import { loadedOnce } from '../loaded-once.ts'
import type { Identity, Keys, Recipient } from '../seal.ts'
import { derivedKey, openSecret, sealSecret } from '../secret-box.ts'
import { textSealer } from './text.ts'
import { identityOf, recipientOf } from './x25519.ts'

export type KeyRingParts = {
  store: {
    current(): Promise<Recipient | undefined>
    rotate(key: Recipient, before: Recipient | undefined, grants: KeyGrant[], at: number): Promise<boolean>
    count(): Promise<number>
    /** True if anything is sealed. */
    isNeeded(): Promise<boolean>
    holders(): Promise<(KeyHolder & { grants: number })[]>
    holderOf(editorId: string): Promise<KeyHolder | undefined>
    holderFor(recipient: Recipient): Promise<KeyHolder | undefined>
    put(holder: KeyHolder, at: number): Promise<void>
    drop(editorId: string | null): Promise<void>
    grant(grants: KeyGrant[]): Promise<void>
    grantsOf(holderId: string): Promise<KeyGrant[]>
    wrap(holderId: string, wrap: KeyWrap, replaces?: WrapWay[]): Promise<void>
    wrapped(id: string): Promise<(KeyWrap & { holder: KeyHolder }) | undefined>
    wrapsOf(holderId: string): Promise<Pick<KeyWrap, 'id' | 'way'>[]>
    dropWrap(id: string): Promise<void>
  }
  now: () => number
}

export type KeyRing = ReturnType<typeof keyRing>

/** Who holds the desk key, and how they come to it. No function here needs more than its caller brings along. */
export function keyRing({ store, now }: KeyRingParts) {
  return {
    hasBegun: async (): Promise<boolean> => (await store.current()) !== undefined,

    /** Makes the first desk key, where there is none. */
    async begin(): Promise<void> {
      if (!(await store.current())) await rotate()
    },

    /** Puts a new desk key in the place of the current one, for everybody who holds keys now. */
    rotate,

    /**
     * Makes an editor a holder, in the place of what they held before. What was sealed until now they can open only if
     * `keys` can; what comes from now on they can in any case, if need be with a new desk key.
     */
    async admit(editorId: string, keys?: Keys): Promise<NewHolder> {
      const holder = newHolder(editorId)
      await store.put(holder, now())
      const opened = keys ? await keys() : []
      if (opened.length > 0) await grantAll(holder, opened)
      else if (await store.current()) await rotate()
      return holder
    },

    /** Gives a holder everything that `keys` can open. */
    async letIn(editorId: string, keys: Keys): Promise<void> {
      const holder = await store.holderOf(editorId)
      if (holder) await grantAll(holder, await keys())
    },

    /** Forgets what an editor held, and goes on with a key that they never had. */
    async expel(editorId: string): Promise<void> {
      await store.drop(editorId)
      await rotate()
    },

    /** Makes the recovery sheet, in the place of the one before. Its identity is shown this once. */
    async recoverySheet(keys: Keys): Promise<Identity> {
      const holder = newHolder(null)
      await store.put(holder, now())
      await grantAll(holder, await keys())
      return holder.identity
    },

    /** What this identity opens: every desk key that it has been granted. */
    keysOf(identity: Identity | undefined): Keys {
      return loadedOnce(async () => (identity === undefined ? [] : granted(identity)))
    },

    /** Keeps an identity under a secret of high entropy, such as a link's token. */
    async wrapUnder(
      way: WrapWay,
      secret: string | Uint8Array,
      id: string,
      identity: Identity,
    ): Promise<void> {
      const holder = await store.holderFor(recipientOf(identity))
      if (!holder) throw new Error('nobody holds keys by this identity')
      // Where a passphrase or a passkey opens, the link that led there is needed no more.
      const replaces: WrapWay[] =
        way === 'passphrase' ? ['passphrase', 'link'] : way === 'passkey' ? ['link'] : []
      const wrapped = sealSecret(derivedKey(secret, `barua/wrap/${way}`), identity, holder.id)
      await store.wrap(holder.id, { id, way, wrapped }, replaces)
    },

    /** The identity that was kept under this secret; undefined where there is none. */
    async unwrap(id: string, secret: string | Uint8Array): Promise<Identity | undefined> {
      const found = await store.wrapped(id)
      if (!found) return undefined
      try {
        return openSecret(derivedKey(secret, `barua/wrap/${found.way}`), found.wrapped, found.holder.id)
      } catch {
        return undefined
      }
    },

    /** What is kept under this name opens no more. */
    dropWrap: (id: string): Promise<void> => store.dropWrap(id),

    wrapsOf,

    /** How an editor comes to their identity. Empty for one who has none. */
    async waysOf(editorId: string): Promise<WrapWay[]> {
      return (await wrapsOf(editorId)).map(({ way }) => way)
    },

    /** True if anything is sealed. */
    isNeeded: (): Promise<boolean> => store.isNeeded(),

    /** True if something is sealed that, beside this editor, nobody could open any more. */
    async isLastHolder(editorId: string): Promise<boolean> {
      if (!(await store.isNeeded())) return false
      const all = await store.count()
      const others = (await store.holders()).filter((one) => one.editorId !== editorId && one.grants >= all)
      for (const { id, editorId: other } of others) {
        if (other === null || (await store.wrapsOf(id)).length > 0) return false
      }
      return true
    },

    /** True if an editor has a key that must not be replaced: one of their own, or the only one to what is sealed. */
    async holdsAlready(editorId: string): Promise<boolean> {
      const ways = await this.waysOf(editorId)
      return ways.some((way) => way !== 'link') || (ways.length > 0 && (await this.isLastHolder(editorId)))
    },

    /** Of each editor, whether they can open everything; and whether a recovery sheet can. */
    async standing(): Promise<{ editors: Map<string, boolean>; hasSheet: boolean }> {
      const all = await store.count()
      const holders = await store.holders()
      const editors = new Map<string, boolean>()
      for (const { editorId, grants } of holders) if (editorId !== null) editors.set(editorId, grants >= all)
      return { editors, hasSheet: holders.some(({ editorId }) => editorId === null) }
    },
  }

  /** What an editor's identity is kept under, by name and way. */
  async function wrapsOf(editorId: string): Promise<Pick<KeyWrap, 'id' | 'way'>[]> {
    const holder = await store.holderOf(editorId)
    return holder ? store.wrapsOf(holder.id) : []
  }

  async function rotate(): Promise<void> {
    const identity = newIdentity()
    const before = await store.current()
    const holders = await store.holders()
    const grants = await Promise.all(holders.map((holder) => grantOf(identity, holder)))
    // Another machine that was faster has made one for the same holders.
    await store.rotate(recipientOf(identity), before, grants, now())
  }

  async function grantAll(holder: KeyHolder, identities: Identity[]): Promise<void> {
    await store.grant(await Promise.all(identities.map((identity) => grantOf(identity, holder))))
  }

  async function grantOf(deskKey: Identity, holder: KeyHolder): Promise<KeyGrant> {
    const sealed = await textSealer.seal(deskKey, [holder.recipient])
    return { deskKey: recipientOf(deskKey), holderId: holder.id, sealed }
  }

  async function granted(identity: Identity): Promise<Identity[]> {
    const holder = await store.holderFor(recipientOf(identity))
    const grants = holder ? await store.grantsOf(holder.id) : []
    const opened = await Promise.all(grants.map(({ sealed }) => textSealer.open(sealed, [identity])))
    return opened.flatMap((one) => ('text' in one ? [one.text] : []))
  }

  function newHolder(editorId: string | null): NewHolder {
    const identity = newIdentity()
    return { id: newId(now()), editorId, recipient: recipientOf(identity), identity }
  }
}

function newIdentity(): Identity {
  return identityOf(new Uint8Array(randomBytes(32)))
}
