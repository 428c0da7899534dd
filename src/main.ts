import { existsSync } from 'node:fs'
import { enableCompileCache } from 'node:module'

// Compiled code is kept between starts, where the disk allows it.
enableCompileCache()
if (existsSync('.env')) process.loadEnvFile('.env')

const { readConfig, ConfigFault } = await import('./config.ts')

const stopSignals = ['SIGINT', 'SIGTERM'] as const

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
  const stop = await serve(config, print)
  for (const signal of stopSignals) {
    process.once(signal, () => {
      void stop().then(() => process.exit(0))
    })
  }
}

function print(line: string): void {
  process.stdout.write(`${line}\n`)
}

try {
  await main(process.argv.slice(2))
} catch (error) {
  if (!(error instanceof ConfigFault)) throw error
  process.stderr.write(`The configuration has faults:\n${error.message.replace(/^/gm, '  ')}\n`)
  process.exitCode = 1
}
