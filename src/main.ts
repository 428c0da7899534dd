import { existsSync } from 'node:fs'
import { enableCompileCache } from 'node:module'

// Compiled code is kept between starts, where the disk allows it.
enableCompileCache()
if (existsSync('.env')) process.loadEnvFile('.env')

const { readConfig } = await import('./config.ts')
const { whyNotStarted } = await import('./why-not-started.ts')

const stopSignals = ['SIGINT', 'SIGTERM'] as const
/** Longer than a request in flight is waited for, shorter than a service manager waits. Milliseconds. */
const longestStop = 50_000

async function main(args: string[]): Promise<void> {
  const config = readConfig(process.env)
  if (args.length > 0) {
    const { runCommand } = await import('./commands.ts')
    const stopping = new AbortController()
    for (const signal of stopSignals) process.once(signal, () => stopping.abort())
    process.exitCode = await runCommand(args, config, print, stopping.signal)
    return
  }
  const { serve } = await import('./serve.ts')
  const service = await serve(config, print)
  for (const signal of stopSignals) process.once(signal, () => end(service.stop, 0))
  process.on('uncaughtException', (error) => {
    if (!service.survives(error)) end(service.stop, 1)
  })
}

let isEnding = false

/** Stops in good order, for so long as that may take, and ends. After a mistake of the program somebody has to start it again. */
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
