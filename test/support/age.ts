import { execFile, execFileSync } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { promisify } from 'node:util'

const run = promisify(execFile)
const hasAge = (() => {
  try {
    execFileSync('age', ['--version'])
    return true
  } catch {
    return false
  }
})()

/** Skips a test with a word where the command is not installed. */
export const withAge = hasAge ? {} : { skip: 'needs the age command: apt-get install age' }

/** Opens with the command of Debian's package. */
export async function opener(t: TestContext) {
  const folder = await mkdtemp(join(tmpdir(), 'barua-age-'))
  t.after(() => rm(folder, { recursive: true, force: true }))
  return async (encrypted: Buffer | string, identity: string): Promise<Buffer> => {
    const [key, file] = [join(folder, 'key'), join(folder, 'sealed')]
    await writeFile(key, `${identity}\n`)
    await writeFile(file, encrypted)
    const { stdout } = await run('age', ['-d', '-i', key, file], {
      encoding: 'buffer',
      maxBuffer: 100_000_000,
    })
    return stdout
  }
}
