import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { fileKeyIn, headerSize } from '../../src/encryption/age-header.ts'
import { textCipher } from '../../src/encryption/age-text.ts'
import type { Identity } from '../../src/encryption/types.ts'
import { receiptIdentity } from '../../src/submissions/receipt-key.ts'
import type { Newsroom } from './newsroom.ts'

const block = /-----BEGIN AGE ENCRYPTED FILE-----[\s\S]*?-----END AGE ENCRYPTED FILE-----/g

/** Every sealed thing of what came in: age files in any column of the database but the keys' own, and in the file store. */
export async function createEncrypted(newsroom: Newsroom) {
  const texts = (): string[] => {
    const db = new DatabaseSync(join(newsroom.settings.DATA_DIR, 'barua.db'), { readOnly: true })
    try {
      const tables = ['submissions', 'messages', 'notes', 'attachments', 'dead_letters', 'draft_items']
      const values = tables.flatMap((table) =>
        db
          .prepare(`select * from ${table}`)
          .all()
          .flatMap((row) => Object.values(row)),
      )
      return values.flatMap((value) => (typeof value === 'string' ? (value.match(block) ?? []) : []))
    } finally {
      db.close()
    }
  }

  const opens = async (encrypted: string | Buffer, identities: Identity[]): Promise<boolean> => {
    if (typeof encrypted === 'string') return 'text' in (await textCipher.open(encrypted, identities))
    return 'fileKey' in (await fileKeyIn(encrypted, identities))
  }

  return {
    async all(): Promise<(string | Buffer)[]> {
      const files = await Promise.all((await newsroom.storedFiles()).map((path) => readFile(path)))
      return [...texts(), ...files.map((file) => file.subarray(0, headerSize))]
    },

    /** Those that somebody opens. */
    async openedBy(identities: Identity[]): Promise<(string | Buffer)[]> {
      const all = await this.all()
      const isOpen = await Promise.all(all.map((one) => opens(one, identities)))
      return all.filter((_, i) => isOpen[i])
    },

    keysOfReceipt: (receipt: string): Identity[] => [receiptIdentity(receipt)],
  }
}
