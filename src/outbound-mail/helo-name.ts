import { addressOf } from '../core/email-address.ts'

/** Top-level names that no public DNS knows: RFC 6761, RFC 6762, RFC 7686, RFC 8375, RFC 9476 and common home networks. */
const nowhere =
  /(?:^|\.)(?:localhost|localdomain|local|lan|home|internal|intranet|home\.arpa|onion|invalid|alt)$/i
const name = /^(?:[a-z\d](?:[a-z\d-]{0,61}[a-z\d])?\.)+[a-z](?:[a-z\d-]{0,61}[a-z\d])$/i

/**
 * By which name we greet other mail servers (RFC 5321, 4.1.1.1): that of the site, or else the domain that mail comes
 * from. Undefined where neither is a name that another server could look up, as on a laptop.
 */
export function heloName(publicUrl: URL, mailFrom: string): string | undefined {
  return [publicUrl.hostname, inAscii(addressOf(mailFrom).domain)].find(isPublicName)
}

function isPublicName(host: string): boolean {
  return host.length <= 253 && name.test(host) && !nowhere.test(host)
}

/** A domain as DNS has it; empty where it is none. */
function inAscii(domain: string): string {
  return URL.canParse(`http://${domain}`) ? new URL(`http://${domain}`).hostname : ''
}
