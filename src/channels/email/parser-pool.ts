import { once } from 'node:events'
import type { Readable } from 'node:stream'
import { setTimeout as sleep } from 'node:timers/promises'
import { MessageChannel, type MessagePort, Worker } from 'node:worker_threads'
import { Failure } from '../../core/errors.ts'
import { fairTurns } from '../../core/fair-turns.ts'
import { receiveFrom, sendThrough } from '../../core/worker-stream.ts'
import type { Article } from '../../documents/article.ts'
import type { RejectionReason } from '../../submissions/file-refusal.ts'
import type { StagedFile } from '../../submissions/incoming.ts'
import type { UnreadableReason } from '../../submissions/unreadable.ts'
import type { SearchResult } from './file-search.ts'
import type { MailedFile, ParsedMail, ParserAnswer, ParserTask } from './parsed-mail.ts'
import type { OurNames } from './quoted-text.ts'

type ReaderContext = {
  /** By what mails of ours are known where they are quoted. */
  ours: OurNames
  /** Keeps a file of a mail; a fault of it breaks the reading off. */
  takeFile: (file: MailedFile, content: Readable) => Promise<StagedFile | LeftFile>
  /** A mail that takes longer is not read any further. Milliseconds. */
  longest?: number
  /** So much memory a thread may take before it is ended. */
  mostMegabytes?: number
}

/** A file that is only told of: it is in the raw mail, for it is too large, or for the reason given. */
export type LeftFile = { name: string; size: number; refused: RejectionReason | undefined }

/** A file of a mail, with what the mail says of it. */
export type MailFile = (StagedFile | LeftFile) & { mailed: MailedFile }

type ReadMail = { mail: ParsedMail }
type Unreadable = { unreadable: UnreadableReason }

export type MailReader = ReturnType<typeof mailReader>

const usualLongest = 10_000
const usualMegabytes = 256

/** How many mails are read at once; the others wait their turn, on the disk. */
const atOnce = 2

/** A document is worth less patience than a mail: it is there as a file in any case. Milliseconds. */
const longestForDocument = 5_000

/** A thread that nobody needs goes away. */
const idleTime = 60_000

/**
 * Reads mails and documents in threads with a limit on time and memory, so that nothing in a mail can hold up or bring
 * down the letterbox. A thread that has gone beyond them is ended, and the mail is told to be unreadable. Documents have a
 * thread of their own, so that no mail waits for them, and their senders take turns.
 */
export function mailReader({
  ours,
  takeFile,
  longest = usualLongest,
  mostMegabytes = usualMegabytes,
}: ReaderContext) {
  const idle: Worker[] = []
  const mails = fairTurns(atOnce)
  const documents = fairTurns(1)
  let idleTimer: NodeJS.Timeout | undefined

  return {
    /**
     * Reads a mail, and puts its files into `files` as they are kept.
     * @throws what `takeFile` throws, or the source; what a mail is does not matter.
     */
    async read(source: Readable, files: MailFile[]): Promise<ReadMail | Unreadable> {
      const keep = async (file: MailedFile, content: Readable) => {
        files.push({ ...(await takeFile(file, content)), mailed: file })
      }
      const heard = await mails('', () => run({ what: 'mail', ours }, source, keep, longest))
      if ('mail' in heard) return heard
      return { unreadable: 'unreadable' in heard ? heard.unreadable : 'broken' }
    },

    /** The text of a document that somebody sent; undefined where there is none to be had. It is opened in its turn. */
    async article(name: string, sender: string, open: () => Promise<Readable>): Promise<Article | undefined> {
      const heard = await documents(sender, async () =>
        run(
          { what: 'article', name },
          await open(),
          async () => undefined,
          Math.min(longest, longestForDocument),
        ),
      )
      return 'article' in heard ? heard.article : undefined
    },

    /** Whether a file holds one of these words; undefined where that cannot be told. */
    async holdsAnyOf(words: string[], source: Readable): Promise<SearchResult> {
      const heard = await mails('', () =>
        run({ what: 'search', words }, source, async () => undefined, longest),
      )
      return 'found' in heard ? heard.found : undefined
    },

    async close(): Promise<void> {
      clearTimeout(idleTimer)
      await Promise.all(idle.splice(0).map((worker) => worker.terminate()))
    },
  }

  async function run(
    job: ParserTask,
    source: Readable,
    keep: (file: MailedFile, content: Readable) => Promise<void>,
    longest: number,
  ): Promise<ParserAnswer> {
    const worker = idle.pop() ?? newWorker()
    worker.ref()
    const input = new MessageChannel()
    const answers = new MessageChannel()
    worker.postMessage({ job, port: input.port2, answers: answers.port2 }, [input.port2, answers.port2])
    const sending = sendThrough(input.port1, source)
    const over = new AbortController()
    const inHand: Promise<void>[] = []
    const outcome = await Promise.race([
      lastWord(answers.port1, keep, inHand),
      endOf(worker, longest, over.signal),
      // Only a source that breaks is heard of here: what was read to its end is told by the last word.
      sending.then(() => new Promise<never>(() => undefined)),
    ]).catch((error: unknown) => ({ error }))
    over.abort()
    for (const port of [input.port1, answers.port1]) port.close()
    if ('error' in outcome || 'ended' in outcome) await worker.terminate()
    else rest(worker)
    // Whoever throws the files away afterwards has to know all of them.
    await Promise.all(inHand)
    if ('error' in outcome) throw outcome.error
    return 'ended' in outcome ? { unreadable: outcome.ended } : outcome
  }

  function newWorker(): Worker {
    const worker = new Worker(new URL('./parser-worker.ts', import.meta.url), {
      resourceLimits: { maxOldGenerationSizeMb: mostMegabytes },
      // It reads mails, and has no business with the environment, for secrets are in it.
      env: {},
      stdout: true,
      stderr: true,
    })
    worker.on('error', () => undefined)
    return worker
  }

  function rest(worker: Worker): void {
    worker.unref()
    idle.push(worker)
    clearTimeout(idleTimer)
    idleTimer = setTimeout(() => {
      for (const one of idle.splice(0)) void one.terminate()
    }, idleTime).unref()
  }

  /** Resolves with the reason when a thread has come to its end before its work, or its time is over. */
  async function endOf(
    worker: Worker,
    longest: number,
    signal: AbortSignal,
  ): Promise<{ ended: UnreadableReason }> {
    const isOver = () => 'too-much-memory' as const
    const ended = once(worker, 'exit', { signal }).then(isOver, isOver)
    const late = sleep(longest, 'took-too-long' as const, { signal, ref: false })
    return { ended: await Promise.race([ended, late]) }
  }
}

/** Keeps the files as they come, and resolves with what is said at the end. @throws what keeps a file from being kept */
function lastWord(
  answers: MessagePort,
  keep: (file: MailedFile, content: Readable) => Promise<void>,
  inHand: Promise<void>[],
): Promise<ParserAnswer> {
  return new Promise((resolve, reject) => {
    answers.on('message', (heard: ParserAnswer) => {
      if (!('file' in heard)) return void Promise.all(inHand).then(() => resolve(heard))
      const kept = keep(heard.file, receiveFrom(heard.port)).catch((error: unknown) => {
        // A file that breaks off is no fault of ours: the thread itself is heard of, or has come to its end.
        if (error instanceof Failure) reject(error)
      })
      inHand.push(kept)
    })
  })
}
