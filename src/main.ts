import { existsSync, lstatSync, mkdirSync, type Stats, statSync } from 'node:fs'
import { enableCompileCache } from 'node:module'
import { join } from 'node:path'

if (existsSync('.env')) process.loadEnvFile('.env')
keepCompiledCode(process.env.DATA_DIR || 'data')

const { readConfig } = await import('./config.ts')
const { whyNotStarted } = await import('./cli/why-not-started.ts')

const stopSignals = ['SIGINT', 'SIGTERM'] as const

/** Longer than a request in flight is waited for, shorter than a service manager waits. Milliseconds. */
const longestStop = 50_000

async function main(args: string[]): Promise<void> {
  const config = readConfig(process.env)
  if (args.length > 0) {
    const { runCommand } = await import('./cli/commands.ts')
    const stopping = new AbortController()
    for (const signal of stopSignals) process.once(signal, () => stopping.abort())
    process.exitCode = await runCommand(args, config, print, stopping.signal)
    return
  }
  const { serve } = await import('./cli/serve.ts')
  const service = await serve(config, print)
  for (const signal of stopSignals) process.once(signal, () => end(service.stop, 0))
  process.on('uncaughtException', (error) => {
    if (!service.survives(error)) end(service.stop, 1)
  })
}

/**
 * Compiled code is kept between starts. Whoever can write where it lies has code of their own run by the next start, so it
 * lies in DATA_DIR, where that is there already and nobody else can write; elsewhere, as in the shared folder for temporary
 * files, it is not kept.
 */
function keepCompiledCode(dataDir: string): void {
  const folder = join(dataDir, 'compiled')
  try {
    mkdirSync(folder, { mode: 0o700 })
  } catch {
    // It is there from the start before, or cannot be made.
  }
  try {
    if (isOursAlone(statSync(dataDir), 0o022) && isOursAlone(lstatSync(folder), 0o077))
      enableCompileCache(folder)
  } catch {
    // There is no such folder, or it cannot be seen.
  }
}

/** True for a folder of the user that this runs as, where none of these rights is given to others. */
function isOursAlone(found: Stats, othersRights: number): boolean {
  return found.isDirectory() && found.uid === process.getuid?.() && (found.mode & othersRights) === 0
}

let isEnding = false

/**
 * Stops in good order, for so long as that may take, and ends. After a mistake of the program somebody has to start it
 * again.
 */
function end(stop: () => Promise<void>, code: number): void {
  if (isEnding) return
  isEnding = true
  setTimeout(() => process.exit(1), longestStop).unref()
  stop().then(
    () => process.exit(code),
    () => process.exit(1),
  )
}

function print(line: string): void {
  process.stdout.write(`${line}\n`)
}

// Whoever reads what is printed may go away; nothing else is lost with that.
process.stdout.on('error', () => undefined)

try {
  await main(process.argv.slice(2))
} catch (error) {
  process.stderr.write(`${whyNotStarted(error)}\n`)
  // What was opened by then ends with the process.
  process.exit(1)
}
