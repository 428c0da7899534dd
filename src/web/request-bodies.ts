import { getHeapStatistics } from 'node:v8'
import type { Request, RequestHandler } from 'express'
import { Failure } from '../core/errors.ts'
import { TooBusy } from '../core/too-busy.ts'

const MiB = 1024 * 1024
const second = 1000

/** What a request is counted with besides its body, and a piece of its body besides its bytes: what Node keeps about it. */
const ofRequest = 16 * 1024
const ofDraft = 256

/** How much memory the bodies of all requests in hand may hold together: so much of the heap, and never more than this. */
const shareOfHeap = 1 / 8
const mostEver = 256 * MiB

/**
 * Which part of that may be held for all who have not shown who they are, for one of them, and for all who come by the
 * onion address: nothing tells those apart.
 */
const shares = { unverified: 3 / 4, client: 1 / 4, onion: 1 / 2 }

/**
 * A body that is slower than this on average, after a first minute, is not waited for: 2G has twice as much in bad
 * places.
 */
export type BodyPace = { patience: number; slowest: number; look: number }
const usualPace: BodyPace = { patience: 60 * second, slowest: 512, look: 5 * second }

type BodyContext = {
  /** By what a client is known, and whether it is one of many that cannot be told apart. */
  clientOf: (req: Request) => { name: string; isOnion: boolean }
  /** Told, once a minute at most, that requests are turned away. */
  onBusy: () => void
  /** Bytes that all bodies may hold together; otherwise what the heap bears. */
  most?: number
  /** Bytes of files that may be on the disk without being part of anything yet: of one client, and of all together. */
  staged: { client: number; all: number }
  pace?: BodyPace
}

/** What one request holds in memory. */
export type BodyUse = {
  /**
   * A piece of the body has come. @throws TooBusy where it would be too much for all requests together, or for this
   * client
   */
  take(bytes: number): void
  /** Bytes of it have gone on to the disk. @throws TooBusy where too many lie there of requests that are still in hand */
  pass(bytes: number): void
  /** Whoever asks has shown who they are: they are not counted among strangers. */
  know(): void
}

export type Bodies = ReturnType<typeof createBodies>

/**
 * Counts what the bodies of all requests in hand hold in memory, from the first byte until the answer has gone or the
 * connection is broken. What would be too much is turned away with 503, and a body that hardly comes is broken off.
 */
export function createBodies({
  clientOf,
  onBusy,
  staged,
  most = mostByHeap(),
  pace = usualPace,
}: BodyContext) {
  const uses = new Map<Request, MemoryUse>()
  const byClient = tally()
  const stagedByClient = tally()
  let unverified = 0
  let all = 0
  let allStaged = 0
  let isLooking = false
  let warnedAt = Number.NEGATIVE_INFINITY

  const noBody: BodyUse = { take: () => undefined, pass: () => undefined, know: () => undefined }

  return {
    /** Stands before every route: a request that brings a body is counted from here on. */
    guard: ((req, res, next) => {
      if (!bringsBody(req)) return next()
      const { name, isOnion } = clientOf(req)
      const used = {
        client: name,
        isOnion,
        isKnown: false,
        bytes: 0,
        staged: 0,
        received: 0,
        begunAt: performance.now(),
      }
      uses.set(req, used)
      res.once('close', () => release(req))
      look()
      try {
        take(used, ofRequest)
      } catch (error) {
        // Nobody reads it: there is no room for it.
        res.locals.leavesBody = true
        return next(error)
      }
      next()
    }) satisfies RequestHandler,

    /** What this request holds. */
    of: useOf,

    /**
     * Reads a body whole, as it is.
     * @throws Failure `too-large`, `unsupported-file` for one that is packed, `invalid` for one that breaks off; TooBusy
     */
    async read(req: Request, mostBytes: number): Promise<Buffer> {
      const packing = req.get('content-encoding') ?? 'identity'
      if (packing !== 'identity') throw new Failure('unsupported-file', 'Please send it unpacked.')
      if (Number(req.get('content-length') ?? 0) > mostBytes) throw tooLarge()
      const use = useOf(req)
      const chunks: Buffer[] = []
      let size = 0
      try {
        for await (const chunk of req.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
          use.take(chunk.length)
          size += chunk.length
          if (size > mostBytes) throw tooLarge()
          chunks.push(chunk)
        }
      } catch (error) {
        // Whoever still sends is heard to the end, as far as the connection goes, so that the answer is seen.
        req.resume()
        throw error instanceof Failure ? error : new Failure('invalid', 'The request broke off on its way.')
      }
      return Buffer.concat(chunks, size)
    },

    /** Bytes that are held at this moment. */
    used: () => all,
  }

  function useOf(req: Request): BodyUse {
    const used = uses.get(req)
    if (!used) return noBody
    return {
      take(bytes) {
        used.received += bytes
        take(used, bytes + ofDraft)
      },
      pass(bytes) {
        add(used, -bytes)
        stage(used, bytes)
      },
      know: () => know(used),
    }
  }

  function take(used: MemoryUse, bytes: number): void {
    if (isTooMuch(used, bytes)) {
      tell()
      throw new TooBusy()
    }
    add(used, bytes)
  }

  function isTooMuch({ client, isOnion, isKnown }: MemoryUse, bytes: number): boolean {
    if (all + bytes > most) return true
    if (isKnown) return false
    const own = byClient.of(client) + bytes
    return (
      unverified + bytes > most * shares.unverified || own > most * (isOnion ? shares.onion : shares.client)
    )
  }

  function add(used: MemoryUse, bytes: number): void {
    used.bytes += bytes
    all += bytes
    if (!used.isKnown) addToUnknown(used.client, bytes)
  }

  function addToUnknown(client: string, bytes: number): void {
    unverified += bytes
    byClient.add(client, bytes)
  }

  function stage(used: MemoryUse, bytes: number): void {
    const most = used.isOnion ? staged.all * shares.onion : staged.client
    const isTooMuch = !used.isKnown && stagedByClient.of(used.client) + bytes > most
    if (isTooMuch || allStaged + bytes > staged.all) {
      tell()
      throw new TooBusy()
    }
    countStaged(used, bytes)
  }

  function countStaged(used: MemoryUse, bytes: number): void {
    used.staged += bytes
    allStaged += bytes
    stagedByClient.add(used.client, bytes)
  }

  function know(used: MemoryUse): void {
    if (used.isKnown) return
    addToUnknown(used.client, -used.bytes)
    used.isKnown = true
  }

  function release(req: Request): void {
    const used = uses.get(req)
    if (!used) return
    add(used, -used.bytes)
    countStaged(used, -used.staged)
    uses.delete(req)
  }

  /** Looks from time to time, as long as there is something to look at, which bodies hardly come. */
  function look(): void {
    if (isLooking) return
    isLooking = true
    setTimeout(() => {
      isLooking = false
      const now = performance.now()
      for (const [req, used] of uses) if (!req.complete && isLate(used, now)) req.destroy()
      if (uses.size > 0) look()
    }, pace.look).unref()
  }

  function isLate({ begunAt, received }: MemoryUse, now: number): boolean {
    return now - begunAt > pace.patience + (received / pace.slowest) * second
  }

  function tell(): void {
    if (performance.now() - warnedAt < 60 * second) return
    warnedAt = performance.now()
    onBusy()
  }
}

type MemoryUse = {
  client: string
  isOnion: boolean
  isKnown: boolean
  /** What of it is in memory. */
  bytes: number
  /** What of it is on the disk, as files that are part of nothing yet. */
  staged: number
  /** What of it has come. */
  received: number
  begunAt: number
}

/** Counts bytes by names, and forgets the names that have none. */
function tally() {
  const counts = new Map<string, number>()
  return {
    of: (name: string): number => counts.get(name) ?? 0,
    add(name: string, bytes: number): void {
      const sum = (counts.get(name) ?? 0) + bytes
      if (sum > 0) counts.set(name, sum)
      else counts.delete(name)
    },
  }
}

function bringsBody(req: Request): boolean {
  return req.headers['transfer-encoding'] !== undefined || Number(req.headers['content-length'] ?? 0) > 0
}

function mostByHeap(): number {
  return Math.min(mostEver, getHeapStatistics().heap_size_limit * shareOfHeap)
}

function tooLarge(): Failure {
  return new Failure('too-large', 'That is more than can be taken at once.')
}
