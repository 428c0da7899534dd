import type { Request } from 'express'
import type { Editor, Passkey } from '../../accounts/editor.ts'
import type { FactorStore } from '../../accounts/factor-store.ts'
import type { SessionStore } from '../../accounts/session-store.ts'
import type { Wraps } from '../../accounts/sign-in-link.ts'
import { passkeySecret, type passkeysOf, passkeyWrap } from '../../accounts/webauthn.ts'
import { hasPasskeys, type SiteAddresses } from '../../core/public-urls.ts'
import type { Identity } from '../../encryption/types.ts'
import { formText } from './routes.ts'

type AskingContext = {
  passkeys: ReturnType<typeof passkeysOf>
  sessionStore: Pick<SessionStore, 'challenge' | 'takeChallenge'>
  factors: Pick<FactorStore, 'passkeys' | 'usePasskey'>
  keyRing: Wraps & { wrapsOf(editorId: string): Promise<{ id: string }[]> }
  addresses: SiteAddresses
  now: () => number
}

/** A passkey that has signed; with the secret that only it gives, where the browser asked it for that. */
type SignedPasskey = { id: string; secret: Uint8Array | undefined }

export type AskedPasskeys = ReturnType<typeof askedPasskeys>

/** Asking an editor's browser for one of their passkeys in a session, and what the passkey then proves and opens. */
export function askedPasskeys({ passkeys, sessionStore, factors, keyRing, addresses, now }: AskingContext) {
  return {
    opening,

    canAsk,

    /**
     * What a browser needs to ask for one of the editor's passkeys, in this session and once; undefined where it has
     * none to ask.
     */
    async ask(req: Request, { id }: Editor, sessionHash: string) {
      return canAsk(req) ? askOneOf(await usable(id), sessionHash) : undefined
    },

    /** The same, but only those that open what is encrypted. */
    async askToOpen(req: Request, { id }: Editor, sessionHash: string) {
      return canAsk(req) ? askOneOf(await opening(id), sessionHash) : undefined
    },

    /** True for an editor all of whose passkeys were made for an earlier address of the desk. */
    async areElsewhere({ id }: Editor): Promise<boolean> {
      const have = await factors.passkeys(id)
      return have.length > 0 && !have.some(passkeys.isOfHere)
    },

    /** Which of the editor's passkeys has signed what this session asked for; undefined if none has. */
    async signed(req: Request, { id }: Editor, sessionHash: string): Promise<SignedPasskey | undefined> {
      const challenge = await sessionStore.takeChallenge(sessionHash)
      if (!challenge) return undefined
      const have = await usable(id)
      const signed = await passkeys.signed(formText(req, 'passkey'), challenge, have).catch(() => undefined)
      if (!signed) return undefined
      await factors.usePasskey(signed.id, signed.counter, now())
      return { id: signed.id, secret: passkeySecret(formText(req, 'prf')) }
    },

    /** The identity that is kept under a passkey that has signed; undefined where none is, or the secret is wrong. */
    async open({ id, secret }: SignedPasskey): Promise<Identity | undefined> {
      return secret && keyRing.unwrap(passkeyWrap(id), secret)
    },

    /** Keeps an identity under a passkey, where the passkey gave a secret for that. */
    async keepUnder({ id, secret }: SignedPasskey, identity: Identity): Promise<void> {
      if (!secret) return
      await keyRing.together((step) => step.wrapUnder('passkey', secret, passkeyWrap(id), identity))
    },
  }

  /** True where there are passkeys: each belongs to the host of the desk. */
  function canAsk(req: Request): boolean {
    return hasPasskeys(addresses, req.get('host'))
  }

  /** The passkeys of an editor that open what is encrypted; the others only prove who they are. */
  async function opening(editorId: string): Promise<Passkey[]> {
    const names = new Set((await keyRing.wrapsOf(editorId)).map(({ id }) => id))
    return (await usable(editorId)).filter(({ id }) => names.has(passkeyWrap(id)))
  }

  /** Without those that were made for an earlier address of the desk. */
  async function usable(editorId: string): Promise<Passkey[]> {
    return (await factors.passkeys(editorId)).filter(passkeys.isOfHere)
  }

  async function askOneOf(have: Passkey[], sessionHash: string) {
    if (have.length === 0) return undefined
    const options = await passkeys.ask(have)
    await sessionStore.challenge(sessionHash, options.challenge)
    return options
  }
}
