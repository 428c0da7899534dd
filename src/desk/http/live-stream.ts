import type { ServerResponse } from 'node:http'

/** So much may wait for a page that does not read. Bytes. */
const mostUnread = 64 * 1024

export type LiveStream = ReturnType<typeof beginLiveStream>

/**
 * Answers with server-sent events (https://html.spec.whatwg.org/multipage/server-sent-events.html) for as long as the page
 * is open. Whatever becomes of the connection is no error: what is said to a page that has gone is dropped, and a page
 * that reads nothing is let go before what waits for it has grown to more than `mostUnread` bytes. The browser comes
 * again by itself, after five seconds.
 */
export function beginLiveStream(res: ServerResponse) {
  res.on('error', () => undefined)
  res.writeHead(200, { 'content-type': 'text/event-stream', 'x-accel-buffering': 'no' })
  const stream = { say, end }
  say('retry: 5000\n\n')
  return stream

  function say(events: string): void {
    if (res.writableEnded || res.destroyed) return
    if (res.writableLength + events.length > mostUnread) res.destroy()
    else res.write(events)
  }

  /** Says a last thing and ends: the browser hears it, and comes again unless the page closes the stream. */
  function end(lastEvents = ''): void {
    if (!res.writableEnded && !res.destroyed) res.end(lastEvents)
  }
}
