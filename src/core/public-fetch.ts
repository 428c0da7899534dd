import { lookup } from 'node:dns/promises'
import type { IncomingMessage } from 'node:http'
import { request } from 'node:https'
import { BlockList, isIP, isIPv4, type LookupFunction } from 'node:net'

/** What of the net is asked, and how: tests have one of their own. */
export type Internet = {
  /** Every address of a host; none where there is no such host. */
  addressesOf: (host: string) => Promise<string[]>
  /** True for addresses that a server of ours may be asked at. */
  isAllowed: (address: string) => boolean
  port: number
  /** Another authority than those that the world trusts. */
  ca?: string
}

/** Why nothing came of it: in a code, for what the other side said is its own. */
type FetchError = 'no-such-host' | 'not-public' | 'unreachable' | 'too-large' | 'refused'

export class PublicFetchError extends Error {
  readonly errorCode: FetchError

  constructor(errorCode: FetchError, cause?: unknown) {
    super(errorCode, { cause })
    this.name = 'PublicGetFault'
    this.errorCode = errorCode
  }
}

const patience = 10_000

/**
 * Gets what is at an https address on the public net, of at most so many bytes; undefined for 404. The address that was
 * looked at is the one that is connected to, and no redirect is followed, so that nothing in our own network is reached.
 * @throws PublicGetFault
 */
export async function publicGet(
  url: URL,
  mostBytes: number,
  internet: Internet,
): Promise<Buffer | undefined> {
  const host = url.hostname
  if (url.protocol !== 'https:' || isIP(host.replace(/^\[|\]$/g, '')))
    throw new PublicFetchError('not-public')
  const found = await internet.addressesOf(host)
  if (found.length === 0) throw new PublicFetchError('no-such-host')
  const addresses = found.filter(internet.isAllowed)
  if (addresses.length === 0) throw new PublicFetchError('not-public')
  return get(url, mostBytes, internet, addresses)
}

function get(
  url: URL,
  mostBytes: number,
  { port, ca }: Internet,
  addresses: string[],
): Promise<Buffer | undefined> {
  const { promise, resolve, reject } = Promise.withResolvers<Buffer | undefined>()
  const asked = request(url, {
    port,
    ca,
    agent: false,
    lookup: pinned(addresses),
    signal: AbortSignal.timeout(patience),
    headers: { 'user-agent': 'Barua' },
  })
  asked.on('error', (error) => reject(new PublicFetchError('unreachable', error)))
  asked.on('response', (response) => {
    const { statusCode } = response
    if (statusCode !== 200) {
      response.destroy()
      if (statusCode === 404) resolve(undefined)
      else reject(new PublicFetchError('refused'))
      return
    }
    read(response, mostBytes).then(resolve, reject)
  })
  asked.end()
  return promise
}

function pinned(addresses: string[]): LookupFunction {
  const all = addresses.map((address) => ({ address, family: isIPv4(address) ? 4 : 6 }))
  return (_host, options, done) => {
    const [first] = all
    if (options.all) done(null, all)
    else done(null, first?.address ?? '', first?.family)
  }
}

async function read(response: IncomingMessage, mostBytes: number): Promise<Buffer> {
  const chunks: Buffer[] = []
  let size = 0
  try {
    for await (const chunk of response as AsyncIterable<Buffer>) {
      size += chunk.length
      if (size > mostBytes) throw new PublicFetchError('too-large')
      chunks.push(chunk)
    }
  } catch (error) {
    throw error instanceof PublicFetchError ? error : new PublicFetchError('unreachable', error)
  }
  return Buffer.concat(chunks)
}

// https://www.iana.org/assignments/iana-ipv4-special-registry, and what is for many at once.
const notPublic = new BlockList()
for (const range of [
  '0.0.0.0/8',
  '10.0.0.0/8',
  '100.64.0.0/10',
  '127.0.0.0/8',
  '169.254.0.0/16',
  '172.16.0.0/12',
  '192.0.0.0/24',
  '192.0.2.0/24',
  '192.88.99.0/24',
  '192.168.0.0/16',
  '198.18.0.0/15',
  '198.51.100.0/24',
  '203.0.113.0/24',
  '224.0.0.0/3',
])
  notPublic.addSubnet(range.slice(0, range.indexOf('/')), Number(range.slice(range.indexOf('/') + 1)))

// https://www.iana.org/assignments/ipv6-address-space: only these are global, without those that lead to other nets.
const global6 = new BlockList()
global6.addSubnet('2000::', 3, 'ipv6')
const notPublic6 = new BlockList()
notPublic6.addSubnet('2001::', 23, 'ipv6')
notPublic6.addSubnet('2001:db8::', 32, 'ipv6')
notPublic6.addSubnet('2002::', 16, 'ipv6')
notPublic6.addSubnet('3fff::', 20, 'ipv6')

/** True for an address that is on the public net: neither this machine, nor our own network, nor anything special. */
export function isPublic(address: string): boolean {
  if (isIPv4(address)) return !notPublic.check(address)
  return global6.check(address, 'ipv6') && !notPublic6.check(address, 'ipv6')
}

export const internet: Internet = {
  addressesOf: async (host) =>
    lookup(host, { all: true }).then(
      (found) => found.map(({ address }) => address),
      (error: NodeJS.ErrnoException) => {
        if (error.code === 'ENOTFOUND' || error.code === 'ENODATA') return []
        throw new PublicFetchError('unreachable', error)
      },
    ),
  isAllowed: isPublic,
  port: 443,
}
