// Loaded into a server that is measured: tells for how long at a stretch its event loop was held up since it was last asked.
import { monitorEventLoopDelay } from 'node:perf_hooks'

const resolution = 1
const delays = monitorEventLoopDelay({ resolution })
delays.enable()

process.on('message', () => {
  process.send?.({ longest: delays.max / 1e6, p99: delays.percentile(99) / 1e6 })
  delays.reset()
})
// Being asked is no reason to go on running.
process.channel?.unref()
