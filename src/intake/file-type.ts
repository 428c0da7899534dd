import { Failure } from '../failure.ts'

export type TypeOf = (sample: Buffer, name: string) => Promise<string>

/**
 * Tells a file's media type by its leading bytes and lets it through if the list allows it.
 * `allowed` holds media types, with `*` for any rest: `image/*`.
 * A name may claim another type of the same family (a WebP picture named .jpg is a picture);
 * one that claims another family is refused, for whoever opens it by its name would be misled.
 * @throws Failure `unsupported-file`, saying to the sender what the file really is.
 */
export function fileTypeCheck(allowed: string[]): TypeOf {
  const patterns = allowed.map(asPattern)
  return async (sample, name) => {
    const type = await typeByContent(sample)
    if (!patterns.some((pattern) => pattern.test(type)))
      throw refused(`It is of the type ${type}, which is not taken here.`)
    const claimed = claimedFamily(name)
    if (claimed && claimed !== familyOf(type))
      throw refused(`Its name says ${claimed}, but its content is ${type}.`)
    return type
  }
}

function refused(why: string): Failure {
  return new Failure('unsupported-file', why)
}

function asPattern(type: string): RegExp {
  const escaped = type.toLowerCase().replace(/[.*+?^${}()|[\]\\]/g, '\\$&')
  return new RegExp(`^${escaped.replaceAll('\\*', '.*')}$`)
}

async function typeByContent(sample: Buffer): Promise<string> {
  // Loaded with the first file, so that starting up does not wait for it.
  const { fileTypeFromBuffer } = await import('file-type')
  const found = await fileTypeFromBuffer(sample)
  if (found) return found.mime
  return isText(sample) ? 'text/plain' : 'application/octet-stream'
}

/** UTF-8 without control characters, but perhaps cut in the middle of one at the sample's end. */
function isText(sample: Buffer): boolean {
  try {
    const text = new TextDecoder('utf-8', { fatal: true }).decode(sample, { stream: true })
    return !/[\p{Cc}--[\t\n\f\r]]/v.test(text)
  } catch {
    return false
  }
}

type Family = 'a picture' | 'sound' | 'video' | 'PDF' | 'an office document' | 'text' | 'an archive'

const extensions: Record<Family, string> = {
  'a picture': 'jpg jpeg png gif webp heic heif avif tif tiff bmp',
  sound: 'mp3 m4a wav ogg oga opus flac aac amr',
  video: 'mp4 mov m4v webm mkv avi 3gp mpg mpeg',
  PDF: 'pdf',
  'an office document': 'doc docx xls xlsx ppt pptx odt ods odp rtf',
  text: 'txt md csv',
  'an archive': 'zip',
}

function claimedFamily(name: string): Family | undefined {
  const extension = name.toLowerCase().split('.').at(-1) ?? ''
  const families = Object.keys(extensions) as Family[]
  return families.find((family) => extensions[family].split(' ').includes(extension))
}

function familyOf(type: string): Family | undefined {
  if (type.startsWith('image/')) return 'a picture'
  if (type.startsWith('audio/')) return 'sound'
  if (type.startsWith('video/')) return 'video'
  if (type === 'application/pdf') return 'PDF'
  if (/officedocument|opendocument|x-cfb|rtf/.test(type)) return 'an office document'
  if (type.startsWith('text/')) return 'text'
  if (type === 'application/zip') return 'an archive'
  return undefined
}
