import { FileRefused, type RejectionReason, rejections } from '../submissions/file-refusal.ts'
import { encryptedType, encryptedTypes } from './encrypted-type.ts'
import { reasonFor, unusableType } from './unusable-type.ts'

type TypeOf = (sample: Buffer, name: string) => Promise<string>

/**
 * Tells a file's media type by its leading bytes and lets it through if the list allows it. What is encrypted shows little
 * of itself, and what is only a link to a file shows it by its name: there the name helps.
 * `allowed` holds media types, with `*` for any rest: `image/*`.
 * A name may claim another type of the same family (a WebP picture named .jpg is a picture);
 * one that claims another family is refused, for whoever opens it by its name would be misled.
 * @throws FileRefused, saying to the sender what the file really is, and what to send instead.
 */
export function fileTypeCheck(allowed: string[]): TypeOf {
  const patterns = allowed.map(asPattern)
  return async (sample, name) => {
    if (sample.length === 0) throw new FileRefused('empty')
    const claimed = claimedFamily(name)
    const type = await typeOf(sample, name, claimed)
    if (!patterns.some((pattern) => pattern.test(type))) throw refused(reasonFor(type), type)
    if (claimed && !mayBe(claimed, type)) {
      const words = `Its name says ${claimed}, but its content is ${type}. ${rejections.misnamed.instead}`
      throw new FileRefused('misnamed', words)
    }
    return type
  }
}

function refused(reason: RejectionReason, type: string): FileRefused {
  if (reason !== 'other') return new FileRefused(reason)
  return new FileRefused(
    reason,
    `Files of this kind (${type}) cannot be opened here. ${rejections.other.instead}`,
  )
}

/**
 * The name to offer a file under for download. One whose ending we do not know would be opened by who knows what
 * on an editor's machine (`tip.hta`, `plan.svg`), so it gets the harmless ending of what it really is.
 */
export function downloadName(name: string, type: string): string {
  return claimedFamily(name) ? name : `${name}.${endings[type] ?? 'bin'}`
}

const endings: Record<string, string> = {
  'text/plain': 'txt',
  'application/pdf': 'pdf',
  'application/zip': 'zip',
  'image/jpeg': 'jpg',
  'image/png': 'png',
  'image/gif': 'gif',
  'image/webp': 'webp',
  'audio/mpeg': 'mp3',
  'audio/ogg': 'ogg',
  'video/mp4': 'mp4',
  'text/vcard': 'vcf',
  'text/calendar': 'ics',
  [encryptedTypes.pgp]: 'gpg',
  [encryptedTypes.pgpKeys]: 'asc',
  [encryptedTypes.pgpSignature]: 'sig',
  [encryptedTypes.cms]: 'p7m',
  [encryptedTypes.cmsSignature]: 'p7s',
  [encryptedTypes.age]: 'age',
  [encryptedTypes.keepass]: 'kdbx',
}

function asPattern(type: string): RegExp {
  const escaped = type.toLowerCase().replace(/[.*+?^${}()|[\]\\]/g, '\\$&')
  return new RegExp(`^${escaped.replaceAll('\\*', '.*')}$`)
}

async function typeOf(sample: Buffer, name: string, claimed: Family | undefined): Promise<string> {
  const encrypted = encryptedType(sample)
  if (encrypted)
    return name.endsWith('.p7s') && encrypted === encryptedTypes.cms ? encryptedTypes.cmsSignature : encrypted
  // Loaded with the first file, so that starting up does not wait for it.
  const { fileTypeFromBuffer } = await import('file-type')
  const found = (await fileTypeFromBuffer(sample))?.mime
  const unusable = unusableType(sample, name, found)
  if (unusable || found) return unusable ?? (found as string)
  const isText = encodings(claimed).some((encoding) => isTextIn(encoding, sample))
  return isText ? 'text/plain' : (encryptedByName(name) ?? 'application/octet-stream')
}

const encryptedEndings: Record<string, string> = {
  gpg: encryptedTypes.pgp,
  pgp: encryptedTypes.pgp,
  age: encryptedTypes.age,
  p7m: encryptedTypes.cms,
  p7s: encryptedTypes.cmsSignature,
  kdbx: encryptedTypes.keepass,
}

/** Nothing can be seen of some of what is encrypted; nothing here opens it either. */
function encryptedByName(name: string): string | undefined {
  return encryptedEndings[endingOf(name)]
}

/** Any bytes could be Windows-1252, which spreadsheets still write: it is tried only where the name says text. */
function encodings(claimed: Family | undefined): string[] {
  return claimed === 'text' ? ['utf-8', 'utf-16le', 'utf-16be', 'windows-1252'] : ['utf-8']
}

/** Without control characters, but perhaps cut in the middle of a character at the sample's end. */
function isTextIn(encoding: string, sample: Buffer): boolean {
  try {
    const text = new TextDecoder(encoding, { fatal: true }).decode(sample, { stream: true })
    return !/[\p{Cc}--[\t\n\f\r]]/v.test(text)
  } catch {
    return false
  }
}

type Family =
  | 'a picture'
  | 'a recording'
  | 'PDF'
  | 'an office document'
  | 'text'
  | 'an archive'
  | 'an encrypted file'
  | 'a card or a calendar'

const extensions: Record<Family, string> = {
  'a picture': 'jpg jpeg png gif webp heic heif avif tif tiff bmp',
  // The same container holds sound or film, and phones name it either way.
  'a recording': 'mp3 m4a wav ogg oga opus flac aac amr mp4 mov m4v webm mkv avi 3gp mpg mpeg',
  PDF: 'pdf',
  'an office document': 'doc docx xls xlsx ppt pptx odt ods odp rtf',
  text: 'txt md csv',
  'an archive': 'zip',
  'an encrypted file': 'gpg pgp asc sig age p7m p7s p7c kdbx',
  'a card or a calendar': 'vcf vcard ics',
}

function claimedFamily(name: string): Family | undefined {
  const extension = endingOf(name)
  const families = Object.keys(extensions) as Family[]
  return families.find((family) => extensions[family].split(' ').includes(extension))
}

function endingOf(name: string): string {
  return name.toLowerCase().split('.').at(-1) ?? ''
}

function mayBe(claimed: Family, type: string): boolean {
  return typesOf[claimed].test(type)
}

const typesOf: Record<Family, RegExp> = {
  'a picture': /^image\//,
  'a recording': /^(audio|video)\//,
  PDF: /^application\/pdf$/,
  // An office document is an archive whose kind may not show in its first bytes.
  'an office document': /officedocument|opendocument|x-cfb|rtf|^application\/zip$/,
  text: /^text\//,
  'an archive': /^application\/zip$/,
  // An armored key or a signed text is text as well.
  'an encrypted file': /^application\/(?:pgp-|pkcs7-|x-age$|x-keepass2$)|^text\/plain$/,
  'a card or a calendar': /^text\/(?:vcard|calendar|plain)$/,
}
