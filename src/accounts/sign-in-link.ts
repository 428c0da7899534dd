import type { SecurityEvent } from '../audit/security-event.ts'
import type { WrapWay } from '../db/values.ts'
import type { Identity } from '../encryption/types.ts'
import type { Passkey } from './editor.ts'
import type { SessionStore } from './session-store.ts'
import { hashToken, newToken } from './session-token.ts'

const day = 24 * 3_600_000

/** How long a mailed link is good. Milliseconds. */
const linkTime = day

const keyLinkTime = 3650 * day

/** What identities are kept under, and the steps in which that changes. */
export type Wraps = {
  unwrap(id: string, secret: string | Uint8Array): Promise<Identity | undefined>
  together<T>(work: (step: WrapStep) => Promise<T>): Promise<T>
}

/** One step that moves keys: all of it is written, or nothing. */
export type WrapStep = {
  share(editorId: string, opened: Identity[]): Promise<void>
  wrapUnder(way: WrapWay, secret: string | Uint8Array, id: string, identity: Identity): Promise<void>
  accounts: {
    addLink(tokenHash: string, editorId: string, expiresAt: number): Promise<void>
    setPassphrase(editorId: string, hash: string): Promise<void>
    addPasskey(passkey: Omit<Passkey, 'usedAt'>): Promise<void>
    endSessions(editorId: string, except: string | undefined): Promise<void>
    note(event: SecurityEvent, now: number): Promise<void>
  }
}

/** Makes a link. With an identity, the link bears it: whoever has the link can open what that can. */
export type LinkMaker = (editorId: string, identity?: Identity, step?: WrapStep) => Promise<string>

/**
 * Makes the links by which an editor signs in, once, within a day. One that bears a key is good until its editor has
 * settled on a way of their own, for it may be the only way to what has come in meanwhile. It is made in the step that
 * makes its editor a holder, where there is one.
 */
export function linkMaker(parts: {
  now: () => number
  /** Where the desk is, as mails say it. */
  deskSiteUrl: string
  links: Pick<SessionStore, 'addLink'>
  keyRing: Pick<Wraps, 'together'>
}): LinkMaker {
  return async (editorId, identity, step) => {
    const token = newToken()
    const hash = hashToken(token)
    // Within a step everything is written by its transaction: another one would wait for it for ever.
    const links = step?.accounts ?? parts.links
    if (identity === undefined) await links.addLink(hash, editorId, parts.now() + linkTime)
    else if (step) await bear(step, identity)
    else await parts.keyRing.together((own) => bear(own, identity))
    return `${parts.deskSiteUrl}/desk/sign-in/${token}`

    async function bear({ accounts, wrapUnder }: WrapStep, borne: Identity): Promise<void> {
      await accounts.addLink(hash, editorId, parts.now() + keyLinkTime)
      await wrapUnder('link', token, hash, borne)
    }
  }
}
