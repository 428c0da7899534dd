import { type ChildProcess, execFile, spawn } from 'node:child_process'
import type { AddressInfo } from 'node:net'
import { createServer } from 'node:net'
import { promisify } from 'node:util'

export type RunningProcess = {
  url: string
  pid: number
  output: () => string
  /** Reads no more of what it prints: the pipe is closed. */
  deafen(): void
  /** Its exit code, once it has ended by itself. */
  ended: Promise<number | null>
  /** Ends it at once, as a power cut would. */
  kill(): Promise<void>
  /** Asks it to stop, and gives its exit code. */
  stop(): Promise<number | null>
}

/**
 * Starts the program itself, in a process of its own, and waits until it answers. It may have at most so many files open,
 * and run this code before its own.
 */
export async function startProcess(
  env: Record<string, string>,
  { openFiles, before }: { openFiles?: number; before?: string } = {},
): Promise<RunningProcess> {
  const port = Number(env.PORT ?? (await freePort()))
  const program = [
    process.execPath,
    ...(before ? [`--import=data:text/javascript,${encodeURIComponent(before)}`] : []),
    'src/main.ts',
  ]
  const [file = '', ...args] = openFiles
    ? ['/bin/sh', '-c', `ulimit -n ${openFiles} && exec "$@"`, 'sh', ...program]
    : program
  const child = spawn(file, args, {
    env: { PATH: process.env.PATH ?? '', PORT: String(port), SUBMIT_LIMIT: '0', ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let output = ''
  for (const stream of [child.stdout, child.stderr]) stream?.on('data', (chunk) => (output += chunk))
  const gone = new Promise<number | null>((resolve) => child.once('exit', resolve))
  const url = `http://127.0.0.1:${port}`
  const base = env.PUBLIC_URL ? new URL(env.PUBLIC_URL).pathname.replace(/\/$/, '') : ''
  await untilAnswering(url + base, child, () => output)
  return {
    url,
    pid: child.pid as number,
    output: () => output,
    ended: gone,
    deafen() {
      child.stdout?.destroy()
      child.stderr?.destroy()
    },
    async kill() {
      child.kill('SIGKILL')
      await gone
    },
    stop() {
      child.kill('SIGTERM')
      return gone
    },
  }
}

export async function freePort(): Promise<number> {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', () => resolve()))
  const { port } = server.address() as AddressInfo
  await new Promise((resolve) => server.close(resolve))
  return port
}

async function untilAnswering(url: string, child: ChildProcess, output: () => string): Promise<void> {
  for (let attempts = 0; attempts < 400; attempts++) {
    if (child.exitCode !== null) throw new Error(`the program ended: ${output()}`)
    const answered = await fetch(`${url}/healthz`).then(
      (response) => response.ok,
      () => false,
    )
    if (answered && /^Letterbox/m.test(output())) return
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
  throw new Error(`the program does not answer: ${output()}`)
}

/** Gives a command of the shell side, and waits for its end. */
export async function runCommand(
  env: Record<string, string>,
  ...args: string[]
): Promise<{ code: number; output: string }> {
  const options = { env: { PATH: process.env.PATH ?? '', ...env } }
  const done = promisify(execFile)(process.execPath, ['src/main.ts', ...args], options)
  return done.then(
    ({ stdout, stderr }) => ({ code: 0, output: stdout + stderr }),
    (error: { code: number; stdout: string; stderr: string }) => ({
      code: error.code,
      output: error.stdout + error.stderr,
    }),
  )
}
