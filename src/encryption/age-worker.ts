import { type MessagePort, parentPort } from 'node:worker_threads'
import { Decrypter, Encrypter, Stanza } from 'age-encryption'
import { receiveFrom, sendThrough } from '../core/worker-stream.ts'
import type { CipherTask } from './age-stream.ts'

type Bytes = ReadableStream<Uint8Array>
type Ports = { input: MessagePort; output: MessagePort }

// The thread that files are encrypted and opened in: in the main one they would hold up everybody else.
parentPort?.on('message', ({ job, input, output }: Ports & { job: CipherTask }) => {
  const source = toWeb(receiveFrom(input))
  const made = 'stanzas' in job ? encrypt(source, job) : open(source, job.fileKey)
  made
    .then((bytes) => sendThrough(output, bytes as unknown as AsyncIterable<Uint8Array>))
    // Whoever reads hears that it broke; there is nobody else to tell.
    .catch(() => undefined)
    .finally(() => output.close())
})

/** Encrypts for nobody yet: the main thread is told the key, and writes the header when it knows who may open. */
async function encrypt(
  source: Bytes,
  { stanzas, keyPort }: Extract<CipherTask, { stanzas: unknown }>,
): Promise<Bytes> {
  const encrypter = new Encrypter()
  encrypter.addRecipient({
    wrapFileKey(fileKey) {
      keyPort.postMessage(fileKey)
      return stanzas.map(({ args, body }) => new Stanza(args, body))
    },
  })
  return encrypter.encrypt(source)
}

async function open(source: Bytes, fileKey: Uint8Array): Promise<Bytes> {
  const decrypter = new Decrypter()
  decrypter.addIdentity({ unwrapFileKey: () => fileKey })
  return decrypter.decrypt(source)
}

function toWeb(source: AsyncIterable<Uint8Array>): Bytes {
  const chunks = source[Symbol.asyncIterator]()
  return new ReadableStream({
    async pull(controller) {
      const { done, value } = await chunks.next()
      if (done) controller.close()
      else controller.enqueue(value)
    },
    async cancel() {
      await chunks.return?.()
    },
  })
}
