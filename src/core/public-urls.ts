import { createHash } from 'node:crypto'

/*
 * The site is reached by its public address and, where it has one, by an onion address: the same site by Tor alone, with
 * no other party on the way. The desk may have an address of its own, with a host that nothing else is served from: then
 * it answers there and nowhere else. By which of them somebody asked is told by the host they name, and what they are
 * answered stays on it. Whoever names any other host is answered as by the public address.
 */

/** By which addresses the site is reached; the public and the onion address with the path that all is served under. */
export type SiteAddresses = { publicUrl: URL; onionUrl: URL | undefined; deskUrl: URL | undefined }

/** True if whoever names this host came by the onion address. */
export function isByOnion({ onionUrl }: SiteAddresses, host: string | undefined): boolean {
  return onionUrl !== undefined && host?.toLowerCase() === onionUrl.host
}

/** True if whoever names this host came to the desk’s own address. */
export function isAtDeskHost({ deskUrl }: Pick<SiteAddresses, 'deskUrl'>, host: string | undefined): boolean {
  return deskUrl !== undefined && host?.toLowerCase() === deskUrl.host
}

/** The address that whoever names this host came by. */
export function askedAddress(addresses: SiteAddresses, host: string | undefined): URL {
  const { publicUrl, onionUrl, deskUrl } = addresses
  if (deskUrl && isAtDeskHost(addresses, host)) return deskUrl
  return onionUrl && isByOnion(addresses, host) ? onionUrl : publicUrl
}

/** Where the desk is: at an address of its own, or at the public one. */
export function deskAddress({ publicUrl, deskUrl }: Pick<SiteAddresses, 'publicUrl' | 'deskUrl'>): URL {
  return deskUrl ?? publicUrl
}

/** True where a browser can be asked for a passkey: it belongs to the host of the desk, and Tor Browser has none. */
export function hasPasskeys(addresses: SiteAddresses, host: string | undefined): boolean {
  return !isByOnion(addresses, host) && !deskAddress(addresses).hostname.endsWith('.onion')
}

/**
 * True if a cookie for this host is to be sent by https only. An onion address needs none: Tor keeps what passes from
 * everybody, and the browser would not send such a cookie there.
 */
export function hasHttps(addresses: SiteAddresses, host: string | undefined): boolean {
  return askedAddress(addresses, host).protocol === 'https:'
}

/** How an address is written on pages and in mail: without a slash at the end. */
export function written(address: URL): string {
  return address.origin + address.pathname.replace(/\/$/, '')
}

const letters = 'abcdefghijklmnopqrstuvwxyz234567'

/**
 * True if this is the name of an onion service: its checksum is right, https://spec.torproject.org/rend-spec-v3,
 * section 6.
 */
export function isOnionName(host: string): boolean {
  const [, name] = /^([a-z2-7]{56})\.onion$/.exec(host) ?? []
  if (name === undefined) return false
  const bits = [...name].map((letter) => letters.indexOf(letter).toString(2).padStart(5, '0')).join('')
  const bytes = Buffer.from((bits.match(/.{8}/g) ?? []).map((byte) => Number.parseInt(byte, 2)))
  const [key, checksum, version] = [bytes.subarray(0, 32), bytes.subarray(32, 34), bytes.subarray(34)]
  const hash = createHash('sha3-256').update('.onion checksum').update(key).update(version).digest()
  return version[0] === 3 && checksum.equals(hash.subarray(0, 2))
}
