import assert from 'node:assert/strict'
import type { Express } from 'express'
import type { Application } from '../../src/app/app.ts'
import { newId } from '../../src/core/ids.ts'
import { makeToken } from '../../src/core/signed-token.ts'
import { readSecrets } from '../../src/db/secrets.ts'
import { type RunningProcess, runCommand } from './process.ts'

type Layer = {
  route?: { path: string; methods: Record<string, boolean> }
  handle?: { stack?: Layer[] }
}

/** Every route that the program really has, as `method path`, once each: the figures are given out at two places. */
export function routesOf({ web }: Pick<Application, 'web'>): string[] {
  const { router } = web as unknown as Express
  return [...new Set(routesIn((router as unknown as { stack: Layer[] }).stack))]
}

function routesIn(layers: Layer[]): string[] {
  return layers.flatMap(({ route, handle }) =>
    route
      ? Object.keys(route.methods).map((method) => `${method} ${route.path}`)
      : routesIn(handle?.stack ?? []),
  )
}

export const webhookSecret = 'the-secret_of-the-test'

/** A route that takes a body, with what has to be brought along so that the body is read. */
export type Brought = { path: string; headers: Record<string, string> }

/**
 * Every route that takes a body, of the newsroom that `env` describes, but signing out: that ends the session. At the desk
 * one comes with a session, where the process is given that has printed its first link, and else with a cookie that is
 * worth nothing.
 */
export async function everyTakingRoute(
  { application }: { application: Application },
  env: Record<string, string> & { DATA_DIR: string },
  running?: RunningProcess,
  submission = { reference: 'aaaa', receipt: 'aaaa' },
): Promise<Brought[]> {
  const { code, output } = await runCommand(env, 'token', 'add', 'bot')
  assert.equal(code, 0, output)
  const token = output.trim().split('\n').at(-1) ?? ''
  const secrets = await readSecrets(env.DATA_DIR)
  const link = makeToken(secrets.keyFor('one-time'), 'upload', newId(Date.now()), Date.now() + 3_600_000)
  const cookie = running ? await sessionOf(running) : 'barua=a-session-that-never-was'
  return routesOf(application)
    .filter((route) => route.startsWith('post ') && !route.endsWith('/sign-out'))
    .map((route) => {
      const path = route.slice('post '.length)
      return {
        path: path
          .replace(':kind', 'news-tip')
          .replace(':token', link)
          .replace(':reference', submission.reference)
          .replace(/:\w+/g, 'aaaa'),
        headers: {
          ...(path.startsWith('/api') && {
            authorization: `Bearer ${token}`,
            'barua-receipt': submission.receipt,
          }),
          ...(path.startsWith('/webhooks') && { 'x-telegram-bot-api-secret-token': webhookSecret }),
          ...(path.startsWith('/desk') && { cookie, 'sec-fetch-site': 'same-origin' }),
        },
      }
    })
}

/** Follows the link that was printed at the first start. */
async function sessionOf(running: RunningProcess): Promise<string> {
  const path = /\/desk\/sign-in\/[\w-]+/.exec(running.output())?.[0] ?? assert.fail('no link was printed')
  const headers = { 'sec-fetch-site': 'same-origin', 'content-type': 'application/x-www-form-urlencoded' }
  const answer = await fetch(running.url + path, {
    method: 'POST',
    headers,
    body: 'way=later',
    redirect: 'manual',
  })
  return answer.headers.getSetCookie()[0]?.split(';')[0] ?? ''
}
