import { randomBytes } from 'node:crypto'
import { newId } from '../id.ts'
import type { KeyGrant, KeyHolder, KeyMoves, KeyRows, NewHolder, WrapWay } from '../key-ring.ts'
import type { Identity } from '../seal.ts'
import { derivedKey, openSecret, sealSecret } from '../secret-box.ts'
import { textSealer } from './text.ts'
import { identityOf, recipientOf } from './x25519.ts'

export type KeyStep = ReturnType<typeof keyStep>

/**
 * What moves keys. A step is one transaction: all of it is written, or nothing, whatever breaks. And within it an old way to
 * a key goes only after the new one was read back and has opened.
 */
export function keyStep(moves: KeyMoves, now: number) {
  return {
    /** The accounts that go with it. */
    accounts: moves,

    rotate,

    /**
     * Makes an editor a holder, beside what they hold already: that goes when they settle on a way of their own. What was
     * sealed until now they can open only as far as it is brought along in `opened`; what comes from now on they can in
     * any case, if need be with a new desk key.
     */
    async admit(editorId: string, opened: Identity[]): Promise<NewHolder> {
      const holder = newHolder(editorId)
      await moves.addHolder(holder, now)
      if (opened.length > 0) await grantAndReadBack(holder, opened)
      else if (await moves.current()) await rotate()
      return holder
    },

    /** Grants an editor everything that was brought along. */
    async letIn(editorId: string, opened: Identity[]): Promise<void> {
      for (const holder of await moves.holdersOf(editorId)) await grantAll(holder, opened)
    },

    /** Forgets what an editor held, and goes on with a key that they never had. */
    async expel(editorId: string): Promise<void> {
      await forget(editorId)
      await rotate()
    },

    /** Forgets what an editor held. */
    forget,

    /** Forgets what people held who are no editors any more, and goes on with a key that they never had. Says whether there were any. */
    async expelStrangers(): Promise<boolean> {
      const editors = new Set(await moves.editorIds())
      const strangers = (await moves.holders()).filter(
        ({ editorId }) => editorId !== null && !editors.has(editorId),
      )
      if (strangers.length === 0) return false
      await moves.dropHolders(strangers.map(({ id }) => id))
      await rotate()
      return true
    },

    /** Makes the recovery sheet, in the place of the one before. Its identity is shown this once. */
    async recoverySheet(opened: Identity[]): Promise<Identity> {
      const before = (await moves.holders()).filter(({ editorId }) => editorId === null)
      const holder = newHolder(null)
      await moves.addHolder(holder, now)
      await grantAndReadBack(holder, opened)
      await moves.dropHolders(before.map(({ id }) => id))
      return holder.identity
    },

    /**
     * Keeps an identity under a secret of high entropy, such as a link's token. With a passphrase or a passkey the editor
     * has settled: links that led there, and what else they held, are needed no more.
     */
    async wrapUnder(
      way: WrapWay,
      secret: string | Uint8Array,
      id: string,
      identity: Identity,
    ): Promise<void> {
      const holder = await moves.holderFor(recipientOf(identity))
      if (!holder) throw new Error('nobody holds keys by this identity')
      const wrapped = sealSecret(wrapKey(way, secret), identity, holder.id)
      await moves.wrap(holder.id, { id, way, wrapped })
      if ((await unwrapped(moves, id, secret)) !== identity) throw new Error('what was kept does not open')
      if (way !== 'link') await settle(holder)
    },

    /** True as long as no link that bears a key was settled on, and nothing is sealed: then nobody needs the keys there are. */
    async isUntouched(): Promise<boolean> {
      if (await moves.isNeeded()) return false
      return (await moves.holders()).every(
        ({ editorId, ways }) => editorId !== null && ways.every((way) => way === 'link'),
      )
    },

    /** Leaves an editor so many of the links that they have not settled on, the newest. */
    async forgetOldLinks(editorId: string, most: number): Promise<void> {
      const theirs = (await moves.holders()).filter((one) => one.editorId === editorId).toReversed()
      await moves.dropHolders(theirs.slice(most).map(({ id }) => id))
    },

    isLastHolder: (editorId: string) => isLastHolder(moves, editorId),
  }

  async function settle({ id, editorId }: KeyHolder): Promise<void> {
    const links = (await moves.wrapsOf(id)).filter(({ way }) => way === 'link').map((wrap) => wrap.id)
    await moves.dropWraps(links)
    await moves.dropLinks(links)
    if (editorId === null) return
    const others = (await moves.holdersOf(editorId)).filter((other) => other.id !== id)
    await moves.dropHolders(others.map((other) => other.id))
  }

  async function forget(editorId: string): Promise<void> {
    await moves.dropHolders((await moves.holdersOf(editorId)).map(({ id }) => id))
  }

  /** Puts a new desk key in the place of the current one, for everybody who holds keys now. */
  async function rotate(): Promise<void> {
    const identity = newIdentity()
    const grants = await Promise.all((await moves.holders()).map((holder) => grantOf(identity, holder)))
    await moves.replaceKey(recipientOf(identity), grants, now)
  }

  async function grantAll(holder: KeyHolder, identities: Identity[]): Promise<void> {
    await moves.grant(await Promise.all(identities.map((identity) => grantOf(identity, holder))))
  }

  async function grantAndReadBack(holder: NewHolder, identities: Identity[]): Promise<void> {
    await grantAll(holder, identities)
    const opened = new Set(await grantedTo(moves, holder.identity))
    if (!identities.every((identity) => opened.has(identity)))
      throw new Error('what was granted does not open')
  }

  async function grantOf(deskKey: Identity, holder: KeyHolder): Promise<KeyGrant> {
    const sealed = await textSealer.seal(deskKey, [holder.recipient])
    return { deskKey: recipientOf(deskKey), holderId: holder.id, sealed }
  }

  function newHolder(editorId: string | null): NewHolder {
    const identity = newIdentity()
    return { id: newId(now), editorId, recipient: recipientOf(identity), identity }
  }
}

/** The identity that was kept under this secret; undefined where there is none. */
export async function unwrapped(
  rows: Pick<KeyRows, 'wrapped'>,
  id: string,
  secret: string | Uint8Array,
): Promise<Identity | undefined> {
  const found = await rows.wrapped(id)
  if (!found) return undefined
  try {
    return openSecret(wrapKey(found.way, secret), found.wrapped, found.holder.id)
  } catch {
    return undefined
  }
}

/** What this identity opens: every desk key that it has been granted. */
export async function grantedTo(
  rows: Pick<KeyRows, 'holderFor' | 'grantsOf'>,
  identity: Identity,
): Promise<Identity[]> {
  const holder = await rows.holderFor(recipientOf(identity))
  const grants = holder ? await rows.grantsOf(holder.id) : []
  const opened = await Promise.all(grants.map(({ sealed }) => textSealer.open(sealed, [identity])))
  return opened.flatMap((one) => ('text' in one ? [one.text] : []))
}

/** True if something is sealed that, beside this editor, nobody could open any more. */
export async function isLastHolder(rows: KeyRows, editorId: string): Promise<boolean> {
  if (!(await rows.isNeeded())) return false
  const all = await rows.count()
  const others = (await rows.holders()).filter((one) => one.editorId !== editorId && one.grants >= all)
  return !others.some((one) => one.editorId === null || one.ways.length > 0)
}

function wrapKey(way: WrapWay, secret: string | Uint8Array) {
  return derivedKey(secret, `barua/wrap/${way}`)
}

function newIdentity(): Identity {
  return identityOf(new Uint8Array(randomBytes(32)))
}
