import type { StagedFile } from '../../submissions/incoming.ts'
import type { QuarantineReason } from '../../submissions/quarantine.ts'
import type { PictureUse } from './inline-pictures.ts'
import type { MailFile } from './parser-pool.ts'

/** Which files of an editor's reply go to the sender, and which their mail program added. */
type ReplyFiles = {
  sent: StagedFile[]
  leftOut: MailFile[]
  /** Why nothing is to be sent before an editor has looked. */
  doubt: QuarantineReason | undefined
}

type ReplyFileContext = {
  /** The beginning of a file, as text. */
  beginningOf: (id: string) => Promise<string>
  /** True for a file that tells of editors or of the desk; undefined where that cannot be told. */
  tellsOfUs: (id: string) => Promise<boolean | undefined>
}

/**
 * Keys, cards and signatures, pictures of a signature or of what is quoted, and notices of ours do not go; all else does,
 * unless it tells of us.
 */
export async function filesOfReply(
  files: MailFile[],
  pictures: Record<string, PictureUse>,
  app: ReplyFileContext,
): Promise<ReplyFiles> {
  const leftOut: MailFile[] = []
  const sent: StagedFile[] = []
  let doubt: QuarantineReason | undefined
  for (const file of files) {
    const use = file.mailed.isInline && pictures[file.mailed.contentId ?? '']
    const isTelling = 'id' in file && (await app.tellsOfUs(file.id))
    const isNotice = isTelling === true && /^message\//.test(file.mailed.type)
    if (isNotice || use === 'quoted' || use === 'signature' || (await isOfProgram(file, app)))
      leftOut.push(file)
    else if (!('id' in file)) doubt ??= 'file-refused'
    else if (isTelling) doubt ??= 'file-tells-of-us'
    else if (isTelling === undefined || use === 'end' || isWrapped(file)) doubt ??= 'unsure'
    else sent.push(file)
  }
  return { sent, leftOut, doubt }
}

const ofProgram =
  /^(?:application\/(?:pgp-keys|pgp-signature|(?:x-)?pkcs7-signature|pgp-encrypted)|text\/(?:x-)?(?:vcard|directory))$/
const mayBeKey = /\.(?:asc|gpg|pgp|key|pub|txt)$/i

async function isOfProgram(file: MailFile, { beginningOf }: ReplyFileContext): Promise<boolean> {
  const { name, type } = file.mailed
  if (ofProgram.test(type) || /\.(?:vcf|p7s|sig)$/i.test(name)) return true
  if (!('id' in file) || !mayBeKey.test(name)) return false
  return /^-----BEGIN PGP (?:PUBLIC KEY BLOCK|SIGNATURE)-----/m.test(await beginningOf(file.id))
}

/** Outlook’s own wrapping, in which files may lie besides the looks of the mail. */
function isWrapped({ mailed }: MailFile): boolean {
  return mailed.type === 'application/ms-tnef' || /^winmail\.dat$/i.test(mailed.name)
}
