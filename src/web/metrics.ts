import type { Counter, Registry } from 'prom-client'
import { loadedOnce } from '../core/loaded-once.ts'

export type Metrics = {
  received(channel: string, kind: string, repeat: boolean): void
  settled(type: string, state: string): void
  read(pending: { pending: number; failed: number }): Promise<{ type: string; text: string }>
}

type Loaded = { registry: Registry; received: Counter; settled: Counter; gauge: (counts: Counts) => void }
type Counts = { pending: number; failed: number }

/** Figures for Prometheus. The library is loaded in the background, so that starting up does not wait for it. */
export function createMetrics(): Metrics {
  const figures = loadedOnce(load)
  const count = (add: (loaded: Loaded) => void) => void figures().then(add, () => undefined)
  count(() => undefined)
  return {
    received(channel, kind, repeat) {
      count(({ received }) => received.inc({ channel, kind, repeat: String(repeat) }))
    },
    settled(type, state) {
      count(({ settled }) => settled.inc({ type, state }))
    },
    async read(counts) {
      const { registry, gauge } = await figures()
      gauge(counts)
      return { type: registry.contentType, text: await registry.metrics() }
    },
  }
}

async function load(): Promise<Loaded> {
  const { Counter, collectDefaultMetrics, Gauge, Registry } = await import('prom-client')
  const registry = new Registry()
  collectDefaultMetrics({ register: registry })
  const registers = [registry]
  const pending = new Gauge({
    name: 'barua_deliveries_pending',
    help: 'Deliveries waiting in the outbox',
    registers,
  })
  const failed = new Gauge({
    name: 'barua_deliveries_failed',
    help: 'Deliveries that failed for good',
    registers,
  })
  return {
    registry,
    received: new Counter({
      name: 'barua_submissions_total',
      help: 'Submissions received',
      labelNames: ['channel', 'kind', 'repeat'],
      registers,
    }),
    settled: new Counter({
      name: 'barua_delivery_tries_total',
      help: 'Tries of deliveries, by what became of them',
      labelNames: ['type', 'state'],
      registers,
    }),
    gauge(counts) {
      pending.set(counts.pending)
      failed.set(counts.failed)
    },
  }
}
