import type { KeyObject } from 'node:crypto'
import { domainToASCII } from 'node:url'
import {
  addressOf,
  type MailAddress,
  type MailTokenUse,
  readMailToken,
  untagged,
} from '../../core/email-address.ts'
import { Kind } from '../../db/values.ts'
import { isConfidentialKind } from '../../submissions/model.ts'

type AddressContext = {
  /** The newsroom's addresses, and the kind of submission that each takes. */
  addresses: (MailAddress & { kind: Kind })[]
  /** Addresses that mail of ours comes from and is replied to. */
  own: string[]
  replyKey: KeyObject
}

/** What an address of ours is for. */
export type ForSubmission = {
  for: 'piece'
  kind: Kind
  address: string
  /** Nobody chose the kind: it is an address that everything of ours comes from. */
  isOwn?: true
}

type ForToken = { for: MailTokenUse; id: string }
export type Destination = ForSubmission | ForToken

export type AddressBook = ReturnType<typeof addressBook>

/** Knows the addresses that mail is taken for. */
export function addressBook({ addresses, own, replyKey }: AddressContext) {
  const ours = own.map(addressOf)
  const domains = new Set([...addresses, ...ours].map(({ domain }) => asInDns(domain)))
  return { destinationOf, best, inConfidence, isOurs }

  /** What mail to this address is; undefined if it is not ours. */
  function destinationOf(given: string): Destination | undefined {
    const address = plainly(given)
    const { local, domain, tag } = untagged(address)
    if (tag !== undefined && ours.some(isSame({ local, domain }))) {
      const token = readMailToken(replyKey, tag)
      if (token) return { for: token.use, id: token.id }
    }
    const listed = addresses.find(isSame(addressOf(address))) ?? addresses.find(isSame({ local, domain }))
    if (listed) return { for: 'piece', kind: kindOf(tag) ?? listed.kind, address }
    // Whoever writes to the address that we write from has something to say, and may be a source. To a postmaster every
    // domain has to listen (RFC 5321, 4.5.1).
    const isHeard =
      ours.some(isSame({ local, domain })) || (isPostmaster(local) && domains.has(asInDns(domain)))
    return isHeard ? { for: 'piece', kind: 'news-tip', address, isOwn: true } : undefined
  }

  /**
   * What a mail to all of these addresses is. A token says most; of several kinds, a confidential one is meant. Where
   * no address is ours, as for mail fetched from a mailbox that it was forwarded to, it is a tip.
   */
  function best(given: string[]): Destination {
    const found = given.flatMap((address) => destinationOf(address) ?? [])
    const [only] = addresses
    const usual: ForSubmission = {
      for: 'piece',
      kind: addresses.length === 1 && only ? only.kind : 'news-tip',
      address: given[0] ?? '',
    }
    return (
      found.find((one) => one.for !== 'piece') ??
      found.find((one) => one.for === 'piece' && isConfidentialKind(one.kind)) ??
      found[0] ??
      usual
    )
  }

  /** The confidential address among these, where somebody chose one: what is sent there is told in confidence. */
  function inConfidence(given: string[]): ForSubmission | undefined {
    return given
      .flatMap((address) => destinationOf(address) ?? [])
      .find((one): one is ForSubmission => one.for === 'piece' && isConfidentialKind(one.kind) && !one.isOwn)
  }

  /** True for every address of ours, with or without a tag. */
  function isOurs(address: string): boolean {
    const plain = plainly(address)
    return [...addresses, ...ours].some(isSame(untagged(plain))) || addresses.some(isSame(addressOf(plain)))
  }

  /**
   * Without quotation marks that nothing needs, and with a domain where a postmaster is meant who has none (RFC 5321,
   * 4.5.1).
   */
  function plainly(address: string): string {
    const [, quoted, domain] = /^"([\w.+-]+)"(@[^@]+)$/.exec(address) ?? []
    if (quoted !== undefined) return `${quoted}${domain}`
    const [anyOfOurs = ''] = domains
    return isPostmaster(address) ? `${address}@${anyOfOurs}` : address
  }
}

function isPostmaster(local: string): boolean {
  return /^(?:postmaster|abuse)$/i.test(local)
}

/** Mailbox names are compared without regard to case, as every mail server does. */
function isSame(one: MailAddress): (other: MailAddress) => boolean {
  return ({ local, domain }) =>
    local.toLowerCase() === one.local.toLowerCase() && asInDns(domain) === asInDns(one.domain)
}

/** A domain by which it is found, however it is written: letters of any script as ASCII, without the dot of the root. */
function asInDns(domain: string): string {
  const rootless = domain.toLowerCase().replace(/\.$/, '')
  return domainToASCII(rootless) || rootless
}

/** `tips+expose@example.org`: a tag that is the name of a kind chooses it. */
function kindOf(tag: string | undefined): Kind | undefined {
  return Kind.safeParse(tag?.toLowerCase()).data
}
