import { buffer } from 'node:stream/consumers'

/** Lets supertest give a body as it came. */
export function bytes(response: unknown, done: (error: Error | null, body: unknown) => void): void {
  buffer(response as NodeJS.ReadableStream).then(
    (body) => done(null, body),
    (error) => done(error, undefined),
  )
}
