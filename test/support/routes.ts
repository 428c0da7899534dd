import type { Express } from 'express'
import type { Application } from '../../src/application.ts'

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
