import { randomBytes } from 'node:crypto'
import { decryptSecret, derivedKey, encryptSecret } from '../../core/aead.ts'
import { Failure } from '../../core/errors.ts'
import { newId } from '../../core/ids.ts'
import type { Standing, WrapWay } from '../../db/values.ts'
import { textCipher } from '../../encryption/age-text.ts'
import { identityOf, recipientOf } from '../../encryption/age-x25519.ts'
import type { Identity, Recipient } from '../../encryption/types.ts'
import {
  type KeyGrant,
  type KeyHolder,
  type KeyMoves,
  type KeyRows,
  type NewHolder,
  type OwnHolder,
  ownPassphraseWrap,
  passphraseWrap,
  requestCode,
  type StandingHolder,
} from './key-holders.ts'

export type KeyStep = ReturnType<typeof keyStep>

/** So long whoever asks to begin anew waits where no colleague can let them in: their mailbox is told. Milliseconds. */
export const waitingTime = 86_400_000

/** Said of an editor in whose name nobody waits. */
const noRequest = 'none'

/**
 * What moves keys. A step is one transaction: all of it is written, or nothing, whatever breaks. And within it an old way to
 * a key goes only after the new one was read back and has opened. What is lost by a step is seen at its end, by the ring.
 */
export function keyStep(moves: KeyMoves, now: number) {
  return {
    /** The accounts that go with it. */
    accounts: moves,

    rotate,

    /**
     * Makes an editor a holder, beside what they hold already: that goes when they settle on a way of their own. What was
     * encrypted until now they can open only as far as it is brought along in `opened`; what comes from now on they can in
     * any case, if need be with a new desk key.
     */
    async admit(editorId: string, opened: Identity[]): Promise<NewHolder> {
      const holder = newHolder(editorId)
      await moves.addHolder(holder, now)
      if (opened.length > 0) await grantAndReadBack(holder, opened)
      else await goOnWithNewKey()
      return holder
    },

    /**
     * Grants an editor everything that was brought along, and lets in whoever waits in their name, if that is the one who
     * told the `code`. With `request`, only if that is still the one who waits, or nobody for `none`.
     * @throws Failure `conflict` if it is another, `invalid` for the code of another
     */
    async letIn(
      editorId: string,
      opened: Identity[],
      { request, code = '' }: { request?: string | undefined; code?: string } = {},
    ): Promise<void> {
      const waiting = await waitingOf(editorId)
      if (request !== undefined && (waiting?.id ?? noRequest) !== request) throw anotherRequest()
      if (waiting && code.replace(/\D/g, '') !== requestCode(waiting.id)) throw wrongCode()
      if (waiting) await takeIn(waiting)
      await share(editorId, opened)
    },

    share,

    /**
     * Asks for a new way in, with nothing but a mailed link to show for it: makes a holder under a new passphrase that holds
     * nothing, beside all that there is. The account's passphrase stays what it was.
     * @throws Failure `conflict` while an earlier request waits
     */
    async askToStartOver(
      editorId: string,
      { hash, secret }: { hash: string; secret: Uint8Array },
      sessionHash: string,
    ): Promise<NewHolder> {
      if (await waitingOf(editorId)) throw asksAlready()
      const holder = newHolder(editorId, 'waiting')
      await moves.addHolder(holder, now)
      await moves.keepPassphrase(holder.id, hash, sessionHash)
      await wrap(holder, 'passphrase', secret, ownPassphraseWrap(holder.id), holder.identity)
      return holder
    },

    waitingOf,

    /** Ends what an editor has asked for. False if nothing waits. */
    async stopAsking(editorId: string): Promise<boolean> {
      const waiting = await waitingOf(editorId)
      if (waiting) await moves.dropHolders([waiting.id])
      return waiting !== undefined
    },

    /**
     * Whoever asked has waited long enough, and no colleague could let them in: goes on with them, and a new key. What they
     * held before stays under what opened it. Their sessions end but this one.
     * @throws Failure `conflict` before the time, `forbidden` where a colleague can let them in
     */
    async startOver(editorId: string, identity: Identity, sessionHash?: string): Promise<void> {
      const waiting = await waitingOf(editorId)
      if (waiting?.recipient !== recipientOf(identity)) throw anotherRequest()
      if (now - waiting.createdAt < waitingTime) throw tooSoon()
      if (hasColleague(await moves.holders(), editorId)) throw colleagueLetsIn()
      await takeIn({ ...waiting, askedIn: sessionHash ?? waiting.askedIn })
      await goOnWithNewKey()
    },

    /** Gives up what an editor still holds by earlier ways. */
    async giveUpFormer(editorId: string): Promise<void> {
      const theirs = await moves.holdersOf(editorId)
      await moves.dropHolders(theirs.filter(({ standing }) => standing === 'former').map(({ id }) => id))
    },

    /**
     * Forgets what an editor held, and the recovery sheet, which they may have seen; goes on with a key that they never
     * had.
     */
    async expel(editorId: string): Promise<void> {
      await forget(editorId)
      await endSheet()
      await rotate()
    },

    /** Forgets what an editor held. */
    forget,

    /**
     * Forgets what people held who are no editors any more, and goes on with a key that they never had. Says whether
     * there were any.
     */
    async dropFormerEditors(): Promise<boolean> {
      const editors = new Set(await moves.editorIds())
      const unverified = (await moves.holders()).filter(
        ({ editorId }) => editorId !== null && !editors.has(editorId),
      )
      if (unverified.length === 0) return false
      await moves.dropHolders(unverified.map(({ id }) => id))
      await endSheet()
      await rotate()
      return true
    },

    /** Makes the recovery sheet, in the place of the one before. Its identity is shown this once. */
    async recoverySheet(opened: Identity[]): Promise<Identity> {
      const holder = newHolder(null)
      await moves.addHolder(holder, now)
      await grantAndReadBack(holder, opened)
      const sheets = (await moves.holders()).filter(({ editorId }) => editorId === null)
      const made = sheets.find(({ id }) => id === holder.id)
      const before = sheets.filter(({ id, standing, keys }) => {
        const isReplaced = standing === 'in' || (made !== undefined && holdsAll(made, keys))
        return id !== holder.id && isReplaced
      })
      await moves.dropHolders(before.map(({ id }) => id))
      return holder.identity
    },

    /**
     * Keeps an identity under a secret of high entropy, such as a link's token. With a passphrase or a passkey the editor
     * has settled: links that led there, and what else they held, are needed no more.
     * @throws Failure `forbidden` for a holder that was not let in, or gave way to another
     */
    async wrapUnder(
      way: WrapWay,
      secret: string | Uint8Array,
      id: string,
      identity: Identity,
    ): Promise<void> {
      const holder = await moves.holderFor(recipientOf(identity))
      if (!holder) throw new Error('nobody holds keys by this identity')
      if (holder.standing !== 'in') throw notLetIn()
      await displace(id, holder)
      await wrap(holder, way, secret, id, identity)
      if (way !== 'link') await settle(holder)
    },

    isUntouched: () => isUntouched(moves),

    /** Leaves an editor so many of the links that they have not settled on, the newest. */
    async forgetOldLinks(editorId: string, most: number): Promise<void> {
      const theirs = (await moves.holders()).filter((one) => one.editorId === editorId).toReversed()
      await moves.dropHolders(theirs.slice(most).map(({ id }) => id))
    },
  }

  /** Grants an editor, who is in, everything that was brought along. */
  async function share(editorId: string, opened: Identity[]): Promise<void> {
    const theirs = await moves.holdersOf(editorId)
    for (const holder of theirs.filter(({ standing }) => standing === 'in')) await grantAll(holder, opened)
    await dropSuperseded(editorId)
  }

  async function settle({ id, editorId }: KeyHolder): Promise<void> {
    const links = (await moves.wrapsOf(id)).filter(({ way }) => way === 'link').map((one) => one.id)
    await moves.dropWraps(links)
    await moves.dropLinks(links)
    if (editorId !== null) await dropSuperseded(editorId)
  }

  /**
   * Forgets those holders of an editor that hold nothing which another of theirs, with a way of its own, does not hold
   * too.
   */
  async function dropSuperseded(editorId: string): Promise<void> {
    const theirs = (await moves.holders()).filter((one) => one.editorId === editorId)
    const [best] = theirs
      .filter(({ standing, ways }) => standing === 'in' && ways.some((way) => way !== 'link'))
      .toReversed()
    if (!best) return
    const superseded = theirs.filter(({ id, keys }) => id !== best.id && holdsAll(best, keys))
    await moves.dropHolders(superseded.map(({ id }) => id))
  }

  /** One that waits takes the place of whatever its editor held; that keeps what it has, and is granted nothing more. */
  async function takeIn(waiting: OwnHolder): Promise<void> {
    const editorId = waiting.editorId as string
    const others = (await moves.holdersOf(editorId)).filter(({ standing }) => standing === 'in')
    await displace(passphraseWrap(editorId), waiting)
    await moves.changeStanding(
      others.map(({ id }) => id),
      'former',
    )
    await moves.renameWrap(ownPassphraseWrap(waiting.id), passphraseWrap(editorId))
    await moves.setPassphrase(editorId, waiting.passphrase as string)
    await moves.keepPassphrase(waiting.id, null)
    await moves.changeStanding([waiting.id], 'in')
    await moves.endSessions(editorId, waiting.askedIn ?? undefined)
  }

  /** What another holder keeps under this name is kept under one of its own, with the passphrase that opens it. */
  async function displace(id: string, { id: holderId }: KeyHolder): Promise<void> {
    const found = await moves.wrapped(id)
    if (!found || found.holder.id === holderId || found.way !== 'passphrase') return
    const { holder } = found
    await moves.renameWrap(id, ownPassphraseWrap(holder.id))
    await moves.keepPassphrase(holder.id, (await moves.passphrase(holder.editorId ?? '')) ?? null)
    await moves.changeStanding([holder.id], 'former')
  }

  async function wrap(
    holder: KeyHolder,
    way: WrapWay,
    secret: string | Uint8Array,
    id: string,
    identity: Identity,
  ): Promise<void> {
    const wrapped = encryptSecret(wrapKey(way, secret), identity, holder.id)
    await moves.wrap(holder.id, { id, way, wrapped })
    if ((await unwrapped(moves, id, secret)) !== identity) throw new Error('what was kept does not open')
  }

  async function waitingOf(editorId: string): Promise<OwnHolder | undefined> {
    return (await moves.holdersOf(editorId)).find(({ standing }) => standing === 'waiting')
  }

  async function forget(editorId: string): Promise<void> {
    await moves.dropHolders((await moves.holdersOf(editorId)).map(({ id }) => id))
  }

  /** The sheet opens nothing that comes from now on; where it alone opens something, it goes on opening that. */
  async function endSheet(): Promise<void> {
    const holders = await moves.holders()
    const sheets = holders.filter(({ editorId, standing }) => editorId === null && standing === 'in')
    const editors = new Set(await moves.editorIds())
    const others = openableBy(
      holders.filter((one) => !sheets.includes(one)),
      editors,
      { settled: true },
    )
    const [needed, skipped] = [true, false].map((isNeeded) =>
      sheets.filter(({ keys }) => keys.some((key) => !others.has(key)) === isNeeded).map(({ id }) => id),
    ) as [string[], string[]]
    await moves.changeStanding(needed, 'former')
    await moves.dropHolders(skipped)
  }

  /** Where there is a desk key here at all, there is another one from now on. */
  async function goOnWithNewKey(): Promise<void> {
    if (await moves.current()) await rotate()
  }

  /** Puts a new desk key in the place of the current one, for everybody who is in. */
  async function rotate(): Promise<void> {
    const identity = newIdentity()
    const holders = (await moves.holders()).filter(({ standing }) => standing === 'in')
    const grants = await Promise.all(holders.map((holder) => grantOf(identity, holder)))
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
    const encrypted = await textCipher.encrypt(deskKey, [holder.recipient])
    return { deskKey: recipientOf(deskKey), holderId: holder.id, encrypted }
  }

  function newHolder(editorId: string | null, standing: Standing = 'in'): NewHolder {
    const identity = newIdentity()
    return { id: newId(now), editorId, recipient: recipientOf(identity), standing, identity }
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
    return decryptSecret(wrapKey(found.way, secret), found.wrapped, found.holder.id)
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
  const opened = await Promise.all(grants.map(({ encrypted }) => textCipher.open(encrypted, [identity])))
  return opened.flatMap((one) => ('text' in one ? [one.text] : []))
}

/**
 * True as long as no link that bears a key was settled on, and nothing is encrypted: then nobody needs the keys there
 * are.
 */
export async function isUntouched(rows: Pick<KeyRows, 'isNeeded' | 'holders'>): Promise<boolean> {
  if (await rows.isNeeded()) return false
  return (await rows.holders()).every(
    ({ editorId, ways }) => editorId !== null && ways.every((way) => way === 'link'),
  )
}

/**
 * The desk keys that somebody with an account has a way to, or the recovery sheet has. `settled` leaves out links: nobody
 * knows whether one that was not used yet has reached anybody.
 */
export function openableBy(
  holders: StandingHolder[],
  editors: Set<string>,
  { settled }: { settled: boolean },
): Set<Recipient> {
  const counts = (way: WrapWay) => !settled || way !== 'link'
  const usable = holders.filter(
    ({ editorId, standing, ways }) =>
      standing !== 'waiting' && (editorId === null || (editors.has(editorId) && ways.some(counts))),
  )
  return new Set(usable.flatMap(({ keys }) => keys))
}

/** True if somebody else has a way in, who could let this editor in. */
export function hasColleague(holders: StandingHolder[], editorId: string): boolean {
  return holders.some(
    (one) =>
      one.editorId !== null && one.editorId !== editorId && one.standing === 'in' && one.ways.length > 0,
  )
}

function holdsAll({ keys }: StandingHolder, others: Recipient[]): boolean {
  return others.every((key) => keys.includes(key))
}

function wrapKey(way: WrapWay, secret: string | Uint8Array) {
  return derivedKey(secret, `barua/wrap/${way}`)
}

function newIdentity(): Identity {
  return identityOf(new Uint8Array(randomBytes(32)))
}

function anotherRequest(): Failure {
  return new Failure('conflict', 'This request is no longer the one that is waiting. Please look again.')
}

function wrongCode(): Failure {
  return new Failure('invalid', 'This is not the code of the request that is waiting.', {
    fields: {
      code: [
        'This is not the code of the request that is waiting. If they read it to you like this, somebody else has asked in their name: cancel the request.',
      ],
    },
  })
}

function asksAlready(): Failure {
  return new Failure(
    'conflict',
    'A request to reset your passphrase is already waiting. Cancel it under Keys before you make another.',
  )
}

function tooSoon(): Failure {
  return new Failure('conflict', 'Starting over is possible 24 hours after you asked for it.')
}

function colleagueLetsIn(): Failure {
  return new Failure('forbidden', 'A colleague can grant you access. Ask them to open Keys and do so.')
}

function notLetIn(): Failure {
  return new Failure('forbidden', 'You have not been granted access yet.')
}
