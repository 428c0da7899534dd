import { once } from 'node:events'
import { Readable } from 'node:stream'
import type { MessagePort } from 'node:worker_threads'

/** What the sending side of a port says: a piece of the stream, its end, or that it broke. */
type PortMessage = { chunk: Uint8Array } | { end: true } | { broken: true }

/**
 * Hands a stream through a port to another thread. A piece leaves only when it is asked for, so that neither side ever
 * holds more than one. Resolves when all is handed over; rejects if the source breaks.
 */
export async function sendThrough(port: MessagePort, source: AsyncIterable<Uint8Array>): Promise<void> {
  const asks = asksOf(port)
  try {
    for await (const bytes of source) {
      if (!(await asks())) return
      const chunk = owned(bytes)
      port.postMessage({ chunk } satisfies PortMessage, [chunk.buffer])
    }
    if (await asks()) port.postMessage({ end: true } satisfies PortMessage)
  } catch (error) {
    port.postMessage({ broken: true } satisfies PortMessage)
    throw error
  }
}

/** The stream that the other thread sends. Breaks if it breaks there, or if that thread ends. */
export function receiveFrom(port: MessagePort): Readable {
  const stream = Readable.from(chunks(port), { objectMode: false })
  // Whoever has stopped reading does not hear that it broke, and must not be ended by that.
  return stream.on('error', () => undefined)
}

async function* chunks(port: MessagePort): AsyncGenerator<Buffer> {
  const gone = once(port, 'close').then(() => ({ broken: true }) as const)
  port.start()
  try {
    for (;;) {
      const heard = once(port, 'message') as Promise<[PortMessage]>
      port.postMessage('more')
      const sent = await Promise.race([heard.then(([one]) => one), gone])
      if ('broken' in sent) throw new Error('the stream of the other thread broke')
      if ('end' in sent) return
      yield Buffer.from(sent.chunk.buffer, sent.chunk.byteOffset, sent.chunk.byteLength)
    }
  } finally {
    port.close()
  }
}

/** The piece with memory of its own, which can be handed over: not that of a pool, or of somebody’s who still needs it. */
function owned(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  const isAlone = bytes.byteLength === bytes.buffer.byteLength && !Buffer.isBuffer(bytes)
  return isAlone && bytes.buffer instanceof ArrayBuffer
    ? (bytes as Uint8Array<ArrayBuffer>)
    : new Uint8Array(bytes)
}

/** Waits for the other side to ask for more; false if it has gone. */
function asksOf(port: MessagePort): () => Promise<boolean> {
  let waiting = 0
  let isGone = false
  let wake = (): void => undefined
  port.on('message', () => {
    waiting += 1
    wake()
  })
  port.on('close', () => {
    isGone = true
    wake()
  })
  return async () => {
    while (waiting === 0 && !isGone) {
      await new Promise<void>((resolve) => {
        wake = resolve
      })
    }
    waiting -= 1
    return !isGone
  }
}
