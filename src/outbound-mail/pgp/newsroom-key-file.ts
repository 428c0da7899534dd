import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { makeOnce } from '../../core/made-once.ts'

/** The private key that mail to editors is signed with, armored; made at its first use, and kept in `DATA_DIR`. */
export async function newsroomKey(dataDir: string, make: () => Promise<string>): Promise<string> {
  const path = join(dataDir, 'newsroom-key.asc')
  await makeOnce(path, make)
  return readFile(path, 'utf8')
}
