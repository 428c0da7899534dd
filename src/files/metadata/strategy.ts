import type { NotCleaned } from './types.ts'

/**
 * How a file is cleaned: a picture by sharp, everything else in the sandbox, where it is known by its ending. A HEIC is
 * read in the sandbox, for sharp cannot, and is a picture from then on.
 */
export type CleaningStrategy =
  | { by: 'picture' }
  | { by: 'heif' }
  | { by: 'mat2'; ending: string; type: string }
  | { by: 'ffmpeg'; ending: string; type: string }

const pictures = /^image\/(?:jpeg|png|webp|gif|tiff|avif)$/
const heif = /^image\/hei[cf]$/

const documents: Record<string, string> = {
  pdf: 'application/pdf',
  docx: 'application/vnd.openxmlformats-officedocument.wordprocessingml.document',
  xlsx: 'application/vnd.openxmlformats-officedocument.spreadsheetml.sheet',
  pptx: 'application/vnd.openxmlformats-officedocument.presentationml.presentation',
  odt: 'application/vnd.oasis.opendocument.text',
  ods: 'application/vnd.oasis.opendocument.spreadsheet',
  odp: 'application/vnd.oasis.opendocument.presentation',
  odg: 'application/vnd.oasis.opendocument.graphics',
}

const recordings: Record<string, string[]> = {
  mp4: ['video/mp4', 'video/x-m4v'],
  mov: ['video/quicktime'],
  m4a: ['audio/mp4', 'audio/x-m4a'],
  mp3: ['audio/mpeg'],
  ogg: ['audio/ogg', 'audio/ogg; codecs=opus', 'video/ogg'],
  webm: ['video/webm'],
  mkv: ['video/matroska'],
  avi: ['video/vnd.avi'],
  '3gp': ['video/3gpp'],
  flac: ['audio/flac'],
  wav: ['audio/wav'],
  aac: ['audio/aac'],
  amr: ['audio/amr'],
  aiff: ['audio/aiff'],
}

/**
 * How a file of this type is cleaned, or why it cannot be. The first bytes of some office documents say only that they
 * are archives: then their name is believed, and what reads them sees whether it was true.
 */
export function wayFor(type: string, name: string): CleaningStrategy | NotCleaned {
  if (pictures.test(type)) return { by: 'picture' }
  if (heif.test(type)) return { by: 'heif' }
  const claimed = type === 'application/zip' ? documents[endingOf(name)] : undefined
  for (const [ending, one] of Object.entries(documents))
    if (one === (claimed ?? type)) return { by: 'mat2', ending, type: one }
  for (const [ending, types] of Object.entries(recordings))
    if (types.includes(type)) return { by: 'ffmpeg', ending, type: types[0] as string }
  if (archives.test(type)) return 'archive'
  if (signatures.test(type)) return 'signature'
  return encrypted.test(type) ? 'encrypted' : 'unknown-type'
}

const signatures = /^application\/(?:pgp-(?:keys|signature)|pkcs7-signature)$/
const encrypted = /^application\/(?:pgp-encrypted|pkcs7-mime|x-age|x-keepass2)$/

const archives = /^application\/(?:zip|gzip|x-(?:tar|7z-compressed|rar-compressed|bzip2|xz)|vnd\.rar)$/

function endingOf(name: string): string {
  return name.toLowerCase().split('.').at(-1) ?? ''
}

/** The ending of a file of this type, for what reads it and goes by that; empty where it is of no matter. */
export function endingFor(type: string, name: string): string {
  const way = wayFor(type, name)
  return typeof way === 'object' && 'ending' in way ? way.ending : ''
}

/** What a picture became, by how it begins. */
export function pictureType(head: Buffer): { type: string; ending: string } {
  const found = beginnings.find(([beginning]) => head.subarray(0, 4).toString('latin1').startsWith(beginning))
  if (!found) throw new Error('a picture was made of a type that nobody asked for')
  return { type: found[1], ending: found[2] }
}

const beginnings = [
  ['\xff\xd8', 'image/jpeg', 'jpg'],
  ['\x89PNG', 'image/png', 'png'],
  ['GIF8', 'image/gif', 'gif'],
  ['RIFF', 'image/webp', 'webp'],
  ['II*', 'image/tiff', 'tif'],
  ['MM', 'image/tiff', 'tif'],
] as const
