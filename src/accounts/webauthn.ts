import {
  type AuthenticationResponseJSON,
  generateAuthenticationOptions,
  generateRegistrationOptions,
  type RegistrationResponseJSON,
  verifyAuthenticationResponse,
  verifyRegistrationResponse,
} from '@simplewebauthn/server'
import { z } from 'zod'
import { Failure } from '../core/errors.ts'
import { deskAddress, type SiteAddresses } from '../core/public-urls.ts'
import type { Editor, Passkey } from './editor.ts'

/** Ed25519, ES256 and RS256, as COSE numbers them: every authenticator has one of them. */
const algorithms = [-8, -7, -257]

/**
 * What a passkey is asked to turn into a secret that nothing else gives, by https://www.w3.org/TR/webauthn-3/#prf-extension.
 * Another salt gives another secret, and opens nothing that is kept: it stays as it is, and a new one gets a new number.
 */
export const passkeySalt = 'barua/passkey/1'

/** The name of what is kept under a passkey. */
export function passkeyWrap(id: string): string {
  return `passkey ${id}`
}

const Secret = z.base64().length(44)

/** The 32 bytes that a passkey made of our salt; undefined where the browser or the passkey cannot. */
export function passkeySecret(given: string): Uint8Array | undefined {
  const parsed = Secret.safeParse(given)
  return parsed.success ? new Uint8Array(Buffer.from(parsed.data, 'base64')) : undefined
}

/** Passkeys of this site, https://www.w3.org/TR/webauthn-3/. The origin is that of the desk. */
export function passkeysOf(addresses: SiteAddresses, newsroom: string) {
  const deskUrl = deskAddress(addresses)
  const site = { expectedOrigin: deskUrl.origin, expectedRPID: deskUrl.hostname }

  return {
    /** The host that passkeys are made for. */
    host: deskUrl.hostname,

    /** True if a browser gives this passkey to the desk as it is reached now. */
    isOfHere({ host }: Passkey): boolean {
      return (host ?? addresses.publicUrl.hostname) === deskUrl.hostname
    },

    /** What a browser needs to make a passkey, with the challenge in it. */
    register(editor: Editor, have: Passkey[]) {
      return generateRegistrationOptions({
        rpName: newsroom,
        rpID: deskUrl.hostname,
        userName: editor.email,
        userID: new TextEncoder().encode(editor.id),
        excludeCredentials: have.map(({ id }) => ({ id })),
        supportedAlgorithmIDs: algorithms,
        authenticatorSelection: { residentKey: 'preferred', userVerification: 'preferred' },
      })
    },

    /** The passkey that a browser made. @throws Failure `invalid` */
    async registered(
      answer: string,
      challenge: string,
    ): Promise<Pick<Passkey, 'id' | 'publicKey' | 'counter'>> {
      const response = parsed<RegistrationResponseJSON>(answer)
      const result = await verifyRegistrationResponse({
        response,
        expectedChallenge: challenge,
        requireUserVerification: false,
        supportedAlgorithmIDs: algorithms,
        ...site,
      }).catch(refuse)
      if (!result.verified) throw refused()
      const { id, publicKey, counter } = result.registrationInfo.credential
      return { id, publicKey: Buffer.from(publicKey).toString('base64url'), counter }
    },

    /** What a browser needs to sign in with one of these passkeys. */
    ask(have: Passkey[]) {
      return generateAuthenticationOptions({
        rpID: deskUrl.hostname,
        allowCredentials: have.map(({ id }) => ({ id })),
        userVerification: 'preferred',
      })
    },

    /** Which of these passkeys has signed the challenge, and its new counter. @throws Failure `invalid` */
    async signed(
      answer: string,
      challenge: string,
      have: Passkey[],
    ): Promise<{ id: string; counter: number }> {
      const response = parsed<AuthenticationResponseJSON>(answer)
      const passkey = have.find(({ id }) => id === response.id)
      if (!passkey) throw refused()
      const { id, counter } = passkey
      const publicKey = new Uint8Array(Buffer.from(passkey.publicKey, 'base64url'))
      const result = await verifyAuthenticationResponse({
        response,
        expectedChallenge: challenge,
        credential: { id, publicKey, counter },
        requireUserVerification: false,
        ...site,
      }).catch(refuse)
      if (!result.verified) throw refused()
      return { id, counter: result.authenticationInfo.newCounter }
    },
  }
}

// The library checks every part of it, and throws where one is missing or wrong.
function parsed<T>(answer: string): T {
  try {
    return JSON.parse(answer) as T
  } catch {
    throw refused()
  }
}

function refuse(): never {
  throw refused()
}

function refused(): Failure {
  return new Failure('invalid', 'This passkey was not accepted. Please try again.')
}
