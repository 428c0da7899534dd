/**
 * By what a client is limited: an IPv4 address, or the /64 of an IPv6 one, which is the least that a household or a
 * machine is given: it has all addresses in it (https://www.rfc-editor.org/rfc/rfc7421). What is no address is nobody's.
 */
export function clientNetwork(address: string): string {
  const bare = address.replace(/%.*$/, '')
  if (!bare.includes(':')) return bare
  const groups = groupsOf(bare)
  if (groups === undefined) return ''
  return isMappedV4(groups) ? v4Of(groups) : `${groups.slice(0, 4).join(':')}::/64`
}

/** The eight groups of an IPv6 address, as they are written shortest; undefined if it is none. */
function groupsOf(address: string): string[] | undefined {
  const url = `http://[${address}]`
  if (!URL.canParse(url)) return undefined
  const [head = '', tail] = new URL(url).hostname.slice(1, -1).split('::')
  const [before, after] = [head, tail ?? ''].map((part) => part.split(':').filter(Boolean)) as [
    string[],
    string[],
  ]
  const zeros = Array.from({ length: 8 - before.length - after.length }, () => '0')
  return [...before, ...zeros, ...after]
}

/** An IPv4 address in an IPv6 one, as a socket for both tells it: https://www.rfc-editor.org/rfc/rfc4291#section-2.5.5.2 */
function isMappedV4(groups: string[]): boolean {
  return groups.slice(0, 5).every((group) => group === '0') && groups[5] === 'ffff'
}

function v4Of(groups: string[]): string {
  const bytes = groups.slice(6).flatMap((group) => {
    const bits = Number.parseInt(group, 16)
    return [bits >> 8, bits & 255]
  })
  return bytes.join('.')
}
