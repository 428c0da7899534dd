import { createServer, type RequestListener, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'

const second = 1000
const minute = 60 * second

/** A cheap phone on 2G may need the better part of an hour for its files; a silent one is let go after a minute. */
const timeouts = { headers: 20 * second, request: 60 * minute, silence: 60 * second }
const graceful = 20 * second

type RunningServer = {
  port: number
  /** Takes no more connections, finishes the requests in flight, and resolves when all are gone. */
  stop(): Promise<void>
}

/**
 * Listens. An answer that breaks, or a connection that cannot be accepted because too many files are open, is told to
 * `onFault` and ends nothing but itself. @throws what keeps it from listening
 */
export async function listen(
  listener: RequestListener,
  port: number,
  host: string,
  onError: (error: Error) => void,
): Promise<RunningServer> {
  const server = createServer(
    { headersTimeout: timeouts.headers, requestTimeout: timeouts.request },
    (request, response) => {
      response.on('error', onError)
      // A connection that is kept alive would otherwise be served for as long as it asks.
      if (!server.listening) response.setHeader('Connection', 'close')
      listener(request, response)
    },
  )
  server.timeout = timeouts.silence
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(port, host, () => {
      server.off('error', reject)
      resolve()
    })
  })
  server.on('error', onError)
  return { port: (server.address() as AddressInfo).port, stop: () => stop(server) }
}

async function stop(server: Server): Promise<void> {
  server.keepAliveTimeout = 1
  const impatience = setTimeout(() => server.closeAllConnections(), graceful)
  const closed = new Promise((resolve) => server.close(resolve))
  server.closeIdleConnections()
  await closed
  clearTimeout(impatience)
}
