/** Why there is no clean copy of a file, in words for editors. */
export const notCleaned = {
  archive: 'it is an archive, and what is in it may tell anything',
  encrypted:
    'it is encrypted, and nobody opens it here: that takes the key it was encrypted for, and a computer of your own',
  signature: 'it is a signature or a public key, which is not read here',
  mail: 'it is the mail as it came, with all that mail servers wrote into it',
  'unknown-type': 'files of this type cannot be cleaned',
  locked: 'it is sealed, and you have no key to it just now',
  'no-sandbox': 'bubblewrap is not installed on the server, or may not be used there',
  'no-mat2': 'mat2 is not installed on the server',
  'no-ffmpeg': 'ffmpeg is not installed on the server',
  'no-heif': 'heif-convert is not installed on the server',
  unreadable: 'it could not be read; it may be broken, have a password, or not be what it seems',
  'not-cleanable': 'there is something in it that cannot be cleaned',
  'too-large': 'it is too large to be cleaned, or becomes so when it is unpacked',
  'too-slow': 'cleaning it took too long',
} as const

export type NotCleaned = keyof typeof notCleaned

/** Which programs there are to clean with. Without a sandbox there is none: no file is given to a program outside it. */
export type Programs = { sandbox: boolean; mat2: boolean; ffmpeg: boolean; exiftool: boolean; heif: boolean }

/** What would have to be installed to clean everything, by the names of Debian's packages. */
export function missingPrograms({ sandbox, mat2, ffmpeg, heif }: Programs): string[] {
  if (!sandbox) return ['bubblewrap']
  const there = { mat2, ffmpeg, 'libheif-examples': heif }
  return Object.entries(there).flatMap(([name, isThere]) => (isThere ? [] : [name]))
}

/** What a file may tell besides what it shows, in the order in which it matters. */
export const findingGroups = {
  place: 'Where it was made',
  device: 'Device, serial numbers, programs',
  people: 'Names of people',
  times: 'Times',
  edits: 'Comments and earlier versions',
  thumbnail: 'Small pictures of it, which may show more than it does',
  other: 'Other',
} as const

export type FindingGroup = keyof typeof findingGroups

export type Finding = { group: FindingGroup; name: string; value: string }

/** What is known of a file before it is opened. */
export type FileToClean = { type: string | null; name: string; size: number | null; isRaw: boolean }

/** The name that a clean copy is offered under: that of the original, with the ending of what the copy is. */
export function nameOfCopy(name: string, ending: string): string {
  const [, stem = name, given = ''] = /^(.+)\.([^.]*)$/.exec(name) ?? []
  const isSame = (alike[ending] ?? [ending]).includes(given.toLowerCase())
  return isSame ? name : `${stem}.${ending}`
}

const alike: Record<string, string[]> = {
  jpg: ['jpg', 'jpeg', 'jpe', 'jfif'],
  tif: ['tif', 'tiff'],
  mp4: ['mp4', 'm4v'],
  m4a: ['m4a', 'mp4'],
  ogg: ['ogg', 'oga', 'opus', 'ogv'],
}
