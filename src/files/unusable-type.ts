import type { RejectionReason } from '../submissions/file-refusal.ts'

/*
 * Files that nobody here could use: documents that only one maker's programs open, and files that only lead to another
 * one. What a file holds does not tell, or not alone; it is known by its name as well. Such types are private, unless the
 * maker has registered one.
 */

const byEnding: Record<string, string> = {
  gdoc: 'application/vnd.google-apps.document',
  gsheet: 'application/vnd.google-apps.spreadsheet',
  gslides: 'application/vnd.google-apps.presentation',
  gdraw: 'application/vnd.google-apps.drawing',
  gform: 'application/vnd.google-apps.form',
  lnk: 'application/x-ms-shortcut',
  url: 'application/x-mswinurl',
  website: 'application/x-mswinurl',
  webloc: 'application/x-webloc',
  crdownload: 'application/x-unfinished',
  icloud: 'application/x-unfinished',
}

const iwork: Record<string, string> = {
  pages: 'application/vnd.apple.pages',
  numbers: 'application/vnd.apple.numbers',
  key: 'application/vnd.apple.keynote',
}

/** The type of a file that nobody could use, or undefined. `found` is what its first bytes say. */
export function unusableType(sample: Buffer, name: string, found: string | undefined): string | undefined {
  if (name.startsWith('~$')) return 'application/x-office-lock'
  const ending = name.toLowerCase().split('.').at(-1) ?? ''
  if (Object.hasOwn(byEnding, ending)) return byEnding[ending]
  if (Object.hasOwn(iwork, ending) && isArchive(found)) return iwork[ending]
  return isIwork(sample, found) ? 'application/vnd.apple.iwork' : undefined
}

function isArchive(found: string | undefined): boolean {
  return found === 'application/zip' || isOfApple(found)
}

/** Which of the programs made it is told by its ending only: all three keep their documents in the same way. */
function isIwork(sample: Buffer, found: string | undefined): boolean {
  const holds = /Index\/[\w-]+\.iwa|index\.apxl|buildVersionHistory\.plist/
  return isOfApple(found) || (found === 'application/zip' && holds.test(sample.toString('latin1')))
}

function isOfApple(found: string | undefined): boolean {
  return /^application\/vnd\.apple\.(?:pages|numbers|keynote)$/.test(found ?? '')
}

const reasons: [type: RegExp, reason: RejectionReason][] = [
  [/^application\/vnd\.apple\.pages$/, 'pages'],
  [/^application\/vnd\.apple\.numbers$/, 'numbers'],
  [/^application\/vnd\.apple\.keynote$/, 'keynote'],
  [/^application\/vnd\.apple\.iwork$/, 'iwork'],
  [/^application\/vnd\.google-apps\./, 'google-link'],
  [/^application\/x-(?:ms-shortcut|mswinurl|webloc|ft-apple\.alias)$/, 'shortcut'],
  [/^application\/x-unfinished$/, 'unfinished'],
  [/^application\/x-office-lock$/, 'lock-file'],
  [
    /^application\/(?:x-(?:msdownload|elf|mach-binary|apple-diskimage|deb|rpm)|java-|vnd\.android\.)/,
    'program',
  ],
  [
    /^application\/(?:x-)?(?:gzip|zstd|tar|bzip2|xz|lzip|lz4|arj|compress|\w+-compressed|vnd\.\S+-compressed)$/,
    'archive',
  ],
]

/** Why a type that is not taken is not. */
export function reasonFor(type: string): RejectionReason {
  return reasons.find(([pattern]) => pattern.test(type))?.[1] ?? 'other'
}
