import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { kill as killProcess } from 'node:process'
import { Readable, type Writable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { unavailable } from '../../core/errors.ts'
import { endings } from '../metadata/exit-codes.ts'
import type { NotCleaned } from '../metadata/types.ts'
import { turns } from './turns.ts'

export type ProcessCommand = { file: string; args: string[]; env: Record<string, string> }

/**
 * How long until the first byte comes out, in milliseconds, once it has begun; who may lose interest before; and whether
 * anybody waits for it, so that it goes before what is done in the background.
 */
type Patience = { patience: number; leaving?: AbortSignal | undefined; isWaitedFor?: boolean }

/** What a process made, of which this is the first piece. */
export type Made = { head: Buffer; content: Readable }

/** However many files come in, the memory of the machine is asked for one of them. */
const oneAtATime = turns(1)

/** Where memory runs out, the kernel ends this process, and not the letterbox (proc_pid_oom_score_adj(5)). */
const endedFirst = 'echo 1000 2>/dev/null >/proc/self/oom_score_adj; exec "$0" "$@"'

/**
 * The one place where processes are begun. Gives a file to a process by its input and takes what it makes from its output:
 * nothing is written down between. Such a process writes nothing before it is done, so with the first byte it is known that
 * there is a copy. What it says otherwise may hold words of the file, and is not listened to. One process at a time works on
 * its file; what is made may be read while the next one works.
 * @throws what reading `content` throws; Failure `unavailable` where no more processes can be begun
 */
export async function madeBy(
  command: ProcessCommand,
  content: Readable,
  patience: Patience,
): Promise<Made | NotCleaned> {
  // A file may break while it waits for its turn: that is heard of when it is read.
  content.once('error', () => undefined)
  return oneAtATime(() => making(command, content, patience), { isWaitedFor: patience.isWaitedFor ?? true })
}

async function making(
  command: ProcessCommand,
  content: Readable,
  { patience, leaving }: Patience,
): Promise<Made | NotCleaned> {
  if (leaving?.aborted) content.destroy()
  leaving?.throwIfAborted()
  const child = begun(command, content)
  const kill = () => killGroup(child.pid)
  leaving?.addEventListener('abort', kill, { once: true })
  const ended: Promise<number | null> = once(child, 'close').then(
    ([status]) => status,
    () => null,
  )
  ended.finally(() => leaving?.removeEventListener('abort', kill))
  const broken = fed(child.stdin, content).then((error) => {
    if (error) kill()
    return error
  })
  let isLate = false
  const timer = setTimeout(() => {
    isLate = true
    kill()
  }, patience)
  const chunks = child.stdout[Symbol.asyncIterator]() as AsyncIterableIterator<Buffer>
  const first = await chunks.next().finally(() => clearTimeout(timer))
  // What was not read to its end was not cleaned to its end either.
  const error = await broken
  leaving?.throwIfAborted()
  if (error) throw error
  if (first.done) return isLate ? 'too-slow' : whyOf(await ended)
  const made = Readable.from(all(first.value), { objectMode: false })
  made.once('close', kill)
  return { head: first.value, content: made }

  async function* all(head: Buffer) {
    yield head
    yield* chunks
    if ((await ended) !== 0) throw new Error('a process that cleans broke off')
  }
}

/** @throws Failure `unavailable` where no more processes can be begun; then nobody reads `content` */
function begun({ file, args, env }: ProcessCommand, content: Readable) {
  try {
    // A group of its own: killed at once after it was begun, it would otherwise leave one behind that waits for it for ever.
    const child = spawn('/bin/sh', ['-c', endedFirst, file, ...args], {
      env,
      stdio: ['pipe', 'pipe', 'ignore'],
      detached: true,
    })
    child.on('error', () => undefined)
    if (child.stdin && child.stdout) return child
    throw new Error('a process without pipes')
  } catch (error) {
    content.destroy()
    throw unavailable(error)
  }
}

function killGroup(leader: number | undefined): void {
  if (leader === undefined) return
  try {
    killProcess(-leader, 'SIGKILL')
  } catch {
    // It has ended by itself.
  }
}

/** Undefined if all was given, or the process wanted no more of it. */
async function fed(input: Writable, content: Readable): Promise<unknown> {
  let errorCode: unknown
  // A process that has ended waits for no file that is slow to come.
  input.once('close', () => content.destroy())
  async function* read() {
    try {
      yield* content
    } catch (error) {
      if (!input.destroyed) errorCode = error
      throw error
    }
  }
  await pipeline(read, input).catch(() => undefined)
  content.destroy()
  return errorCode
}

function whyOf(status: number | null): NotCleaned {
  if (status === endings['not-cleanable']) return 'not-cleanable'
  if (status === endings['too-large']) return 'too-large'
  return 'unreadable'
}
