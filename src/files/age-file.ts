import { open, utimes } from 'node:fs/promises'
import type { Readable } from 'node:stream'
import { Failure } from '../core/errors.ts'
import { minuteOf } from '../core/ids.ts'
import type { Identity, Keys, Recipient, Recipients } from '../encryption/types.ts'

/** How an age file begins. */
const ageMark = Buffer.from('age-encryption.org/')
const nothing = Buffer.alloc(1024 * 1024)

/** What encrypts the files of the store, and opens them. */
export type AgeCipher = {
  encrypt(source: AsyncIterable<Uint8Array>): { encrypted: Readable; fileKey: Promise<Uint8Array> }
  open(source: Readable, fileKey: Uint8Array): Readable
  headerSize: number
  /** The header by which these two open a file. */
  headerFor(fileKey: Uint8Array, publicKeys: [Recipient, Recipient]): Buffer
  fileKeyIn(
    header: Buffer,
    identities: Identity[],
  ): Promise<{ fileKey: Uint8Array } | { errorCode: 'locked' | 'damaged' }>
  hashOfKey(fileKey: Uint8Array): string
  /** A recipient that nobody can open for, in the place of a sender whose receipt is not known. */
  nobody(): Recipient
}

export type FileRecipients = Pick<Recipients, 'desk' | 'sender'>

export type AgeFiles = ReturnType<typeof ageFiles>

/** Age files on the disk, by their paths: the header, of one size always, says who opens what follows it. */
export function ageFiles(recipients: AgeCipher) {
  return {
    /** Says who opens a file. The header lies in the first sector: it is written whole or not at all. */
    async writeHeader(path: string, fileKey: Uint8Array, { desk, sender }: FileRecipients): Promise<void> {
      const header = recipients.headerFor(fileKey, [desk, sender ?? recipients.nobody()])
      const handle = await open(path, 'r+')
      try {
        await handle.write(header, 0, recipients.headerSize, 0)
        await handle.datasync()
      } finally {
        await handle.close()
      }
    },

    /** The key of a file that these can open, or why they cannot. */
    async fileKeyOf(path: string, keys: Keys) {
      return recipients.fileKeyIn(await headOf(path), await keys())
    },

    /**
     * The key of the file that has this mark.
     * @throws Failure `forbidden` for whoever has no key to it, `conflict` if it is not what was encrypted
     */
    async fileKeyOfMarked(path: string, mark: string | undefined, keys: Keys): Promise<Uint8Array> {
      const found = await this.fileKeyOf(path, keys)
      if ('errorCode' in found) throw found.errorCode === 'locked' ? locked() : damaged()
      if (recipients.hashOfKey(found.fileKey) !== mark) throw damaged()
      return found.fileKey
    },

    /** Overwrites what is stored, durably; of an encrypted file only its header, without which nobody opens it. */
    async overwrite(path: string): Promise<void> {
      const isEncrypted = (await headOf(path)).subarray(0, ageMark.length).equals(ageMark)
      const handle = await open(path, 'r+')
      try {
        const { size } = await handle.stat()
        const end = isEncrypted ? Math.min(size, recipients.headerSize) : size
        for (let from = 0; from < end; from += nothing.length)
          await handle.write(nothing, 0, Math.min(nothing.length, end - from), from)
        await handle.datasync()
      } finally {
        await handle.close()
      }
    },
  }

  async function headOf(path: string): Promise<Buffer> {
    const handle = await open(path, 'r')
    try {
      const head = Buffer.alloc(recipients.headerSize)
      const { bytesRead } = await handle.read(head, 0, head.length, 0)
      return head.subarray(0, bytesRead)
    } finally {
      await handle.close()
    }
  }
}

/** What the file system tells of when an encrypted file was written, as far as one can tell it otherwise: to the minute. */
export async function forgetWhen(path: string): Promise<void> {
  const minute = minuteOf(Date.now()) / 1000
  await utimes(path, minute, minute)
}

function locked(): Failure {
  return new Failure('forbidden', 'This file is sealed, and you have no key to it just now.')
}

function damaged(): Failure {
  return new Failure('conflict', 'This file is damaged: it is not what was sealed.')
}
