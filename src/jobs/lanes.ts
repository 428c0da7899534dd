/** Of so many lanes it is remembered when they were served. */
const mostServed = 1000

type Lane = { since: number[]; waiting: number }

/** So many at most go next: what is sent in a moment needs no second look into the outbox. */
const mostWaiting = 100

/** So few are left when more are asked for, so that each look brings many. */
const fewWaiting = 30

/** A lane in which everything has taken so long hangs, and nothing waits for it. Milliseconds. */
const stuckAfter = 5_000

/**
 * How much goes to each place at once: so many, and a few more that go next, unless the place hangs. What has no lane has
 * room always.
 */
export class Lanes {
  readonly #perLane: number
  readonly #lanes = new Map<string, Lane>()
  /** The lanes in which something was begun of late, the latest last. */
  readonly #served = new Set<string>()

  constructor(perLane: number) {
    this.#perLane = perLane
  }

  hasRoom(lane: string | undefined): boolean {
    return lane === undefined || this.#of(lane).since.length < this.#perLane
  }

  mayWait(lane: string | undefined): boolean {
    return lane !== undefined && !this.isStuck(lane) && this.#of(lane).waiting < mostWaiting
  }

  /** One more is on its way; gives what tells that it is there. */
  enter(lane: string | undefined): () => void {
    if (lane === undefined) return () => undefined
    const begun = performance.now()
    this.#serve(lane)
    this.#change(lane, ({ since, waiting }) => ({ since: [...since, begun], waiting }))
    return () =>
      this.#change(lane, ({ since, waiting }) => ({
        since: since.toSpliced(since.indexOf(begun), 1),
        waiting,
      }))
  }

  waits(lane: string | undefined): void {
    if (lane !== undefined) this.#change(lane, (one) => ({ ...one, waiting: one.waiting + 1 }))
  }

  waitsNoMore(lane: string | undefined): void {
    if (lane !== undefined) this.#change(lane, (one) => ({ ...one, waiting: one.waiting - 1 }))
  }

  /** Of these the one whose turn it is: its lane was served longest ago, or never. */
  nextOf<T extends { lane: string | undefined }>(waiting: T[]): T | undefined {
    const served = new Map([...this.#served].map((lane, i) => [lane, i]))
    const since = ({ lane }: T) => (lane === undefined ? -1 : (served.get(lane) ?? -1))
    return waiting.reduce<T | undefined>(
      (first, one) => (first && since(first) <= since(one) ? first : one),
      undefined,
    )
  }

  /** True where more of this lane may be asked for. */
  hasFewWaiting(lane: string | undefined): boolean {
    return lane !== undefined && this.#of(lane).waiting <= fewWaiting
  }

  /** True where there is no room, and has been none for long. */
  isStuck(lane: string | undefined): boolean {
    if (lane === undefined || this.hasRoom(lane)) return false
    const longAgo = performance.now() - stuckAfter
    return this.#of(lane).since.every((begun) => begun < longAgo)
  }

  /** The lanes for which no more are asked for: enough go next, or nothing goes at all. */
  full(): string[] {
    return [...this.#lanes.keys()].filter((lane) => this.isStuck(lane) || !this.hasFewWaiting(lane))
  }

  #serve(lane: string): void {
    this.#served.delete(lane)
    this.#served.add(lane)
    const [oldest] = this.#served
    if (this.#served.size > mostServed && oldest !== undefined) this.#served.delete(oldest)
  }

  #of(lane: string): Lane {
    return this.#lanes.get(lane) ?? { since: [], waiting: 0 }
  }

  #change(lane: string, change: (lane: Lane) => Lane): void {
    const changed = change(this.#of(lane))
    if (changed.since.length === 0 && changed.waiting === 0) this.#lanes.delete(lane)
    else this.#lanes.set(lane, changed)
  }
}
