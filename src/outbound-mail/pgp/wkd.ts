import { hash } from 'node:crypto'
import { domainToASCII } from 'node:url'
import { addressOf } from '../../core/email-address.ts'
import { Failure } from '../../core/errors.ts'
import { type Internet, PublicFetchError, publicGet } from '../../core/public-fetch.ts'
import type { PgpKey } from './key.ts'
import { keysNamed, mostKeyBytes } from './read-key.ts'

/**
 * Looks keys up where the domain of a mail address publishes those of its people (Web Key Directory):
 * https://datatracker.ietf.org/doc/draft-koch-openpgp-webkey-service/. Only names of that very address count.
 * @throws Failure `invalid` in plain words where there is none, or the domain cannot be asked
 */
export async function lookUpPgpKeys(address: string, internet: Internet, now: number): Promise<PgpKey[]> {
  const found = await published(address, internet).catch((error: unknown) => {
    if (error instanceof PublicFetchError) throw new Failure('invalid', errorWords[error.errorCode])
    throw error
  })
  const keys = found ? await keysNamed(found, address.toLowerCase(), now) : []
  if (keys.length === 0) throw new Failure('invalid', 'Your domain publishes no key for your address.')
  return keys
}

/** The last part of a name is no number: that would be an address. */
const isHostName = /^(?:[a-z\d-]+\.)*(?!\d+$)[a-z\d-]+$/i

/** The direct way is for domains that have no host for the advanced one. */
async function published(address: string, internet: Internet): Promise<Buffer | undefined> {
  const { local, domain: given } = addressOf(address)
  const domain = domainToASCII(given)
  if (!isHostName.test(domain)) throw new PublicFetchError('no-such-host')
  const asked = `${hashed(local)}?l=${encodeURIComponent(local)}`
  const [advanced, direct] = [
    new URL(`https://openpgpkey.${domain}/.well-known/openpgpkey/${domain}/hu/${asked}`),
    new URL(`https://${domain}/.well-known/openpgpkey/hu/${asked}`),
  ]
  return publicGet(advanced, mostKeyBytes, internet).catch((error: unknown) => {
    if (error instanceof PublicFetchError && error.errorCode === 'no-such-host')
      return publicGet(direct, mostKeyBytes, internet)
    throw error
  })
}

const digits = '0123456789abcdefghijklmnopqrstuv'
const zBase32 = 'ybndrfg8ejkmcpqxot1uwisza345h769'

/** SHA-1 of the name in small letters, in the base of 32 that Phil Zimmermann chose (RFC 6189, 5.1.6). */
function hashed(local: string): string {
  const number = BigInt(`0x${hash('sha1', local.toLowerCase(), 'hex')}`)
  return number
    .toString(32)
    .padStart(32, '0')
    .replace(/./g, (digit) => zBase32[digits.indexOf(digit)] ?? '')
}

const errorWords: Record<PublicFetchError['errorCode'], string> = {
  'no-such-host': 'The domain of your address is not known.',
  'not-public': 'The domain of your address is not on the public net, so it has not been asked.',
  unreachable: 'The server of your domain cannot be reached by https.',
  'too-large': 'What your domain publishes is too large for a key.',
  refused: 'The server of your domain did not give a key.',
}
