import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

const stretches = new URL('stretches.ts', import.meta.url).href

export const secret = 'bench-secret'

export type Stretches = { longest: number; p99: number }

export type Server = {
  port: number
  /** The most memory the process has had resident, in MiB. */
  peakMemory(): number
  /** For how long at a stretch its event loop was held up since this was last asked, in milliseconds. */
  stretches(): Promise<Stretches>
  stop(): Promise<void>
}

// Below the range that systems hand out to outgoing connections.
let nextPort = 21_000

/** Starts a program of this repo in a folder of its own and waits until it listens. */
export async function start(program: string, env: Record<string, string> = {}): Promise<Server> {
  const folder = mkdtempSync(join(tmpdir(), 'barua-bench-'))
  const port = nextPort++
  const child = spawn(process.execPath, ['--import', stretches, program], {
    env: {
      ...process.env,
      PORT: String(port),
      DATA_DIR: join(folder, 'data'),
      UPLOADS_DIR: join(folder, 'uploads'),
      LOG_LEVEL: 'warn',
      ...env,
    },
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  })
  await untilOpen(port, child).catch((error: unknown) => {
    child.kill('SIGKILL')
    throw error
  })
  return {
    port,
    async stretches() {
      const told = once(child, 'message') as Promise<[Stretches]>
      child.send('tell')
      return (await told)[0]
    },
    peakMemory: () =>
      Number(/VmHWM:\s+(\d+)/.exec(readFileSync(`/proc/${child.pid}/status`, 'utf8'))?.[1]) / 1024,
    async stop() {
      const gone = new Promise((resolve) => child.once('exit', resolve))
      child.kill('SIGKILL')
      await gone
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

/** `botApi` is where a Bot API is, which says yes to everything. */
export type Sink = { url: string; botApi: string; mails(): Promise<number>; stop(): Promise<void> }

/** Starts the mail server that counts. */
export async function startSink(): Promise<Sink> {
  const countPort = nextPort + 1
  const sink = await start('bench/sink.ts', {
    SMTP_PORT: String(nextPort),
    COUNT_PORT: String(countPort),
    PORT: '0',
  })
  nextPort += 1
  return {
    url: `smtp://127.0.0.1:${sink.port}`,
    botApi: `http://127.0.0.1:${countPort}`,
    mails: async () => Number(await (await fetch(`http://127.0.0.1:${countPort}/`)).text()),
    stop: sink.stop,
  }
}

async function untilOpen(port: number, child: ChildProcess): Promise<void> {
  for (let attempts = 0; attempts < 200; attempts++) {
    if (child.exitCode !== null) throw new Error(`the program ended with ${child.exitCode}`)
    const open = await fetch(`http://127.0.0.1:${port}/`, { signal: AbortSignal.timeout(1000) }).then(
      () => true,
      (error: { cause?: { code?: string } }) => !['ECONNREFUSED'].includes(error.cause?.code ?? ''),
    )
    if (open) return
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
  throw new Error('the program does not listen')
}
