import { hash } from 'node:crypto'

/**
 * Raised whenever what goes into any digest changes: those that were made before are not compared with those from then
 * on.
 */
const version = '2'

/**
 * What tells something that was sent twice from something that was changed in between, of all that was said, with a secret
 * in it: without that nobody can try out what was said.
 */
export function requestDigest(request: unknown): string {
  return `${version}.${hash('sha256', JSON.stringify(request), 'base64url')}`
}

/** False for digests of which one was made before an upgrade changed how: that they differ says nothing then. */
export function areComparable(one: string | undefined, other: string | undefined): boolean {
  return versionOf(one) === versionOf(other)
}

function versionOf(digest: string | undefined): string | undefined {
  return digest?.includes('.') ? digest.slice(0, digest.indexOf('.')) : undefined
}
