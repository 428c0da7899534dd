import { once } from 'node:events'
import { Readable } from 'node:stream'
import { MessageChannel, type MessagePort, Worker } from 'node:worker_threads'
import { Decrypter, Encrypter, Stanza } from 'age-encryption'
import { receiveFrom, sendThrough } from '../core/worker-stream.ts'
import { fileRecipients } from './age-header.ts'

/** What a thread is asked to do with a stream. */
export type CipherTask =
  | { fileKey: Uint8Array }
  | { stanzas: { args: string[]; body: Uint8Array }[]; keyPort: MessagePort }

type Source = AsyncIterable<Uint8Array>

/** Two, for two cores: a file takes one of them, and the next one need not wait. */
const threads = 2

/**
 * A file of at most so many bytes is done here: handing it to a thread takes longer than that, which is about a
 * millisecond.
 */
const small = 32 * 1024

/** In the place of those who may open a file, until it is known who they are. */
const nobody = Array.from({ length: fileRecipients }, () => ({
  args: ['X25519', 'A'.repeat(43)],
  body: new Uint8Array(32),
}))

export type FileCipher = ReturnType<typeof createFileCipher>

/** Encrypts and opens streams as age files, in threads of their own. Neither side ever holds more than a few pieces. */
export function createFileCipher() {
  const workers: Worker[] = []
  let turn = 0

  return {
    /** Encrypts a stream. What comes out has a header of `headerSize` bytes that is for nobody yet. */
    encrypt(source: Source): { encrypted: Readable; fileKey: Promise<Uint8Array> } {
      const key = Promise.withResolvers<Uint8Array>()
      // A stream that breaks before its first piece has no key, and nobody who waits for one.
      key.promise.catch(() => undefined)
      return {
        encrypted: Readable.from(encrypted(source, key.resolve), { objectMode: false }),
        fileKey: key.promise,
      }
    },

    /**
     * Opens an encrypted stream with its key. It breaks where it was cut or changed, and nothing after that is given
     * out.
     */
    open(source: Readable, fileKey: Uint8Array): Readable {
      const open = Readable.from(opened(source, fileKey), { objectMode: false })
      // Left before it was read, it has not begun with its source either.
      return open.once('close', () => source.destroy())
    },

    async close(): Promise<void> {
      await Promise.all(workers.splice(0).map((worker) => worker.terminate()))
    },
  }

  async function* encrypted(source: Source, tellKey: (fileKey: Uint8Array) => void): Source {
    const { whole, all } = await beginning(source)
    if (whole) {
      const encrypter = new Encrypter()
      encrypter.addRecipient({
        wrapFileKey(fileKey) {
          tellKey(fileKey)
          return nobody.map(({ args, body }) => new Stanza(args, body))
        },
      })
      yield await encrypter.encrypt(new Uint8Array(whole))
      return
    }
    const { port1, port2 } = new MessageChannel()
    once(port1, 'message').then(([fileKey]) => {
      tellKey(fileKey as Uint8Array)
      port1.close()
    })
    yield* run({ stanzas: nobody, keyPort: port2 }, all, [port2])
  }

  async function* opened(source: Source, fileKey: Uint8Array): Source {
    const { whole, all } = await beginning(source)
    if (!whole) return yield* run({ fileKey }, all, [])
    const decrypter = new Decrypter()
    decrypter.addIdentity({ unwrapFileKey: () => fileKey })
    yield await decrypter.decrypt(new Uint8Array(whole))
  }

  function run(job: CipherTask, source: Source, moved: MessagePort[]): Readable {
    const input = new MessageChannel()
    const output = new MessageChannel()
    worker().postMessage({ job, input: input.port2, output: output.port2 }, [
      input.port2,
      output.port2,
      ...moved,
    ])
    const made = receiveFrom(output.port1)
    sendThrough(input.port1, source)
      .catch((error: unknown) => made.destroy(error as Error))
      .finally(() => input.port1.close())
    return made
  }

  function worker(): Worker {
    turn = (turn + 1) % threads
    const place = turn
    const there = workers[place]
    if (there) return there
    const made = new Worker(new URL('./age-worker.ts', import.meta.url), {
      // It holds a few pieces at a time; left alone, it would put off looking after what it has done with.
      resourceLimits: { maxYoungGenerationSizeMb: 1, maxOldGenerationSizeMb: 64 },
      // It has no business with the environment, for secrets are in it.
      env: {},
    })
    made.unref()
    made.on('error', () => undefined)
    made.on('exit', () => {
      if (workers[place] === made) delete workers[place]
    })
    workers[place] = made
    return made
  }
}

/** The whole source if it is small; otherwise all of it as a stream again. */
async function beginning(source: Source): Promise<{ whole?: Buffer; all: Source }> {
  const chunks = source[Symbol.asyncIterator]()
  const head: Uint8Array[] = []
  let size = 0
  while (size <= small) {
    const { done, value } = await chunks.next()
    if (done) return { whole: Buffer.concat(head), all: Readable.from([]) }
    head.push(value)
    size += value.length
  }
  return { all: resumed(head, chunks) }
}

async function* resumed(head: Uint8Array[], chunks: AsyncIterator<Uint8Array>): Source {
  try {
    yield* head
    for (let next = await chunks.next(); !next.done; next = await chunks.next()) yield next.value
  } finally {
    await chunks.return?.()
  }
}
