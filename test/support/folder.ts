import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

const folders: string[] = []

process.once('exit', () => {
  for (const folder of folders) rmSync(folder, { recursive: true, force: true, maxRetries: 5 })
})

/**
 * A folder that is removed when the process of the test ends. What a test starts is ended by hooks, in the order in which
 * they were made, and a hook that fails is the last: a folder that is removed while something still writes into it would
 * leave all the rest running.
 */
export function folderUntilExit(name: string): string {
  const folder = mkdtempSync(join(tmpdir(), `barua-${name}-`))
  folders.push(folder)
  return folder
}
